#!/usr/bin/env bats
# What cannot be done: said with what and where, never reported as done, and the rest still runs.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

setup_machine() {
	kernel_defaults
}

@test "a key this kernel does not have" {
	profile default <<-'END'
		sysctl:
		  kernel.no_such_key: 1
		  kernel.panic: 10
	END
	expect 1 holdfast apply
	messages_are <<-'END'
		kernel.no_such_key: 1 wanted (absent): this kernel has no such key
	END
	output_is <<-'END'
		kernel.panic: 0 → 10
	END
	[[ ! -e root/proc/sys/kernel/no_such_key ]]
	report_is '.settings[0] | [.key, .result, .before, .after]' '["kernel.no_such_key","absent",null,null]'
}

@test "a key below what is no directory" {
	profile default <<<'sysctl: { kernel.panic.deeper: 1 }'
	expect 1 holdfast apply
	messages_have 'kernel.panic.deeper: 1 wanted (absent): this kernel has no such key'
}

@test "a directory in a key's place" {
	profile default <<<'sysctl: { kernel: { dir: 1, panic: 10 } }'
	mkdir root/proc/sys/kernel/dir
	expect 1 holdfast apply
	messages_have 'kernel.dir: 1 wanted (failed): Is a directory'
	report_is '.settings[] | select(.key == "kernel.dir") | .result' failed
	[[ $(value kernel/panic) == 10 ]]
}

@test "a link in a key's place is not written through" {
	printf '0\n' >root/secret
	ln -s ../../../secret root/proc/sys/kernel/link
	profile default <<<'sysctl: { kernel.link: 1 }'
	expect 1 holdfast apply
	messages_have 'kernel.link: 0, 1 wanted (failed): Too many levels of symbolic links'
	[[ $(<root/secret) == 0 ]]
	report_is '.settings[0].result' failed
}

# The kernel's own files that belong to the writing process alone stand in for sysctls: they refuse and change values as those do.
@test "a value that the kernel refuses" {
	ln -s /proc/self root/proc/sys/own
	profile default <<<'sysctl: { own.oom_score_adj: 5000, kernel.panic: 10 }'
	expect 1 holdfast apply
	messages_have ', 5000 wanted (failed): the kernel refuses this value'
	report_is '.settings[0].result' failed
	[[ $(value kernel/panic) == 10 ]]
}

@test "a value that the kernel takes and changes is not reported as set" {
	ln -s /proc/self root/proc/sys/own
	profile default <<<'sysctl: { own.comm: longer-than-a-name-can-be }'
	expect 1 holdfast apply
	messages_are <<-'END'
		own.comm: holdfast, longer-than-a-name-can-be wanted (failed): it reads otherwise afterwards
	END
	report_is '.settings[0] | [.result, .before, .after]' '["failed","holdfast","longer-than-a-n"]'
}

@test "a value that the kernel takes and keeps is" {
	ln -s /proc/self root/proc/sys/own
	profile default <<<'sysctl: { own.comm: renamed }'
	expect 0 holdfast apply
	output_is <<<'own.comm: holdfast → renamed'
}

@test "a file that takes everything and keeps nothing is never reported as set" {
	ln -s /dev root/proc/sys/dev
	profile default <<<'sysctl: { dev.null: 1 }'
	expect 1 holdfast apply
	messages_have 'dev.null: '
	messages_have '(failed): it reads otherwise afterwards'
	report_is '.settings[0].result' failed
}

@test "a file without an end" {
	ln -s /dev root/proc/sys/dev
	profile default <<<'sysctl: { dev.full: 1 }'
	expect 1 holdfast apply
	messages_have 'dev.full: 1 wanted (failed): File too large'
}

@test "a read-only /proc/sys" {
	profile default <<<'vm: { panic_on_oom: 0, oom_dump_tasks: false }'
	# shellcheck disable=SC2016 # expanded inside
	in_namespace '
		mount --bind root/proc root/proc
		mount -o remount,bind,ro root/proc
		status=0
		"$HOLDFAST" --root root --procfs root/proc --sysfs root/sys apply >out 2>err || status=$?
		echo "status $status"
	' >status
	same_text "$(cat status err out)" messages <<-'END'
		status 1
		vm.oom_dump_tasks: 1, 0 wanted (failed): /proc/sys is read-only here
		vm.panic_on_oom: 0 (holds)
	END
	[[ $(value vm/oom_dump_tasks) == 1 ]]
	report_is '[.settings[] | [.key, .result]]' '[["vm.oom_dump_tasks","failed"],["vm.panic_on_oom","holds"]]'
}

