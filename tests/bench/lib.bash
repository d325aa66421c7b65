# shellcheck shell=bash
# How the benchmarks' figures are shown and kept. Sourced by run, guard and kdump.

# shellcheck source-path=SCRIPTDIR
. "$(dirname -- "${BASH_SOURCE[0]}")/../figures.bash"

# measured COMMAND...: its figures, as a table.
measured() {
	heading "what" "beside" "measured" "goal" "met" "what was run"
	"$@"
}

# figure WHAT BESIDE MEASURED COMMAND [VALUE LIMIT UNIT]: met when VALUE is at most LIMIT.
figure() {
	local goal='' verdict=''
	if (($# > 4)); then
		goal="at most $6 $7"
		[[ $7 != ratio ]] || goal="ratio at most $6"
		verdict=no
		awk -v value="$5" -v limit="$6" 'BEGIN { exit !(value ~ /^-?[0-9]/ && value + 0 <= limit + 0) }' && verdict=yes
		[[ $7 != ratio || $3 == *ratio* ]] || set -- "$1" "$2" "$3, ratio $5" "${@:4}"
	fi
	printf '%-66s %s%s\n' "$1 / $2:" "$3" "${goal:+ ($goal: $verdict)}"
	row "$1" "$2" "$3" "$goal" "$verdict" "\`$4\`"
}

# compared WHAT BESIDE GOAL COMMAND PAIR...: PAIR prints what tests/bench/pair prints. GOAL is empty, or a limit and ratio or ms.
compared() {
	local what=$1 beside=$2 goal=$3 command=$4 said value
	shift 4
	said=$("$@")
	case $goal in
	*ratio) value=$(sed -n 's/.*ratio \([0-9.]*\).*/\1/p' <<<"$said") ;;
	*) value=$(awk '{ print $1 / 1000 }' <<<"$said") ;;
	esac
	# shellcheck disable=SC2086 # a number and a word, or nothing
	figure "$what" "$beside" "$said" "$command" ${goal:+"$value" $goal}
}
