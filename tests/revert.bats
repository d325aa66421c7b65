#!/usr/bin/env bats
# Putting back what apply changed.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

setup_machine() {
	kernel_defaults
	profile default <<-'END'
		vm: { overcommit_memory: never, panic_on_oom: always }
		sysctl: { kernel.panic: 10 }
		modules: { block: [ usb_storage ] }
	END
}

@test "what was set is put back, the last one first, and the report is gone" {
	local before
	before=$(cat root/proc/sys/vm/* root/proc/sys/kernel/*)
	expect 0 holdfast apply
	expect 0 holdfast revert
	output_is <<-'END'
		vm.panic_on_oom: 2 → 0
		kernel.panic: 10 → 0
		vm.overcommit_memory: 2 → 0
		modules.block.usb_storage: blocked → not blocked
	END
	[[ $(cat root/proc/sys/vm/* root/proc/sys/kernel/*) == "$before" ]]
	[[ ! -e $REPORT ]]
	[[ ! -e root/run/modprobe.d/holdfast.conf ]]
}

@test "what held before is not touched" {
	kernel kernel/panic=10
	expect 0 holdfast apply
	expect 0 holdfast revert
	[[ $(value kernel/panic) == 10 ]]
	[[ $output != *kernel.panic* ]]
}

@test "after several runs the value of before the first one comes back" {
	expect 0 holdfast apply
	kernel kernel/panic=3
	expect 0 holdfast apply
	expect 0 holdfast apply
	expect 0 holdfast revert
	[[ $(value kernel/panic) == 0 ]]
}

@test "without a report there is nothing to put back" {
	untouched expect 0 holdfast revert
	messages_are <<-'END'
		root/run/holdfast/report.json: there is no report, so nothing to put back
	END
}

@test "a second revert finds nothing" {
	expect 0 holdfast apply
	expect 0 holdfast revert
	untouched expect 0 holdfast revert
	messages_have 'nothing to put back'
}

@test "what somebody else changed since is left alone, and said" {
	expect 0 holdfast apply
	kernel kernel/panic=77
	expect 1 holdfast revert
	[[ $(value kernel/panic) == 77 ]]
	[[ $(value vm/panic_on_oom) == 0 ]]
	messages_have 'kernel.panic: 77, 0 wanted (drifted): somebody else changed it since; left alone'
}

@test "one-way keys are named" {
	kernel kernel/kexec_load_disabled=0 kernel/modules_disabled=0 kernel/unprivileged_bpf_disabled=0 kernel/yama/ptrace_scope=1
	profile default <<-'END'
		sysctl:
		  kernel.kexec_load_disabled: 1
		  kernel.modules_disabled: 1
		  kernel.unprivileged_bpf_disabled: 1
		  kernel.yama.ptrace_scope: 3
		  kernel.panic: 10
	END
	expect 0 holdfast apply
	expect 1 holdfast revert
	output_is <<<'kernel.panic: 10 → 0'
	messages_are <<-'END'
		kernel.yama.ptrace_scope: 3, 1 wanted (failed): the kernel keeps 3 until the next boot
		kernel.unprivileged_bpf_disabled: 1, 0 wanted (failed): the kernel keeps 1 until the next boot
		kernel.modules_disabled: 1, 0 wanted (failed): the kernel keeps it until the next boot
		kernel.kexec_load_disabled: 1, 0 wanted (failed): the kernel keeps it until the next boot
	END
	[[ $(value kernel/yama/ptrace_scope) == 3 ]]
}

@test "values that can be taken back are no one-way keys" {
	kernel kernel/unprivileged_bpf_disabled=0 kernel/yama/ptrace_scope=1
	profile default <<<'sysctl: { kernel.unprivileged_bpf_disabled: 2, kernel.yama.ptrace_scope: 2 }'
	expect 0 holdfast apply
	expect 0 holdfast revert
	[[ $(value kernel/yama/ptrace_scope) == 1 ]]
}

@test "what could not be put back can be tried again" {
	expect 0 holdfast apply
	mv root/proc/sys/kernel/panic panic
	expect 1 holdfast revert
	messages_have 'kernel.panic: '
	mv panic root/proc/sys/kernel/panic
	expect 0 holdfast revert
	output_is <<<'kernel.panic: 10 → 0'
	[[ $(value kernel/panic) == 0 ]]
	[[ ! -e $REPORT ]]
}

@test "lines that somebody else added to the blocked modules stay" {
	expect 0 holdfast apply
	printf 'blacklist other\n' >>root/run/modprobe.d/holdfast.conf
	expect 0 holdfast revert
	same_text "$(<root/run/modprobe.d/holdfast.conf)" holdfast.conf <<<'blacklist other'
}

@test "values of several numbers come back" {
	kernel net/ipv4/tcp_rmem=$'4096\t131072\t6291456'
	profile default <<<'sysctl: { net.ipv4.tcp_rmem: 4096 87380 4194304 }'
	expect 0 holdfast apply
	output_is <<<'net.ipv4.tcp_rmem: 4096 131072 6291456 → 4096 87380 4194304'
	expect 0 holdfast revert
	[[ $(value net/ipv4/tcp_rmem) == '4096 131072 6291456' ]]
}

@test "the same trees in another spelling" {
	expect 0 "$HOLDFAST" --root root/ --procfs root/proc/ --sysfs root/sys/ apply
	[[ $(value kernel/panic) == 10 ]]
	expect 0 "$HOLDFAST" --root root --procfs ./root/proc --sysfs root/sys revert
	[[ $(value kernel/panic) == 0 ]]
	[[ $(value vm/panic_on_oom) == 0 ]]
}

@test "revert --json" {
	expect 0 holdfast apply
	expect 0 holdfast --json revert
	json_is '.version, (.settings | map(.result) | unique)' $'1\n["set"]'
	json_is '.settings[0] | [.key, .before, .after]' '["vm.panic_on_oom","2","0"]'
}

@test "a report made by somebody else writes nowhere but below the kernel's tree" {
	mkdir root/run/holdfast
	printf 'keep\n' >root/etc/target
	cat >"$REPORT" <<-'END'
		{"version": 1, "profile": "x", "settings": [
		 {"kind": "sysctl", "key": "x", "file": "/etc/target", "before": "gone", "after": "keep", "result": "set"},
		 {"kind": "sysctl", "key": "y", "file": "root/etc/target", "before": "gone", "after": "keep", "result": "set"},
		 {"kind": "none", "key": "a.b.c", "before": "gone", "after": "keep", "result": "set"},
		 {"kind": "module", "key": "nodots", "before": "gone", "after": "keep", "result": "set"}]}
	END
	"$HOLDFAST" --root root --procfs root/proc --sysfs root/sys revert >out 2>&1 || (($? == 1))
	[[ $(<root/etc/target) == keep ]]
}

@test "of two knobs that exclude each other the one that was in force comes back" {
	echo 50 >root/proc/sys/vm/overcommit_ratio
	echo 0 >root/proc/sys/vm/overcommit_kbytes
	profile default <<<'vm: { overcommit_kbytes: 512M }'
	expect 0 holdfast apply
	echo 0 >root/proc/sys/vm/overcommit_ratio # as the kernel does
	expect 0 holdfast revert
	[[ $(value vm/overcommit_ratio) == 50 && $(value vm/overcommit_kbytes) == 0 ]]
}
