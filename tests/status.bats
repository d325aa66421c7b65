#!/usr/bin/env bats
# What the running system can see: profile, what was done, what holds now.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib
load procs

setup_machine() {
	kernel_defaults
	profile default <<-'END'
		description: the plain machine
		vm: { panic_on_oom: always }
		sysctl: { kernel.panic: 10 }
	END
}

teardown() {
	[[ -z ${guard:-} ]] || kill "$guard"
}

# guard_says ANSWERS: a guard that runs; REQUEST:ANSWER, each ended by a NUL, with the escapes of printf.
guard_says() {
	mkdir -p root/run/holdfast
	printf '%b' "$1" >answers
	python3 -c '
import socket, sys
answers = dict(line.split(":", 1) for line in open("answers").read().split("\0") if line)
server = socket.socket(socket.AF_UNIX)
server.bind("root/run/holdfast/guard.sock")
server.listen()
print("ready", flush=True)
while True:
    client, _ = server.accept()
    client.send(answers.get(client.recv(100).decode().strip(), "").encode())
    client.close()' >ready 3>&- &
	guard=$!
	until [[ -s ready ]]; do sleep 0.02; done
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
	mkdir -p root/etc/sysctl.d root/run/systemd/system
	printf 'kernel.panic = 0\n' >root/etc/sysctl.d/99-local.conf
	expect 1 holdfast status
	output_has 'guard:     not running'
	output_has 'to do:     holdfast apply: puts 1 setting right; without a change of /etc/sysctl.d/99-local.conf:1 it comes back'
	output_has '           for kdump: this kernel can load no crash kernel: it takes CONFIG_KEXEC_FILE and CONFIG_CRASH_DUMP'
	output_has '           systemctl restart holdfast-guard: nothing is protected'
	# Without systemd nobody is asked to call it.
	rm -r root/run/systemd
	expect 1 holdfast status
	output_has '           holdfast guard --daemon: nothing is protected'
}

