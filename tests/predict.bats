#!/usr/bin/env bats
# What the kernel would do, by the numbers of a made-up machine. That the real kernel does it is shown in vm/predict.bats.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib
load procs

# 4,000,000 KiB of RAM and swap are 1,000,000 pages: a point of oom_score_adj is worth 1000.
setup_machine() {
	kernel vm/panic_on_oom=0 vm/oom_kill_allocating_task=0 vm/swappiness=60
	memory 3000000 1000000
	mkdir -p root/sys/kernel
	process 1 systemd rss=400000
	kernel_thread 2 kthreadd
	process 10 database rss=800000 swap=200000 pte=4000
	process 20 cache rss=400000 pte=400 adj=300
	process 30 sshd rss=8000000 adj=-1000
	process 40 small rss=4000 pte=40 adj=-100
}

# The whole of v2, with a limit of 400,000 KiB on /batch.
cgroups() {
	local dir=root/sys/fs/cgroup
	mkdir -p $dir/batch/night $dir/free
	: | tee $dir/cgroup.procs $dir/batch/cgroup.procs $dir/batch/night/cgroup.procs >$dir/free/cgroup.procs
	printf '409600000\n' >$dir/batch/memory.max
	printf 'max\n' | tee $dir/batch/memory.swap.max $dir/batch/night/memory.max >$dir/free/memory.max
	process 50 runner rss=200000 pte=40 cgroup=/batch/night
	process 60 helper rss=80000 pte=40 adj=500 cgroup=/batch
}

@test "the badness of each is the kernel's sum: memory, swap, page tables, and a share of all" {
	untouched expect 0 holdfast --json predict
	json_is '.decision, .total_pages, .kdump_armed' $'kill\n1000000\nfalse'
	json_is '.victim | .pid, .command, .badness_pages' $'20\ncache\n400100'
	json_is '[.candidates[] | [.pid, .badness_pages, .killable]]' \
		'[[20,400100,true],[10,251000,true],[40,-98990,true],[30,1000010,false],[1,100010,false]]'
	json_is '.candidates[1] | .rss_pages, .swap_pages, .pgtables_pages, .adj_pages' $'200000\n50000\n1000\n0'
	json_is '.candidates[3:] | map(.why_not)' '["oom_score_adj -1000","process 1 is never killed"]'
	json_is '.freed_rss_kb, .killable, .killable_left' $'400400\n3\n2'
}

@test "as text, step by step" {
	COLUMNS=80 expect 0 holdfast predict
	output_is <<-'END'
		If memory ran out now
		  memory    3.8G of RAM and swap, 1000000 pages
		            one point of oom_score_adj is worth 1000 pages
		  1 panic   no: vm.panic_on_oom is 0
		  2 asking  not killed for it: vm.oom_kill_allocating_task is off
		  3 worst   of 5 processes 3 can be killed; in pages:
		        PID      RSS     SWAP  TABLES  OOM_SCORE_ADJ   BADNESS  COMMAND
		 >       20   100000        0     100   300    300000    400100  cache
		         10   200000    50000    1000     0         0    251000  database
		         40     1000        0      10  -100   -100000    -98990  small
		         30  2000000        0      10 -1000  -1000000     never  sshd
		          1   100000        0      10     0         0     never  systemd
		  killed    cache[20]: it has the highest badness
		  freed     at most 391M of RAM and 0K of swap
		  then      2 more could be killed
	END
}

@test "a narrow terminal: the sums without what they are made of" {
	COLUMNS=40 expect 0 holdfast predict
	(($(wc -L <stdout) <= 40))
	output_has '        PID   ADJ   BADNESS  COMMAND'
	output_has ' >       20   300    400100  cache'
}

@test "no line is longer than the terminal, however narrow" {
	local width
	profile spare <<<'vm: { panic_on_oom: always }'
	for width in 20 28 35 36 60 75 76; do
		COLUMNS=$width expect 0 holdfast predict
		(($(wc -L <stdout) <= width)) || return 1
		output_has '400100'
		COLUMNS=$width expect 0 holdfast predict --if spare
		(($(wc -L <stdout) <= width)) || return 1
	done
}

