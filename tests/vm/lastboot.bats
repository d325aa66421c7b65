#!/usr/bin/env bats
# How a boot ended, told by the next one: each way once, on one machine, with memory that survives a reset and a disk for the trace.

load common
# shellcheck source-path=SCRIPTDIR
. "$BATS_TEST_DIRNAME/crash.bash"

setup_machines() {
	crash_initrd "$BATS_FILE_TMPDIR/initrd"
}

# cause N: what the Nth boot said. evidence N, records N.
cause() {
	json "last-$1" .cause
}

evidence() {
	json "last-$1" '.evidence[]'
}

arguments=(vmtest.product=lastboot "memmap=1M\$0x18000000")

@test "panic, orderly reboot, emergency restart, reset, watchdog and power-off are told apart" {
	# The trace lies on the disk; the disk goes away before each end, as in an orderly shutdown, or not.
	crash_machine "$BATS_FILE_TMPDIR/initrd" <<-'EOF'
		n=$(nth)
		modprobe i6300esb
		holdfast apply --stage devices
		emit early-$n holdfast --json last-boot
		emit stage-$n holdfast apply --stage system
		emit last-$n holdfast --json last-boot
		emit left-$n ls /sys/fs/pstore
		emit archive-$n ls /var/crashes
		sync
		case $n in
		1) echo c >/proc/sysrq-trigger ;;
		2)
			holdfast last-boot --ends
			umount /var
			reboot -f
			;;
		3) echo b >/proc/sysrq-trigger ;;
		# The chip set's reset, of which the kernel knows nothing.
		4) printf '\6' | dd of=/dev/port bs=1 seek=3321 ;;
		5)
			watchdog -t 100 -T 2 /dev/watchdog
			sleep 1000
			;;
		6) echo c >/proc/sysrq-trigger ;;
		7) echo c >/proc/sysrq-trigger ;;
		8)
			# Without the kernel's own record: to the next boot memory is lost, and the disk's trace is all there is.
			holdfast last-boot --ends
			umount /var
			;;
		10) holdfast revert ;;
		esac
	EOF
	vm_disks+=(-device i6300esb)
	VM_MEMORY=512 vm_boot "${arguments[@]}"

	# The first one knows nothing of any before.
	[ "$(cause 1)" = unknown ]
	evidence 1 | grep 'lost its contents, or had none'

	[ "$(json early-2 .cause)" = panic ] # before the root is there
	[ "$(cause 2)" = panic ]
	evidence 2 | grep 'Kernel panic - not syncing: sysrq triggered crash'
	evidence 2 | grep 'power was not lost'
	json last-2 '.records[]' | grep -E '^/var/crashes/000001-[^/]*/dmesg-ramoops-0$'
	[ -z "$(vm_section left-2)" ] # cleared once archived

	[ "$(cause 3)" = reboot ]
	evidence 3 | grep 'an orderly shutdown'
	evidence 3 | grep 'the boot before ended in order'
	[ -z "$(vm_section left-3)" ]

	[ "$(cause 4)" = power-loss-or-reset ]
	evidence 4 | grep 'an emergency restart'
	evidence 4 | grep 'the boot before did not end in order'

	[ "$(cause 5)" = power-loss-or-reset ]
	evidence 5 | grep 'kept its contents: power was not lost'
	run evidence 5
	[[ $output != *pstore* ]]

	[ "$(cause 6)" = watchdog ]

	# Archived, and pruned to two.
	[ "$(cause 8)" = panic ]
	[ "$(vm_section archive-8 | wc -l)" = 2 ]
	vm_section archive-8 | grep '^0000..-'

	# Another machine with the same disk is this one after its power was off: in order, then not.
	rm "$VM/keyboard"
	VM_MEMORY=512 vm_boot "${arguments[@]}"
	[ "$(cause 9)" = reboot ]
	evidence 9 | grep 'lost its contents'
	rm "$VM/keyboard"
	VM_MEMORY=512 vm_boot "${arguments[@]}"
	[ "$(cause 10)" = power-loss-or-reset ]
	evidence 10 | grep 'lost its contents'
	evidence 10 | grep 'the boot before did not end in order'
}
