#!/usr/bin/env bats
# The crash kernel: armed, entered by a real crash, the dump saved, the machine up again. (What may go wrong with the disk: kdump-disk.bats.)

load common
# shellcheck source-path=SCRIPTDIR
. "$BATS_TEST_DIRNAME/crash.bash"

setup_machines() {
	kdump_machines
}

# dump_log FILE: the kernel log in a dump, as makedumpfile finds it; without what stands before a line.
dump_log() {
	cp "$1" "$VM_ROOT_TREE/tmp/vmcore"
	rm -f "$VM_ROOT_TREE/tmp/dmesg"
	chroot "$VM_ROOT_TREE" makedumpfile --dump-dmesg /tmp/vmcore /tmp/dmesg >/dev/null
	bare_lines <"$VM_ROOT_TREE/tmp/dmesg"
	rm "$VM_ROOT_TREE/tmp/vmcore" "$VM_ROOT_TREE/tmp/dmesg"
}

bare_lines() {
	sed -E 's/^(\[ *[0-9.]+\])? *//' | grep .
}

# on_disk PATH: that file of the data disk, to stdout.
on_disk() {
	debugfs -R "cat $1" "$VM/data.img" 2>/dev/null
}

@test "a shortage of memory: the dump is on the disk, the machine is up again, and it says why" {
	kdump_machine 0 <<-'EOF'
		n=$(nth)
		mkdir -p /image/run/boot /image/var
		mount LABEL=boot /image/run/boot
		emit image holdfast --root /image --profiles /etc/holdfast/profiles apply
		emit untouched cat /sys/kernel/kexec_crash_loaded
		umount /image/run/boot
		holdfast apply --stage devices
		umount /var
		holdfast apply --stage root
		mount LABEL=data /var
		emit armed-$n holdfast --json kdump status
		if [ $n = 1 ]; then
			emit panic_on_oom cat /proc/sys/vm/panic_on_oom
			emit locked cat /proc/sys/kernel/kexec_load_disabled
			emit again holdfast kdump load
			emit unload holdfast kdump unload
			emit second kexec -p /run/boot/vmlinuz --initrd=/run/boot/holdfast-capture.img
			umount /var
			tail /dev/zero
			sleep 1000
		fi
		holdfast apply --stage system
		emit last-boot holdfast --json last-boot
		emit text holdfast last-boot
		emit status holdfast status
		emit report cat /run/holdfast/report.json
		emit dumps ls /var/crash
		emit all ls -A /var/crash
		emit files sh -c 'ls -A /var/crash/0*'
		holdfast last-boot --ends
		emit ended ls -A /var/crash
	EOF
	kdump_boot 128M

	# Not for an image, whatever it has.
	vm_section image | grep 'kdump: not armed, armed wanted (failed): --root is not the running system: nothing is loaded'
	[ "$(vm_section untouched)" = 0 ]
	# Armed in the stage that has its files, and only then is a shortage a panic, and kexec locked.
	[ "$(json armed-1 .armed)" = true ]
	[ "$(json armed-1 .locked)" = true ]
	[ "$(vm_section panic_on_oom)" = 2 ]
	[ "$(vm_section locked)" = 1 ]
	# What is armed is left alone; another cannot be loaded, nor this one be taken out.
	[ "$(vm_status again)" = 0 ]
	[ "$(vm_status unload)" = 1 ]
	vm_section unload | grep 'kexec that is not locked'
	[ "$(vm_status second)" != 0 ]
	vm_section second | grep 'Operation not permitted'

	# Progress on the console.
	vm_says 'capture: kernel log saved: /crash/000001-'
	vm_says 'capture: dump saved: /crash/000001-'
	# The machine is up again, and armed again.
	[ "$(json armed-2 .armed)" = true ]

	[ "$(json last-boot .cause)" = oom-panic ]
	[ "$(json last-boot .oom.invoked_by.command)" = tail ]
	json last-boot '.records[]' | grep -E '^LABEL=data:/crash/000001-[^/]*/vmcore$'
	json last-boot '.records[]' | grep -E '^/var/crashes/000001-[^/]*/dmesg-kdump$'
	json last-boot '.evidence[]' | grep 'Out of memory: compulsory panic_on_oom'
	vm_section text | grep -E '^asked by: +tail\['
	vm_section status | grep -E '^last boot: oom-panic'
	[ "$(json report .last_boot.cause)" = oom-panic ]

	# Whole, and nothing else is there.
	[ "$(vm_section dumps | wc -l)" = 1 ]
	[ "$(vm_section all | grep '^\.' | tr '\n' ' ')" = ".armed .attempts .reserve " ] # and it is no news any more
	[ "$(vm_section files | tr '\n' ' ')" = "dmesg vmcore " ]
	# An end in order ends the row.
	[ "$(vm_section ended | grep '^\.' | tr '\n' ' ')" = ".reserve " ]
	local dump
	dump=/crash/$(vm_section dumps)
	on_disk "$dump/vmcore" >"$VM/vmcore"
	dump_log "$VM/vmcore" >"$VM/wanted"
	grep 'tail invoked oom-killer' "$VM/wanted"
	# Our own reading of the log is makedumpfile's, line for line.
	on_disk "$dump/dmesg" >"$VM/dmesg"
	diff "$VM/wanted" <(bare_lines <"$VM/dmesg")
}