@test "a module that does not exist, for a kernel without modules" {
	profile default <<<'modules: { load: [ { name: no-such-module } ] }'
	expect 1 holdfast apply
	messages_are <<-'END'
		modules.load.no_such_module: not loaded, loaded wanted (absent): there is no such module for this kernel
	END
	report_is '.settings[0] | [.key, .result]' '["modules.load.no_such_module","absent"]'
}

@test "what is not required fails without a failure" {
	profile default <<-'END'
		modules: { load: [ { name: no-such-module, required: false } ] }
		mounts: [ { what: LABEL=holdfast-none, where: /run/x, required: no } ]
	END
	mkdir root/proc/self
	: >root/proc/self/mountinfo
	expect 0 holdfast apply
	messages_have 'modules.load.no_such_module: not loaded, loaded wanted (absent)'
	messages_have 'mounts./run/x: '
	messages_have 'LABEL=holdfast-none did not appear'
}

@test "a device that does not appear" {
	mkdir root/proc/self
	: >root/proc/self/mountinfo
	profile default <<<'mounts: [ { what: LABEL=holdfast-none, where: /run/x } ]'
	expect 1 holdfast apply
	messages_have 'LABEL=holdfast-none did not appear'
	report_is '.settings[0].result' absent
	[[ ! -d root/run/x ]]
}

# with_fault CALL FAULT [PATH]: applies stage "devices" while system call CALL (of PATH) has this fault of strace's.
with_fault() {
	env ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" strace -f -qq -o /dev/null -e "trace=$1" -e "inject=$1:$2" ${3:+-P "$3"} \
		"$HOLDFAST" --root "$PWD/root" --procfs root/proc --sysfs root/sys apply --stage devices
}

@test "a library that crashes over the disks: the mount has failed, and is told so" {
	mkdir root/proc/self
	: >root/proc/self/mountinfo
	profile default <<<'mounts: [ { what: LABEL=holdfast-none, where: /run/x, required: no } ]'
	expect 0 with_fault openat signal=KILL /etc/blkid.conf
	messages_are <<<'mounts./run/x: not mounted, LABEL=holdfast-none wanted (failed): libmount has crashed'
	report_is '.settings[0] | [.result, .text]' '["failed","libmount has crashed"]'
	sed -i 's/, required: no//' "$PROFILES/default.yaml"
	expect 1 with_fault openat signal=KILL /etc/blkid.conf
	messages_are <<<'mounts./run/x: not mounted, LABEL=holdfast-none wanted (failed): libmount has crashed'
	report_is '.errors | length' 1
}

@test "no process for the library: that is told, once; a device is not waited for, and what needs none holds" {
	mkdir -p root/proc/self root/run/{x,y}
	cat >root/proc/self/mountinfo <<-END
		30 22 0:30 / $PWD/root/run/x rw - tmpfs tmpfs rw
		31 22 0:31 / $PWD/root/run/y rw - ext4 /dev/null rw
	END
	profile default <<-'END'
		mounts:
		  - { what: tmpfs, where: /run/x, type: tmpfs }
		  - { what: /dev/null, where: /run/y }
		  - { what: /dev/null, where: /run/z }
	END
	expect 1 with_fault clone error=EAGAIN
	messages_are <<-'END'
		mounts./run/y: /dev/null wanted (failed): Resource temporarily unavailable
		mounts./run/z: not mounted, /dev/null wanted (failed): Resource temporarily unavailable
	END
	report_is '[.settings[].result]' '["holds","failed","failed"]'
	# Without memory for one, the other settings are seen to all the same.
	kernel kernel/panic=0
	echo 'sysctl: { kernel.panic: 10 }' >>"$PROFILES/default.yaml"
	expect 1 with_fault clone error=ENOMEM
	messages_have 'mounts./run/z: not mounted, /dev/null wanted (failed): Cannot allocate memory'
	[[ $(value kernel/panic) == 10 ]]
}

