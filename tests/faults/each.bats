#!/usr/bin/env bats
# Every system call and every allocation of a command fails, one at a time: no crash, no hang, nothing half-written, and an honest report.
# Where the status is 0 and nothing was said, all was done as if nothing had failed.
# shellcheck disable=SC2030,SC2031 # run_it is set by each test for itself

load ../lib
load ../procs
load lib

setup_machine() {
	judge=same_or_said
	kernel_defaults
	dmi sys_vendor='Acme Corp' product_name=EG-200
	memory 1000000 200000
	cmdline 'quiet acme.product=eg200'
	profile base <<-'END'
		vm: { panic_on_oom: always, overcommit_memory: never, overcommit_ratio: 80 }
	END
	profile gateway <<-'END'
		extends: base
		match: [ { dmi: { sys_vendor: Acme Corp, product_name: "EG-2*" }, memory: ">=512M" } ]
		vm: { oom_dump_tasks: false }
		sysctl: { kernel.panic: 10, kernel.kptr_restrict: 2 }
	END
	mkdir -p root/usr/sbin root/etc
	printf 'root:x:0:0::/:/bin/sh\n' >root/etc/passwd
	process 1 init
	process 70 sshd adj=-1000
	process 71 worker rss=5000 swap=100 cgroup=/system.slice/worker.service
	cp -a root pristine
}

pristine() {
	rm -rf root
	cp -a pristine root
}

applied() {
	pristine
	holdfast apply >/dev/null
}

# command WORD...: as the array to run with faults.
command_of() {
	run_it=("$FAULTY" --root root --procfs root/proc --sysfs root/sys "$@")
}

report_is_whole() {
	no_remains root/run || return
	[[ ! -e $REPORT ]] || jq -e '.version == 1' "$REPORT" >/dev/null || {
		echo 'the report is not whole'
		return 1
	}
}

settings_hold() {
	report_is_whole || return
	(($1 == 0)) || return 0
	holdfast --profile gateway verify >verified 2>&1 || {
		printf 'status 0, but: %s\n' "$(<verified)"
		return 1
	}
	grep -q 'the report is lost' stderr || jq -e '.profile == "gateway"' "$REPORT" >/dev/null || {
		echo 'status 0, and no report of it'
		return 1
	}
}

settings_are_back() {
	report_is_whole || return
	(($1 == 0)) || return 0
	diff -r pristine/proc root/proc
}

same_or_said() {
	report_is_whole || return
	# Where a guard cannot be asked, nobody knows whether one runs; nor whether a crash kernel is armed where that cannot be read.
	(($1 != 0)) || [[ -s stderr ]] || diff wanted <(sed -E 's/"(running|armed)": null/"\1": false/' stdout)
}

# reads COMMAND...: a command that only prints, as $judge has it; of its system calls and of its allocations each fails once.
reads() {
	command_of "$@"
	"${run_it[@]}" >wanted
	each_fault : "$judge" "${run_it[@]}"
	each_allocation : "$judge" "${run_it[@]}"
}

@test "apply: each system call fails" {
	command_of apply
	each_fault pristine settings_hold "${run_it[@]}"
}

@test "apply: each allocation fails" {
	command_of apply
	each_allocation pristine settings_hold "${run_it[@]}"
}

@test "revert: each system call and each allocation fails" {
	command_of revert
	each_fault applied settings_are_back "${run_it[@]}"
	each_allocation applied settings_are_back "${run_it[@]}"
}

@test "check, select, show: each system call and each allocation fails" {
	reads check root/etc/holdfast/profiles/gateway.yaml
	reads select --json
	reads show gateway
}

@test "verify, status: each system call and each allocation fails" {
	applied
	reads verify
	reads status --json
}

# Whom nobody can look at is left out, and what cannot be read is unknown: but a list there is.
is_list() {
	(($1 != 0)) || jq -e '.processes // .candidates | length > 0' stdout >/dev/null
}

@test "top, predict: each system call and each allocation fails" {
	judge=is_list
	reads top --json
	reads predict --json
}

@test "explain: each system call and each allocation fails" {
	reads explain --json "$TESTS/oom-logs/global-6.1.log"
}