@test "who does not see all processes is told so" {
	expect 0 holdfast predict
	messages_are </dev/null
	mkdir -p root/proc/self/ns
	ln -s 'pid:[4026532001]' root/proc/self/ns/pid
	expect 0 holdfast predict
	messages_have 'only the processes of this PID namespace can be seen'
	output_has 'killed    not known: the processes of other PID namespaces cannot be seen'
	expect 0 holdfast --json predict
	json_is '.decision, .victim, .killable_left, (.candidates[] | select(.pid == 1) | .killable)' $'unknown\nnull\nnull\ntrue'
	ln -sf 'pid:[4026531836]' root/proc/self/ns/pid
	expect 0 holdfast predict
	messages_are </dev/null
	rm -r root/proc/1
	expect 0 holdfast predict
	messages_have 'process 1 cannot be seen'
}

@test "of two equal ones the younger dies" {
	process 21 elder rss=400000 pte=400 adj=300 start=5
	process 19 younger rss=400000 pte=400 adj=300 start=500
	expect 0 holdfast --json predict
	json_is '[.candidates[:3][].pid]' '[19,20,21]'
	# Before 5.3 the kernel kept the first that it met.
	kernel kernel/osrelease=5.2.0
	expect 0 holdfast --json predict
	json_is '[.candidates[:3][].pid]' '[21,20,19]'
}

@test "older kernels: at least one point before 5.9, a bonus for CAP_SYS_ADMIN before 4.17" {
	process 20 cache rss=400000 pte=400 adj=300 caps=0000000000200000
	points() { jq -c '[.candidates[] | select(.pid == 20 or .pid == 40) | .badness_pages]' <<<"$output"; }
	local pair
	for pair in '6.1.0-13-amd64 [400100,-98990]' '5.9.0 [400100,-98990]' '5.8.18 [400100,1]' '4.16.3 [397097,1]' '3.10.0-514.el7 [370100,1]'; do
		kernel "kernel/osrelease=${pair% *}"
		expect 0 holdfast --json predict
		[[ $(points) == "${pair#* }" ]] || return 1
	done
}

@test "before 5.1 the worst child with memory of its own dies for the chosen one" {
	process 21 helper rss=4000 ppid=20
	process 22 worker rss=40000 ppid=20 adj=-50
	process 23 pinned rss=400000 ppid=20 adj=-1000
	process 24 elsewhere rss=390000 ppid=21
	kernel kernel/osrelease=5.1.0
	expect 0 holdfast --json predict
	json_is '.victim.pid, .instead_of_pid' $'20\nnull'
	kernel kernel/osrelease=5.0.21
	expect 0 holdfast --json predict
	json_is '.decision, .victim.pid, .instead_of_pid, .freed_rss_kb, .killable_left' $'kill\n21\n20\n4040\n5'
	COLUMNS=100 expect 0 holdfast predict
	output_has 'killed    helper[21]: the worst child of the chosen one: kernels before 5.1 kill it instead'
	output_has '          chosen is cache[20]'
	# The same for the one that asks; who has no such child dies itself.
	kernel vm/oom_kill_allocating_task=1
	expect 0 holdfast --json predict --pid 20
	json_is '.decision, .victim.pid' $'kill-allocating-task\n21'
	expect 0 holdfast --json predict --pid 10
	json_is '.victim.pid, .instead_of_pid' $'10\nnull'
}

@test "a process whose main thread has ended can be chosen" {
	ended_leader 20
	expect 0 holdfast --json predict
	json_is '.victim | .pid, .command, .badness_pages' $'20\ncache\n400100'
	expect 0 holdfast --json predict --pid 20
	json_is '.victim.pid' 20
}

@test "a child that has its parent's memory on loan (vfork) is not chosen, dies with it, and frees nothing of its own" {
	process 10 database rss=800000 swap=200000 pte=4000 adj=500 state='D (disk sleep)'
	process 11 database rss=800000 swap=200000 pte=4000 adj=500 ppid=10
	process 12 database rss=700000 swap=200000 pte=4000 adj=-900 ppid=10
	kernel vm/oom_kill_allocating_task=0
	expect 0 holdfast --json predict
	json_is '.victim.pid, .freed_rss_kb, .freed_swap_kb, .killable, .killable_left' $'10\n804000\n200000\n4\n3'
	json_is '.candidates[] | select(.pid == 11) | .killable, .why_not' $'false\nit runs in its parent\'s memory (vfork)'
	# Who asks is killed all the same, and its parent with it.
	kernel vm/oom_kill_allocating_task=1
	expect 0 holdfast --json predict --pid 11
	json_is '.decision, .victim.pid, .freed_rss_kb, .killable_left' $'kill-allocating-task\n11\n804000\n3'
}

