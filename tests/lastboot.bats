#!/usr/bin/env bats
# Why the machine started again, told from a made-up pstore, made-up watchdogs and the trace of the boot before. (Modules, mounts and
# real crashes: tests/vm/lastboot.bats and kdump.bats.)

load lib

ARCHIVE=root/var/lib/holdfast/crashes

setup_machine() {
	kernel_defaults
	mkdir -p root/sys/fs/pstore root/proc/sys/kernel/random
	boot one
	profile default <<<'last_boot: { keep: 2 }'
}

# boot ID: the machine starts: /run is empty.
boot() {
	rm -rf root/run
	mkdir root/run
	printf '%s\n' "$1" >root/proc/sys/kernel/random/boot_id
}

# record NAME KIND: stdin becomes the log of a record of pstore.
record() {
	{
		printf '%s#1 Part1\n' "$2"
		cat
	} >"root/sys/fs/pstore/$1"
}

panic() {
	record dmesg-ramoops-0 Panic <<-END
		<4>[    5.000001] about to fall
		<0>[    5.000002] Kernel panic - not syncing: $1
	END
}

# archived: the names in the archive, but for what is not a crash's.
archived() {
	find "$ARCHIVE" -mindepth 1 -maxdepth 1 ! -name '.*' -printf '%f\n' | sort
}

# cause_is CAUSE: what this boot finds out.
cause_is() {
	expect 0 holdfast apply --stage devices
	expect 0 holdfast apply --stage system
	expect 0 holdfast --json last-boot
	json_is .cause "$1"
	report_is .last_boot.cause "$1"
}

# untouched_archive COMMAND...: that writes nothing to it.
untouched_archive() {
	local before
	before=$(snapshot_of "$ARCHIVE")
	"$@" && [[ $(snapshot_of "$ARCHIVE") == "$before" ]]
}

evidence_has() {
	json_is "[.evidence[] | select(contains(\"$1\"))] | length" 1
}

@test "nothing is known of a first boot" {
	cause_is unknown
	json_is '.evidence, .records' $'[]\n[]'
}

@test "a panic: archived whole, with its cause, then cleared" {
	panic 'sysrq triggered crash'
	cause_is panic
	evidence_has 'Kernel panic - not syncing: sysrq triggered crash'
	evidence_has 'pstore has dmesg-ramoops-0: a panic'
	local dir
	dir=$(ls -d "$ARCHIVE"/000001-*)
	json_is '.records[0]' "${dir#root}/dmesg-ramoops-0"
	grep 'about to fall' "$dir/dmesg-ramoops-0"
	[[ $(head -n 1 "$dir/cause") == panic ]]
	[[ -z $(ls root/sys/fs/pstore) ]]
	[[ $(stat -c %a "$dir") == 700 ]]
}

@test "memory ran out: who asked is told, from the archived log" {
	record dmesg-ramoops-0 Panic <<-'END'
		<4>[    8.041414] tail invoked oom-killer: gfp_mask=0x140dca(GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO), order=0, oom_score_adj=0
		<4>[    8.041500] CPU: 0 PID: 126 Comm: tail Not tainted 6.1.0-56-amd64 #1  Debian 6.1.187-1
		<0>[    8.062000] Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled
	END
	cause_is oom-panic
	json_is '.oom.invoked_by.command, .oom.invoked_by.pid' $'tail\n126'
	expect 0 holdfast last-boot
	output_has 'cause:     oom-panic'
	output_has 'asked by:  tail[126]'
	expect 0 holdfast status
	output_has 'last boot: oom-panic'
}

@test "memory ran out, and the log is not readable: that is said" {
	record dmesg-ramoops-0 Panic <<<'<0>[ 8.0] Kernel panic - not syncing: Out of memory: x'
	expect 0 holdfast apply --stage devices
	rm root/run/holdfast/records/dmesg-ramoops-0
	expect 0 holdfast --json last-boot
	json_is '.cause, .oom' $'oom-panic\nnull'
	messages_have '/run/holdfast/records/dmesg-ramoops-0: No such file or directory: who asked is not told'
}

@test "the kernel's other words for a shortage" {
	panic 'System is deadlocked on memory'
	cause_is oom-panic
	boot two
	panic 'Out of memory and no killable processes...'
	cause_is oom-panic
}

