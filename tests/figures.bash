# shellcheck shell=bash
# What a run measured, as a document: each part of a run leaves a table in $figures, and a template says where the tables go. A part that was not
# run again keeps its table, which says when it was made. Sourced by bench/run and stress/run, which set $figures and $top.
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
	printf '%s cores of %s, Linux %s' "$(nproc)" "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(uname -r)"
}

load_now() {
	cut -d ' ' -f 1 /proc/loadavg
}

# table NAME COMMAND...: COMMAND's rows are the document's part NAME.
table() {
	local name=$1 begin=$SECONDS load
	shift
	mkdir -p "$figures"
	figures_table=$figures/$name.part
	: >"$figures_table"
	load=$(load_now)
	"$@"
	{
		printf 'Run on %s, %s, on %s. It took %d s; load average when it began %s, at its end %s.\n\n' \
			"$(date -u +%F)" "$(git -C "$top" describe --always --dirty 2>/dev/null || echo 'no git')" "$(host)" $((SECONDS - begin)) "$load" "$(load_now)"
		cat "$figures_table"
	} >"$figures/$name"
	rm "$figures_table"
}

# document TEMPLATE FILE: the template; for a line that is @NAME@, that part's table.
document() {
	local line part
	while IFS= read -r line; do
		if [[ $line =~ ^@([a-z0-9.-]+)@$ ]]; then
			part=$figures/${BASH_REMATCH[1]}
			[[ ! -e $part ]] || cat "$part"
			[[ -e $part ]] || printf 'Not run yet.\n'
		else
			printf '%s\n' "$line"
		fi
	done <"$1" >"$2.part"
	mv "$2.part" "$2"
}
