#!/usr/bin/env bats
# Bringing a machine to its profile: what is written, what is said of it, and that nothing is written twice.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

setup_machine() {
	kernel_defaults
	profile default <<-'END'
		vm:
		  overcommit_memory: never
		  overcommit_ratio: 80
		  panic_on_oom: always
		sysctl:
		  kernel.panic: 10
	END
}

@test "each setting is written and read back, one line each, old and new" {
	expect 0 holdfast apply
	output_is <<-'END'
		vm.overcommit_ratio: 50 → 80
		vm.overcommit_memory: 0 → 2
		kernel.panic: 0 → 10
		vm.panic_on_oom: 0 → 2
	END
	[[ -z $messages ]]
	[[ $(value vm/overcommit_memory) == 2 ]]
	[[ $(value vm/overcommit_ratio) == 80 ]]
	[[ $(value vm/panic_on_oom) == 2 ]]
	[[ $(value kernel/panic) == 10 ]]
	[[ $(value vm/oom_dump_tasks) == 1 ]]
}

@test "the report holds every setting: where, wanted, before, after, source" {
	expect 0 holdfast apply
	report_is '.version, .profile, .reason, (.stages | map(.stage)), (.errors | length)' $'1\ndefault\ndefault\n["all"]\n0'
	report_is '.stages[0].duration_us | type' number
	report_is '.settings[] | select(.key == "vm.panic_on_oom") | [.file, .wanted, .before, .after, .result, .source]' \
		'["root/proc/sys/vm/panic_on_oom","2","0","2","set","default.yaml:6"]'
	report_is '[.settings[].result] | unique' '["set"]'
	report_is '.kdump.armed' false
	report_is '.last_boot.cause' unknown
	[[ $(stat -c %a "$REPORT") == 644 ]]
	[[ $(ls -A root/run/holdfast) == $'lock\nreport.json' ]]
}

@test "runs wait for each other; a user who locks what he can open keeps nobody waiting" {
	expect 0 holdfast apply
	flock root/run/holdfast/lock sleep 0.5 &
	SECONDS=0
	expect 0 holdfast apply
	wait -n # it has ended already
	(cd root/run/holdfast && exec setpriv --reuid 65534 --clear-groups flock . sleep 60) &
	local user=$!
	sleep 0.1
	run -1 setpriv --reuid 65534 --clear-groups cat root/run/holdfast/lock
	expect 0 timeout 20 "$HOLDFAST" --root root --procfs root/proc --sysfs root/sys apply
	pkill -P "$user"
	[[ $(stat -c '%U %a' root/run/holdfast/lock) == 'root 600' ]]
}

@test "apply --json prints the same document" {
	expect 0 holdfast --json apply
	[[ $(jq -S . <<<"$output") == "$(jq -S . "$REPORT")" ]]
	[[ -z $messages ]]
}

@test "a second apply writes no setting" {
	expect 0 holdfast apply
	age root
	local before
	before=$(snapshot_of root/proc)
	expect 0 holdfast apply
	output_is <<-'END'
		vm.overcommit_ratio: 80 (holds)
		vm.overcommit_memory: 2 (holds)
		kernel.panic: 10 (holds)
		vm.panic_on_oom: 2 (holds)
	END
	[[ $(snapshot_of root/proc) == "$before" ]]
}

@test "only what differs is written" {
	kernel vm/overcommit_ratio=80 vm/panic_on_oom=2
	age root/proc
	expect 0 holdfast apply
	[[ $(find root/proc -type f -newermt '2002-01-01' -printf '%P\n' | sort) == $'sys/kernel/panic\nsys/vm/overcommit_memory' ]]
}

@test "values are compared as the kernel reads them" {
	kernel kernel/printk=$'4\t4\t1\t7' kernel/sysrq=16 kernel/flag=Y kernel/empty=
	profile default <<-'END'
		sysctl:
		  kernel.printk: 4 4 1 7
		  kernel.sysrq: 0x10
		  kernel.flag: 1
		  kernel.empty: ""
	END
	age root/proc
	expect 0 holdfast apply
	output_is <<-'END'
		kernel.printk: 4 4 1 7 (holds)
		kernel.sysrq: 16 (holds)
		kernel.flag: Y (holds)
		kernel.empty:  (holds)
	END
	[[ -z $(find root/proc -newermt '2002-01-01') ]]
}

@test "a value is written with a newline, and nothing of a longer one is left" {
	kernel vm/overcommit_ratio=100000000
	expect 0 holdfast apply
	printf '80\n' | cmp - root/proc/sys/vm/overcommit_ratio
}