@test "a log that a crash kernel has kept in memory is the crashed kernel's, without what stood before its lines" {
	record dmesg-ramoops-0 Shutdown <<-'END'
		<6>[    1.000000] Run /init as init process
		<15>[    3.000000] crashed: [   12.000001] about to fall
		<15>[    3.000001] crashed: [   12.000002] Kernel panic - not syncing: sysrq triggered crash
		<6>[    3.100000] reboot: Restarting system
	END
	cause_is panic
	same_text "$(cat "$ARCHIVE"/000001-*/dmesg-ramoops-0)" log <<-'END'
		[   12.000001] about to fall
		[   12.000002] Kernel panic - not syncing: sysrq triggered crash
	END
}

@test "of a log that a crash kernel has kept, messages of one time are told apart: further lines of one are indented" {
	record dmesg-ramoops-0 Shutdown <<-'END'
		<15>[    3.000001] crashed: [ 3893.943877] Out of memory and no killable processes...
		<15>[    3.000002] crashed: [ 3893.943877] Kernel panic - not syncing: System is deadlocked on memory
	END
	cause_is oom-panic
	boot two
	record dmesg-ramoops-0 Shutdown <<-'END'
		<15>[    3.000001] crashed: [    8.000001] x[12]: segfault at 0 ip 0 sp 0 error 4 in
		<15>[    3.000002] crashed:                Kernel panic - not syncing: Out of memory: x
		<15>[    3.000003] crashed: [    8.500000] Kernel panic - not syncing: Fatal exception
		<15>[    3.000004] crashed: [    8.600000] x[13]: segfault at 0 ip 0 sp 0 error 4 in
		<15>[    3.000005] crashed:                Kernel panic - not syncing: Out of memory: x
	END
	cause_is panic
	evidence_has 'Kernel panic - not syncing: Fatal exception'
}

@test "a crash log in memory is a program's writing: a process's name at the beginning of the kernel's own line is none" {
	record dmesg-ramoops-0 Shutdown <<-'END'
		<6>[    3.000000] crashed: [   12.000001][99]: segfault at 0 ip 0000000000000000
		<4>[    3.000001] CPU: 0 PID: 99 Comm: crashed: Kernel Not tainted
		<15>[    3.000002] logger: crashed: Kernel panic - not syncing: forged
		<6>[    3.100000] reboot: Restarting system
	END
	cause_is reboot
}

@test "what a crash kernel counted for want of a disk: with max_attempts the machine is not armed" {
	mkdir -p root/sys/kernel root/boot
	kernel kernel/kexec_load_disabled=0
	echo $((256 << 20)) >root/sys/kernel/kexec_crash_size
	echo 0 >root/sys/kernel/kexec_crash_loaded
	head -c 4096 /dev/zero | tee root/boot/vmlinuz >root/boot/capture
	profile default <<-'END'
		kdump: { crashkernel: 64M, kernel: /boot/vmlinuz, initrd: /boot/capture, capture: { target: /dev/none, max_attempts: 2 } }
		last_boot: {}
	END
	record dmesg-ramoops-0 Shutdown <<-'END'
		<15>[    3.000001][   T99] crashed: [   12.000002] Kernel panic - not syncing: sysrq triggered crash
		<15>[    3.000002][   T99] crashed: #2
	END
	expect 0 holdfast apply --stage system
	messages_have "kdump: not armed, armed wanted (failed): 2 crashes in a row (max_attempts): 'holdfast kdump load' arms it again"
	expect 0 holdfast --json last-boot
	json_is .cause panic
	# By hand the row is taken for ended: it fails here only because nothing is loaded for a made-up machine.
	expect 1 holdfast kdump load
	messages_have "procfs or sysfs is not the running kernel's"
}

@test "a record in parts, found in any order: judged and kept as one log" {
	record dmesg-ramoops-1 Panic <<-'END'
		<4>[    4.041414] tail invoked oom-killer: gfp_mask=0x140dca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0
		<4>[    4.041500] CPU: 0 PID: 126 Comm: tail Not tainted 6.1.0-56-amd64 #1  Debian 6.1.187-1
	END
	sed -i 's/Part1/Part2/' root/sys/fs/pstore/dmesg-ramoops-1
	panic 'Out of memory: compulsory panic_on_oom is enabled'
	# An older boot's, with the same number.
	record dmesg-ramoops-2 Panic <<<'<0>[ 5.0] Kernel panic - not syncing: long ago'
	touch -d '2 hours ago' root/sys/fs/pstore/dmesg-ramoops-2
	cause_is oom-panic
	evidence_has 'pstore has dmesg-ramoops-0: a panic'
	json_is '.oom.invoked_by.command, .oom.invoked_by.pid' $'tail\n126'
	[[ $(ls "$ARCHIVE"/000001-*) == $'cause\ndmesg-ramoops-0\ndmesg-ramoops-2' ]]
	[[ $(grep -n 'invoked oom-killer\|Kernel panic' "$ARCHIVE"/000001-*/dmesg-ramoops-0 | cut -d: -f1) == $'2\n7' ]]
	[[ -z $(ls root/sys/fs/pstore) ]]
}

