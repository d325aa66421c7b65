# shellcheck shell=bash
# What a run measured, as a document: each part of a run leaves a table in $figures, and a template says where the tables go. A part that was not
# run again, here or ever, keeps the table that the document has, which says when it was made. Sourced by bench/run and stress/run, which set
# $figures and $top.
# shellcheck disable=SC2154

export figures_table # where figures go

# row CELL...: one row of the table.
row() {
	printf '| %s ' "$@" >>"$figures_table"
	printf '|\n' >>"$figures_table"
}

# heading CELL...: its first row.
heading() {
	row "$@"
	row "${@/*/---}"
}

# host: what the figures were measured on.
host() {
	printf '%s cores of %s, Linux %s' "$(nproc)" "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(uname -r | cut -d - -f 1)"
}

# program: the commit that its sources are of.
program() {
	local commit
	commit=$(git -C "$top" log -1 --format=%h -- src 2>/dev/null) || commit=unknown
	git -C "$top" diff --quiet HEAD -- src 2>/dev/null || commit+=' and changes'
	printf '%s\n' "$commit"
}

load_now() {
	cut -d ' ' -f 1 /proc/loadavg
}

# table NAME COMMAND...: COMMAND's rows are the document's part NAME. They are there as they come.
table() {
	local part=$figures/$1 begin=$SECONDS
	shift
	mkdir -p "$figures"
	figures_table=$part.part
	printf 'Begun on %s, with the sources of commit %s, on %s; load average %s.\n\n' "$(date -u +%F)" "$(program)" "$(host)" "$(load_now)" >"$figures_table"
	"$@"
	printf '\nIt took %d s; load average at its end %s.\n' $((SECONDS - begin)) "$(load_now)" >>"$figures_table"
	mv "$figures_table" "$part"
}

# kept NAME FILE: the part's table in a document of before.
kept() {
	grep -qsx "<!-- $1 -->" "$2" && sed -n "/^<!-- $1 -->\$/,/^<!-- end -->\$/{//!p}" "$2"
}

# document TEMPLATE FILE: the template; for a line that is @NAME@, that part's table, also where its run has been broken off.
document() {
	local line name part
	while IFS= read -r line; do
		if [[ ! $line =~ ^@([a-z0-9.-]+)@$ ]]; then
			printf '%s\n' "$line"
			continue
		fi
		name=${BASH_REMATCH[1]}
		part=$figures/$name
		printf '<!-- %s -->\n' "$name"
		if [[ -e $part.part ]]; then
			cat "$part.part"
			printf '\nThe run was broken off here.\n'
		elif [[ -e $part ]]; then
			cat "$part"
		else
			kept "$name" "$2" || printf 'Not run yet.\n'
		fi
		printf '<!-- end -->\n'
	done <"$1" >"$2.part"
	mv "$2.part" "$2"
}