installed() {
	no_remains image || return
	(($1 == 0)) || {
		"${run_it[@]}" >again 2>&1 || {
			printf 'and not the second time: %s\n' "$(<again)"
			return 1
		}
	}
	diff -r wanted image
}

bare_image() {
	rm -rf image
	cp -a bare image
}

@test "image install: each system call and each allocation fails; the next time completes it" {
	mkdir -p bare/{boot,etc,usr/{bin,sbin,lib/systemd/system}}
	printf 'root:x:0:0::/:/bin/sh\n' >bare/etc/passwd
	cp -a bare image
	make -s -C "$TESTS/.." install DESTDIR="$PWD/built" PREFIX=/usr INSTALL_STRIP=
	printf 'holdfast: 1\nname: p\nvm: { panic_on_oom: always }\n' >p.yaml
	run_it=("$FAULTY" --root image image install --from built p.yaml)
	"${run_it[@]}" 2>/dev/null
	mv image wanted
	each_fault bare_image installed "${run_it[@]}"
	each_allocation bare_image installed "${run_it[@]}"
}

# An entry that has its name is whole; and the next capture, of which nothing fails, finds its way.
dumps_are_whole() {
	local dump
	for dump in dumps/crash/0*; do
		[[ ! -e $dump ]] || cmp "$dump/dmesg" log || return
	done
	(($1 != 0)) || [[ -e $dump ]] || {
		echo 'status 0, and no dump'
		return 1
	}
	"${run_it[@]}" >again 2>&1 || {
		printf 'and not the second time: %s\n' "$(<again)"
		return 1
	}
	dump=$(printf '%s\n' dumps/crash/0* | tail -n 1)
	cmp "$dump/dmesg" log && [[ $(<dumps/crash/.new) == "${dump##*/}" ]] && [[ -z $(find dumps -name '.0*') ]]
}

make_capture_to() {
	local variant
	variant=$(basename -- "${FAULTY%/*}")
	make -s -C "$TESTS/.." VARIANT="$variant" "build/$variant/capture-to"
	capture_to=${FAULTY%/*}/capture-to
}

no_dumps() {
	rm -rf dumps
	mkdir dumps
}

@test "kdump capture, with a disk: each system call and each allocation fails, and no dump is half-written" {
	make_capture_to
	seq 5000 >log
	run_it=("$capture_to" "$PWD/dumps" log)
	each_fault no_dumps dumps_are_whole "${run_it[@]}"
	each_allocation no_dumps dumps_are_whole "${run_it[@]}"
}

@test "kdump capture, a full disk with dumps that cannot be removed: it gives up" {
	make_capture_to
	seq 100000 >log
	mkdir full
	# shellcheck disable=SC2016 # expanded inside
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 run -1 --separate-stderr timeout 60 unshare --mount sh -c '
		mount -t tmpfs -o size=4M tmpfs full
		mkdir -p full/crash/000001-x
		head -c 2M /dev/urandom >full/crash/000001-x/vmcore
		cat /dev/zero >full/rest 2>/dev/null
		strace -f -qq -o /dev/null -e inject=unlinkat:error=EIO "$0" full log' "$capture_to"
	# shellcheck disable=SC2154 # set by run
	[[ $stderr == *'No space left on device'* ]]
}

# One document, or none where nothing is known: never half of one.
is_document() {
	no_remains root/run && jq -es 'length <= 1' stdout >/dev/null
}

@test "kdump load, kdump capture without a disk: each system call and each allocation fails" {
	kernel kernel/kexec_load_disabled=0
	mkdir -p root/sys/kernel root/boot
	echo $((256 << 20)) >root/sys/kernel/kexec_crash_size
	echo 0 >root/sys/kernel/kexec_crash_loaded
	bzimage 64 >root/boot/vmlinuz-6.1.0-demo
	head -c 4096 /dev/zero >root/boot/holdfast-capture-6.1.0-demo.img
	chmod 644 root/boot/*
	sed -i '$a kdump: { crashkernel: 192M, lock: true, capture: { target: LABEL=data } }' "$PROFILES/gateway.yaml"
	rm -rf pristine
	cp -a root pristine
	for action in load capture; do
		[[ $action != capture ]] || : >pristine/proc/vmcore
		command_of --json kdump "$action"
		each_fault pristine is_document "${run_it[@]}"
		each_allocation pristine is_document "${run_it[@]}"
	done
}
