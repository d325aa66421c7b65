# shellcheck shell=bash
# The smallest machine with a guard: busybox as init, no systemd. Sourced by tests, behind common.bash.

# shellcheck source-path=SCRIPTDIR
. "$VM_SRC/small.bash"

# small_machines: what they boot.
small_machines() {
	local root=$BATS_FILE_TMPDIR/root name
	small_root "$root" </dev/null
	for name in score attack; do
		"${CC:-cc}" -O1 -static -o "$BATS_FILE_TMPDIR/$name" "$BATS_TEST_DIRNAME/guest/$name.c"
		install -D "$BATS_FILE_TMPDIR/$name" "$root/usr/lib/vmtest/$name"
	done
	"${CC:-cc}" -O1 -shared -fPIC -o "$root/usr/lib/vmtest/no-perf.so" "$BATS_TEST_DIRNAME/guest/no-perf.c"
	printf '%s\n' root:x:0:0::/:/bin/sh nobody:x:65534:65534::/:/bin/sh >"$root/etc/passwd"
	install -D "$TOP/initramfs-hooks/sysvinit/holdfast-guard" "$root/etc/init.d/holdfast-guard"
	small_modules "$root" overlay squashfs loop
	install -D "$BATS_FILE_TMPDIR/score" "$BATS_FILE_TMPDIR/tree/bin/score"
	mksquashfs "$BATS_FILE_TMPDIR/tree" "$root/usr/lib/vmtest/tree.squashfs" -quiet -no-progress -all-root
	small_initrd "$root" "$BATS_FILE_TMPDIR/initrd"
}

# small: a machine on which stdin runs when the guard is there; lines of further rules in $rules.
small() {
	vm_use_initrd "$BATS_FILE_TMPDIR/initrd"
	vm_profile default <<-EOF
		holdfast: 1
		name: default
		protect:
		  - { service: score, exe: /usr/lib/vmtest/score }
		${rules:-}
	EOF
	{
		cat <<-'EOF'
			mount -t tmpfs tmpfs /run
			mkdir -p /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup
			dmesg -n 1
			emit start /etc/init.d/holdfast-guard start
			PATH=/usr/lib/vmtest:$PATH
			# The one whose parent guards too.
			worker() { for pid in $(pidof holdfast); do case " $(pidof holdfast) " in *" $(awk '$1 == "PPid:" { print $2 }' /proc/$pid/status) "*) echo $pid ;; esac; done; }
			score_of() { cat /proc/$1/oom_score_adj; }
		EOF
		cat
		cat <<-'EOF'
			emit status holdfast status --json
			emit dmesg dmesg
			# What still runs would keep the output open, and the machine on.
			killall -KILL score leashed hog attack 2>/dev/null
		EOF
	} | vm_initramfs_file vmtest/run
	VM_MEMORY=${VM_MEMORY:-256} VM_TIMEOUT=${SMALL_TIMEOUT:-400} vm_boot
	[ "$(vm_status start)" = 0 ]
}