@test "panic, and nobody knows whether kdump would catch it" {
	kernel vm/panic_on_oom=2
	rm -f root/sys/kernel/kexec_crash_loaded
	mkdir -p root/sys/kernel/kexec_crash_loaded
	expect 0 holdfast --json predict
	json_is '.decision, .kdump_armed' $'panic\nnull'
	expect 0 holdfast predict
	output_has 'whether kdump is armed cannot be read'
}

@test "panic, and whether kdump would catch it" {
	kernel vm/panic_on_oom=1 vm/oom_kill_allocating_task=1
	expect 0 holdfast --json predict
	json_is '.decision, .victim, .kdump_armed' $'panic\nnull\nfalse'
	expect 0 holdfast predict
	output_has '1 panic   yes: vm.panic_on_oom is 1'
	output_has 'kdump is not armed'
	printf '1\n' >root/sys/kernel/kexec_crash_loaded
	kernel vm/panic_on_oom=2
	expect 0 holdfast --json predict
	json_is '.decision, .kdump_armed' $'panic\ntrue'
}

@test "panic where nothing can be killed" {
	rm -r root/proc/10 root/proc/20 root/proc/40
	expect 0 holdfast --json predict
	json_is '.decision, .victim, .killable' $'panic\nnull\n0'
	expect 0 holdfast predict
	output_has 'System is deadlocked on memory'
}

@test "the task that asks" {
	kernel vm/oom_kill_allocating_task=1
	expect 0 holdfast --json predict
	json_is '.decision, .victim' $'kill-allocating-task\nnull'
	expect 0 holdfast --json predict --pid 10
	json_is '.decision, .victim.pid' $'kill-allocating-task\n10'
	# One that cannot be killed is passed over.
	expect 0 holdfast --json predict --pid 30
	json_is '.decision, .victim.pid' $'kill\n20'
	json_is '.killable_left' 2
	expect 2 holdfast predict --pid x
	messages_have "'x' is no PID"
	expect 2 holdfast predict --pid 4711
	messages_have 'there is no process 4711'
	expect 2 holdfast predict --pid 2
	messages_have 'process 2 has no memory of its own: a kernel thread'
}

@test "vm.oom_kill_allocating_task is on with any number but 0" {
	kernel vm/oom_kill_allocating_task=-1
	expect 0 holdfast --json predict --pid 10
	json_is '.decision, .victim.pid, .oom_kill_allocating_task' $'kill-allocating-task\n10\ntrue'
	messages_are </dev/null
}

@test "how many can still be killed is not known while it is not known who asks, and nothing after a panic" {
	kernel vm/oom_kill_allocating_task=1
	expect 0 holdfast --json predict
	json_is '.killable_left' null
	expect 0 holdfast --json predict --pid 10
	json_is '.killable_left' 2
	kernel vm/panic_on_oom=1
	expect 0 holdfast --json predict
	json_is '.killable_left' 0
}

@test "a memory cgroup: its own limit, its own processes" {
	cgroups
	kernel vm/panic_on_oom=1 vm/oom_kill_allocating_task=1
	expect 0 holdfast --json predict --cgroup /batch
	# 100,000 pages of limit, and 250,000 of swap.
	json_is '.decision, .constraint, .cgroup, .total_pages' $'kill\nmemcg\n/batch\n350000'
	json_is '[.candidates[] | [.pid, .badness_pages]]' '[[60,195010],[50,50010]]'
	printf '0\n' >root/sys/fs/cgroup/batch/memory.swap.max
	expect 0 holdfast --json predict --cgroup /sys/fs/cgroup/batch/
	json_is '.total_pages, .victim.pid' $'100000\n60'
	kernel vm/panic_on_oom=2
	expect 0 holdfast --json predict --cgroup batch
	json_is '.decision' panic
	expect 0 holdfast predict --cgroup batch
	output_has "1 panic   yes: vm.panic_on_oom is 2: also for a cgroup's limit"
}

