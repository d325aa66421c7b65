#!/usr/bin/env bats
# The processes by OOM score.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib
load procs

setup_machine() {
	memory 16000000 8000000
	mkdir -p root/etc
	printf '%s\n' root:x:0:0::/root:/bin/sh www-data:x:33:33::/var/www:/bin/false >root/etc/passwd
	process 1 systemd rss=12000 score=670 cgroup=/init.scope
	kernel_thread 2 kthreadd
	process 700 sshd rss=8000 score=0 adj=-1000 cgroup=/system.slice/ssh.service
	process 800 apache2 uid=33 rss=900000 swap=100000 score=700 adj=0 cgroup=/system.slice/apache2.service
	process 900 'Web Content' uid=1000 rss=2000000 score=833 adj=300 cgroup=/user.slice/user-1000.slice/session-2.scope
}

@test "worst first, with the machine's values; kernel threads cannot be killed and are left out" {
	untouched expect 0 holdfast top
	output_is <<-'END'
		4 processes; 7.6G of 15.3G available, swap 7.6G of 7.6G free
		  SCORE   ADJ OLD    RSS   SWAP MEM        PID USER     UNIT            COMMAND
		    833   300   5   1.9G     0K ▊          900 1000     session-2.scope Web Content
		    700     0   0   879M  97.7M ▍          800 www-data apache2.service apache2
		    670     0   0  11.7M     0K              1 root     init.scope      systemd
		*     0 -1000 -17   7.8M     0K            700 root     ssh.service     sshd
	END
}

@test "of several names of one user the first counts" {
	printf '%s\n' toor:x:0:0::/: root:x:0:0::/root: web:x:33:33::/: b:x:33:33::/: c:x:33:33::/: d:x:33:33::/: >root/etc/passwd
	expect 0 holdfast --json top
	json_is '[.processes[].user]' '["1000","web","toor","toor"]'
}

@test "as JSON" {
	expect 0 holdfast --json top
	json_is '.version, (.processes | map(.pid))' $'1\n[900,800,1,700]'
	json_is '.processes[0]' '{"pid":900,"user":"1000","oom_score":833,"oom_score_adj":300,"oom_adj":5,"rss_kb":2000000,"swap_kb":0,"unit":"session-2.scope","command":"Web Content","protected":false}'
	json_is '.processes[3] | .oom_adj, .protected' $'-17\ntrue'
	expect 0 holdfast --json top -n 2
	json_is '.processes | map(.pid)' '[900,800]'
}

@test "the legacy scale is the kernel's" {
	local pair
	for pair in 1000:15 999:15 941:15 500:8 1:0 -1:0 -58:0 -59:-1 -941:-15 -1000:-17; do
		process 5000 x adj="${pair%:*}"
		expect 0 holdfast --json top
		json_is '.processes[] | select(.pid == 5000) | .oom_adj' "${pair#*:}"
	done
}

@test "-n limits the processes, and is another option elsewhere" {
	expect 0 holdfast top -n 1
	[[ $(wc -l <stdout) == 3 ]]
	expect 0 holdfast -n 1 top
	[[ $(wc -l <stdout) == 3 ]]
	expect 0 holdfast --lines=2 top
	[[ $(wc -l <stdout) == 4 ]]
	expect 2 holdfast top -n
	messages_have "option '-n' needs an argument"
	expect 2 holdfast top -n many
	messages_have "'many' is no number of lines"
	profile default <<<'sysctl: { kernel.panic: 10 }'
	kernel kernel/panic=0
	expect 0 holdfast apply -n
	output_has '(would-set)'
}

@test "sorted by any column" {
	local pair
	for pair in adj:900,800,1,700 rss:900,800,1,700 swap:800,900,1,700 pid:1,700,800,900 command:900,800,700,1 \
		user:900,1,700,800 unit:800,1,900,700; do
		expect 0 holdfast --json top --sort "${pair%:*}"
		json_is '.processes | map(.pid) | join(",")' "${pair#*:}"
	done
	expect 2 holdfast top --sort size
	messages_have "there is no column 'size'"
}

@test "cut to the width, without UTF-8 in an ASCII locale" {
	COLUMNS=80 expect 0 holdfast top
	(($(wc -L <stdout) <= 80))
	output_has 'session-2.…'
	COLUMNS=80 LC_ALL=C expect 0 holdfast top
	(($(wc -L <stdout) <= 80))
	[[ -z $(LC_ALL=C tr -d ' -~\n' <stdout) ]]
	output_has '#.....'
	COLUMNS=200 expect 0 holdfast top
	output_has 'session-2.scope'
}

