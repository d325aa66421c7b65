# shellcheck shell=bash
# What every host test begins with: a fake machine, all of it below root/ in the test's own directory. Loaded by the *.bats files beside it.
# HOLDFAST names the program to test.

bats_require_minimum_version 1.5.0

TESTS=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
HOLDFAST=$(realpath -- "${HOLDFAST:-$TESTS/../build/release/holdfast}")
[[ -x $HOLDFAST ]] || {
	printf '%s is not built\n' "$HOLDFAST" >&2
	exit 1
}

# A finding of a sanitizer must not look like one of our own exit statuses.
export ASAN_OPTIONS=exitcode=99 LSAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=exitcode=99:print_stacktrace=1
export LC_ALL=C.UTF-8
unset NO_COLOR

# What hangs is ended, and fails.
# shellcheck disable=SC2034 # read by bats
BATS_TEST_TIMEOUT=300

PROFILES=root/etc/holdfast/profiles

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir -p "$PROFILES" root/run root/proc/sys/{vm,kernel} root/sys/class/dmi/id
	if declare -F setup_machine >/dev/null; then
		setup_machine
	fi
}

# --- the machine ---

# kernel KEY=VALUE...: the fake kernel has sysctl KEY (with slashes).
kernel() {
	local word file
	for word; do
		file=root/proc/sys/${word%%=*}
		mkdir -p "${file%/*}"
		printf '%s\n' "${word#*=}" >"$file"
	done
}

# value KEY: what the fake kernel has now.
value() {
	cat "root/proc/sys/$1"
}

# A kernel as it starts: the typed keys and some others.
kernel_defaults() {
	kernel vm/overcommit_memory=0 vm/overcommit_ratio=50 vm/overcommit_kbytes=0 vm/panic_on_oom=0 \
		vm/oom_kill_allocating_task=0 vm/oom_dump_tasks=1 vm/min_free_kbytes=8192 \
		vm/admin_reserve_kbytes=8192 vm/user_reserve_kbytes=131072 \
		kernel/panic=0 kernel/kptr_restrict=0 kernel/osrelease=6.1.0-demo
}

# dmi FIELD=VALUE...: what the firmware says.
dmi() {
	local word
	for word; do
		printf '%s\n' "${word#*=}" >"root/sys/class/dmi/id/${word%%=*}"
	done
}

# devicetree MODEL COMPATIBLE...: as the kernel shows it, with NULs.
devicetree() {
	mkdir -p root/sys/firmware/devicetree/base
	printf '%s\0' "$1" >root/sys/firmware/devicetree/base/model
	shift
	printf '%s\0' "$@" >root/sys/firmware/devicetree/base/compatible
}

# cmdline TEXT: the kernel's command line.
cmdline() {
	printf '%s\n' "$1" >root/proc/cmdline
}

# bzimage MIB [RELEASE]: a kernel image whose header asks for that much memory, and tells its release.
bzimage() {
	local size
	size=$(printf '%08x' $(($1 << 20)))
	head -c 514 /dev/zero
	printf 'HdrS\x0f\x02'
	head -c $((0x20e - 520)) /dev/zero
	printf '\x00\x0e' # at 0x1000
	head -c $((0x260 - 0x210)) /dev/zero
	printf '%b' "\\x${size:6:2}\\x${size:4:2}\\x${size:2:2}\\x${size:0:2}"
	head -c $((0x1000 - 0x264)) /dev/zero
	[[ -z ${2:-} ]] || printf '%s (somebody@somewhere) #1 SMP' "$2"
	head -c 1024 /dev/zero
}

# profile NAME [DIR]: a profile with stdin behind its first two lines, among the machine's own.
profile() {
	{
		printf 'holdfast: 1\nname: %s\n' "$1"
		cat
	} >"${2:-$PROFILES}/$1.yaml"
}

# --- running ---

holdfast() {
	"$HOLDFAST" --root root --procfs root/proc --sysfs root/sys "$@"
}

