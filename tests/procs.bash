# shellcheck shell=bash
# Made-up processes below root/proc. Loaded by the tests that look at processes.

PAGE_KB=$(($(getconf PAGESIZE) / 1024))

# process PID NAME [FIELD=VALUE...]: uid, groups, vm, rss, swap, pte (KiB), score, adj, cgroup, start (ticks since boot), state, ppid, caps.
process() {
	local pid=$1 name=$2 uid=0 groups='' vm=99999 rss=1000 swap=0 pte=40 score=666 adj=0 cgroup=/ start=$1 state=S ppid=1 caps=0 word
	shift 2
	for word; do
		local "$word"
	done
	mkdir -p "root/proc/$pid"
	printf '%s\t%s\n' Name: "$name" State: "$state" Pid: "$pid" PPid: "$ppid" Uid: "$uid	$uid	$uid	$uid" Groups: "$groups" \
		NSpid: "$pid" VmSize: "$vm kB" VmRSS: "$rss kB" VmPTE: "$pte kB" VmSwap: "$swap kB" Threads: 1 CapEff: "$caps" >"root/proc/$pid/status"
	printf '%s %s 0 0 0 0 0\n' "$((vm / PAGE_KB))" "$((rss / PAGE_KB))" >"root/proc/$pid/statm"
	printf '%s\n' "$score" >"root/proc/$pid/oom_score"
	printf '%s\n' "$adj" >"root/proc/$pid/oom_score_adj"
	printf '0::%s\n' "$cgroup" >"root/proc/$pid/cgroup"
	printf '%s (%s) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %s 0 0\n' "$pid" "$name" "$start" >"root/proc/$pid/stat"
}

# is_program PID NAME: the process runs root/usr/sbin/NAME, in our own namespaces.
is_program() {
	mkdir -p "root/usr/sbin" "root/proc/$1/ns" root/proc/self/ns
	[[ -e root/usr/sbin/$2 ]] || printf '\177ELF' >"root/usr/sbin/$2"
	chmod 755 "root/usr/sbin/$2"
	ln -sf "$PWD/root/usr/sbin/$2" "root/proc/$1/exe"
	touch root/proc/self/ns/{user,pid}
	ln -f root/proc/self/ns/user root/proc/self/ns/pid "root/proc/$1/ns/"
	printf '/usr/sbin/%s\0' "$2" >"root/proc/$1/cmdline"
}

# The main thread of a process has ended; another one, PID + 1, goes on.
ended_leader() {
	local proc=root/proc/$1
	mkdir -p "$proc/task/$1" "$proc/task/$(($1 + 1))"
	cp "$proc/status" "$proc/cgroup" "$proc/task/$(($1 + 1))/"
	sed -i 's/^Threads:.*/Threads:\t2/; s/^Name:.*/Name:\tworker/' "$proc/task/$(($1 + 1))/status"
	sed -i 's/^Threads:.*/Threads:\t2/; s/^State:.*/State:\tZ (zombie)/; /^Vm/d' "$proc/status"
	cp "$proc/status" "$proc/task/$1/"
	printf '0 0 0 0 0 0 0\n' >"$proc/statm"
	printf '0::/\n' >"$proc/cgroup"
}

# A kernel thread: it has no memory.
kernel_thread() {
	mkdir -p "root/proc/$1"
	printf 'Name:\t%s\nState:\tI (idle)\nPid:\t%s\nUid:\t0\t0\t0\t0\nThreads:\t1\n' "$2" "$1" >"root/proc/$1/status"
	printf '0 0 0 0 0 0 0\n' >"root/proc/$1/statm"
	printf '0\n' | tee "root/proc/$1/oom_score" >"root/proc/$1/oom_score_adj"
}

# memory TOTAL [SWAP]: in KiB.
memory() {
	printf '%s kB\n' "MemTotal: $1" "MemFree: $(($1 / 10))" "MemAvailable: $(($1 / 2))" \
		"SwapTotal: ${2:-0}" "SwapFree: ${2:-0}" >root/proc/meminfo
}

# many_processes N: with PIDs from 20000 on, the later the worse.
many_processes() {
	seq -f 'root/proc/%.0f' 20000 $(($1 + 19999)) | xargs mkdir -p
	awk -v n="$1" -v page="$PAGE_KB" 'BEGIN {
		for (i = 20000; i < n + 20000; i++) {
			file = "root/proc/" i "/status"
			printf "Name:\tworker%d\nPid:\t%d\nUid:\t7\t7\t7\t7\nVmRSS:\t%8d kB\nVmPTE:\t44 kB\nVmSwap:\t0 kB\n", i, i, i - 19000 > file
			close(file)
			file = "root/proc/" i "/statm"; print 9999, int((i - 19000) / page), "0 0 0 0 0" > file; close(file)
			file = "root/proc/" i "/oom_score"; print int(i / 100) > file; close(file)
			file = "root/proc/" i "/oom_score_adj"; print 0 > file; close(file)
		}
	}'
}