@test "what is to be done for kdump depends on what is missing" {
	kernel kernel/kexec_load_disabled=0 vm/panic_on_oom=2 kernel/panic=10
	profile default <<-'END'
		vm: { panic_on_oom: always }
		sysctl: { kernel.panic: 10 }
		kdump: { crashkernel: 192M, panic_on_oom_unarmed: always }
	END
	mkdir -p root/sys/kernel root/boot
	printf '0\n' | tee root/sys/kernel/kexec_crash_loaded >root/sys/kernel/kexec_crash_size
	bzimage 64 >root/boot/vmlinuz-6.1.0-demo
	head -c 4096 /dev/zero >root/boot/holdfast-capture-6.1.0-demo.img
	chmod 644 root/boot/*
	COLUMNS=100 expect 0 holdfast status
	output_has 'to do:     for kdump: no memory is reserved: boot with crashkernel=192M'
	[[ $output != *'kdump load'* ]]
	printf '268435456\n' >root/sys/kernel/kexec_crash_size
	expect 0 holdfast status
	output_has 'to do:     holdfast kdump load: arms the crash kernel'
}

@test "what only a reboot can put right" {
	profile default <<<'sysctl: { kernel.modules_disabled: 0, kernel.yama.ptrace_scope: 1, kernel.panic: 10 }'
	kernel kernel/modules_disabled=1 kernel/yama/ptrace_scope=3
	expect 1 holdfast status
	output_has 'to do:     holdfast apply: puts 1 setting right'
	output_has '           reboot: the kernel keeps 2 settings until the next boot'
}

@test "what this machine does not have, apply cannot put right" {
	profile default <<-'END'
		sysctl: { kernel.panic: 10, kernel.no_such_key: 1 }
	END
	expect 1 holdfast status
	output_has "to do:     holdfast apply: puts 1 setting right"
	output_has "           in the profile, remove or 'required: false': 1 setting cannot be had here, as said above"
}

@test "a module that this kernel does not have, apply cannot load" {
	mkdir -p root/lib/modules/6.1.0-demo root/sys/module
	kernel kernel/osrelease=6.1.0-demo kernel/panic=10
	printf 'const char info[] __attribute__((section(".modinfo"))) = "license=GPL\\0name=dummy";\n' |
		cc -c -x c -o root/lib/modules/6.1.0-demo/dummy.ko -
	depmod -b root 6.1.0-demo 2>/dev/null
	profile default <<<'modules: { load: [ { name: dummy }, { name: dummi } ] }'
	COLUMNS=100 expect 1 holdfast status
	output_has 'to do:     holdfast apply: puts 1 setting right'
	output_has "           install it, or in the profile remove it or 'required: false': this kernel has no module"
	profile default <<<'modules: { load: [ { name: dummi } ] }'
	COLUMNS=100 expect 1 holdfast status
	[[ $output != *'holdfast apply'* ]]
}

@test "without a profile that can be chosen, and before anything was done, it says where to look" {
	rm -f "$PROFILES"/*.yaml
	profile other <<<'match: [ { dmi: { product_name: Other } } ]'
	COLUMNS=100 expect 4 holdfast status
	output_is <<-'END'
		applied:   nothing yet
		to do:     holdfast select --explain: says why no profile is chosen
	END
	profile default <<<'x: 1'
	COLUMNS=100 expect 3 holdfast status
	output_has 'to do:     holdfast check: without a valid profile nothing is applied'
}

@test "while the kernel command line has holdfast=off or =plan, only booting without it helps" {
	local word
	profile default <<-'END'
		vm: { panic_on_oom: always }
		sysctl: { kernel.panic: 10 }
		kdump: { crashkernel: 192M, panic_on_oom_unarmed: never }
		protect: [ { service: sshd, exe: /usr/sbin/sshd } ]
	END
	for word in off plan; do
		cmdline "quiet holdfast=$word"
		COLUMNS=100 expect 1 holdfast status
		output_has "to do:     boot without holdfast=$word: nothing is changed while the kernel command line has it"
		[[ $output != *'holdfast apply'* && $output != *'kdump load'* && $output != *'systemctl'* ]]
	done
	# What holds anyhow needs nothing.
	profile default <<<'sysctl: { kernel.panic: 10 }'
	kernel kernel/panic=10
	expect 0 holdfast status
	[[ $output != *'to do'* ]]
}

@test "services that run but are not pinned, and why; what outgrew its leash is to be restarted" {
	profile default <<-'END'
		protect:
		  - { service: sshd, exe: /usr/sbin/sshd }
		  - { service: logger, exe: /usr/sbin/logger, max_rss: 1M }
		  - { service: other, exe: /usr/sbin/other }
		  - { service: absent, exe: /usr/sbin/absent }
		  - { service: loose, exe: /usr/sbin/loose }
	END
	mkdir -p root/etc
	mkdir -p root/run/systemd/system
	printf 'root:x:0:0::/root:/bin/sh\n' >root/etc/passwd
	process 700 sshd && is_program 700 sshd
	process 800 logger cgroup=/system.slice/syslog.service && is_program 800 logger
	process 900 other uid=33 && is_program 900 other
	guard_says 'status:guard\t5\t1\t0\t0\t0\t1\t0\t0\npinned\tsshd\t700\t-1000\texec\t1700000000\t/usr/sbin/sshd\nproblem\tloose\tothers can write to it\n\0why 800:logger outgrew its max_rss and lost its protection\nnot other: it runs another file\n\0why 900:not logger: it runs another file\nnot other: another user runs it\n\0'
	COLUMNS=100 expect 1 holdfast status
	output_has 'guard:     running, exec gate; 0 released, 0 lost events, 0 rescans, 1 leashed'
	output_has 'sshd[700]: oom_score_adj -1000, pinned by exec'
	output_has 'logger[800]: outgrew its max_rss, and has lost its protection'
	output_has 'other[900]: not pinned: another user runs it'
	output_has 'absent: does not run'
	output_has 'loose: others can write to it'
	[[ $output != *'loose: does not run'* ]]
	output_has 'holdfast check --image: says what is wrong with the programs'
	output_has 'systemctl restart syslog.service: it is protected again when it starts'
	rm -r root/run/systemd
	COLUMNS=100 expect 1 holdfast status
	output_has 'restart logger: it is protected again when it starts'
	expect 1 holdfast --json status
	json_is '.guard.unpinned | map([.service, .pid, .why])' '[["logger",800,"outgrew its max_rss and lost its protection"],["other",900,"another user runs it"],["absent",null,null],["loose",null,null]]'
}

@test "what was wrong while it booted, and has been put right, needs nothing done" {
	kernel vm/panic_on_oom=0
	mkdir -p root/run/holdfast
	expect 0 holdfast apply
	jq '.stages[0].errors = ["vm.panic_on_oom: failed"] | .errors = .stages[0].errors' root/run/holdfast/report.json >report
	mv report root/run/holdfast/report.json
	expect 0 holdfast status
	output_has 'error:     vm.panic_on_oom: failed'
	[[ $output != *'to do'* ]]
}

@test "every complaint has its command" {
	expect 0 holdfast apply
	profile other <<<'sysctl: { kernel.panic: 10 }'
	expect 0 holdfast --profile other status
	output_has 'but default was applied'
	output_has 'to do:     holdfast --profile other apply: makes it the profile that was applied'
	profile default <<<'x: 1'
	expect 3 holdfast status
	output_has 'to do:     holdfast check: without a valid profile nothing is applied'
}

@test "nothing to do is not mentioned; lines fit the width" {
	expect 0 holdfast apply
	expect 0 holdfast status
	[[ $output != *'to do'* ]]
	kernel kernel/panic=123
	COLUMNS=40 expect 1 holdfast -v status
	(($(wc -L <stdout) <= 40))
}