@test "the last one of a cgroup: nobody panics, whoever asks waits" {
	cgroups
	process 60 helper adj=-1000 cgroup=/batch
	COLUMNS=200 expect 0 holdfast predict --cgroup /batch
	output_has 'killed    runner[50]'
	output_has 'then      nothing can be killed any more: the next time whoever asks is refused or waits'
}

@test "a limit above that of the cgroup above, or above the machine's memory, is never hit" {
	cgroups
	printf '819200000\n' >root/sys/fs/cgroup/batch/night/memory.max
	COLUMNS=80 expect 0 holdfast predict --cgroup /batch/night
	output_has '/batch/night has a higher one: that of /batch'
	expect 0 holdfast --json predict --cgroup /batch/night
	json_is '.cgroup, .total_pages, .victim.pid' $'/batch\n350000\n60'
	printf '40960000\n' >root/sys/fs/cgroup/batch/night/memory.max
	expect 0 holdfast --json predict --cgroup /batch/night
	json_is '.cgroup, .victim.pid' $'/batch/night\n50'
	printf '8000000000000\n' >root/sys/fs/cgroup/free/memory.max
	expect 0 holdfast --json predict --cgroup /free
	json_is '.constraint' none
	messages_have "has a limit below the machine's memory"
}

@test "paths longer than 255 bytes stay whole" {
	local deep
	deep=/$(printf 'ten-bytes/%.0s' {1..60})end
	mkdir -p "root/sys/fs/cgroup$deep"
	: >"root/sys/fs/cgroup$deep/cgroup.procs"
	printf '409600000\n' >"root/sys/fs/cgroup$deep/memory.max"
	process 50 runner rss=200000 cgroup="$deep"
	expect 0 holdfast predict --cgroup "$deep"
	output_has "of cgroup $deep;"
	output_has '>       50'
	COLUMNS=80 expect 0 holdfast predict --cgroup "$deep"
	(($(wc -L <stdout) <= 80))
}

@test "a score that cannot be read is not taken for 0" {
	rm root/proc/20/oom_score_adj
	expect 0 holdfast --json predict
	json_is '.victim.pid' 10
	json_is '.candidates[] | select(.pid == 20) | .oom_score_adj, .why_not' $'null\nits oom_score_adj cannot be read'
	expect 0 holdfast predict
	output_has '100     ?'
	mkdir -p empty
	cp root/proc/meminfo empty/
	expect 1 holdfast --procfs empty predict
	messages_have 'empty shows no processes'
}

@test "a cgroup without a limit has that of the one above it, or none" {
	cgroups
	expect 0 holdfast --json predict --cgroup /batch/night
	json_is '.cgroup, .victim.pid' $'/batch\n60'
	COLUMNS=80 expect 0 holdfast predict --cgroup /batch/night
	output_has '/batch/night has none of its own: that of /batch'
	expect 0 holdfast --json predict --cgroup /free
	json_is '.constraint, .cgroup, .total_pages' $'none\nnull\n1000000'
	messages_have '/free: neither it nor a cgroup above it has a limit below'
	expect 2 holdfast predict --cgroup /nowhere
	messages_have "there is no memory cgroup '/nowhere'"
	expect 2 holdfast predict --cgroup /batch/../free
}

@test "the paths of a cgroup, and of the root" {
	local path
	cgroups
	for path in /batch //batch/. ./batch /./batch//night/ /sys/fs/cgroup/batch; do
		expect 0 holdfast --json predict --cgroup "$path"
		json_is '.cgroup, .victim.pid' $'/batch\n60'
	done
	for path in / /sys/fs/cgroup /sys/fs/cgroup/ .; do
		expect 0 holdfast --json predict --cgroup "$path"
		json_is .constraint none
	done
	COLUMNS=80 expect 0 holdfast predict --cgroup //batch/./
	[[ $output != *'that of'* ]]
	for path in .. /batch/.. /../batch /sys/fs/cgroup/..; do
		expect 2 holdfast predict --cgroup "$path"
	done
}

