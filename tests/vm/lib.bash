# shellcheck shell=bash
# Where the VM tests keep things, how they report progress, and how many machines may run. Sourced.

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

# step TEXT COMMAND...: runs COMMAND with its output in a log. What takes longer than two seconds is announced, with seconds that count on a
# terminal, and with the time it took at the end. Shows the log's end when COMMAND fails.
step() {
	local text=$1 log=$VM_BUILD/log/${1//[^A-Za-z0-9]/-}.log begin=$SECONDS pid status=0 announced=''
	shift
	mkdir -p "$VM_BUILD/log"
	"$@" >"$log" 2>&1 &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.2
		((SECONDS - begin >= 2)) || continue
		if [[ -t 2 ]]; then
			printf '\r  %s ... %d s' "$text" $((SECONDS - begin)) >&2
		elif [[ -z $announced ]]; then
			printf '  %s ...\n' "$text" >&2
		fi
		announced=yes
	done
	wait "$pid" || status=$?
	[[ -z $announced || ! -t 2 ]] || printf '\r' >&2
	[[ -z $announced ]] || printf '  %s: %d s    \n' "$text" $((SECONDS - begin)) >&2
	if ((status != 0)); then
		tail -n 40 "$log" >&2
		die "$text: failed with status $status; all of its output is in $log"
	fi
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

# debian_suite: the name of this machine's Debian release.
debian_suite() {
	local VERSION_CODENAME=
	# shellcheck source=/dev/null
	. /etc/os-release
	[[ -n $VERSION_CODENAME ]] || die "/etc/os-release names no VERSION_CODENAME"
	printf '%s\n' "$VERSION_CODENAME"
}

# Only what serves this Debian release: other entries belong to software of the host's.
debian_stanzas() {
	local file
	for file in /etc/apt/sources.list.d/*.sources; do
		[[ -r $file ]] || continue
		awk -v suite="$1" 'BEGIN { RS = ""; ORS = "\n\n" }
			{ s = $0; sub(/(^|.*\n)Suites:/, "", s); sub(/\n.*/, "", s); n = split(s, a)
			  for (i = 1; i <= n; i++) if (a[i] == suite || index(a[i], suite "-") == 1) { print; next } }' "$file"
	done
}

debian_lines() {
	local file
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[[ -r $file ]] || continue
		awk -v suite="$1" '$1 == "deb" { line = $0; sub(/\[[^]]*\]/, ""); if ($3 == suite || index($3, suite "-") == 1) print line }' "$file"
	done
}

# debian_sources SUITE DIR: this machine's own package sources for it, as DIR/host.sources and DIR/host.list; either may be empty.
debian_sources() {
	debian_stanzas "$1" >"$2/host.sources"
	debian_lines "$1" >"$2/host.list"
}
