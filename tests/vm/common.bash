# shellcheck shell=bash
# What every VM test file begins with. Loaded by bats.

# shellcheck source-path=SCRIPTDIR
. "$BATS_TEST_DIRNAME/vm.bash"

# setup_suite.bash has built everything, unless bats was started with files of another directory as well.
setup_file() {
	[[ -n ${VM_IMAGE_READY:-} ]] || "$BATS_TEST_DIRNAME/build-image" 2>&3
	if declare -F setup_machines >/dev/null; then
		setup_machines
	fi
}

setup() {
	vm_new "$BATS_TEST_TMPDIR/vm"
}

teardown() {
	vm_stop
	# bats prints this for a failed test only.
	vm_explain
}

# holds FILE KEY VALUE: a recording of the guest's /proc/sys (`grep -r '' /proc/sys`) has that value; tabs count as blanks.
holds() {
	local path=/proc/sys/${2//.//} line
	line=$(grep -aF -- "$path:" "$1" | tr -d '\r' | tr '\t' ' ') || {
		printf '%s: not recorded\n' "$2"
		return 1
	}
	[[ $line == "$path:$3" ]] || {
		printf '%s: wanted %s, was %s\n' "$2" "$3" "${line#"$path:"}"
		return 1
	}
}

# json SECTION FILTER: jq's output for a section of the machine's output.
json() {
	vm_section "$1" | jq -r "$2"
}

# kernel_log REGEX: the guest's kernel log, in the section "dmesg" or on the console, has such a line of holdfast's.
kernel_log() {
	{ vm_section dmesg || :; vm_console; } | grep -aE -- "holdfast: .*$1"
}