@test "too little is reserved: not armed, a shortage kills the hog, and the machine lives" {
	kdump_machine 0 <<-'EOF'
		# Only looked at: a system that hibernates may have it mounted.
		umount /var
		holdfast apply --stage devices
		emit looked sh -c 'dmesg | grep "EXT4-fs (vdb): mounted"'
		mount LABEL=data /var
		emit reserve ls -A /var
		holdfast apply --stage root
		holdfast apply --stage system
		emit kdump holdfast --json kdump status
		emit panic_on_oom cat /proc/sys/vm/panic_on_oom
		emit locked cat /proc/sys/kernel/kexec_load_disabled
		tail /dev/zero
		emit hog echo $?
		emit report cat /run/holdfast/report.json
		emit killed sh -c 'dmesg | grep "Out of memory: Killed process"'
	EOF
	kdump_boot 96M
	vm_section looked | tail -n 1 | grep 'without journal'
	run vm_section reserve
	[[ $output != *crash* ]]
	[ "$(json kdump .armed)" = false ]
	[ "$(json kdump .reason)" = 'boot with crashkernel=128M; 96M are reserved' ]
	[ "$(vm_section panic_on_oom)" = 0 ]
	[ "$(vm_section locked)" = 0 ]
	[ "$(vm_section hog)" = 137 ]
	vm_section killed | grep tail
	[ "$(json report '.settings[] | select(.key == "kdump") | .result')" = failed ]
	kernel_log 'kdump: .*boot with crashkernel=128M'
}

# crash_names: the dumps on the data disk, the latest one last.
crash_names() {
	debugfs -R 'ls -p /crash' "$VM/data.img" 2>/dev/null | cut -d/ -f6 | grep '^0' | sort
}

@test "power fails while the dump is written: the next boot comes up, and nothing half-written passes for a dump; then: poweroff" {
	# A disk that is slow enough for us to come in between.
	kdump_machine 200000 <<-'EOF'
		n=$(nth)
		holdfast apply --stage devices
		if [ $n = 1 ]; then
			umount /var
			echo c >/proc/sysrq-trigger
		fi
		emit cores sh -c 'find /var/crash -name "vmcore*"'
		emit log sh -c 'cat /var/crash/0*/dmesg'
		holdfast apply --stage system
		emit last-boot holdfast --json last-boot
		emit armed holdfast --json kdump status
		printf "==> end\n<== end 0\n"
		umount /var
		echo c >/proc/sysrq-trigger
	EOF
	kdump_arguments[0]=vmtest.product=kdump-off
	VM_MEMORY=512 vm_start "${kdump_arguments[@]}" crashkernel=128M
	# In the middle of it: makedumpfile is at work, and a part of the dump is on the disk.
	vm_expect 'Copying data .*\[ *[0-9.]+ %\]'
	local end=$((SECONDS + 100))
	until grep -aq 'KDUMP   ' "$VM/data.img"; do
		((SECONDS < end))
		sleep 0.2
	done
	run vm_says 'capture: dump saved'
	[ "$status" != 0 ]
	kill -KILL "$(pgrep -P "$VM_PID")"
	wait "$VM_PID" || :
	vm_forget
	rm "$VM/keyboard"
	vm_disks=("${vm_disks[@]/bps-write=200000/bps-write=0}")
	kdump_boot 128M
	[ -z "$(vm_section cores)" ]
	vm_section log | grep 'sysrq: Trigger a crash'
	[ "$(json last-boot .cause)" = panic ]
	[ "$(json armed .armed)" = true ]

	# That one crashed as well, where the profile says that the machine is to stay off then.
	vm_says 'capture: poweroff'
	vm_says 'reboot: Power down'
	on_disk "/crash/$(crash_names | tail -n 1)/vmcore" | grep -aq KDUMP
	# Nor is anything of it left.
	[ "$(crash_names | wc -l)" = 2 ]
	run debugfs -R "ls -p /crash/$(crash_names | head -n 1)" "$VM/data.img"
	[[ $output == *dmesg* && $output != *vmcore* ]]
}