@test "a cgroup where nothing can be killed" {
	cgroups
	process 50 runner cgroup=/batch adj=-1000
	process 60 helper cgroup=/batch adj=-1000
	expect 0 holdfast --json predict --cgroup /batch
	json_is '.decision, .victim' $'none\nnull'
}

@test "version 1: the limit of memory, and of memory and swap" {
	local dir=root/sys/fs/cgroup/memory/batch
	mkdir -p $dir
	printf '409600000\n' >$dir/memory.limit_in_bytes
	printf '413696000\n' >$dir/memory.memsw.limit_in_bytes
	process 50 runner rss=200000 pte=40
	printf '4:memory:/batch\n1:name=systemd:/x\n' >root/proc/50/cgroup
	expect 0 holdfast --json predict --cgroup /batch
	json_is '.total_pages, .victim.pid, (.candidates | length)' $'101000\n50\n1'
	printf '0\n' >$dir/memory.swappiness
	expect 0 holdfast --json predict --cgroup /batch
	json_is '.total_pages' 100000
}

@test "version 1: a cgroup in which nobody is killed, and nothing panics" {
	local dir=root/sys/fs/cgroup/memory/batch
	mkdir -p $dir
	printf '409600000\n' >$dir/memory.limit_in_bytes
	printf 'oom_kill_disable 1\nunder_oom 0\noom_kill 0\n' >$dir/memory.oom_control
	process 50 runner rss=200000 pte=40
	printf '4:memory:/batch\n' >root/proc/50/cgroup
	kernel vm/panic_on_oom=2
	expect 0 holdfast --json predict --cgroup /batch
	json_is '.decision, .victim, .killable_left' $'none\nnull\n1'
	COLUMNS=100 expect 0 holdfast predict --cgroup /batch
	output_has '1 panic   no: vm.panic_on_oom is 2, and memory.oom_control comes before it'
	output_has 'killed    nobody: memory.oom_control has oom_kill_disable: whoever asks waits'
	sed -i 's/disable 1/disable 0/' $dir/memory.oom_control
	expect 0 holdfast --json predict --cgroup /batch
	json_is '.decision' panic
}

@test "memory.oom.group: all of it dies" {
	cgroups
	printf '1\n' >root/sys/fs/cgroup/batch/memory.oom.group
	expect 0 holdfast --json predict --cgroup /batch
	json_is '.killed_group, .freed_rss_kb, .killable_left' $'/batch\n280080\n0'
}

@test "another profile beside it" {
	is_program 20 cache
	profile calm <<-'END'
		vm: { panic_on_oom: never, oom_kill_allocating_task: false }
		protect: [ { service: cache, exe: /usr/sbin/cache } ]
	END
	profile leash <<-'END'
		protect: [ { service: cache, exe: /usr/sbin/cache, max_rss: 100M, release_to: 100 } ]
	END
	profile strict <<-'END'
		vm: { panic_on_oom: always }
		sysctl: { kernel.panic: 10 }
	END
	expect 0 holdfast --json predict --if calm
	json_is '.victim.pid, .if.profile, .if.decision, .if.victim.pid' $'20\ncalm\nkill\n10'
	json_is '.if.candidates[] | select(.pid == 20) | .oom_score_adj, .killable' $'-1000\nfalse'
	# Above its leash it would lose the protection at once.
	expect 0 holdfast --json predict --if leash
	json_is '.if.candidates[] | select(.pid == 20) | .oom_score_adj, .killable' $'100\ntrue'
	expect 0 holdfast --json predict --if strict
	json_is '.decision, .if.decision' $'kill\npanic'
	COLUMNS=80 expect 0 holdfast predict --if calm
	output_is <<-'END'
		If memory ran out
		  memory    3.8G of RAM and swap, 1000000 pages
		            one point of oom_score_adj is worth 1000 pages
		            now                                with calm
		  panic     no: vm.panic_on_oom is 0           no: vm.panic_on_oom is 0
		  kdump     not armed                          not armed
		  asking    not killed for it                  not killed for it
		  killed    cache[20]                          database[10]
		  freed     391M of RAM, 0K of swap            785M of RAM, 195M of swap
		  left      2 can be killed                    1 can be killed
		  worst       400100  adj   300 cache[20]        251000  adj     0 database[10]
		              251000  adj     0 database[10]     -98990  adj  -100 small[40]
		              -98990  adj  -100 small[40]         never  adj -1000 sshd[30]
		               never  adj -1000 sshd[30]          never  adj     0 systemd[1]
		               never  adj     0 systemd[1]        never  adj -1000 cache[20]
	END
	kernel vm/oom_kill_allocating_task=1
	expect 0 holdfast predict --if strict
	output_has 'panic     no: vm.panic_on_oom is 0                  yes: vm.panic_on_oom is 2'
	output_has 'killed    whoever asks                              nobody: the kernel panics'
	output_has 'left      depends on who asks                       nothing runs'
	kernel vm/oom_kill_allocating_task=0
	expect 4 holdfast predict --if clam
	messages_have "there is no profile 'clam' (did you mean 'calm'?)"
}

