#!/usr/bin/env bats
# The crash kernel where its disk is full or missing, and where crashes do not end.

load common
# shellcheck source-path=SCRIPTDIR
. "$BATS_TEST_DIRNAME/crash.bash"

setup_machines() {
	kdump_machines
}

@test "the disk for the dump is missing: the kernel log crosses the restart in memory" {
	kdump_machine 0 <<-'EOF'
		mount -t tmpfs tmpfs /var
		holdfast apply --stage devices
		emit armed holdfast --json kdump status
		holdfast apply --stage system
		emit known cat /run/holdfast/last-boot
		emit last-boot holdfast --json last-boot
		if grep -q unknown /run/holdfast/last-boot; then
			echo c >/proc/sysrq-trigger
		fi
		emit log sh -c 'cat /var/crashes/0*/dmesg*'
		emit left ls /sys/fs/pstore
	EOF
	# Its label is another one.
	e2label "$VM/data.img" other
	kdump_boot 128M
	[ "$(tr -d '\r' <"$VM/output" | grep -c '"armed": true')" = 2 ]
	vm_says 'capture: LABEL=data did not appear'
	vm_says 'capture: the kernel log is kept in memory'
	# The second boot's word is the last one.
	tr -d '\r' <"$VM/output" | grep '"cause": "panic"'
	vm_section log | grep 'Kernel panic - not syncing: sysrq triggered crash'
	vm_section log | grep -E '^\[ *[0-9.]+\] sysrq: Trigger a crash'
	[ -z "$(vm_section left)" ]
	# Where no disk counts, the next boot is told.
	tr -d '\r' <"$VM/output" | grep '^crashes 1$'
}

@test "a crash at each boot, the first with the disk full: each is saved as well as can be, older dumps go only for one that comes; after max_attempts the machine boots unarmed" {
	kdump_machine 0 <<-'EOF'
		n=$(nth)
		holdfast apply --stage devices
		[ $n != 1 ] || holdfast apply --stage system
		holdfast apply --stage root
		emit armed-$n holdfast --json kdump status
		case $n in
		1)
			mkdir -p /var/crash/000001-earlier
			dd if=/dev/zero of=/var/crash/000001-earlier/vmcore bs=64k count=1
			dd if=/dev/zero of=/var/full bs=64k
			dd if=/dev/zero of=/var/fuller bs=1k
			emit free df /var
			;;
		2)
			emit full-files sh -c 'cd /var/crash && find . -type f'
			emit full-log sh -c 'cat /var/crash/0*/dmesg'
			rm /var/full
			holdfast apply --stage system
			emit full-boot holdfast --json last-boot
			# Larger than any dump of this machine, which has some 23 MiB; with 1 MiB that is free beside it.
			dd if=/dev/zero of=$(echo /var/crash/000002-*)/vmcore bs=1M count=32
			dd if=/dev/zero of=/var/spare bs=1M count=1
			dd if=/dev/zero of=/var/full bs=64k
			rm /var/spare
			;;
		esac
		if [ $n -lt 3 ]; then
			umount /var
			echo c >/proc/sysrq-trigger
		fi
		holdfast apply --stage system
		emit panic_on_oom cat /proc/sys/vm/panic_on_oom
		emit dumps sh -c 'cd /var/crash && echo 0*/*'
		# Where there is no kexec_file_load(2), and no kexec(8), then with it.
		mv /sbin/kexec /sbin/away
		emit neither old-kernel holdfast kdump load
		mv /sbin/away /sbin/kexec
		emit by-hand old-kernel holdfast kdump load
		emit loaded cat /sys/kernel/kexec_crash_loaded
		emit panic_on_oom_now cat /proc/sys/vm/panic_on_oom
	EOF
	kdump_boot 128M
	# No room: the kernel log is saved all the same, in room that was kept for it.
	vm_section free | grep -E '100% +/var'
	vm_section full-log | grep 'sysrq: Trigger a crash'
	# An older dump gives no room for a new one, so it stays.
	[ "$(vm_section full-files | grep -c vmcore)" = 1 ]
	vm_section full-files | grep 000001-earlier/vmcore
	[ "$(json full-boot .cause)" = panic ]
	json full-boot '.evidence[]' | grep 'but no dump'
	vm_says 'capture: the dump could not be written; the kernel log is saved'

	[ "$(json armed-2 .armed)" = true ]
	[ "$(json armed-3 .armed)" = false ]
	[ "$(json armed-3 .reason)" = "2 crashes in a row (max_attempts): 'holdfast kdump load' arms it again" ]
	[ "$(vm_section panic_on_oom)" = 0 ]
	# The first is one too many ('keep'), the second gave its room to the third.
	[[ $(vm_section dumps) =~ ^000003-[^/\ ]*/dmesg\ 000003-[^/\ ]*/vmcore$ ]]
	[ "$(vm_status by-hand)" = 0 ]
	vm_section by-hand | grep 'kdump: this kernel has no kexec_file_load(2): by /sbin/kexec'
	[ "$(vm_section loaded)" = 1 ]
	[ "$(vm_section panic_on_oom_now)" = 2 ]
	[ "$(vm_status neither)" = 1 ]
	vm_section neither | grep 'this kernel has no kexec_file_load(2), and there is no /sbin/kexec: install kexec-tools'
}
