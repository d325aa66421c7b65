#!/usr/bin/env bats
# What the running system can see: profile, what was done, what holds now.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

setup_machine() {
	kernel_defaults
	profile default <<-'END'
		description: the plain machine
		vm: { panic_on_oom: always }
		sysctl: { kernel.panic: 10 }
	END
}

# Times differ from run to run.
status_is() {
	output=$(sed -E 's/[0-9]+\.[0-9] ms/N ms/g' <<<"$output")
	output_is
}

@test "before anything was applied" {
	untouched expect 1 holdfast status
	status_is <<-'END'
		profile:   default (default): the plain machine
		applied:   nothing yet
		settings:  0 of 2 hold
		  kernel.panic: 0, 10 wanted (drifted)
		  vm.panic_on_oom: 0, 2 wanted (drifted)
		kdump:     not armed, 0 MiB reserved
		last boot: unknown
		guard:     not running
		to do:     holdfast apply: puts 2 settings right
	END
}

@test "after apply" {
	expect 0 holdfast apply
	untouched expect 0 holdfast status
	status_is <<-'END'
		profile:   default (default): the plain machine
		applied:   all (N ms)
		settings:  2 of 2 hold
		kdump:     not armed, 0 MiB reserved
		last boot: unknown
		guard:     not running
	END
}

@test "after the stages of a boot, and a drift since" {
	mkdir -p root/sys/kernel
	printf '1\n' >root/sys/kernel/kexec_crash_loaded
	printf '268435456\n' >root/sys/kernel/kexec_crash_size
	local stage
	for stage in early devices root system; do
		expect 0 holdfast apply --stage "$stage"
	done
	kernel kernel/panic=1
	untouched expect 1 holdfast status
	status_is <<-'END'
		profile:   default (default): the plain machine
		applied:   early (N ms), devices (N ms), root (N ms), system (N ms)
		settings:  1 of 2 hold
		  kernel.panic: 1, 10 wanted (drifted)
		kdump:     armed, 256 MiB reserved
		last boot: unknown
		guard:     not running
		to do:     holdfast apply: puts 1 setting right
	END
}

@test "another profile than the one that was applied" {
	expect 0 holdfast apply
	profile other <<<'sysctl: { kernel.panic: 10 }'
	expect 0 holdfast --profile other status
	output_has 'profile:   other (option)'
	output_has 'but default was applied'
}

@test "as JSON: the report, and the guard" {
	expect 0 holdfast apply
	untouched expect 0 holdfast --json status
	json_is '.version, .profile, .reason, (.stages | map(.stage))' $'1\ndefault\ndefault\n["all"]'
	json_is '.settings[] | select(.key == "vm.panic_on_oom") | [.before, .after, .result]' '["0","2","set"]'
	json_is '.guard | [.running, .pinned, .released, .lost_events, .rescans, .leashed]' '[false,[],0,0,0,0]'
	kernel vm/panic_on_oom=0
	expect 1 holdfast --json status
	json_is '.settings[] | select(.key == "vm.panic_on_oom") | .result' drifted
}

@test "verbose lists every setting" {
	expect 0 holdfast apply
	expect 0 holdfast -v status
	output_has 'vm.panic_on_oom: 2 (holds)'
	output_has 'kernel.panic: 10 (holds)'
}

@test "why nothing was applied at boot" {
	profile default <<<'x: 1'
	expect 3 holdfast apply --stage early
	expect 3 holdfast status
	messages_have "root/etc/holdfast/profiles/default.yaml:3:1: error: unknown key 'x'"
	messages_have "profile 'default' is invalid"
}

@test "what needs doing, with the command that does it" {
	profile default <<-'END'
		vm: { panic_on_oom: always }
		sysctl: { kernel.panic: 10 }
		kdump: { crashkernel: 192M, panic_on_oom_unarmed: never }
		protect: [ { service: sshd, exe: /usr/sbin/sshd } ]
	END
	mkdir -p root/etc/sysctl.d
	printf 'kernel.panic = 0\n' >root/etc/sysctl.d/99-local.conf
	expect 1 holdfast status
	output_has 'guard:     not running'
	output_has 'to do:     holdfast apply: puts 1 setting right; without a change of /etc/sysctl.d/99-local.conf:1 it comes back'
	output_has '           holdfast kdump load: arms the crash kernel, or says why not'
	output_has '           systemctl restart holdfast-guard: nothing is protected'
}

@test "nothing to do is not mentioned; lines fit the width" {
	expect 0 holdfast apply
	expect 0 holdfast status
	[[ $output != *'to do'* ]]
	kernel kernel/panic=123
	COLUMNS=40 expect 1 holdfast -v status
	(($(wc -L <stdout) <= 40))
}