@test "a dry run says what would change and writes nothing at all" {
	untouched expect 0 holdfast apply --dry-run
	output_is <<-'END'
		vm.overcommit_ratio: 50 → 80 (would-set)
		vm.overcommit_memory: 0 → 2 (would-set)
		kernel.panic: 0 → 10 (would-set)
		vm.panic_on_oom: 0 → 2 (would-set)
	END
}

@test "a dry run of a stage, and as JSON, writes nothing either" {
	local stage
	for stage in early devices root system all; do
		untouched expect 0 holdfast --json apply --dry-run --stage "$stage"
		json_is '.stages[0].stage' "$stage"
	done
	json_is '[.settings[].result] | unique' '["would-set"]'
}

@test "a dry run names what is not there, and exits as apply would" {
	rm root/proc/sys/kernel/panic
	untouched expect 1 holdfast apply --dry-run
	messages_have 'kernel.panic: 10 wanted (absent): this kernel has no such key'
}

@test "holdfast=plan writes the report only" {
	cmdline 'quiet holdfast=plan'
	local before
	age root
	before=$(snapshot_of root/proc)
	expect 0 holdfast apply
	[[ $(snapshot_of root/proc) == "$before" ]]
	report_is '[.settings[].result] | unique' '["would-set"]'
	output_has 'vm.panic_on_oom: 0 → 2 (would-set)'
}

@test "a dry run writes nothing under holdfast=plan too" {
	cmdline 'quiet holdfast=plan'
	untouched expect 0 holdfast apply --dry-run
}

@test "holdfast=off does nothing at all" {
	cmdline 'quiet holdfast=off'
	local stage
	for stage in early devices root system all; do
		untouched expect 0 holdfast apply --stage "$stage"
		[[ -z $output ]]
	done
	messages_have 'holdfast=off on the kernel command line'
}

@test "the last holdfast= on the command line counts" {
	cmdline 'holdfast=off holdfast=plan holdfast.off=1'
	expect 0 holdfast apply
	output_has would-set
	cmdline 'holdfast=off quiet -- holdfast=plan'
	untouched expect 0 holdfast apply
	cmdline 'notholdfast=off'
	expect 0 holdfast apply
	output_has 'vm.panic_on_oom: 0 → 2'
}

@test "nothing is applied in a capture kernel" {
	: >root/proc/vmcore
	local stage
	for stage in early devices root system all; do
		untouched expect 0 holdfast apply --stage "$stage"
		[[ -z $output ]]
	done
	messages_have 'capture kernel'
}

@test "panic_on_oom waits for an armed crash kernel" {
	profile default <<-'END'
		vm: { panic_on_oom: always }
		kdump: { crashkernel: 192M, panic_on_oom_unarmed: 1 }
	END
	expect 0 holdfast apply --stage early
	[[ $(value vm/panic_on_oom) == 0 ]]
	expect 0 holdfast apply
	[[ $(value vm/panic_on_oom) == 1 ]]
	messages_have 'kdump: armed wanted (absent): this kernel can load no crash kernel'
	mkdir -p root/sys/kernel
	printf '1\n' >root/sys/kernel/kexec_crash_loaded
	printf '201326592\n' >root/sys/kernel/kexec_crash_size
	expect 0 holdfast apply
	[[ $(value vm/panic_on_oom) == 2 ]]
	report_is '.kdump.armed, .kdump.reserved_bytes' $'true\n201326592'
}

@test "modules that must not be loaded are blocked in /run" {
	profile default <<<'modules: { block: [ usb-storage, firewire_core ] }'
	expect 0 holdfast apply
	same_text "$(<root/run/modprobe.d/holdfast.conf)" holdfast.conf <<-'END'
		blacklist usb_storage
		install usb_storage /bin/false
		blacklist firewire_core
		install firewire_core /bin/false
	END
	output_has 'modules.block.usb_storage: not blocked → blocked'
	age root
	local before
	before=$(snapshot_of root/run/modprobe.d)
	expect 0 holdfast apply
	output_has 'modules.block.usb_storage: blocked (holds)'
	[[ $(snapshot_of root/run/modprobe.d) == "$before" ]]
}

@test "a blocked module that is loaded already, or built in, is a failure" {
	mkdir -p root/sys/module/{usb_storage,firewire_core}
	printf 'live\n' >root/sys/module/usb_storage/initstate
	profile default <<<'modules: { block: [ usb_storage, firewire_core ] }'
	expect 1 holdfast apply
	messages_have 'modules.block.usb_storage: loaded, blocked wanted (failed): it was loaded before it could be blocked'
	messages_have 'modules.block.firewire_core: built-in, blocked wanted (failed): it is built into the kernel'
}