@test "names of processes cannot move the cursor" {
	process 6000 $'a\033[2Jb\303'
	expect 0 holdfast top
	output_has 'a?[2Jb?'
	[[ $output != *$'\033'* ]]
}

@test "processes that end while they are read, and files that are missing" {
	rm root/proc/800/oom_score root/proc/900/status
	mkdir root/proc/1000
	expect 0 holdfast --json top
	json_is '.processes | map(.pid)' '[1,700,800]'
	json_is '.processes[2].oom_score' null
	memory 16000000
	expect 0 holdfast top
	output_has '3 processes; 7.6G of 15.3G available, no swap'
	rm root/proc/meminfo
	expect 0 holdfast top
	output_has '3 processes'
}

@test "a process whose main thread has ended lives on in the others" {
	ended_leader 900
	expect 0 holdfast --json top
	json_is '.processes[0] | .pid, .command, .rss_kb, .unit' $'900\nWeb Content\n2000000\nsession-2.scope'
	# One that is nothing but ended is left out.
	rm -r root/proc/900/task/901
	expect 0 holdfast --json top
	json_is '.processes | map(.pid)' '[800,1,700]'
}

@test "a user of a thousand groups, and paths longer than a page, are read to their end" {
	process 5000 member groups="$(seq -s ' ' 100000 101000)" cgroup="/$(printf 'deep%.0s' {1..1500})/job.service"
	expect 0 holdfast --json top
	json_is '.processes[] | select(.pid == 5000) | .rss_kb, .unit' $'1000\njob.service'
}

@test "what cannot be read is not made up" {
	rm root/proc/900/oom_score_adj
	expect 0 holdfast --json top
	json_is '.processes[0] | .pid, .oom_score_adj, .oom_adj' $'900\nnull\nnull'
	COLUMNS=80 expect 0 holdfast top
	output_has '833     ?   ?   1.9G'
	mkdir empty
	expect 1 holdfast --procfs empty top
	messages_have 'empty shows no processes'
}

@test "narrow terminals: columns go, lines stay whole" {
	local columns
	process 5000 a-name-that-is-rather-long score=900
	for columns in 20 30 40 50 60 71 72 73 80 99 100 200; do
		COLUMNS=$columns expect 0 holdfast top
		(($(wc -L <stdout) <= columns)) || return 1
		output_has PID
		output_has 5000
	done
	COLUMNS=40 expect 0 holdfast top
	output_is <<-'END'
		5 processes; 7.6G of 15.3G available, s…
		  SCORE   ADJ    RSS     PID COMMAND
		    900     0   1.0M    5000 a-name-tha…
		    833   300   1.9G     900 Web Content
		    700     0   879M     800 apache2
		    670     0  11.7M       1 systemd
		*     0 -1000   7.8M     700 sshd
	END
}

@test "ten thousand processes" {
	many_processes 10000
	expect 0 holdfast top -n 3
	output_has '10004 processes'
	output_has '  833   300   5'
	expect 0 holdfast --json top
	json_is '.processes | length' 10004
}

# Of most only the score is read, and their memory where that does not decide.
@test "the first are the same, however many are shown" {
	local pid swap_free sort n
	kernel_thread 3 kworker
	for pid in {1..60}; do
		process "$((5000 + pid))" "p$pid" rss=$((pid * 7919 % 41 * 1000)) swap=$((pid * 31 % 7 * 3000)) \
			score=$((660 + pid % 4)) adj=$((pid % 3))
	done
	ended_leader 5001
	rm root/proc/5002/oom_score root/proc/5003/statm
	mkdir root/proc/999
	for swap_free in 7000000 8000000; do
		sed -i "s/^SwapFree.*/SwapFree: $swap_free kB/" root/proc/meminfo
		# Where nothing is swapped out, nothing is swapped out of a process.
		[[ $swap_free != 8000000 ]] || sed -i 's/^VmSwap.*/VmSwap:\t0 kB/' root/proc/*/status
		for sort in score adj unit; do
			expect 0 holdfast --json top --sort "$sort"
			jq -c '.processes[]' stdout >all
			[[ $(wc -l <all) == 64 ]]
			for n in 1 5 17 63 64; do
				expect 0 holdfast --json top --sort "$sort" -n "$n"
				same_text "$(jq -c '.processes[]' stdout)" "of $n by $sort" < <(head -n "$n" all)
				expect 0 holdfast top --sort "$sort" -n "$n"
				output_has '64 processes'
			done
		done
	done
}

@test "--watch needs a terminal" {
	expect 2 holdfast top --watch
	messages_have '--watch needs a terminal'
}
