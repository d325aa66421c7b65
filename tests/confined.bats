#!/usr/bin/env bats
# An image is a foreign tree: its links lead around inside it, never out of it.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

setup_machine() {
	kernel_defaults
	mkdir -p outside/{profiles,run,lib/modules/6.1.0-demo,sysctl.d}
	profile default outside/profiles <<<'vm: { panic_on_oom: 1 }'
	# The same names exist inside and outside: what was read tells which.
	age outside
	outside=$(snapshot_of outside)
}

teardown() {
	[[ $(snapshot_of outside) == "$outside" ]]
}

@test "profiles behind a link to an absolute path" {
	rmdir "$PROFILES"
	ln -s "$PWD/outside/profiles" "$PROFILES"
	expect 4 holdfast select
	rm "$PROFILES"
	mkdir root/elsewhere
	ln -s /elsewhere "$PROFILES"
	profile default root/elsewhere <<<'vm: { panic_on_oom: 0 }'
	expect 0 holdfast select
	output_is <<<default
}

@test "profiles behind a link that climbs" {
	rmdir "$PROFILES"
	ln -s ../../../../../../../../../../../../../../../"$PWD/outside/profiles" "$PROFILES"
	expect 4 holdfast select
}

@test "one profile that is a link" {
	ln -s "$PWD/outside/profiles/default.yaml" "$PROFILES/default.yaml"
	expect 3 holdfast check
	messages_have 'default.yaml:1:1: error: No such file or directory'
	rm "$PROFILES/default.yaml"
	printf 'holdfast: 1\nname: default\n' >root/etc/real.yaml
	ln -s /etc/real.yaml "$PROFILES/default.yaml"
	expect 0 holdfast select
	output_is <<<default
}

@test "a whole /etc that is a link" {
	rm -r root/etc
	ln -s "$PWD/outside" root/etc
	mkdir -p outside/holdfast
	mv outside/profiles outside/holdfast/
	outside=$(snapshot_of outside)
	expect 4 holdfast select
}

@test "a /run that is a link: the report does not get out" {
	profile default <<<'vm: { oom_dump_tasks: false }'
	rmdir root/run
	ln -s "$PWD/outside/run" root/run
	holdfast apply >out 2>&1 || :
	[[ $(value vm/oom_dump_tasks) == 0 ]]
	expect 0 holdfast revert
	rm root/run
	mkdir root/run
	ln -s "$PWD/outside/run" root/run/holdfast
	kernel vm/oom_dump_tasks=1
	holdfast apply >out 2>&1 || :
	grep -q 'the report is lost' out
}

@test "blocked modules do not get out" {
	profile default <<<'modules: { block: [ usb_storage ] }'
	ln -s "$PWD/outside/run" root/run/modprobe.d
	expect 1 holdfast apply
	messages_have 'modules.block.usb_storage: '
	messages_have '(failed)'
}

@test "a report that is a link is replaced, not written through" {
	profile default <<<'vm: { oom_dump_tasks: false }'
	mkdir root/run/holdfast
	ln -s "$PWD/outside/profiles/default.yaml" "$REPORT"
	expect 0 holdfast apply
	[[ ! -L $REPORT ]]
	report_is .profile default
}

@test "the sysctl configuration and the kernel's list of modules are the image's own" {
	profile default <<-'END'
		sysctl: { kernel.panic: 10 }
		modules: { load: [ { name: demo } ] }
	END
	printf 'kernel.panic = 0\n' >outside/sysctl.d/x.conf
	printf 'kernel/demo.ko\n' >outside/lib/modules/6.1.0-demo/modules.builtin
	outside=$(snapshot_of outside)
	ln -s "$PWD/outside/sysctl.d" root/etc/sysctl.d
	ln -s "$PWD/outside/lib" root/lib
	expect 1 holdfast verify
	output_has 'kernel.panic: 0, 10 wanted (drifted)'
	output_has 'modules.load.demo: not loaded'
}

@test "mount points are not made outside" {
	profile default <<<'mounts: [ { what: tmpfs, where: /link/made, type: tmpfs } ]'
	mkdir root/proc/self
	: >root/proc/self/mountinfo
	ln -s "$PWD/outside" root/link
	expect 1 "$HOLDFAST" --root "$PWD/root" --procfs root/proc --sysfs root/sys apply
	messages_have 'mounts./link/made: '
	messages_have '(failed)'
}
