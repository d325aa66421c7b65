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

# archived: the names in the archive, but for the trace.
archived() {
	find "$ARCHIVE" -mindepth 1 -maxdepth 1 ! -name .boot -printf '%f\n' | sort
}

# cause_is CAUSE: what this boot finds out.
cause_is() {
	expect 0 holdfast apply --stage devices
	expect 0 holdfast apply --stage system
	expect 0 holdfast --json last-boot
	json_is .cause "$1"
	report_is .last_boot.cause "$1"
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
	printf 'Panic#1 Part1\nKernel panic - not syncing: \033[2Jred\rx\n' >root/sys/fs/pstore/dmesg-ramoops-0
	cause_is panic
	evidence_has 'Kernel panic - not syncing:  [2Jred x'
}

@test "last_boot in a damaged /run is begun anew" {
	mkdir -p root/run/holdfast
	printf 'cause \nnonsense\nevidence\n' >root/run/holdfast/last-boot
	expect 0 holdfast --json last-boot
	json_is .cause unknown
}