@test "a module that is there already holds, with its options" {
	mkdir -p root/sys/module/{ramoops/parameters,loop}
	printf 'live\n' >root/sys/module/ramoops/initstate
	printf '1048576\n' >root/sys/module/ramoops/parameters/mem_size
	profile default <<-'END'
		modules:
		  load:
		    - { name: ramoops, options: { mem_size: 0x100000 } }
		    - { name: loop }
	END
	expect 0 holdfast apply
	output_is <<-'END'
		modules.load.ramoops: loaded mem_size=0x100000 (holds)
		modules.load.loop: built-in (holds)
	END
}

@test "a module that is loaded with other options is a failure, and is not loaded again" {
	mkdir -p root/sys/module/ramoops/parameters
	printf 'live\n' >root/sys/module/ramoops/initstate
	printf '4096\n' >root/sys/module/ramoops/parameters/mem_size
	profile default <<<'modules: { load: [ { name: ramoops, options: { mem_size: 0x100000 } } ] }'
	expect 1 holdfast apply
	messages_are <<-'END'
		modules.load.ramoops: loaded mem_size=4096, loaded mem_size=0x100000 wanted (failed): it was loaded with other options
	END
}

@test "a built-in module is known from the kernel's list before it shows" {
	mkdir -p root/lib/modules/6.1.0-demo
	printf 'kernel/fs/pstore/ram-oops.ko\nkernel/x/loop.ko\n' >root/lib/modules/6.1.0-demo/modules.builtin
	profile default <<<'modules: { load: [ { name: ram_oops } ] }'
	expect 0 holdfast apply
	output_is <<<'modules.load.ram_oops: built-in (holds)'
}

@test "what is mounted already holds, what something else covers is a failure" {
	mkdir -p root/proc/self root/run/a root/run/b
	cat >root/proc/self/mountinfo <<-END
		22 1 0:20 / / rw,relatime - ext4 /dev/sda1 rw
		30 22 0:30 / $PWD/root/run/a rw,nosuid,nodev - tmpfs tmpfs rw
		31 22 0:31 / $PWD/root/run/b rw - tmpfs other rw
	END
	profile default <<-'END'
		mounts:
		  - { what: tmpfs, where: /run/a, type: tmpfs, options: "nosuid,nodev" }
		  - { what: tmpfs, where: /run/b, type: tmpfs }
	END
	expect 1 "$HOLDFAST" --root "$PWD/root" --procfs root/proc --sysfs root/sys apply
	output_has 'mounts./run/a: '
	output_has '(holds)'
	messages_have 'mounts./run/b: '
	messages_have '(failed): something else is mounted there'
}

# mounted COMMANDS: what they print in a mount namespace of their own, where root/run is a tmpfs, without the options of what is mounted.
mounted() {
	in_namespace "mount -t tmpfs none root/run; $1" >out 2>&1 || {
		cat out >&2
		return 1
	}
	sed 's/tmpfs tmpfs [a-z].*$/tmpfs tmpfs …/' out
}

@test "a tmpfs is mounted in a namespace of its own, once, and taken away again" {
	profile default <<<'mounts: [ { what: tmpfs, where: /run/data, type: tmpfs, options: "size=64k,nosuid,nodev,noexec" } ]'
	# shellcheck disable=SC2016 # expanded inside
	mounted '
		h="$HOLDFAST --root $PWD/root --sysfs $PWD/root/sys"
		$h apply
		grep -c " $PWD/root/run/data " /proc/self/mountinfo
		$h apply
		grep -c " $PWD/root/run/data " /proc/self/mountinfo
		$h revert
		! grep " $PWD/root/run/data " /proc/self/mountinfo
	' >printed
	same_text "$(<printed)" output <<-'END'
		mounts./run/data: not mounted → tmpfs tmpfs …
		1
		mounts./run/data: tmpfs tmpfs …
		1
		mounts./run/data: tmpfs tmpfs …
	END
}

@test "a tmpfs is mounted, and taken away again, where whoever starts us ignores the ends of children" {
	profile default <<<'mounts: [ { what: tmpfs, where: /run/data, type: tmpfs } ]'
	# shellcheck disable=SC2016 # expanded inside
	mounted '
		h="env --ignore-signal=CHLD $HOLDFAST --root $PWD/root --sysfs $PWD/root/sys"
		$h apply
		$h revert
		! grep " $PWD/root/run/data " /proc/self/mountinfo
	' >printed
	same_text "$(<printed)" output <<-'END'
		mounts./run/data: not mounted → tmpfs tmpfs …
		mounts./run/data: tmpfs tmpfs …
	END
}