# debian_initrd FILE PROFILE: by Debian's hook, told to carry the crash kernel.
debian_initrd() {
	local conf=$VM_ROOT_TREE/etc/initramfs-tools/conf.d/holdfast status=0
	echo HOLDFAST_KDUMP_EARLY=yes >"$conf"
	"$BATS_TEST_DIRNAME/build-initrd" "$@" || status=$?
	cp "$VM_ROOT_TREE"/boot/holdfast-capture-*.img "$BATS_TEST_TMPDIR/" || status=$?
	rm -f "$conf" "$VM_ROOT_TREE"/boot/holdfast-capture-*.img
	return "$status"
}

# behind_stamp FILE: what is behind the archive that says what a capture image was built for, unpacked.
behind_stamp() {
	local at
	at=$(LC_ALL=C grep -abom 1 -P '\x28\xb5\x2f\xfd' "$1" | cut -d: -f1)
	tail -c "+$((at + 1))" "$1" | zstd -dcq
}

@test "Debian's initramfs, told to carry the crash kernel, arms it before the root is mounted; a crash then; then: halt" {
	cat >"$BATS_TEST_TMPDIR/early.yaml" <<-'EOF'
		holdfast: 1
		name: early
		match: [ { cmdline: { vmtest.product: early } } ]
		vm: { panic_on_oom: 2 }
		kdump: { crashkernel: 112M, capture: { target: LABEL=data, save: dmesg, then: halt } }
	EOF
	(
		exec 9>"$VM_BUILD/lock"
		flock 9
		debian_initrd "$VM/initrd.debian" "$BATS_TEST_TMPDIR/early.yaml"
	)
	# What saves only the log needs no makedumpfile; and the profiles have lost what is not the crash kernel's affair.
	behind_stamp "$BATS_TEST_TMPDIR"/holdfast-capture-*.img >"$VM/image"
	cpio -i --quiet --to-stdout 'etc/holdfast/profiles/*' <"$VM/image" >"$VM/carried"
	run cpio -t --quiet <"$VM/image"
	[[ $output == *usr/sbin/holdfast* && $output != *makedumpfile* ]]
	grep 'target: LABEL=data' "$VM/carried"
	run grep panic_on_oom: "$VM/carried"
	[ -z "$output" ]
	cpio -i --quiet --to-stdout holdfast-built-for < <(cat "$BATS_TEST_TMPDIR"/holdfast-capture-*.img) | grep '^early '

	vm_use_initrd "$VM/initrd.debian"
	vm_script <<-'EOF'
		emit report cat /run/holdfast/report.json
		emit armed cat /sys/kernel/kexec_crash_loaded
		emit panic_on_oom cat /proc/sys/vm/panic_on_oom
		emit dmesg dmesg
		# What was said goes out before that.
		sleep 2
		stty -F /dev/ttyS1 raw -echo
		echo c >/proc/sysrq-trigger
	EOF
	mke2fs -q -t ext4 -E root_owner=0:0 -L data "$VM/data.img" 16M
	vm_kept_disk "$VM/data.img"
	VM_MEMORY=768 vm_start vmtest.product=early crashkernel=112M init=/usr/lib/vmtest/short-init
	# What was saved is on the disk, and the machine stands still.
	vm_expect 'capture: kernel log saved: /crash/000001-'
	vm_expect 'capture: halt'
	vm_expect 'reboot: System halted'
	vm_stop
	on_disk "/crash/$(crash_names)/dmesg" | grep 'sysrq: Trigger a crash'

	[ "$(vm_section armed)" = 1 ]
	[ "$(vm_section panic_on_oom)" = 2 ]
	[ "$(json report '.settings[] | select(.key == "kdump") | .result')" = set ]
	# In the kernel log, the stage's line stands before the root's mount.
	vm_section dmesg >"$VM/log"
	local stage root
	stage=$(grep -n 'holdfast: devices: profile early (match): 2 set' "$VM/log" | cut -d: -f1)
	root=$(grep -n 'EXT4-fs (vda): mounted' "$VM/log" | cut -d: -f1)
	[ "$stage" -lt "$root" ]
}