@test "another profile: whether kdump would be armed, who dies in a group, and what is freed" {
	beside() { output=$(tr -s ' ' <<<"$output") && output_has "$1"; }
	cgroups
	kernel kernel/osrelease=6.1.0-demo kernel/kexec_load_disabled=0
	mkdir -p root/boot
	printf '268435456\n' >root/sys/kernel/kexec_crash_size
	printf '0\n' >root/sys/kernel/kexec_crash_loaded
	profile caught <<-'END'
		vm: { panic_on_oom: always }
		kdump: { crashkernel: 192M, panic_on_oom_unarmed: 0 }
	END
	COLUMNS=120 expect 0 holdfast predict --if caught
	beside 'kdump not armed not armed: '
	expect 0 holdfast --json predict --if caught
	json_is '.if.decision, .if.kdump_armed' $'kill\nfalse'
	bzimage 64 >root/boot/vmlinuz-6.1.0-demo
	head -c 4096 /dev/zero >root/boot/holdfast-capture-6.1.0-demo.img
	chmod 644 root/boot/*
	COLUMNS=80 expect 0 holdfast predict --if caught
	beside 'kdump not armed armed'
	beside 'panic no: vm.panic_on_oom is 0 yes: vm.panic_on_oom is 2'
	beside 'freed 78.2M of RAM, 0K of swap nothing'
	expect 0 holdfast --json predict --if caught
	json_is '.decision, .kdump_armed, .if.decision, .if.kdump_armed' $'kill\nfalse\npanic\ntrue'
	# One that is armed stays armed.
	profile plain <<<'vm: { panic_on_oom: never }'
	printf '1\n' >root/sys/kernel/kexec_crash_loaded
	printf '1\n' >root/sys/fs/cgroup/batch/memory.oom.group
	COLUMNS=80 expect 0 holdfast predict --if plain --cgroup /batch
	beside 'kdump armed armed'
	beside 'killed helper[60], all of /batch helper[60], all of /batch'
	beside 'freed 274M of RAM, 0K of swap 274M of RAM, 0K of swap'
}

@test "a sysctl that cannot be read is unknown, not 0" {
	rm root/proc/sys/vm/{panic_on_oom,oom_kill_allocating_task}
	expect 0 holdfast --json predict
	json_is '.decision, .panic_on_oom, .oom_kill_allocating_task' $'kill\nnull\nnull'
	messages_have 'vm.panic_on_oom cannot be read: what follows holds if it is 0'
	messages_have 'vm.oom_kill_allocating_task cannot be read: what follows holds if it is 0'
	COLUMNS=80 expect 0 holdfast predict
	output_has '1 panic   unknown: vm.panic_on_oom cannot be read'
	output_has '2 asking  unknown: vm.oom_kill_allocating_task cannot be read'
	# What cannot be read decides nothing where another value does.
	kernel vm/panic_on_oom=2
	expect 0 holdfast --json predict
	json_is '.decision' panic
	messages_are </dev/null
}

@test "a machine without meminfo cannot be predicted" {
	rm root/proc/meminfo
	expect 1 holdfast predict
	messages_have 'meminfo'
}
