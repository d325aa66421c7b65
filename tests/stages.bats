#!/usr/bin/env bats
# The stages of a boot: what each does, and the one report they leave together.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

setup_machine() {
	kernel_defaults
	profile default <<-'END'
		vm: { panic_on_oom: always }
		sysctl: { kernel.panic: 10, net.late: 1 }
		modules: { block: [ usb_storage ] }
		mounts:
		  - { what: tmpfs, where: /run/x, required: false }
		  - { what: LABEL=holdfast-none, where: /data, required: false }
	END
	mkdir root/proc/self
	printf '30 22 0:30 / %s/root/run/x rw - tmpfs tmpfs rw\n' "$PWD" >root/proc/self/mountinfo
}

stage() {
	expect 0 "$HOLDFAST" --root "$PWD/root" --procfs root/proc --sysfs root/sys apply --stage "$1"
}

@test "early: sysctls that exist already, and blocked modules" {
	stage early
	report_is '.stages | map(.stage)' '["early"]'
	report_is '[.settings[] | [.key, .result]]' \
		'[["modules.block.usb_storage","set"],["kernel.panic","set"],["net.late","absent"],["vm.panic_on_oom","set"]]'
}

@test "a key that a module brings later is no failure before the last stage" {
	stage early
	[[ $messages != *error* ]]
	stage devices
	stage root
	expect 1 "$HOLDFAST" --root "$PWD/root" --procfs root/proc --sysfs root/sys apply --stage system
	messages_have 'net.late: 1 wanted (absent): this kernel has no such key'
	kernel net/late=0
	stage system
	report_is '.settings[] | select(.key == "net.late") | [.before, .after, .result]' '["0","1","set"]'
}

@test "devices: mounts below /run, and keys that appeared" {
	stage early
	kernel net/late=0
	stage devices
	report_is '.settings[] | select(.key == "net.late") | .result' set
	report_is '.settings[] | select(.key == "mounts./run/x") | .result' holds
	report_is '[.settings[] | select(.key == "mounts./data")] | length' 0
	[[ $(value net/late) == 1 ]]
}

@test "root: mounts below the real root" {
	stage root
	report_is '[.settings[].key]' '["mounts./data"]'
}

@test "system: everything again, put right where something changed it" {
	stage early
	kernel vm/panic_on_oom=0
	kernel net/late=0
	mkdir root/etc/sysctl.d
	printf 'vm.panic_on_oom = 0\n' >root/etc/sysctl.d/50-vendor.conf
	stage system
	[[ $(value vm/panic_on_oom) == 2 ]]
	report_is '.settings[] | select(.key == "vm.panic_on_oom") | [.before, .after, .result, .overridden_by]' \
		'["0","2","set","/etc/sysctl.d/50-vendor.conf:1"]'
	output_has 'vm.panic_on_oom: 0 → 2; overridden by /etc/sysctl.d/50-vendor.conf:1'
}

@test "one report over all stages: what was set stays set, each setting and stage once" {
	stage early
	kernel net/late=0
	stage devices
	stage root
	stage system
	report_is '.stages | map(.stage)' '["early","devices","root","system"]'
	report_is '[.settings[].key] | length - (unique | length)' 0
	report_is '.settings[] | select(.key == "vm.panic_on_oom") | [.before, .after, .result]' '["0","2","set"]'
	report_is '.settings[] | select(.key == "modules.block.usb_storage") | .result' set
	stage system
	report_is '.stages | map(.stage)' '["early","devices","root","system"]'
}

@test "what an early stage set can be reverted after the last one" {
	kernel net/late=0
	stage early
	stage devices
	stage system
	expect 0 "$HOLDFAST" --root "$PWD/root" --procfs root/proc --sysfs root/sys revert
	[[ $(value vm/panic_on_oom) == 0 ]]
	[[ $(value kernel/panic) == 0 ]]
	[[ $(value net/late) == 0 ]]
	[[ ! -e root/run/modprobe.d/holdfast.conf ]]
}

@test "a failure in one stage does not keep the next one from its work" {
	kernel net/late=0
	mkdir root/proc/sys/kernel/dir
	profile default <<<'sysctl: { kernel.dir: 1, kernel.panic: 10 }'
	expect 1 holdfast apply --stage early
	[[ $(value kernel/panic) == 10 ]]
	expect 1 holdfast apply --stage system
	report_is '.settings[] | select(.key == "kernel.dir") | .result' failed
}

@test "a stage that is none" {
	expect 2 holdfast apply --stage late
	messages_have "unknown stage 'late': early, devices, root, system or all"
}