@test "no /run: settings are applied, and the loss of the report is said" {
	rmdir root/run
	profile default <<<'vm: { panic_on_oom: 0, oom_dump_tasks: false }'
	expect 0 holdfast apply
	messages_are <<-'END'
		root/run/holdfast/report.json: No such file or directory; the report is lost
	END
	[[ $(value vm/oom_dump_tasks) == 0 ]]
	[[ ! -e root/run ]]
	expect 0 holdfast verify
	expect 0 holdfast status
}

@test "a file in the place of the report's directory" {
	: >root/run/holdfast
	profile default <<<'vm: { oom_dump_tasks: false }'
	expect 0 holdfast apply
	messages_have 'root/run/holdfast/report.json: Not a directory; the report is lost'
	[[ $(value vm/oom_dump_tasks) == 0 ]]
}

@test "a full /run: the old report stays whole, and the loss of the new one is said" {
	profile default <<<'vm: { oom_dump_tasks: false }'
	# shellcheck disable=SC2016 # expanded inside
	in_namespace '
		h="$HOLDFAST --root root --procfs root/proc --sysfs root/sys"
		mount -t tmpfs -o size=16k none root/run
		$h apply
		cp root/run/holdfast/report.json first.json
		dd if=/dev/zero of=root/run/fill bs=4k 2>/dev/null || :
		echo 1 >root/proc/sys/vm/oom_dump_tasks
		$h apply
		ls -A root/run/holdfast
		cp root/run/holdfast/report.json second.json
	' >out 2>&1 || {
		cat out
		return 1
	}
	same_text "$(<out)" output <<-'END'
		vm.oom_dump_tasks: 1 → 0
		root/run/holdfast/report.json: No space left on device; the report is lost
		vm.oom_dump_tasks: 1 → 0
		lock
	report.json
	END
	cmp first.json second.json
}

@test "a limit on the size of files is a full disk like any other: told, and nothing half-written stays" {
	many 20 profile default
	expect 0 prlimit --fsize=1024 "$HOLDFAST" --root root --procfs root/proc --sysfs root/sys apply
	messages_are <<<'root/run/holdfast/report.json: File too large; the report is lost'
	[[ $(ls -A root/run/holdfast) == lock ]]
}

# many N COMMAND...: N sysctls that are 0, and a profile for COMMAND that wants them to be 1.
many() {
	local i n=$1
	shift
	mkdir root/proc/sys/many
	for ((i = 0; i < n; i++)); do
		echo 0 >"root/proc/sys/many/k$i"
	done
	{
		echo sysctl:
		for ((i = 0; i < n; i++)); do
			echo "  many.k$i: 1"
		done
	} | "$@"
}

# at_write N SIGNAL COMMAND...: SIGNAL comes while holdfast makes its Nth write(2); each setting is one.
at_write() {
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o /dev/null -e trace=write -e signal=none -e "inject=write:signal=$2:when=$1" \
		"${@:4}" "$HOLDFAST" --root root --procfs root/proc --sysfs root/sys "$3"
}

