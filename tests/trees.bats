#!/usr/bin/env bats
# Whole machines: each directory of rootfs/ is one, and its `session` is what a person sees who works on it. Lines that begin with "$ " are
# run; the others are the output, messages first; [N] is an exit status. Times are shown as N.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

# play CASE: runs the session on a copy and compares.
play() {
	local line status
	cp -a "$TESTS/rootfs/$1" case
	mkdir -p case/{run,proc,sys,etc/holdfast/profiles}
	pushd case >/dev/null || return
	h() {
		"$HOLDFAST" --root . --procfs proc --sysfs sys "$@"
	}
	export -f h
	while IFS= read -r line; do
		[[ $line == '$ '* ]] || continue
		printf '%s\n' "$line"
		status=0
		bash -c "holdfast() { h \"\$@\"; }; ${line#'$ '}" >../out 2>../err || status=$?
		cat ../err ../out
		((status == 0)) || printf '[%d]\n' "$status"
	done <session | sed -E 's/[0-9]+\.[0-9] ms/N ms/g; s/"duration_us": [0-9]+/"duration_us": N/' >../played
	popd >/dev/null || return
	# After a change that is meant: SESSION_UPDATE=yes bats tests/trees.bats, and read the difference.
	if [[ -n ${SESSION_UPDATE:-} ]]; then
		cp played "$TESTS/rootfs/$1/session"
	fi
	diff -u "$TESTS/rootfs/$1/session" played
}

@test "a gateway known by its firmware" {
	play gateway
}

@test "a camera known by its device tree" {
	play camera
}

@test "a server with a crash kernel" {
	play server
}

@test "everything the language has" {
	play everything
}

@test "no machine is forgotten" {
	local dir
	for dir in "$TESTS"/rootfs/*/; do
		dir=${dir%/}
		[[ -s $dir/session ]]
		grep -qx $'\tplay '"${dir##*/}" "$TESTS/trees.bats"
	done
}