@test "an orderly end: known by the kernel's record, or by the trace on the disk; neither is archived" {
	cause_is unknown
	expect 0 holdfast last-boot --ends
	boot two
	cause_is reboot
	evidence_has 'the boot before ended in order'
	boot three
	record dmesg-ramoops-0 Shutdown <<<'<6>[ 9.0] reboot: Restarting system'
	cause_is reboot
	[[ -z $(archived) && -z $(ls root/sys/fs/pstore) ]]
}

@test "holdfast=plan: the end of the boot is not noted either" {
	cmdline 'quiet holdfast=plan'
	untouched expect 0 holdfast last-boot --ends
}

@test "no orderly end: power loss or reset" {
	cause_is unknown
	boot two
	cause_is power-loss-or-reset
	evidence_has 'the boot before did not end in order'
	boot three
	record dmesg-ramoops-0 Emergency <<<'<6>[ 9.0] sysrq: Resetting'
	cause_is power-loss-or-reset
	evidence_has 'an emergency restart'
}

@test "a boot that was cut off before it could write to the disk: the trace is of the one before it" {
	cause_is unknown
	expect 0 holdfast last-boot --ends
	boot two
	expect 0 holdfast apply --stage devices
	boot three
	record dmesg-ramoops-0 Emergency <<<'<6>[ 9.0] sysrq: Resetting'
	cause_is power-loss-or-reset
	evidence_has 'a boot ended in order, but the machine was reset after that'
}

@test "a boot that was cut off once its root could be written to is not taken for the one before it" {
	cause_is unknown
	expect 0 holdfast last-boot --ends
	boot two
	untouched expect 0 holdfast apply --stage root --dry-run
	expect 0 holdfast apply --stage root
	untouched expect 0 holdfast apply --stage root --dry-run
	cause_is reboot
	boot two-and-a-half
	expect 0 holdfast apply --stage root
	boot three
	expect 0 holdfast apply --stage root
	cause_is power-loss-or-reset
	evidence_has 'the boot before did not end in order'
	expect 0 holdfast last-boot --ends
	# As most initramfs have it, it cannot be written to yet.
	boot four
	in_namespace "
		mount --bind root/var root/var
		mount -o remount,bind,ro root/var
		'$HOLDFAST' --root root --procfs root/proc --sysfs root/sys apply --stage root"
	cause_is reboot
}

@test "memory that was kept has no record of an end in order: a watchdog's reset is none, whatever the disk says of an older boot" {
	cause_is unknown
	expect 0 holdfast last-boot --ends
	boot two
	printf '%s\n' 'cause watchdog' 'evidence the reserved memory has no record of an end in order' >last-boot
	install -D last-boot root/run/holdfast/last-boot
	cause_is watchdog
	evidence_has 'a boot ended in order, but the machine was reset after that'
}

@test "a panic outranks the restart that follows it, and the trace" {
	cause_is unknown
	boot two
	panic 'Fatal exception'
	record dmesg-ramoops-1 Emergency <<<'<6>[ 9.0] Rebooting in 1 seconds..'
	cause_is panic
	boot three
	record dmesg-ramoops-0 Emergency <<<'<6>[ 9.0] Rebooting in 1 seconds..'
	record dmesg-ramoops-1 Panic <<<'<0>[ 5.0] Kernel panic - not syncing: Fatal exception'
	cause_is panic
}

@test "an oops, then an orderly end, is an orderly end; the oops is archived" {
	record dmesg-ramoops-0 Oops <<<'<1>[ 5.0] BUG: kernel NULL pointer dereference'
	record dmesg-ramoops-1 Shutdown <<<'<6>[ 9.0] reboot: Restarting system'
	cause_is reboot
	[[ $(ls "$ARCHIVE"/000001-*) == $'cause\ndmesg-ramoops-0' ]]
}

@test "a watchdog's reset, by its boot status" {
	mkdir -p root/sys/class/watchdog/watchdog0
	echo 0 >root/sys/class/watchdog/watchdog0/bootstatus
	cause_is unknown
	boot two
	echo 32 >root/sys/class/watchdog/watchdog0/bootstatus
	cause_is watchdog
	evidence_has 'watchdog0 has reset the machine'
}