@test "a signal that ends apply halfway: what was set is in the report and can be put back, what is left is not begun" {
	local signal status
	many 20 profile default
	for signal in TERM INT HUP; do
		status=$((128 + $(kill -l "$signal")))
		expect "$status" at_write 3 "$signal" apply env --default-signal="$signal"
		output_is <<-'END'
			many.k0: 0 → 1
			many.k1: 0 → 1
			many.k2: 0 → 1
		END
		messages_have 'ended by a signal: what is left is not done'
		[[ $(cat root/proc/sys/many/* | sort | uniq -c | tr -s ' ') == $' 17 0\n 3 1' ]]
		report_is '[.settings[] | [.key, .result, .before]]' \
			'[["many.k0","set","0"],["many.k1","set","0"],["many.k2","set","0"]]'
		report_is '.errors' '["ended by a signal: what is left is not done"]'
		expect 0 holdfast revert
		[[ $(cat root/proc/sys/many/* | sort -u) == 0 ]]
		[[ $(ls -A root/run/holdfast) == lock ]]
	done
}

@test "a signal that ends a second apply halfway: what the first one set can still be put back" {
	many 20 profile default
	expect 0 holdfast apply
	echo 0 | tee root/proc/sys/many/* >/dev/null
	expect 143 at_write 3 TERM apply
	echo 1 | tee root/proc/sys/many/* >/dev/null
	expect 0 holdfast revert
	[[ $(cat root/proc/sys/many/* | sort -u) == 0 ]]
}

@test "a signal that ends revert halfway: the next one puts back what is left" {
	many 20 profile default
	expect 0 holdfast apply
	expect 143 at_write 3 TERM revert
	messages_have 'ended by a signal: what is left is not put back'
	[[ $(cat root/proc/sys/many/* | sort | uniq -c | tr -s ' ') == $' 3 0\n 17 1' ]]
	expect 0 holdfast revert
	[[ $(cat root/proc/sys/many/* | sort -u) == 0 ]]
	[[ $(ls -A root/run/holdfast) == lock ]]
}

@test "a signal that nohup ignores ends nothing" {
	many 20 profile default
	expect 0 at_write 3 HUP apply env --ignore-signal=HUP
	[[ $(cat root/proc/sys/many/* | sort -u) == 1 ]]
}

@test "a setting that never comes to its end does not keep a signal from ending the run" {
	profile default <<<'sysctl: { kernel.panic: 10, kernel.waits: 1, kernel.kptr_restrict: 2 }'
	mkfifo root/proc/sys/kernel/waits
	"$HOLDFAST" --root root --procfs root/proc --sysfs root/sys apply >/dev/null 2>&1 &
	local got=0 run=$!
	until [[ $(value kernel/panic) == 10 && $(cut -d' ' -f3 "/proc/$run/stat") == S ]]; do
		sleep 0.02
	done
	kill "$run"
	wait "$run" || got=$?
	[[ $got == 143 ]]
	report_is '[.settings[] | [.key, .result]]' '[["kernel.panic","set"],["kernel.waits","failed"]]'
	[[ $(value kernel/kptr_restrict) == 0 ]]
}

@test "a report that is damaged is begun anew" {
	mkdir root/run/holdfast
	profile default <<<'vm: { oom_dump_tasks: false }'
	local damage
	for damage in '' '{' '{}' '[]' 'null' '{"version": 2}' '{"version": 1, "settings": [1]}' '{"version": 1, "settings": {"a": 1}}' $'\xff\xfe'; do
		printf '%s' "$damage" >"$REPORT"
		expect 0 holdfast apply
		report_is '.version, (.settings | length)' $'1\n1'
		printf '%s' "$damage" >"$REPORT"
		expect 0 holdfast status
		printf '%s' "$damage" >"$REPORT"
		"$HOLDFAST" --root root --procfs root/proc --sysfs root/sys revert >out 2>&1 || (($? == 1))
	done
}

@test "a report that is a directory, or a FIFO" {
	profile default <<<'vm: { oom_dump_tasks: false }'
	mkdir -p "$REPORT"
	expect 0 holdfast apply
	messages_have 'the report is lost'
	rmdir "$REPORT"
	mkfifo "$REPORT"
	expect 0 holdfast apply
	report_is .profile default
}

@test "an invalid profile changes nothing and says so in the report at boot" {
	profile default <<<'vm: { panic_on_oom: 7, oom_dump_tasks: false }'
	age root/proc
	local before stage
	before=$(snapshot_of root/proc)
	for stage in early all; do
		expect 3 holdfast apply --stage "$stage"
		[[ $(snapshot_of root/proc) == "$before" ]]
		[[ -z $output ]]
	done
	report_is '.profile, (.settings | length)' $'null\n0'
	report_is '.errors[0]' "root/etc/holdfast/profiles/default.yaml:3:21: error: 'panic_on_oom' takes one of never = 0, unconstrained = 1, always = 2, not '7'"
}

@test "no profile, or a tie, changes nothing and says so" {
	expect 4 holdfast apply --stage early
	messages_have "no profile matches this machine, and there is none called 'default'"
	report_is '.profile' null
	dmi product_name=EG-200
	profile a <<<'match: [ { dmi: { product_name: EG-200 } } ]'
	profile b <<<'match: [ { dmi: { product_name: EG-200 } } ]'
	expect 4 holdfast apply --stage early
	report_is '.errors[-1]' "profiles 'a' and 'b' match this machine equally well"
	cmdline holdfast.profile=c
	expect 4 holdfast apply --stage early
	report_is '.errors[-1]' "there is no profile 'c'"
}

@test "an error that is gone is gone from the report" {
	profile default <<<'x: 1'
	expect 3 holdfast apply --stage early
	expect 3 holdfast apply --stage devices
	report_is '.errors | length' 1
	profile default <<<'vm: { oom_dump_tasks: false }'
	expect 0 holdfast apply
	report_is '.errors | length' 0
	expect 0 holdfast status
	[[ $output != *error* ]]
}

@test "a full disk behind stdout is a failure" {
	profile default <<<'vm: { oom_dump_tasks: false }'
	local status=0
	holdfast show >/dev/full 2>stderr || status=$?
	((status == 1))
	same_text "$(<stderr)" messages <<<'standard output: No space left on device'
}

@test "who reads the output and has read enough, as head(1), hears no complaint" {
	exec 5> >(exec true)
	wait $!
	local got=0
	"$HOLDFAST" keys >&5 2>stderr || got=$?
	exec 5>&-
	[[ $got == 1 && ! -s stderr ]]
}

@test "values with several lines and odd bytes survive the report, and are put back" {
	printf 'one\ntwo\n' >root/proc/sys/kernel/lines
	printf 'a\x7fb\x1bc\n' >root/proc/sys/kernel/odd
	printf 'quote" back\\slash\n' >root/proc/sys/kernel/quote
	profile default <<<'sysctl: { kernel.lines: x, kernel.odd: x, kernel.quote: x, kernel.panic: 10 }'
	expect 0 holdfast apply
	expect 0 holdfast status
	[[ -z $messages ]]
	expect 0 holdfast revert
	[[ $(value kernel/lines) == $'one\ntwo' ]]
	[[ $(value kernel/odd) == $'a\x7fb\x1bc' ]]
	[[ $(value kernel/quote) == 'quote" back\slash' ]]
	[[ $(value kernel/panic) == 0 ]]
}

@test "two thousand settings survive the report" {
	local i
	mkdir root/proc/sys/many
	for ((i = 0; i < 2000; i++)); do
		echo 0 >"root/proc/sys/many/k$i"
		echo "  many.k$i: 1"
	done >settings
	{
		echo sysctl:
		cat settings
	} | profile default
	expect 0 holdfast apply
	expect 0 holdfast apply
	[[ -z $messages ]]
	report_is '[.settings[] | select(.result == "set")] | length' 2000
	expect 0 holdfast revert
	[[ $(cat root/proc/sys/many/* | sort -u) == 0 ]]
}

@test "a reader that goes away does not cost the report" {
	local i
	mkdir root/proc/sys/many
	{
		echo sysctl:
		for ((i = 0; i < 3000; i++)); do
			echo 0 >"root/proc/sys/many/k$i"
			echo "  many.k$i: 1"
		done
	} | profile default
	holdfast apply | true
	report_is '.settings | length' 3000
}

@test "two runs at once lose nothing of each other" {
	local i runs=()
	for i in a b c d e f; do
		echo 0 >"root/proc/sys/kernel/$i"
		profile "$i" <<<"sysctl: { kernel.$i: 1 }"
		holdfast --profile "$i" apply >/dev/null &
		runs+=($!)
	done
	wait "${runs[@]}"
	report_is '[.settings[] | select(.result == "set")] | length' 6
}

@test "a directory of profiles that cannot be read is named, and the others count" {
	profile default <<<'vm: { oom_dump_tasks: false }'
	mkdir -p root/usr/lib/holdfast
	touch root/usr/lib/holdfast/profiles
	expect 0 holdfast select
	messages_have 'usr/lib/holdfast/profiles: Not a directory'
}

@test "a report cannot lead out of the kernel's tree" {
	profile default <<<'vm: { oom_dump_tasks: false }'
	expect 0 holdfast apply
	echo old >root/victim
	sed -i -e 's|"path": "[^"]*"|"path": "../victim"|' -e 's|"after": "0"|"after": "old"|' root/run/holdfast/report.json
	expect 1 holdfast revert
	[[ $(<root/victim) == old ]]
}