# in_little_memory COMMAND...: with 300 MB. The sanitizers map terabytes: in their build each allocation is limited instead.
in_little_memory() (
	export ASAN_OPTIONS=$ASAN_OPTIONS:allocator_may_return_null=1:max_allocation_size_mb=100
	[[ $HOLDFAST == */san/* ]] || ulimit -v 300000
	"$@"
)

# expect STATUS COMMAND...: COMMAND ends with STATUS; $output and $messages are what it wrote to stdout and stderr.
expect() {
	local wanted=$1 got=0
	shift
	"$@" >"$BATS_TEST_TMPDIR/stdout" 2>"$BATS_TEST_TMPDIR/stderr" || got=$?
	output=$(tr -d '\0' <"$BATS_TEST_TMPDIR/stdout")
	messages=$(tr -d '\0' <"$BATS_TEST_TMPDIR/stderr")
	[[ $got == "$wanted" ]] && return
	printf '%s: wanted status %s, got %s\n--- stdout\n%s\n--- stderr\n%s\n' "$*" "$wanted" "$got" "$output" "$messages"
	return 1
}

# same_text TEXT WHAT: TEXT is what stands on stdin.
same_text() {
	local wanted
	wanted=$(cat)
	[[ $1 == "$wanted" ]] || {
		diff -u --label "wanted $2" --label "$2" <(printf '%s\n' "$wanted") <(printf '%s\n' "$1") || :
		return 1
	}
}

output_is() {
	same_text "$output" output
}

messages_are() {
	same_text "$messages" messages
}

# output_has TEXT, messages_have TEXT: somewhere.
output_has() {
	[[ $output == *"$1"* ]] || {
		printf 'no "%s" in the output:\n%.2000s\n' "$1" "$output"
		return 1
	}
}

messages_have() {
	[[ $messages == *"$1"* ]] || {
		printf 'no "%s" in the messages:\n%.2000s\n' "$1" "$messages"
		return 1
	}
}

# json_is FILTER WANTED [FILE]: jq's FILTER of $output, or of FILE, gives WANTED.
json_is() {
	local got
	if (($# > 2)); then
		got=$(jq -c -r "$1" "$3")
	else
		got=$(jq -c -r "$1" <<<"$output")
	fi
	[[ $got == "$2" ]] || {
		printf '%s\nwanted %s\ngot    %s\n' "$1" "$2" "$got"
		return 1
	}
}

REPORT=root/run/holdfast/report.json

# report_is FILTER WANTED: the same of the report.
report_is() {
	json_is "$1" "$2" "$REPORT"
}

# finds STATUS NAME [OPTION...]: checking profile NAME ends with STATUS and finds what stands on stdin.
finds() {
	local status=$1 name=$2
	shift 2
	pushd "$PROFILES" >/dev/null || return
	expect "$status" "$HOLDFAST" "$@" check "$name.yaml"
	popd >/dev/null || return
	messages_are
}

# refuses NAME: with exactly the errors on stdin. accepts NAME: without errors; warnings are not looked at.
refuses() {
	finds 3 "$1" -q
}

accepts() {
	finds 0 "$1" -q </dev/null
}

# --- what was touched ---

# age DIR: makes everything below it old, so that a write shows even within the clock's granularity.
age() {
	find "$1" -exec touch -h -d @1000000000 {} +
}

# snapshot_of DIR: every file with its content, kind, owner, mode and times.
snapshot_of() {
	find "$1" -printf '%p %y %m %U %s %T@ %l\n' | sort
	find "$1" -type f -exec sha256sum {} + | sort
}

# untouched COMMAND...: nothing below root/ is written by it; its status is kept.
untouched() {
	local before after status=0
	age root
	before=$(snapshot_of root)
	"$@" || status=$?
	after=$(snapshot_of root)
	[[ $before == "$after" ]] || {
		printf '%s wrote:\n' "$*" >&2
		diff <(printf '%s\n' "$before") <(printf '%s\n' "$after") >&2
		return 98
	}
	return "$status"
}

# in_namespace SCRIPT: runs a shell script in a mount namespace of its own: what it mounts is seen by nobody else.
in_namespace() {
	local options=(--mount)
	[[ $(id -u) == 0 ]] || options+=(--map-root-user)
	unshare "${options[@]}" bash -e -c "$1"
}

export HOLDFAST
# Set by expect.
output='' messages=''