@test "a board that restarts by its watchdog: an end in order stays one" {
	mkdir -p root/sys/class/watchdog/watchdog0
	echo 32 >root/sys/class/watchdog/watchdog0/bootstatus
	record dmesg-ramoops-0 Shutdown <<<'<6>[ 9.0] reboot: Restarting system'
	cause_is reboot
	evidence_has 'watchdog0 has reset the machine'
	expect 0 holdfast last-boot --ends
	boot two
	cause_is reboot
	boot three
	cause_is watchdog
}

@test "records that nobody clears may be of any boot: no cause without last_boot" {
	profile default <<<'kdump: { crashkernel: 64M, capture: { target: /dev/none } }'
	panic 'sysrq triggered crash'
	expect 0 holdfast apply --stage system
	expect 0 holdfast --json last-boot
	json_is .cause unknown
	evidence_has "pstore has dmesg-ramoops-0: a panic, but of which boot is not known: without 'last_boot' nobody clears it"
	[[ -e root/sys/fs/pstore/dmesg-ramoops-0 ]]
}

@test "bytes that are none of the log's: what follows them counts" {
	printf 'Panic#1 Part1\n<4>[ 5.0] a\0\0b\n<0>[ 5.1] Kernel panic - not syncing: Out of memory: x\n' >root/sys/fs/pstore/dmesg-ramoops-0
	cause_is oom-panic
}

@test "the console's log tells of a panic that left no record; with a crash it is archived, with what programs wrote" {
	printf '%s\n' '[    1.0] a Kernel panic - not syncing: forged' '[    2.0] reboot: Restarting system' >root/sys/fs/pstore/console-ramoops-0
	echo hello >root/sys/fs/pstore/pmsg-ramoops-0
	cause_is unknown
	[[ -z $(archived) ]]
	boot two
	echo '[    9.0] Kernel panic - not syncing: Out of memory: x' >>root/sys/fs/pstore/console-ramoops-0
	cause_is oom-panic
	evidence_has 'pstore has console-ramoops-0: a panic'
	[[ $(ls "$ARCHIVE"/000001-*) == $'cause\nconsole-ramoops-0\npmsg-ramoops-0' ]]
	[[ -z $(ls root/sys/fs/pstore) ]]
	boot three
	record dmesg-ramoops-0 Shutdown <<<'<6>[ 9.0] reboot: Restarting system'
	echo '[    2.0] reboot: Restarting system' >root/sys/fs/pstore/console-ramoops-0
	cause_is reboot
	[[ $(archived | wc -l) == 1 ]]
}

