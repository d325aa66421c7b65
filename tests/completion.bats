#!/usr/bin/env bats
# The completion for bash offers what the program takes: each command with its options, no more and no less.
# shellcheck disable=SC2154 # output is set by expect

load lib

# completed WORD...: what is offered for the last word.
completed() {
	COMP_WORDS=(holdfast "$@") COMP_CWORD=$#
	COMPREPLY=()
	_holdfast
	printf '%s\n' "${COMPREPLY[@]}" | sort
}

setup_machine() {
	# shellcheck source=/dev/null
	. "$TESTS/../docs/holdfast.bash"
}

# The options of a help text, short and long.
options_of() {
	sed -nE 's/^  (-.)?,? +(--[a-z-]+) .*/\1 \2/p' | tr ' ' '\n' | grep . | sort
}

commands() {
	"$HOLDFAST" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' | sort
}

@test "every command" {
	[[ $(commands | wc -l) -gt 10 ]]
	same_text "$(completed '')" commands < <(commands)
}

@test "every option of each command" {
	local command
	for command in $(commands); do
		same_text "$(completed "$command" -)" "of $command" < <("$HOLDFAST" "$command" --help | options_of)
	done
}

@test "the argument of an option is not taken for the command" {
	local option options
	options=$(for command in $(commands); do "$HOLDFAST" "$command" --help; done | sed -nE 's/^  (-.)?,? +(--[a-z-]+) [A-Z|]+ .*/\2/p' | sort -u)
	[[ $(wc -l <<<"$options") -gt 15 ]]
	for option in $options; do
		same_text "$(completed "$option" top predict -)" "behind $option" < <(completed predict -)
	done
}

@test "the words that an option or a command knows" {
	local words
	words=$("$HOLDFAST" top --help | sed -n 's/.*--sort .*sort by \(.*\)/\1/p' | sed 's/,\| or / /g' | tr -s ' ' '\n' | sort)
	same_text "$(completed top --sort '')" words <<<"$words"
	words=$("$HOLDFAST" kdump --help | sed -n '1s/.* kdump \([a-z|]*\).*/\1/p' | tr '|' '\n' | sort)
	same_text "$(completed kdump '')" words <<<"$words"
}

@test "the manual page: each command, and each of its options under its heading; groff has nothing against it" {
	local page=$TESTS/../docs/holdfast.8 command option
	groff -man -Tutf8 -ww -z "$page" 2>complaints
	[[ ! -s complaints ]]
	for command in $(commands); do
		sed 's/\\-/-/g' "$page" | awk -v command="$command" '/^\.S[SH]/ { inside = $1 == ".SS" && $2 == command } inside' >section
		[[ -s section ]] || { echo "no section of $command" && return 1; }
		for option in $("$HOLDFAST" "$command" --help | options_of | grep -e '^--'); do
			grep -qe "$option\b" section || sed 's/\\-/-/g' "$page" | sed -n '/^\.SH OPTIONS/,/^\.SH COMMANDS/p' | grep -qe "$option\b" ||
				{ echo "$command: nothing of $option" && return 1; }
		done
	done
}
