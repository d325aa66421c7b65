# shellcheck shell=bash
# Where the VM tests keep things, how they report progress, and how many machines may run. Sourced.

set -o errexit -o nounset -o pipefail

VM_SRC=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd -- "$VM_SRC/../.." && pwd)
VM_BUILD=${VM_BUILD:-$TOP/build/vm}
VM_IMAGE=$VM_BUILD/image

# shellcheck disable=SC2034 # used by the scripts that source this
{
	VM_ROOT_TREE=$VM_IMAGE/root
	VM_DISK=$VM_IMAGE/disk.img
	VM_KERNEL=$VM_IMAGE/vmlinuz
	VM_INITRD=$VM_IMAGE/initrd
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# step TEXT COMMAND...: runs COMMAND with its output in a log, and says how long it took: seconds that count on a terminal,
# one line before and one after elsewhere. Shows the log's end when COMMAND fails.
step() {
	local text=$1 log=$VM_BUILD/log/${1//[^A-Za-z0-9]/-}.log begin=$SECONDS pid status=0
	shift
	mkdir -p "$VM_BUILD/log"
	"$@" >"$log" 2>&1 &
	pid=$!
	if [[ -t 2 ]]; then
		while kill -0 "$pid" 2>/dev/null; do
			printf '\r  %s ... %ds' "$text" $((SECONDS - begin)) >&2
			sleep 0.5
		done
	else
		printf '  %s ...\n' "$text" >&2
	fi
	wait "$pid" || status=$?
	if ((status != 0)); then
		[[ ! -t 2 ]] || printf '\n' >&2
		tail -n 40 "$log" >&2
		die "$text: failed with status $status; all of its output is in $log"
	fi
	[[ ! -t 2 ]] || printf '\r' >&2
	printf '  %s: %d s\n' "$text" $((SECONDS - begin)) >&2
}

# need PROGRAM...: stops with the list of what is missing.
need() {
	local program missing=()
	for program; do
		PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null || missing+=("$program")
	done
	((${#missing[@]} == 0)) ||
		die "not found: ${missing[*]}; the packages in $VM_SRC/packages provide them"
}

need_root() {
	[[ $(id -u) -eq 0 ]] ||
		die "must run as root: unpacking a Debian root keeps owners and device nodes, and mkinitramfs runs in a chroot"
}

# with_lock COMMAND...: one builder at a time; the others wait and then find everything built.
with_lock() {
	mkdir -p "$VM_BUILD"
	flock "$VM_BUILD/lock" "$@"
}