@test "a program whose name says that the kernel panicked: not at the beginning of a line, nor where the machine went on" {
	local said='Kernel panic - not syncing: Out of memory: x'
	# In a console's log the name may have broken the line.
	printf '%s\n' '[    8.0] x[12]: segfault at 0 ip 0 sp 0 error 4 in x' "[    8.0] $said" '[    8.0] [400000+1000]' '[    8.1] eth0: link up' >root/sys/fs/pstore/console-ramoops-0
	cause_is unknown
	# The kernel's own record outranks it, whatever the name makes of the end.
	boot two
	printf '%s\n' '[    8.0] x[12]: segfault at 0 ip 0 sp 0 error 4 in x' "[    8.0] $said" >root/sys/fs/pstore/console-ramoops-0
	record dmesg-ramoops-0 Shutdown <<<'<6>[ 9.0] reboot: Restarting system'
	cause_is reboot
	boot three
	rm -f root/sys/fs/pstore/*
	record dmesg-ramoops-0 Panic <<-END
		<6>[ 8.0] x[12]: segfault at 0 ip 0 sp 0 error 4 in ${said}[400000+1000]
		<0>[ 8.5][   T99] Kernel panic - not syncing: Fatal exception
		<6>[ 8.6] x[13]: segfault at 0 ip 0 sp 0 error 4 in ${said}[400000+1000]
	END
	cause_is panic
	evidence_has 'Kernel panic - not syncing: Fatal exception'
}

@test "a program's name with a panic's lines in it, and then a hard reset: no panic; a name's lines have the time of the kernel's own" {
	local said='Kernel panic - not syncing: Out of memory: x' log
	local begins='[    8.0] x[12]: segfault at 0 ip 0 sp 0 error 4 in ' ends='[    8.0] [400000+1000]'
	for log in "$begins
[    8.0] $said
$ends" "${begins/]/][   T12]}
[    8.0][   T12] $said
[    8.0][   T12] ---[ end $said ]---
${ends/]/][   T12]}" "${begins#*] }
$said" "[    8.0] $said"; do
		rm -rf root/var
		boot one
		printf '%s\n' '[    7.0] eth0: link up' "$log" >root/sys/fs/pstore/console-ramoops-0
		[[ $log == *segfault* ]] || sed -i 1d root/sys/fs/pstore/console-ramoops-0 # nor if nothing is known of the line before
		cause_is unknown
	done
}

@test "a panic that the console has told of to its end" {
	cat >root/sys/fs/pstore/console-ramoops-0 <<-'END'
		[    8.999999][   T55] sysrq: Trigger a crash
		[    9.000000][   T55] Kernel panic - not syncing: sysrq triggered crash
		[    9.000001][   T55] CPU: 0 PID: 55 Comm: sh Not tainted 6.1.0-56-amd64 #1  Debian 6.1.187-1
		[    9.000001][   T55] Hardware name: QEMU Standard PC
		[    9.000002][   T55] Call Trace:
		[    9.000003][   T55]  <TASK>
		[    9.000003][   T55]  dump_stack_lvl+0x44/0x5c
		[    9.000003][   T55]  ? __pfx_x+0x10/0x10 [x]
		[    9.000004][   T55] RIP: 0033:0x7f6d2c
		[    9.000005][   T55] Kernel Offset: disabled
		[    9.000006][   T55] ---[ end Kernel panic - not syncing: sysrq triggered crash ]---

		No errors detected
	END
	cause_is panic
	evidence_has 'pstore has console-ramoops-0: a panic'
}

@test "what comes only after the initramfs counts, and never takes back what is known" {
	expect 0 holdfast apply --stage devices
	mkdir -p root/sys/class/watchdog/watchdog0
	echo 32 >root/sys/class/watchdog/watchdog0/bootstatus
	cause_is watchdog
	boot two
	expect 0 holdfast apply --stage devices
	panic 'sysrq triggered crash'
	cause_is panic
	[[ $(archived | wc -l) == 1 ]]
	boot three
	panic 'sysrq triggered crash'
	expect 0 holdfast apply --stage devices
	# Somebody else has cleared it meanwhile.
	rm root/sys/fs/pstore/*
	cause_is panic
	[[ $(archived | wc -l) == 2 ]]
}

# stubborn COMMAND...: with a pstore that lets nothing be cleared.
stubborn() {
	in_namespace "
		mount --bind root/sys/fs/pstore root/sys/fs/pstore
		mount -o remount,bind,ro root/sys/fs/pstore
		'$HOLDFAST' --root root --procfs root/proc --sysfs root/sys $*"
}

@test "a record that cannot be cleared: said; archived once, and no later boot's cause, until there is another of its name" {
	panic 'sysrq triggered crash'
	expect 0 stubborn apply --stage system
	messages_have 'last_boot: pstore does not let dmesg-ramoops-0 go: Read-only file system; it is archived, and is no evidence any more'
	expect 0 holdfast --json last-boot
	json_is .cause panic
	# Nor is it archived again after a soft reboot, and stays this boot's cause.
	expect 0 holdfast last-boot --ends
	expect 0 stubborn apply --stage system
	expect 0 holdfast --json last-boot
	json_is .cause panic
	[[ $(archived | wc -l) == 1 ]]

	boot two
	# The archive is not there yet.
	expect 0 stubborn apply --stage devices
	expect 0 stubborn apply --stage system
	expect 0 holdfast --json last-boot
	json_is .cause power-loss-or-reset
	evidence_has 'pstore has dmesg-ramoops-0 still: an earlier boot has archived it'
	run ! grep -F 'Kernel panic' <<<"$output"
	[[ $(archived | wc -l) == 1 && -z $(ls root/run/holdfast/records) ]]

	boot three
	panic 'another one'
	expect 0 stubborn apply --stage system
	expect 0 holdfast --json last-boot
	json_is .cause panic
	[[ $(archived | wc -l) == 2 ]]

	# One day it goes.
	boot four
	cause_is power-loss-or-reset
	[[ -z $(ls root/sys/fs/pstore) && ! -e $ARCHIVE/.uncleared ]]
}

@test "a record that cannot be cleared does not count a crash at each boot" {
	profile default <<-'END'
		kdump: { crashkernel: 64M, capture: { target: /dev/none } }
		last_boot: {}
	END
	record dmesg-ramoops-0 Shutdown <<<'<15>[    3.000002] crashed: #2'
	stubborn apply --stage system || : # for the crash kernel, which this machine cannot have
	grep -x 'crashes 2' root/run/holdfast/last-boot
	boot two
	stubborn apply --stage devices || :
	stubborn apply --stage system || :
	run ! grep crashes root/run/holdfast/last-boot
}

@test "what runs that were killed were about to write goes with the next one" {
	local call
	expect 0 holdfast apply --stage devices
	for call in 1 2 3; do
		expect 137 env ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o /dev/null -e "inject=fsync:signal=KILL:when=$call" \
			"$HOLDFAST" --root root --procfs root/proc --sysfs root/sys apply --stage system
	done
	ls "$ARCHIVE"/..boot.*
	panic x
	expect 0 holdfast apply --stage system
	[[ $(ls -A "$ARCHIVE") == .boot$'\n'000001-* ]]
}

@test "an archive that others could have made is neither believed nor written to; a link of root's is followed" {
	local dir="/var/lib/holdfast/crashes"
	local why="others can write to $dir, or to a directory on the way: give it to root, with mode 700" way
	cause_is unknown
	expect 0 holdfast last-boot --ends
	for way in "$ARCHIVE" root/var/lib; do
		boot two
		chmod o+w "$way"
		panic 'sysrq triggered crash'
		untouched_archive expect 1 holdfast apply --stage system
		messages_have "last_boot: not recorded, recorded wanted (failed): $why"
		expect 1 holdfast last-boot --ends
		messages_have "the end of this boot could not be noted: $why"
		expect 0 holdfast --json last-boot
		json_is '.cause, (.evidence | join(" ") | contains("in order"))' $'panic\nfalse'
		chmod o-w "$way"
		rm root/sys/fs/pstore/*
	done
	# /var on a disk of its own, say.
	mkdir root/data
	mv root/var root/data/var
	ln -s data/var root/var
	boot three
	cause_is reboot
	# In a directory like /tmp a link may be anybody's.
	[[ $(id -u) == 0 ]] || return 0
	expect 0 holdfast last-boot --ends
	chmod 1777 root
	boot four
	chown -h 65534 root/var
	expect 1 holdfast apply --stage system
	messages_have "$why"
	chown -h 0 root/var
	cause_is reboot
}

@test "the row goes on after a soft reboot: the trace says again that this boot runs" {
	cause_is unknown
	expect 0 holdfast last-boot --ends
	expect 1 holdfast verify
	output_has 'last_boot: found'
	expect 0 holdfast apply --stage system
	expect 0 holdfast verify
	boot two
	cause_is power-loss-or-reset
}

# unit_stops STATE JOB: what the unit does at its end, with a made-up systemctl; prints what it calls.
unit_stops() {
	mkdir -p bin
	# shellcheck disable=SC2016 # the made-up program's own
	printf '#!/bin/sh\ncase $1 in list-jobs) echo "12 %s start running" ;; *) echo %s ;; esac\n' "$2" "$1" >bin/systemctl
	# shellcheck disable=SC2016
	printf '#!/bin/sh\necho "$@"\n' >bin/holdfast
	chmod 755 bin/*
	sed -n "s/^ExecStop=.*-c '\(.*\)'$/\1/p" "$TESTS/../initramfs-hooks/systemd/holdfast.service" |
		sed 's/\$\$/$/g; s,/usr/sbin/holdfast,holdfast,' >stop
	PATH=$PWD/bin:$PATH sh -e stop
}

@test "only the machine's own end is noted: not the service's, nor a soft reboot's" {
	expect 0 unit_stops stopping reboot.target
	output_is <<<'last-boot --ends'
	expect 0 unit_stops running holdfast.service
	output_is </dev/null
	expect 0 unit_stops stopping soft-reboot.target
	output_is </dev/null
}

@test "memory that is the kernel's own is not given to ramoops, by either section" {
	local why="the memory at 0x20000000 is in use (System RAM in /proc/iomem): boot with memmap=1024K\$0x20000000"
	printf '%s\n' '00100000-7fffffff : System RAM' '  01000000-01ffffff : Kernel code' >root/proc/iomem
	profile default <<-'END'
		last_boot: { ramoops: { mem_address: 0x20000000, mem_size: 1M } }
	END
	cause_is unknown
	evidence_has "no record in memory: $why"
	profile default <<-'END'
		modules: { load: [ { name: ramoops, options: { mem_address: 0x20000000, mem_size: 0x100000 } } ] }
	END
	expect 1 holdfast apply
	messages_have "modules.load.ramoops: not loaded, loaded mem_address=0x20000000 mem_size=0x100000 wanted (failed): $why"
	sed -i 's/mem_address/mem-address/' "$PROFILES"/default.yaml
	expect 1 holdfast apply
	messages_have "$why"
	# Reserved by the command line; a range that ends where the memory begins.
	printf '%s\n' '00100000-1fffffff : System RAM' '20000000-200fffff : Reserved' '20100000-7fffffff : System RAM' >root/proc/iomem
	expect 1 holdfast apply
	messages_have 'there is no such module for this kernel'
	# One byte of it is too much.
	printf '%s\n' '00100000-20000000 : System RAM' >root/proc/iomem
	expect 1 holdfast apply
	messages_have "$why"
	printf '%s\n' '00000000-00000000 : System RAM' >root/proc/iomem
	expect 1 holdfast apply
	messages_have '/proc/iomem does not tell whether the memory at 0x20000000 is free'
}

# cell NUMBER...: as a device tree has them.
cell() {
	local n
	for n; do
		printf '%b' "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' $((n >> 24 & 255)) $((n >> 16 & 255)) $((n >> 8 & 255)) $((n & 255)))"
	done
}

@test "reserved memory within the RAM is the kernel's own, unless the device tree reserves it" {
	local tree=root/sys/firmware/devicetree/base/reserved-memory free='there is no such module for this kernel'
	local why="the memory at 0x20000000 is in use (System RAM in /proc/iomem)"
	printf '%s\n' '00100000-7fffffff : System RAM' '  01000000-01ffffff : Kernel code' '  20000000-201fffff : reserved' >root/proc/iomem
	profile default <<-'END'
		modules: { load: [ { name: ramoops, options: { mem_address: 0x20000000, mem_size: 0x100000 } } ] }
	END
	expect 1 holdfast apply
	messages_have "$why"
	mkdir -p "$tree"/{dynamic@0,ramoops@20000000}
	cell 2 >"$tree/#address-cells"
	cell 2 >"$tree/#size-cells"
	cell 0 0x10000000 0 0x200000 0 0x20000000 0 0x100000 >"$tree/ramoops@20000000/reg"
	expect 1 holdfast apply
	messages_have "$free"
	cell 0 0x20000000 0 0xff000 >"$tree/ramoops@20000000/reg"
	expect 1 holdfast apply
	messages_have "$why"
	cell 1 >"$tree/#address-cells"
	cell 1 >"$tree/#size-cells"
	cell 0x1ff00000 0x200000 >"$tree/ramoops@20000000/reg"
	expect 1 holdfast apply
	messages_have "$free"
	# The kernel takes it meanwhile.
	: >"$tree/ramoops@20000000/reusable"
	expect 1 holdfast apply
	messages_have "$why"
}

@test "memory that is a device's, or the firmware's, is not given to ramoops, either" {
	profile default <<-'END'
		modules: { load: [ { name: ramoops, options: { mem_address: 0x20000000, mem_size: 0x100000 } } ] }
	END
	for name in 'PCI Bus 0000:00' 'ACPI Non-volatile Storage' 'RAM buffer'; do
		printf '%s\n' '00100000-1fffffff : System RAM' "20000000-200fffff : $name" '  20000000-200fffff : reserved' >root/proc/iomem
		expect 1 holdfast apply
		messages_have "the memory at 0x20000000 is in use ($name in /proc/iomem)"
	done
	for name in 'Persistent Memory (legacy)' reserved; do
		printf '%s\n' '00100000-1fffffff : System RAM' "20000000-200fffff : $name" >root/proc/iomem
		expect 1 holdfast apply
		messages_have 'there is no such module for this kernel'
	done
}

@test "ramoops that is there without memory: said, and what helps" {
	mkdir -p root/sys/module/ramoops root/sys/module/pstore/parameters
	echo efi_pstore >root/sys/module/pstore/parameters/backend
	profile default <<<'last_boot: { ramoops: { mem_address: 0x20000000, mem_size: 1M } }'
	cause_is unknown
	evidence_has 'no record in memory: ramoops has no memory: pstore uses efi_pstore; name the memory on the kernel command line'
}

@test "without last_boot, too, the dumps of a crash kernel are looked at once" {
	profile default <<<'kdump: { crashkernel: 64M, capture: { target: /dev/none } }'
	expect 0 holdfast --json apply --stage system
	json_is '.settings[] | select(.key == "kdump.capture") | .result' set
	report_is .last_boot.cause unknown
	[[ ! -e root/var ]]
}

@test "only the latest are kept" {
	local n
	for n in 1 2 3 4; do
		boot "$n"
		panic "number $n"
		cause_is panic
	done
	[[ $(archived | cut -c1-6) == $'000003\n000004' ]]
}

@test "found out once in a boot: a later run does not ask the trace of its own boot" {
	panic 'sysrq triggered crash'
	cause_is panic
	local before
	before=$(cat root/run/holdfast/last-boot)
	untouched expect 0 holdfast verify
	expect 0 holdfast apply
	output_has 'last_boot: recorded (holds)'
	[[ $(cat root/run/holdfast/last-boot) == "$before" ]]
	[[ $(archived | wc -l) == 1 ]]
}

@test "an archive that cannot be written: said, pstore keeps the record, the cause is known" {
	: >root/var
	panic 'sysrq triggered crash'
	expect 0 holdfast apply --stage devices
	expect 1 holdfast apply --stage system
	messages_have 'last_boot: found, recorded wanted (failed): root/var/lib/holdfast/crashes: Not a directory'
	[[ -e root/sys/fs/pstore/dmesg-ramoops-0 ]]
	report_is .last_boot.cause panic
	# Once it can, it is made good.
	rm root/var
	cause_is panic
	[[ -z $(ls root/sys/fs/pstore) ]]
}

@test "a record of which no copy can be made is not cleared, and that is said" {
	panic 'sysrq triggered crash'
	mkdir root/run/holdfast
	: >root/run/holdfast/records
	expect 1 holdfast apply
	messages_have 'last_boot: not recorded, recorded wanted (failed): root/run/holdfast/records: Not a directory'
	[[ -e root/sys/fs/pstore/dmesg-ramoops-0 ]]
	report_is .last_boot.cause panic
	expect 1 holdfast verify
	# A copy that was there once, and is gone.
	boot two
	expect 0 holdfast apply --stage devices
	rm -r root/run/holdfast/records
	: >root/run/holdfast/records
	expect 1 holdfast apply
	[[ -e root/sys/fs/pstore/dmesg-ramoops-0 ]]
	rm root/run/holdfast/records
	cause_is panic
	[[ -z $(ls root/sys/fs/pstore) && $(archived | wc -l) == 1 ]]
}

@test "cut off in the middle: what is half there has no name, and is removed" {
	mkdir -p "$ARCHIVE/.000001-20260101T000000Z"
	echo half >"$ARCHIVE/.000001-20260101T000000Z/dmesg-ramoops-0"
	panic 'sysrq triggered crash'
	cause_is panic
	[[ $(archived | cut -c1-6) == 000001 ]]
}

@test "before any stage has run the command looks by itself, and writes nothing" {
	panic 'sysrq triggered crash'
	untouched expect 0 holdfast --json last-boot
	json_is .cause panic
	json_is .records '[]'
}

@test "hostile records: other kinds of file, no text, control characters" {
	mkfifo root/sys/fs/pstore/dmesg-fifo
	ln -s /etc/passwd root/sys/fs/pstore/dmesg-link
	head -c 100000 /dev/urandom >root/sys/fs/pstore/dmesg-noise
	printf 'Panic#1 Part1\n<0>Kernel panic - not syncing: \033[2Jred\rx\n' >root/sys/fs/pstore/dmesg-ramoops-0
	cause_is panic
	evidence_has 'Kernel panic - not syncing:  [2Jred x'
}

@test "names that control terminals are printed without that; kernel logs are root's to read" {
	printf 'Panic#1 Part1\n<4>[ 8.0] a\033[2J\177b invoked oom-killer: gfp_mask=0x0, order=0, oom_score_adj=0\n<0>[ 8.1] Kernel panic - not syncing: Out of memory: x\177\n' \
		>root/sys/fs/pstore/dmesg-ramoops-0
	expect 0 holdfast apply --stage devices
	expect 0 holdfast last-boot
	output_has 'asked by:  a?[2J?b'
	[[ $(LC_ALL=C tr -d '\1-\11\13-\37\177' <<<"$output") == "$output" ]]
	[[ $(stat -c %a root/run/holdfast/records root/run/holdfast/records/*) == $'700\n600' ]]
}

@test "last_boot in a damaged /run is begun anew" {
	mkdir -p root/run/holdfast
	printf 'cause \nnonsense\nevidence\n' >root/run/holdfast/last-boot
	expect 0 holdfast --json last-boot
	json_is .cause unknown
}
