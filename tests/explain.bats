#!/usr/bin/env bats
# What an OOM report in a kernel log says, and what it does not: never a number that is not in it.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

LOGS=$TESTS/oom-logs

# What a report says without where it comes from: prefixes change nothing else.
said='del(.reports[].time, .reports[].host) | .reports[].missing -= ["time"]'

explained() {
	expect 0 "$HOLDFAST" --json explain "$@"
}

# same_as FILE [BUT]: what is said of the log on stdin is what is said of FILE, but for its field BUT.
same_as() {
	local wanted=wanted.${1##*/} said="$said | del(.reports[].${2:-none})"
	[[ -e $wanted ]] || "$HOLDFAST" --json explain "$1" | jq -S "$said" >"$wanted"
	cat >log
	expect 0 "$HOLDFAST" --json explain log
	jq -S "$said" stdout >got
	diff -u "$wanted" got | head -n 40
	cmp -s "$wanted" got
}

# never_wrong FULL...: of each report on stdin (what was said of parts of logs), nothing differs from one of the documents FULL, except that
# numbers and names are null, tasks are fewer, and less is concluded.
never_wrong() {
	cat >got
	cat "$@" | jq -n -c --slurpfile full /dev/stdin --slurpfile part got '
		def numbers: del(.tasks, .missing, .advice, .choice, .reclaim, .zones, .time);
		def concluded($whole): [
			(.choice.verdict | select(. != null and . != "unknown" and . != $whole.choice.verdict)),
			(.reclaim // "" | select(startswith("had nothing") and ($whole.reclaim // "" | startswith("had nothing") | not))),
			([.reclaim // "" | scan("[0-9]+ %")] - [$whole.reclaim // "" | scan("[0-9]+ %")])[],
			(def general: (. // [])[] | gsub("the cgroup (/\\S*|that the log does not name)"; "it"); [.advice | general] - [$whole.advice | general])[]];
		def tasks: (.tasks // []) | map(del(.memory_pages));
		def wrong($whole): . as $part
			| {wrong: ($part | numbers | [paths(scalars)] | map(select(. as $p | ($part | getpath($p)) != ($whole | getpath($p))))),
				tasks: (($part | tasks) - ($whole | tasks)), concluded: ($part | concluded($whole))};
		$part[].reports[]? | [wrong($full[].reports[0])] | select(all(.wrong + .tasks + .concluded != [])) | .[]' >wrong
	[[ ! -s wrong ]] || {
		head -n 5 wrong
		return 1
	}
}

# explain_parts: a document for each of the logs on stdin, which NUL bytes end. (Thousands of processes would take minutes.)
explain_parts() {
	local variant
	variant=$(basename "$(dirname "$HOLDFAST")")
	make -s -C "$TESTS/.." VARIANT="$variant" "build/$variant/explain-parts" >&2
	"$TESTS/../build/$variant/explain-parts"
}

@test "a global report of kernel 6.1: every number is the log's, read here in another way" {
	local log=$LOGS/global-6.1.log
	explained "$log"
	json_is '.version, (.reports | length)' $'1\n1'
	json_is '.reports[0] | .kernel, .constraint, .gfp_mask, .order, .cgroup' $'6.1.1-arch1-1\nnone\n0x140dca\n0\nnull'
	json_is '.reports[0].invoked_by | .command, .pid' "doxygen
$(sed -n 's/^CPU: .* PID: \([0-9]*\) .*/\1/p' "$log")"
	json_is '.reports[0].killed | "Out of memory: Killed process \(.pid) (\(.command)) total-vm:\(.total_vm_kb)kB, anon-rss:\(.anon_rss_kb)kB, file-rss:\(.file_rss_kb)kB, shmem-rss:\(.shmem_rss_kb)kB, UID:\(.uid) pgtables:\(.pgtables_kb)kB oom_score_adj:\(.oom_score_adj)"' \
		"$(grep '^Out of memory: Killed' "$log")"
	jq -r '.reports[0].tasks[] | [.pid, .uid, .tgid, .total_vm_pages, .rss_pages, .pgtables_bytes, .swapents, .oom_score_adj, .command] | @tsv' \
		<<<"$output" >tasks
	diff tasks <(sed -n 's/^\[ *\([0-9]\+\)\] *\(.*\)/\1 \2/p' "$log" | tr -s ' ' '\t')
	json_is '.reports[0].memory_kb | .free, .swap_total, .swap_free' "$(awk '
		/ free:[0-9]+ free_pcp/ { split($1, part, ":"); print part[2] * 4 }
		/^Total swap/ { total = $4 + 0 } /^Free swap/ { left = $4 + 0 }
		END { print total; print left }' "$log")"
	json_is '.reports[0].zones[] | "\(.zone) \(.free_kb) \(.min_kb) \(.low_kb) \(.high_kb)"' "$(
		sed -nE 's/^Node 0 (\w+) free:([0-9]+)kB .*min:([0-9]+)kB low:([0-9]+)kB high:([0-9]+)kB.*/\1 \2 \3 \4 \5/p' "$log"
	)"
	json_is '.reports[0] | .choice.verdict, .missing' $'follows\n["time"]'
}

@test "a global report of kernel 3.10: other columns, flags as a number, line breaks that syslog has escaped" {
	local log=$LOGS/global-3.10.log
	explained "$log"
	json_is '.reports[0] | .kernel, .constraint, .gfp_mask, .gfp_flags' \
		$'3.10.0-514.6.1.el7.x86_64\nnone\n0x201da\nGFP_HIGHUSER_MOVABLE|__GFP_COLD'
	json_is '.reports[0].killed | .pid, .command, .total_vm_kb, .anon_rss_kb, .score' $'6576\nmysqld\n33914892\n20629004\n651'
	json_is '.reports[0].memory_kb | .free, .swap_total, .swap_free' "$((39513 * 4))
8388604
0"
	jq -r '.reports[0].tasks[] | [.pid, .uid, .tgid, .total_vm_pages, .rss_pages, .nr_ptes, .swapents, .oom_score_adj, .command] | @tsv' \
		<<<"$output" >tasks
	diff tasks <(sed -n 's/^\[ *\([0-9]\+\)\] *\(.*\)/\1 \2/p' "$log" | tr -s ' ' '\t')
	# The kernel's own score, 651 of 1000, is the badness that the table gives.
	json_is '.reports[0] | (.tasks[] | select(.pid == 6576) | .memory_pages) * 1000 / ((.memory_kb | .ram - .reserved + .swap_total) / 4) | floor' 651
	json_is '.reports[0].choice.verdict' follows
}

@test "flags that the kernel prints as a number only: 3.0 to 4.3, and 4.4 and 4.5" {
	local mask release flags
	while read -r release mask flags; do
		sed "s/0x201da/$mask/; s/3\.10\.0-514\.6\.1\.el7\.x86_64/$release/" "$LOGS/global-3.10.log" >log
		explained log
		json_is '.reports[0].gfp_flags' "$flags"
	done <<-'END'
		3.16.0-4-amd64 0xd0 GFP_KERNEL
		4.3.0 0x280da GFP_HIGHUSER_MOVABLE|__GFP_ZERO
		4.4.0-210-generic 0x24201ca GFP_HIGHUSER_MOVABLE|__GFP_COLD
		4.4.0-210-generic 0x24280ca GFP_HIGHUSER_MOVABLE|__GFP_ZERO
		4.4.0-210-generic 0x26000c0 GFP_KERNEL
		4.5.0 0x24200ca GFP_HIGHUSER_MOVABLE
		4.4.0-210-generic 0x80000000 null
		4.6.0 0x24200ca null
	END
}

@test "a memory cgroup's report: whose limit, and how much of it; the machine's numbers are missing" {
	explained "$LOGS/memcg-5.4.log"
	json_is '.reports[0] | .constraint, .cgroup, .memory_limit.limit_kb, .killed.pid' $'memcg\n/kubepods/burstable/pod1\n262144\n63635'
	json_is '.reports[0] | .memory_kb.free, .memory_kb.swap_total' $'null\nnull'
	json_is '.reports[0].missing' '["memory_kb.free","memory_kb.swap_total","memory_kb.swap_free"]'
	explained "$LOGS/memcg-3.10.log"
	json_is '.reports[0] | .constraint, .cgroup, .memory_limit.usage_kb, .memory_and_swap_limit.limit_kb' $'memcg\n/batch\n10240\n20480'
	json_is '.reports[0].killed | .pid, .uid, .shmem_rss_kb, .oom_score_adj' $'42423\n1000\n0\n0'
	json_is '[.reports[0].tasks[].command]' '["sh","memhog","logger (night)"]'
}

@test "which cgroup's limit it was is not known where the lines that say it are lost" {
	sed '/Task in/d; /stats for \/batch:/d' "$LOGS/memcg-3.10.log" >log
	explained log
	json_is '.reports | map([.constraint, .cgroup, (.missing | index("cgroup") != null)])' '[["memcg",null,true]]'
	expect 0 "$HOLDFAST" explain log
	[[ $output != *'page cache 1K'* ]]
}

@test "kernels 5.0 to 5.2 call the limit of a memory cgroup none at all, and have its numbers in one line" {
	sed -e 's/CONSTRAINT_MEMCG/CONSTRAINT_NONE/; s/5\.4\.0-77-generic/5.1.0/' -e '/kernel_stack/d' -e '/^ *file 4096/d; /anon 243167232/d' \
		-e 's/\(stats for [^ ]*:\)$/\1 cache:4KB rss:237468KB shmem:0KB swap:0KB/' "$LOGS/memcg-5.4.log" >log
	explained log
	json_is '.reports | map([.constraint, .cgroup, .killed.pid, .memory_limit.limit_kb])' '[["memcg","/kubepods/burstable/pod1",63635,262144]]'
	expect 0 "$HOLDFAST" explain log
	output_has 'memory    anonymous 232M, page cache 4K, shared 0K'
}

@test "the kills alone, as grep leaves them: one report each" {
	cat >log <<-'END'
		2026-05-17T09:12:34+0000 kernel: Out of memory: Kill process 12345 (nginx) score 900 or sacrifice child
		2026-05-17T09:12:34+0000 kernel: Killed process 12345 (nginx) total-vm:2048kB, anon-rss:1024kB, file-rss:0kB
		2026-05-17T09:12:35+0000 kernel: Out of memory: Kill process 23456 (php-fpm) score 750 or sacrifice child
		2026-05-17T09:12:35+0000 kernel: Killed process 23458 (php-fpm) total-vm:4096kB, anon-rss:3072kB, file-rss:0kB
		2026-05-17T09:15:00+0000 kernel: Out of memory: Kill process 34567 (nginx) score 880 or sacrifice child
		2026-05-17T09:17:00+0000 kernel: Killed process 111 (late) total-vm:4096kB, anon-rss:3072kB, file-rss:0kB
	END
	explained log
	json_is '.reports | map([.killed.pid, .killed.anon_rss_kb, .killed.score])' '[[12345,1024,900],[23458,3072,750],[null,null,null],[111,3072,null]]'
	# The same with who asked, where the times are those of one moment.
	sed -n '/invoked\|^oom-kill\|Killed process/p' "$LOGS/global-6.1.log" | sed 's/^/[  812.000001] /' >log
	explained log
	json_is '.reports | map([.invoked_by.command, .killed.pid])' '[["doxygen",473206]]'
}

@test "a panic: nobody was killed, and why" {
	explained "$LOGS/panic-6.12.log"
	json_is '.reports[0] | .killed, .panic, .order, .invoked_by.command' $'null\nSystem is deadlocked on memory\n2\nCPU 2/KVM'
	json_is '.reports[0].tasks[1] | .rss_pages, .pgtables_bytes, .command' $'2500\n204800\nCPU 2/KVM'
	json_is '.reports[0].choice.verdict' nobody
	expect 0 "$HOLDFAST" explain "$LOGS/panic-6.12.log"
	output_has 'Nothing killable was left'
}

@test "vm.panic_on_oom: there is no line of the limit, but the panic and the memory say it" {
	panics() { sed -e '/^<4>.*no killable/d' -e "s/System is deadlocked on memory/Out of memory: $1 panic_on_oom is enabled/" "$LOGS/panic-6.12.log"; }
	panics system-wide >log
	explained log
	json_is '.reports[0] | .constraint, .killed' $'none\nnull'
	panics compulsory >log
	explained log
	json_is '.reports[0] | .constraint, (.missing | index("constraint") != null)' $'null\ntrue'
	# Of a memory cgroup only with 2.
	{
		sed '/^\[.*oom-kill:/,$d' "$LOGS/memcg-5.4.log"
		printf '[93543.707050] Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled\n'
	} >log
	explained log
	json_is '.reports[0] | .constraint, .cgroup, .panic' \
		$'memcg\n/kubepods/burstable/pod1\nOut of memory: compulsory panic_on_oom is enabled'
	expect 0 "$HOLDFAST" explain log
	output_has "'unconstrained' where only a cgroup or a memory node is full"
}

@test "SysRq f is no lack of memory" {
	sed -e 's/^doxygen invoked.*/kworker\/0:1 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1, oom_score_adj=0/' \
		-e 's/Comm: doxygen/Comm: kworker\/0:1/; s/PID: 473206/PID: 44/' "$LOGS/global-6.1.log" >log
	explained log
	json_is '.reports[0] | .order, .reclaim, (.advice | length), .choice.verdict' $'-1\nnull\n1\nfollows'
	COLUMNS=200 expect 0 "$HOLDFAST" explain log
	output_has 'asked     somebody at the keyboard or console, with SysRq f; kworker/0:1[44] saw to it'
	output_has 'change    Nobody lacked memory: the OOM killer was called by hand.'
}

@test "why reclaim could not help" {
	explained "$LOGS/global-6.1.log"
	json_is '.reports[0].reclaim' 'had nothing left to take: swap is full, and hardly any page cache'
	explained "$LOGS/memcg-5.4.log"
	json_is '.reports[0].reclaim' 'had nothing left to take: memory and swap together have reached their limit, and there was hardly any page cache'
	# Much that is free does not make the page cache little.
	sed -e 's/ active_file:29 inactive_file:186/ active_file:250000 inactive_file:200000/; s/ free:34629/ free:1000000/' \
		-e 's/^\(Free\|Total\) swap .*/\1 swap = 0kB/' "$LOGS/global-6.1.log" >log
	explained log
	json_is '.reports[0].reclaim' 'there is no swap; the page cache that is left was in use or dirty'
	# Half of what is said must not be half a sentence.
	sed '/ Node 0/d' "$LOGS/panic-6.12.log" >log
	explained log
	json_is '.reports[0].reclaim' 'slab that is in use and locked memory, which cannot be taken, were 36 % of the RAM'
	# How much swap there is at all is not known.
	sed '/^Total swap/d' "$LOGS/global-6.1.log" >log
	explained log
	json_is '.reports[0].reclaim' 'had nothing left to take: no swap is free, and hardly any page cache'
	explained "$LOGS/panic-6.12.log"
	json_is '.reports[0].reclaim' 'had nothing left to take: there is no swap, and hardly any page cache; slab that is in use and locked memory, which cannot be taken, were 36 % of the RAM'
}

# memory_of LINE...: the log of a cgroup's limit, with these lines among its statistics.
memory_of() {
	printf '%s\n' "${@/#/               }" >lines
	sed '/kernel_stack 0/r lines' "$LOGS/memcg-5.4.log" >log
}

@test "a cgroup's memory that the kernel itself holds" {
	memory_of 'kernel 150000000' 'sock 80530636' 'shmem 0' 'slab_reclaimable 10485760' 'slab_unreclaimable 125829120' 'slab 136314880'
	explained log
	json_is '.reports[0].cgroup_memory_kb' '{"anon":237468,"file":4,"shmem":0,"sock":78643,"slab":133120,"slab_reclaimable":10240,"slab_unreclaimable":122880,"kernel":146484}'
	json_is '.reports[0].reclaim' \
		"had nothing left to take: memory and swap together have reached their limit, and there was hardly any page cache; the kernel's own memory for it, which cannot be taken, was 51 % of the limit"
	json_is '.reports[0].advice | map(select(test("kernel itself held 55 % of the limit|sockets held 29 % of the limit"))) | length' 2
	COLUMNS=200 expect 0 "$HOLDFAST" explain log
	output_has "the kernel's own 143M, of it slab 10.0M reclaimable and 120M not"
	output_has 'sockets 76.8M'
	# Before 5.18 only the parts are told.
	memory_of 'percpu 1048576' 'slab_reclaimable 0' 'slab_unreclaimable 125829120' 'slab 125829120'
	explained log
	json_is '.reports[0].cgroup_memory_kb.kernel' 123904
	# Before that, only the sum.
	sed 's/kmem: usage 5000kB/kmem: usage 131072kB/' "$LOGS/memcg-5.4.log" >log
	explained log
	json_is '.reports[0] | .kernel_memory_limit.usage_kb, .cgroup_memory_kb.kernel, .reclaim' \
		$'131072\n131072\nhad nothing left to take: memory and swap together have reached their limit, and there was hardly any page cache'
	COLUMNS=200 expect 0 "$HOLDFAST" explain log
	output_has "the kernel's own 128M"
}

@test "a kill without a report: the kernel may have left it out" {
	grep 'Killed process' "$LOGS/memcg-5.4.log" >log
	COLUMNS=200 expect 0 "$HOLDFAST" explain log
	output_has 'The kernel reports ten kills in five seconds at most: it may have left this report out.'
	COLUMNS=200 expect 0 "$HOLDFAST" explain "$LOGS/memcg-5.4.log"
	[[ $output != *'ten kills'* ]]
}

@test "free memory in pieces: only where the lists of blocks and the reserves show it" {
	local pieces='there was free memory above the watermarks, but no 512 pages of it in a row'
	sed -E '/^Node 0 (Normal|DMA32):/s/[0-9]+\*(2048|4096)kB/0*\1kB/g; s/^(Node 0 Normal free:)/\19/; s/order=0, oom_score/order=9, oom_score/' \
		"$LOGS/global-6.1.log" >log
	explained log
	json_is '.reports[0].reclaim' "$pieces"
	local but
	for but in '/^Node 0 Normal:/s/0\*4096kB/1*4096kB/' '/^Node 0 Normal:/d' 's/^lowmem_reserve.*/& 99999999/' '/^lowmem_reserve/d' 's/order=9/order=0/'; do
		sed "$but" log >other
		explained other
		json_is ".reports[0].reclaim != \"$pieces\"" true
	done
}

@test "the slabs that cannot be given back, where the kernel lists them" {
	sed '/^Tasks state/i Unreclaimable slab info:\nName                      Used          Total\nRAWv6                     15KB         31KB\nkmalloc-1k           2048123KB    3145728KB\nsock_inode_cache     1048576KB    1048576KB\nbio-72(9:a.service)       64KB         64KB' \
		"$LOGS/global-6.1.log" | same_as "$LOGS/global-6.1.log" slabs
	explained log
	json_is '.reports[0].slabs | map([.name, .used_kb, .total_kb])' \
		'[["kmalloc-1k",2048123,3145728],["sock_inode_cache",1048576,1048576],["bio-72(9:a.service)",64,64],["RAWv6",15,31]]'
	COLUMNS=200 expect 0 "$HOLDFAST" explain log
	output_has 'slab      the largest that cannot be given back: kmalloc-1k 3.0G, sock_inode_cache 1.0G, bio-72(9:a.service) 64K, RAWv6 31K'
}

@test "advice: in a cgroup -1000 makes whoever asks hang" {
	explained "$LOGS/memcg-5.4.log"
	json_is '.reports[0].advice | map(select(test("has to survive")))[0] | test("oom_score_adj: -500"), test("pins it")' $'true\nfalse'
	sed '/63100/d' "$LOGS/memcg-5.4.log" >log
	explained log
	json_is '.reports[0].advice | length' 1
	explained "$LOGS/global-6.1.log"
	json_is '.reports[0].advice | map(select(test("has to survive")))[0] | test("pins it")' true
}

@test "kernels before 5.9 count at least one point" {
	# All below zero: they are equal, and any of them can be chosen.
	local release
	for release in 5.8.0 6.1.1-arch1-1; do
		sed -E "s/6\.1\.1-arch1-1/$release/" "$LOGS/global-6.1.log" |
			awk '/^\[ *[0-9]+\]/ { sub(/ +-?[0-9]+ [^ ]+$/, sprintf("          %d %s", /^\[ *473206\]/ ? -999 : -200, $NF)) } { print }' >log
		explained log
		json_is '.reports[0].choice.verdict' "$([[ $release == 5.8.0 ]] && echo follows || echo differs)"
	done
}

@test "prefixes of dmesg, journal, syslog, /dev/kmsg and pstore change nothing" {
	local log=$LOGS/global-6.1.log n=0 prefix
	while IFS= read -r prefix; do
		prefix=${prefix%|} # which keeps a blank at the end
		awk -v prefix="$prefix" '{ p = prefix; gsub(/@/, sprintf("%06d", NR), p); print p $0 }' "$log" | same_as "$log" ||
			{ printf 'with the prefix "%s"\n' "$prefix"; return 1; }
		n=$((n + 1))
	done <<-'END'
		[  812.@] |
		[  812.@][ T4711] |
		<4>[  812.@] |
		<6>[   12.@] [    C1] |
		kern  :warn  : [  812.@] |
		4,1234,812@,-;|
		4,1234,812@,-,caller=T12;|
		[Mon Jan 15 10:23:45 2024] |
		[Jan15 10:23] |
		[  +0.@] |
		2024-01-15T10:23:45,@+00:00 |
		Jan 15 10:23:45 box kernel: |
		Jan  5 10:23:45 box kernel: [  812.@] |
		Jan 15 10:23:45.@ box kernel: |
		2024-01-15T10:23:45+0100 box kernel: |
		2024-01-15T10:23:45.@+01:00 box kernel: [  812.@] |
		2024-01-15 10:23:45 box kernel: |
		Mon 2024-01-15 10:23:45 UTC box kernel: |
		Mon 2024-01-15 10:23:45 CET box kernel: |
		Mon 2024-01-15 10:23:45 -03 box kernel: |
		1705314225.@ box kernel: |
		[  812.@] box kernel: |
		Jan 15 10:23:45 box kern.warn kernel: [  812.@] |
		/var/log/messages-20240115:Jan 15 10:23:45 box kernel: |
		node-7 : 2024 : [  812.@] |
		<4>1 2024-01-15T10:23:45.@+01:00 box kernel - - - |
		<4>1 2024-01-15T10:23:45Z box kernel - - [meta sequenceId="12" x="a\\] b"][y z="1"] [  812.@] |
		2024-01-15T10:23:45.@Z box kernel 0 - - |
		1 2024-01-15T10:23:45.@Z box kernel - - - |
		>>> [  812.@] |
		> |
		> > |
		    [  812.@] |
		    |
		  1234	[  812.@] |
	END
	((n == 35))
}

# The kernel's own table of processes has brackets in front, too.
@test "dmesg --color=always" {
	local log=$LOGS/global-6.1.log
	awk '{ printf "\033[32m[  812.%06d] \033[0m", NR }
		/^[a-zA-Z-]+: / { name = $0; sub(/: .*/, ": ", name); printf "\033[33m%s\033[0m", name; sub(/^[^:]*: /, "") }
		/Out of memory|invoked/ { printf "\033[31m\033[1m%s\033[0m\n", $0; next }
		{ print }' "$log" | same_as "$log"
}

@test "dmesg -J, with -x and without" {
	local log=$LOGS/global-6.1.log head
	for head in '"pri": 4' '"fac": "kern", "pri": "warn"'; do
		jq -R -s --argjson head "{$head}" '{dmesg: [split("\n")[:-1] | to_entries[] | $head + {time: (812 + (.key + 1) / 1000000), msg: .value}]}' "$log" >json
		same_as "$log" <json
		json_is '.reports[0].time' 812.000001
		# Cut off anywhere it says nothing wrong.
		"$HOLDFAST" --json explain "$log" >full
		for n in 900 10001 20002 30003; do
			head -c "$n" json | "$HOLDFAST" --json explain || :
		done >parts 2>/dev/null
		never_wrong full <parts
	done
}

# as_journal FORMAT <LOG: as journalctl prints it; what a message continues in, also behind a NUL byte, is one with it, behind a line break.
as_journal() {
	python3 -c '
import json, re, struct, sys
log = sys.stdin.buffer.read().rstrip(b"\n")
log = re.sub(rb"\n (?=[a-z_]+:)", b"\0 ", log)
for n, text in enumerate(log.split(b"\n")):
    text = text.replace(b"\0", b"\n")
    entry = {"__CURSOR": "s=1", "__REALTIME_TIMESTAMP": str(1705314225123456 + n), "_SOURCE_MONOTONIC_TIMESTAMP": str(812000000 + n),
             "_HOSTNAME": "box", "_TRANSPORT": "kernel", "SYSLOG_IDENTIFIER": "kernel"}
    if sys.argv[1] == "export":
        entry = b"".join(b"%s=%s\n" % (name.encode(), value.encode()) for name, value in entry.items())
        entry += b"MESSAGE\n%s%s\n\n" % (struct.pack("<Q", len(text)), text) if b"\n" in text else b"MESSAGE=%s\n\n" % text
    elif sys.argv[1] == "verbose":
        fields = "".join("    %s=%s\n" % field for field in list(entry.items())[2:]).encode()
        entry = b"Mon 2024-01-15 10:23:45.123456 UTC [s=6f;i=1;b=ac]\n" + fields + b"    MESSAGE=%s\n    _BOOT_ID=ac\n" % text.replace(b"\n", b"\n" + b" " * 12)
    else:
        entry["MESSAGE"] = list(text) if b"\n" in text else text.decode()
        entry = b"\x1e" * (sys.argv[1] == "json-seq") + json.dumps(entry).encode() + b"\n"
    sys.stdout.buffer.write(entry)' "$1"
}

@test "journalctl -o verbose, export, json and json-seq, and what jq makes of it" {
	local format log=$LOGS/global-6.1.log
	as_journal verbose <"$log" >journal
	same_as "$log" <journal
	json_is '.reports[0] | .time, .host' $'Mon 2024-01-15 10:23:45.123456 UTC\nbox'
	for format in export json json-seq; do
		as_journal $format <"$log" >journal
		same_as "$log" <journal
		json_is '.reports[0] | .time, .host' $'2024-01-15T10:23:45.123456+00:00\nbox'
	done
	as_journal json <"$log" | jq -s . >journal
	same_as "$log" <journal
	# Cut off anywhere it says nothing wrong.
	"$HOLDFAST" --json explain "$log" >full
	for format in export verbose; do
		as_journal $format <"$log" >journal
		for n in 700 20001 33333 45000 59999; do
			head -c "$n" journal | "$HOLDFAST" --json explain || :
		done
	done >parts 2>/dev/null
	jq -c '.reports |= map(del(.host))' parts | never_wrong full
	# Only the kernel's own messages count, and that some were missed.
	as_journal json <"$log" | sed 's/"_TRANSPORT": "kernel"/"_TRANSPORT": "syslog"/' >journal
	expect 1 "$HOLDFAST" explain journal
	as_journal verbose <"$log" | sed 's/_TRANSPORT=kernel/_TRANSPORT=stdout/' >journal
	expect 1 "$HOLDFAST" explain journal
}

@test "the time is the log's, and the host" {
	sed 's/^/Jan 15 10:23:45 box kernel: /' "$LOGS/memcg-5.4.log" >log
	sed -E 's/kernel: \[[^]]*\] /kernel: /' -i log
	explained log
	json_is '.reports[0] | .time, .host' $'Jan 15 10:23:45\nbox'
	explained "$LOGS/memcg-5.4.log"
	json_is '.reports[0].time' 93543.707000
	sed -E 's/^\[ *([0-9]+)\.([0-9]+)\] /4,1,\1\2,-;/' "$LOGS/memcg-5.4.log" >log
	explained log
	json_is '.reports[0].time' 93543.707000
}

@test "lines of others in between change nothing" {
	local log
	for log in "$LOGS"/*.log; do
		awk '{ print }
			NR % 2 { print "usb 1-1: new high-speed USB device number 7 using xhci_hcd" }
			NR % 3 == 0 { print " [<ffffffff816861ac>] dump_stack+0x19/0x1b" }
			NR % 5 == 0 { print "audit: type=1400 pid=77 comm=\"x\" free:12 order=3" }' "$log" | same_as "$log"
	done
	# Also where the line tells its task, and the others print reports of their own.
	awk 'FNR == NR { other[++n] = $0; next } { print "[  1.000000][  T10] " $0; if (FNR <= n) print "[  1.000000][  T11] " other[FNR] }' \
		"$LOGS/global-3.10.log" "$LOGS/global-6.1.log" >log
	explained log
	json_is '[.reports[] | .kernel, (.tasks | length), .killed.pid]' '["6.1.1-arch1-1",112,473206,"3.10.0-514.6.1.el7.x86_64",85,6576]'
}

@test "two hosts in one log" {
	paste -d '\n' <(sed 's/^/Jan 15 10:23:45 one kernel: /' "$LOGS/global-6.1.log") \
		<(sed 's/^/Jan 15 10:23:45 two kernel: /' "$LOGS/global-3.10.log") >log
	explained log
	json_is '[.reports[] | .host, (.tasks | length), .killed.pid, .memory_kb.free]' '["one",112,473206,138516,"two",85,6576,158052]'
}

@test "two reports mixed line by line without a hint whose line is whose: nothing is taken from the wrong one" {
	local new=$LOGS/global-6.1.log old=$LOGS/global-3.10.log order n=0
	"$HOLDFAST" --json explain "$new" >one
	"$HOLDFAST" --json explain "$old" >two
	for order in "$new $old" "$old $new"; do
		# shellcheck disable=SC2086 # two words
		paste -d '\n' $order >log
		explained log
		json_is '[.reports[].tasks] | unique' '[null]'
		never_wrong one two <<<"$output"
		n=$((n + $(jq '.reports | length' <<<"$output")))
	done
	((n >= 4))
}

# records <LOG: as /dev/kmsg has it, ten microseconds between one and the next.
records() {
	awk '{ printf "4,%d,%d,-;%s\n", 100 + NR, 812000000 + NR * 10, $0 }'
}

# stamped SECONDS <LOG: with the kernel's time in front, from that second on.
stamped() {
	sed -E 's/^<[0-9]>//; s/^\[ *[0-9]+\.[0-9]{6}\] //' | awk -v t="$1" '{ printf "[%12.6f] %s\n", t + NR / 1000, $0 }'
}

@test "the head of one report and the tail of another, later one: neither lends the other a number" {
	local first second name i j n=0
	for name in global-3.10 global-6.1 memcg-3.10 memcg-5.4 panic-6.12; do
		stamped 100 <"$LOGS/$name.log" >"$name.first"
		stamped 5000 <"$LOGS/$name.log" >"$name.second"
		"$HOLDFAST" --json explain "$name.first" >"$name.full"
	done
	for first in *.first; do
		for second in *.second; do
			[[ ${first%.first} != "${second%.second}" ]] || continue
			for i in 10 17 60; do
				for j in 7 12 35; do
					head -n "$i" "$first"
					tail -n +"$j" "$second"
					printf '\0'
				done
			done | explain_parts >parts
			n=$((n + $(jq -s 'map(.reports | length) | add' parts)))
			never_wrong "${first%.first}.full" "${second%.second}.full" <parts
		done
	done
	((n > 250))
}

@test "a warning of a failed allocation in the middle of a report: its memory is not the report's" {
	local log i lines
	{
		printf '%s\n' 'doxygen: page allocation failure: order:4, mode:0x40d0' 'CPU: 3 PID: 1 Comm: doxygen Not tainted 3.10.0 #1'
		sed -n '/^Mem-Info/,/pages reserved/p' "$LOGS/global-3.10.log"
	} >warning
	for log in global-6.1 memcg-3.10 memcg-5.4 panic-6.12; do
		"$HOLDFAST" --json explain "$LOGS/$log.log" >full
		lines=$(wc -l <"$LOGS/$log.log")
		for ((i = 1; i < lines && i < 70; i += 3)); do
			sed "${i}r warning" "$LOGS/$log.log" | "$HOLDFAST" --json explain
		done >parts
		never_wrong full <parts
	done
}

# missed_in TRANSPORT <LOG: the log in the journal, where that says before the memory that messages are missing.
missed_in() {
	as_journal json | jq -c --arg transport "$1" 'if .MESSAGE == "Mem-Info:"
		then (. + {_TRANSPORT: $transport, SYSLOG_IDENTIFIER: "systemd-journald", MESSAGE: "Missed 12 kernel messages"} | del(._SOURCE_MONOTONIC_TIMESTAMP)), .
		else . end'
}

@test "what says that lines were lost, and a new boot, end what is open" {
	local lost log
	for lost in '** 12 printk messages dropped **' 'Jan 15 10:23:45 box systemd-journald[345]: Missed 12 kernel messages' \
		'Jan 15 10:23:45 box rsyslogd: imjournal: 7 messages lost due to rate-limiting' 'Linux version 6.1.0-13-amd64 (builder@box) #1 SMP'; do
		cat <(head -n 20 "$LOGS/global-6.1.log") <(echo "$lost") <(sed -n '/^Mem-Info/,$p' "$LOGS/global-3.10.log") >log
		explained log
		json_is '.reports | map([.invoked_by.command, .killed.pid])' '[["doxygen",null],[null,6576]]'
	done
	# /dev/kmsg says it itself, and so does the console before the line that follows.
	records <"$LOGS/global-6.1.log" | sed '/;Mem-Info/i ** printk messages dropped **' >kmsg
	stamped 100 <"$LOGS/global-6.1.log" | sed '/Mem-Info/s/^/** 12 printk messages dropped ** /' >console
	missed_in driver <"$LOGS/global-6.1.log" >journal
	for log in kmsg console journal; do
		explained "$log"
		json_is '.reports | map([.invoked_by.command, .killed.pid])' '[["doxygen",null],[null,473206]]'
	done
}

@test "the main thread has ended: the kernel names the thread that stands for the process" {
	sed -E '/^Out of memory: Killed|^\[ *473206\]/s/473206/473299/; s/^(\[ *473299\] +[0-9]+) 473299/\1 473206/; /^oom_reaper/d' "$LOGS/global-6.1.log" >log
	explained log
	json_is '.reports | map([.killed.pid, .killed.command, .choice.verdict])' '[[473299,"doxygen","follows"]]'
}

@test "each log cut off at every line, at its end and at its beginning: no wrong number" {
	local log n
	for log in "$LOGS"/*.log; do
		n=$(wc -l <"$log")
		"$HOLDFAST" --json explain "$log" >full
		awk '{ line[NR] = $0 }
			END { for (i = 1; i < NR; i++) for (n = 1; n <= NR; n++) printf "%s\n%s", line[n], n == i || n == NR ? "\0" : "" }' "$log" |
			explain_parts >parts
		(($(jq -s length parts) == 2 * (n - 1)))
		never_wrong full <parts
	done
}

@test "a log cut off in the middle of its lines: no half number" {
	local log=$LOGS/memcg-5.4.log
	"$HOLDFAST" --json explain "$log" >full
	LC_ALL=C awk '{ text = text $0 "\n" } END { for (i = 3; i < length(text); i += 3) printf "%s%s", substr(text, 1, i), "\0" }' "$log" |
		explain_parts >parts
	(($(jq -s length parts) > 400))
	# A word at the cut may be half a word: names are looked at in whole lines above.
	jq -c '.reports |= map(del(.kernel, .gfp_flags, .gfp_mask, .cgroup, .invoked_by.command?, .killed.command?))' parts |
		never_wrong <(jq '.reports |= map(del(.kernel, .gfp_flags, .gfp_mask, .cgroup, .invoked_by.command, .killed.command))' full)
}

@test "a log whose lines somebody has narrowed, at any width: no half number, no half name" {
	local log
	for log in "$LOGS"/*.log; do
		"$HOLDFAST" --json explain "$log" >full
		awk '{ line[NR] = $0 } END { for (i = 30; i <= 220; i++) for (n = 1; n <= NR; n++) printf "%s\n%s", substr(line[n], 1, i), n == NR ? "\0" : "" }' "$log" |
			explain_parts >parts
		(($(jq -s length parts) == 191))
		never_wrong full <parts
	done
	# What is there whole is still read, and in the same report.
	cut -c 1-80 "$LOGS/global-6.1.log" >log
	explained log
	json_is '.reports | map([.constraint, .memory_kb.free, .memory_kb.swap_total, .killed.pid])' '[["none",138516,25165820,473206]]'
	cut -c 1-60 "$LOGS/global-6.1.log" >log
	explained log
	json_is '.reports | map([.invoked_by.command, (.zones | map(.free_kb)), .killed.pid])' '[["doxygen",[13312,63304,61900],473206]]'
	cut -c 1-64 "$LOGS/memcg-5.4.log" >log
	explained log
	json_is '.reports | map(.memory_limit)' '[{"usage_kb":262144,"limit_kb":262144}]'
}

@test "a log cut off in the middle of a name: no half name" {
	local head='Task in /batch/night killed as a result of limit of /batch'
	sed '/logger (night)/q' "$LOGS/memcg-3.10.log" | head -c -1 >log
	explained log
	json_is '[.reports[0].tasks[].command]' '["sh","memhog"]'
	sed "s#$head#&)s#; /Task in/q" "$LOGS/memcg-3.10.log" | head -c -2 >log
	explained log
	json_is '.reports[0].cgroup' null
	# The name is "(a)b"; whoever died is not said, so nobody is named instead.
	printf 'Out of memory: Kill process 7 ((a)b) score 9 or sacrifice child\nKilled process 8 ((a)' >log
	explained log
	json_is '.reports[0].killed.command' null
	printf 'Out of memory: Kill process 7 (x) score 9 or sacrifice child\nKilled process 8' >log
	explained log
	json_is '.reports[0].killed.instead_of_pid' null
}

@test "a name with a line break: whoever asked or was killed is not called by half of it" {
	stamped 100 <"$LOGS/global-6.1.log" | sed 's/doxygen/dox\nygen/' >log
	explained log
	json_is '.reports | map([.invoked_by.command, .killed.command])' '[[null,null]]'
	# Where the break is escaped, the name is whole.
	records <"$LOGS/global-6.1.log" | sed 's/doxygen/dox\\x0aygen/' >log
	explained log
	json_is '.reports | map([.invoked_by.command, .gfp_mask, .killed.pid, .killed.command])' '[["dox\nygen","0x140dca",473206,"dox\nygen"]]'
}

@test "what is missing is null and named" {
	grep '^Out of memory' "$LOGS/global-6.1.log" >log
	explained log
	json_is '.reports[0] | .kernel, .invoked_by, .order, .tasks, .memory_kb.free, .killed.pid' $'null\nnull\nnull\nnull\nnull\n473206'
	json_is '.reports[0].missing | index("kernel") != null and index("tasks") != null and index("memory_kb.free") != null' true
	expect 0 "$HOLDFAST" explain log
	output_has 'missing   who asked, the kernel'
	[[ $output != *'?'* ]]
	output_has 'cannot be checked: the log has no task table'
}

@test "no verdict from half a table, and a contradiction is named" {
	sed '/^\[ 331049\]/,$d' "$LOGS/global-6.1.log" >log
	grep '^Out of memory' "$LOGS/global-6.1.log" >>log
	explained log
	json_is '.reports[0].choice.verdict' unknown
	# mysqld's number raised above doxygen's.
	sed -E 's/^(\[ *331049\] +504 331049  2316564) +516062/\1  9516062/' "$LOGS/global-6.1.log" >log
	explained log
	json_is '.reports[0].choice.verdict' differs
	expect 0 "$HOLDFAST" explain log
	output_has 'java[331049]'
}

@test "several reports: a list, then each" {
	cat "$LOGS/global-6.1.log" "$LOGS/memcg-3.10.log" "$LOGS/panic-6.12.log" >log
	expect 0 "$HOLDFAST" explain log
	output_has '3 reports:'
	output_has '   2  42421.100001         killed memhog[42423], of a memory cgroup'
	output_has 'Out of memory (3 of 3): kernel 6.12.1, at 311.000100'
	explained log
	json_is '[.reports[].kernel]' '["6.1.1-arch1-1","3.10.0-1160.el7.x86_64","6.12.1"]'
}

@test "names cannot pass for something else" {
	sed -e 's/doxygen/) total-vm:1kB/g' "$LOGS/global-6.1.log" >log
	explained log
	json_is '.reports[0].killed | .command, .total_vm_kb' $') total-vm:1kB\n30290680'
	# Where the user stands behind the name.
	sed -e 's/(memhog)/(x) total-vm:1kB)/' "$LOGS/memcg-3.10.log" >log
	explained log
	json_is '.reports[0].killed | .command, .total_vm_kb, .uid' $'x) total-vm:1kB\n19296\n1000'
	printf '[    1.000000] \033[2J\xffx invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n' >log
	expect 0 "$HOLDFAST" explain log
	output_has '?[2J?x'
	[[ $output != *$'\033'* ]]
	# The host and the time are the log's, too.
	sed $'s/^/Jan 15 10:23:45 b\033]0;o\033x kernel: /' "$LOGS/global-6.1.log" >log
	cat "$LOGS/memcg-5.4.log" >>log
	expect 0 "$HOLDFAST" explain log
	output_has 'at Jan 15 10:23:45 on b?]0;o?x'
	[[ $output != *$'\033'* ]]
}

# What a program may want the kernel to have said.
kill='Out of memory: Killed process 1 (forged) total-vm:4kB'
asks='x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0'

# is_no_report: nothing is said of the log on stdin.
is_no_report() {
	cat >log
	expect 1 "$HOLDFAST" --json explain log
	json_is '.reports' '[]'
}

@test "what a program logs cannot pass for the kernel's" {
	local line n=0
	while IFS= read -r line; do
		is_no_report <<<"$line" || { printf 'of "%s"\n' "$line"; return 1; }
		n=$((n + 1))
	done <<-END
		Jan 15 10:23:45 box mallory: kernel: $kill
		Jan 15 10:23:45 box mallory kernel: $kill
		Jan 15 10:23:45 box kernel[1234]: $kill
		Jan 15 10:23:45 kernel[1234]: $kill
		Jan 15 10:23:45 box user.notice kernel: $kill
		[  812.000001] box kernel[1234]: $kill
		1 2024-01-15T10:23:45.000001Z box kernel 1234 - - $kill
		/var/log/messages:Jan 15 10:23:45 box mallory: kernel: $kill
		/var/log/messages:Jan 15 10:23:45 box mallory: [    1.000000] $kill
		<30>Jan 15 10:23:45 box kernel: $kill
		<13>[  812.000001] $kill
		13,100,812000001,-;$kill
		user  :notice: [  812.000001] $kill
		Jan 15 10:23:45 b a: $asks
		[  812.000001] a[1]: segfault at 0 ip 0 sp 0 error 4 in ${asks}[5555+1000]
		[  812.000001] input: $asks as /devices/virtual/input/input7
		[  812.000001] Killed process [1]: segfault at 0 ip 0 sp 0 error 4
		[  812.000001] memory: usage 1[1]: segfault at 0 ip 0 sp 0 error 4
		[  812.000001] [ pid ]   uid  [1]: segfault at 0 ip 0 sp 0 error 4 in x tgid [5555+1000]
		[  812.000001] Mem-Info:[1]: segfault at 0 ip 0 sp 0 error 4
		[  812.000001] Task in [1]: segfault at 0 ip 0 sp 0 error 4 in x killed as a result of limit of /x[5555+1000]
	END
	((n == 21))
	jq -n --arg msg "$kill" '{dmesg: [{pri: 12, time: 812.000001, msg: $msg}, {fac: "user", pri: "warn", time: 812.000002, msg: $msg}]}' | is_no_report
	echo "$kill" | as_journal json | jq -c '.SYSLOG_FACILITY = "3"' | is_no_report
	echo "$kill" | as_journal json | jq -c 'del(._TRANSPORT) | ._PID = "1234"' | is_no_report
}

# two_lines FIRST SECOND: a message of two lines, in each form that the kernel's log comes in; NUL bytes end the logs.
two_lines() {
	local prefix log
	# The kernel's own text puts the same in front of both: dmesg -r, pstore, a console, syslog.
	for prefix in '<3>[  812.000001] ' '[  812.000001] ' '<3>[  812.000001][   T12] ' 'kern  :err   : [  812.000001] ' \
		'Jan 15 10:23:45 box kernel: [  812.000001] '; do
		printf '%s%s\n%s%s\0' "$prefix" "$1" "$prefix" "$2"
	done
	# What reads /dev/kmsg puts it in front of the first, and may indent the second.
	for prefix in '[  812.000001] ' '[Mon Jan 15 10:23:45 2024] ' 'Jan 15 10:23:45 box kernel: '; do
		printf '%s%s\n%s\0' "$prefix" "$1" "$2"
		printf '%s%s\n%*s%s\0' "$prefix" "$1" ${#prefix} '' "$2"
	done
	printf '3,100,812000001,-;%s\\x0a%s\n SUBSYSTEM=x\n\0' "$1" "$2"
	printf 'Jan 15 10:23:45 box kernel: %s#012%s\0' "$1" "$2"
	jq -j -n --arg msg "$1"$'\n'"$2" '{dmesg: [{pri: 3, time: 812.000001, msg: $msg}]}, "\u0000"'
	for log in json verbose; do
		printf '%s\0%s' "$1" "$2" | as_journal $log
		printf '\0'
	done
}

@test "what a message has on further lines cannot pass for another's beginning" {
	local further n=0
	while IFS= read -r further; do
		two_lines "tmpfs: Unknown parameter 'x" "$further" >logs
		explain_parts <logs >parts
		[[ $(jq -c .reports parts | uniq -c) =~ ^\ *16\ \[\]$ ]] || { printf 'of "%s"\n' "$further"; jq -c '.reports | length' parts; return 1; }
		n=$((n + 1))
	done <<-END
		$kill
		$asks
		Killed process 1 (forged) total-vm:4kB, anon-rss:4kB, file-rss:0kB
		Memory cgroup $kill
		Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled
		Out of memory and no killable processes...
		oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=x,pid=1,uid=0
		[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name
		Task in /a killed as a result of limit of /a
		memory: usage 4kB, limit 4kB, failcnt 1
	END
	((n == 10))
	# Nor with a prefix of its own, where the message's stands in front or what reads /dev/kmsg has indented it.
	for further in '[  999.000000] ' '<4>' '<4>[  999.000000] ' '[ T9] ' $'1\t[  999.000000] '; do
		is_no_report <<<"[  812.000001] tmpfs: Unknown parameter 'x"$'\n'"[  812.000001] $further$kill"
		is_no_report <<<"[  812.000001] tmpfs: Unknown parameter 'x"$'\n'"               $further$kill"
	done
	mkdir pstore
	printf "Panic#1 Part1\n<3>[  812.000001] tmpfs: Unknown parameter 'x\n<3>[  812.000001] %s\n" "$kill" >pstore/dmesg-efi-1
	expect 1 "$HOLDFAST" explain pstore
	printf "tmpfs: Unknown parameter 'x\0%s" "$kill" | as_journal export | is_no_report
	# A cgroup's name cannot break its line.
	is_no_report <<<"Jan 15 10:23:45 box kernel: Memory cgroup stats for /x#012$kill: cache:0KB"
}

@test "a piece of a message, which /dev/kmsg flags, cannot pass for a message" {
	local piece
	for piece in 'c;' '+;' 'c,caller=T12;'; do
		is_no_report <<<"4,100,812000001,$piece$kill"
		is_no_report <<<"4,100,812000001,$piece$asks"
	done
	# Another CPU's message has torn a line where a cgroup's name follows.
	records <"$LOGS/global-6.1.log" | awk -v kill="$kill" '/;oom-kill:/ {
			sub(/cpuset=.*/, "cpuset="); print
			print "4,300,812001721,-;x[123]: segfault at 0 ip 0 sp 0 error 4"
			print "4,301,812001722,c;" kill
			print "4,302,812001723,c;,mems_allowed=0,global_oom,task_memcg=/,task=x,pid=1,uid=0"
			next } { print }' >log
	explained log
	json_is '.reports | map([.constraint, .killed.pid])' '[["none",473206]]'
}

@test "where the kernel knows no nodes, it flags each zone's lines as pieces of those before" {
	local flag
	for flag in c +; do
		records <"$LOGS/global-6.1.log" | sed "s/-;Node 0 \\(DMA\\|Normal\\)/$flag;\\1/" >pieces
		same_as "$LOGS/global-6.1.log" <pieces
		# Also where other messages come in between; pieces of those are none of the report's.
		sed "/$flag;\\(DMA\\|Normal\\)/i 4,100,812000305,-;x[4567]: segfault at 0 ip 0 sp 0 error 4" pieces | same_as "$LOGS/global-6.1.log"
		sed "/$flag;\\(DMA\\|Normal\\)/i 6,100,812000305,-;cgroup: fork rejected by pids controller in \n6,101,812000305,$flag;/x free:1kB min:1kB low:1kB" pieces |
			same_as "$LOGS/global-6.1.log"
	done
}

# foreign_messages: what the kernel may say to whoever names programs, files, interfaces and devices like the beginnings of a report's lines.
foreign_messages() {
	{
		sed -E 's/^<[0-9]>//; s/^\[ *[0-9]+\.[0-9]{6}\] //; s/#012.*//' "$LOGS"/*.log | grep -v '^ \|^\[ *[0-9]'
		printf '%s\n' 'Linux version 6.1.0' 'x: page allocation failure: order:1, mode:0x1(GFP_KERNEL), nodemask=(null),cpuset=/,mems_allowed=0' \
			'x 1KB 1KB' '[ pid ]uid tgid ' '[1] 1 1 1 1 1 1 1 1 x' 'anon 1' 'Tasks in /a are going to be killed due to memory.oom.group set'
	} | sed -E 'p; s/DMA32|DMA|Normal/x/; s/[0-9]+/1/g; s/ +/ /g; p; s/^Node 1 //' | sort -u | awk '{
		for (n = 11; n <= 15; n++) {
			name = substr($0, 1, n); rest = substr($0, n + 1); all = $0; gsub("/", "_", all); gsub("/", "_", rest)
			print name "[4567]: segfault at 0 ip 0 sp 0 error 4 in " rest "[5555+1000]"
			print name "[4567]: segfault at 0 ip 0 sp 0 error 4 in x\\x0a" all "\\x0ax[5555+1000] likely on CPU 3 (core 1, socket 0)"
			print name " (4567): VmData 5 exceed data ulimit 3. Update limits or use boot option ignore_rlimit_data."
			print name ": attempt to access beyond end of device\\x0aloop0: rw=0, want=8, limit=4"
			print name "/4567: potentially unexpected fatal signal 11."
			print name " used greatest stack depth: 1 bytes left"
		}
		name = substr($0, 1, 15); gsub("[ /:]", "", name); print name ": renamed from xkB"
		sub(/[: ].*/, "", name); print name ": renamed from 1*4kB"
		print "process \047" $0 "/b/c/d\047 started with executable stack"
		print "input: " $0 " as /devices/virtual/input/input7" }'
}

@test "whatever begins like a line of a report, up to the length of a name, is told from it" {
	local log
	foreign_messages >messages
	(($(wc -l <messages) > 3000))
	for log in memcg-3.10 memcg-5.4 panic-6.12; do
		sed -E 's/^<[0-9]>//; s/^\[ *[0-9]+\.[0-9]{6}\] //' "$LOGS/$log.log" | records >kmsg
		# The first is the log without any; of the others each has its message behind every line.
		awk 'FNR == NR { line[++n] = $0; next }
			FNR == 1 { for (i = 1; i <= n; i++) print line[i]; printf "%s", "\0" }
			{ for (i = 1; i <= n; i++) print line[i] "\n4,200," 812000005 + i * 10 ",-;" $0; printf "%s", "\0" }' kmsg messages | explain_parts >parts
		jq -c .reports parts | awk 'NR == 1 { said = $0 } $0 != said { print NR }' >differ
		awk 'FNR == NR { torn[$1 - 1]; next } FNR in torn' differ messages >torn
		[[ $(jq -s length parts) == $(($(wc -l <messages) + 1)) && ! -s torn ]] || { printf 'in %s\n' "$log"; head -n 5 torn; return 1; }
	done
}

@test "what the numbers of a cgroup have on further lines is theirs alone" {
	sed -E 's/^\[ *[0-9]+\.[0-9]{6}\] //' "$LOGS/memcg-5.4.log" | records >kmsg
	"$HOLDFAST" --json explain kmsg | jq .reports >said
	local message
	for message in 'anon 1\x0afile 2\x0ax[4567]: segfault at 0 ip 0 sp 0 error 4' 'anon 1\x0afile 2\x0a used greatest stack depth: 1 bytes left'; do
		message=$message awk '{ print } /anon 243167232/ { print "4,100,812000085,-;" ENVIRON["message"] }' kmsg >log
		grep -qF "$message" log
		explained log
		diff said <(jq .reports <<<"$output")
	done
}

@test "a user's words in the kernel's messages do not tear the report in which they stand" {
	local record n=0 after log=$LOGS/global-6.1.log
	while IFS= read -r record; do
		# Behind the first lines, before the memory, before the task table, and in it.
		for after in 3 20 57 70; do
			records <"$log" | record=$record awk -v after="$after" '{ print } NR == after { print ENVIRON["record"] }' >between
			same_as "$log" <between || { printf 'of "%s" behind line %d\n' "$record" "$after"; return 1; }
		done
		n=$((n + 1))
	done <<-'END'
		3,100,812000705,-;tmpfs: Unknown parameter 'printk messages dropped'
		3,100,812000705,-;tmpfs: Unknown parameter '** 12 printk messages dropped **'
		3,100,812000705,-;tmpfs: Unknown parameter 'x: Missed 12 kernel messages'
		4,100,812000705,-;process '/tmp/journal: Missed 12 kernel messages' started with executable stack
		4,100,812000705,-;x[4567]: segfault at 0 ip 0 sp 0 error 4 in x messages lost due to[5555+1000]
		4,100,812000705,c;** 12 printk messages dropped **
		13,100,812000705,-;** 12 printk messages dropped **
		13,100,812000705,-;Linux version 6.1.0-13-amd64 (builder@box) #1 SMP
		 KEY=printk messages dropped
		 KEY=journal: Missed 12 kernel messages
		4,100,812000705,-;Linux version [4567]: segfault at 0 ip 0 sp 0 error 4
		3,100,812000705,-;tmpfs: Unknown parameter 'a: page allocation failure'
		3,100,812000705,-;tmpfs: Unknown parameter 'a: page allocation failure: order:1, mode:0x1'
		4,100,812000705,-;: page allocati[4567]: segfault at 0 ip 0 sp 0 error 4
		4,100,812000705,-;[1] x[4567]: segfault at 0 ip 0 sp 0 error 4
		4,100,812000705,-;[1] 2 3 4 5 6 7[4567]: segfault at 0 ip 0 sp 0 error 4
		4,100,812000705,-;[ pid ] uid[4567]: segfault at 0 ip 0 sp 0 error 4
		4,100,812000705,-;mapped:[4567]: segfault at 0 ip 0 sp 0 error 4
		4,100,812000705,-;Killed process [4567]: segfault at 0 ip 0 sp 0 error 4
		4,100,812000705,-;Free swap = 8kB[4567]: segfault at 0 ip 0 sp 0 error 4
		4,100,812000705,-;swap: usage 1kB[4567]: segfault at 0 ip 0 sp 0 error 4
		4,100,812000705,-;active_anon:1kB[4567]: segfault at 0 ip 0 sp 0 error 4
		4,100,812000705,-;x free:1kB min:[4567]: segfault at 0 ip 0 sp 0 error 4
		4,100,812000705,-;x: 1*64kB = 1kB[4567]: segfault at 0 ip 0 sp 0 error 4
		3,100,812000705,-;tmpfs: Unknown parameter ' invoked oom-killer: '
		4,100,812000705,-;Linux version 6[4567]: segfault at 0 ip 0 sp 0 error 4
		6,100,812000705,-;eth0: renamed from xkB
		4,100,812000705,-;active_anon:1kB (4567): VmData 5 exceed data ulimit 3. Update limits or use boot option ignore_rlimit_data.
		4,100,812000705,-;[ pid ]uid tgid (4567): VmData 5 exceed data ulimit 3. Update limits or use boot option ignore_rlimit_data.
		4,100,812000705,-;process 'a: page allocation failure: order:1/b/c/d' started with executable stack
		6,100,812000705,-;input: a: page allocation failure: order:1 as /devices/virtual/input/input7
		4,100,812000705,c;/a: page allocation failure: order:1
		4,100,812000705,-;CPU: 1 PID: 2 x[4567]: segfault at 0 ip 0 sp 0 error 4 in x Comm: doxygen Not tainted 5.0.0 a[5555+1000]
		4,100,812000705,-;anon x[4567]: segfault at 0 ip 0 sp 0 error 4 in x\x0aa: page allocation failure: order:1, a=[5555+1000]
	END
	((n == 34))
	# What kernels before 5.0 say of who asked.
	sed 's/#012/\\x0a/g' "$LOGS/global-3.10.log" | records |
		sed '/;CPU: /i 4,100,812000025,-;sed cpuset=[4567]: segfault at 0 ip 0 sp 0 error 4 in x mems_allowed=0[5555+1000]' | same_as "$LOGS/global-3.10.log"
	# Nor does a program that calls itself journald.
	missed_in syslog <"$log" >journal
	same_as "$log" <journal
}

@test "a report between such messages is told as if they were not there" {
	local log
	for log in global-6.1 global-3.10 memcg-3.10 panic-6.12; do
		log=$LOGS/$log.log
		stamped 100 <"$log" | awk -v kill="$kill" -v asks="$asks" '{ print }
			/^\[/ { stamp = sprintf("[%12.6f] ", 100 + NR / 1000 + 0.0005); print stamp "tmpfs: Unknown parameter x"; print stamp (NR % 2 ? kill : asks) }' >between
		same_as "$log" <between
	done
}

@test "lines of one time are one report, on a machine whose clock ticks a hundred times in a second" {
	local log
	for log in global-6.1 global-3.10 memcg-3.10 panic-6.12; do
		{
			echo '<6>[  811.990000] usb 1-1: new high-speed USB device number 7 using xhci_hcd'
			stamped 0 <"$LOGS/$log.log" | sed 's/^\[[^]]*\]/<4>[  812.000000]/'
		} | same_as "$LOGS/$log.log"
	done
}

@test "a zone of time is not the host" {
	sed 's/^/Mon 2024-01-15 10:23:45 CET box kernel: /' "$LOGS/global-6.1.log" >log
	explained log
	json_is '.reports[0] | .time, .host' $'Mon 2024-01-15 10:23:45 CET\nbox'
}

@test "forty thousand kills, each with what the reaper says of it" {
	{
		seq -f 'Out of memory: Killed process %.0f (x) total-vm:4kB, anon-rss:4kB, file-rss:0kB' 40000
		seq -f 'oom_reaper: reaped process %.0f (x), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB' 40000
	} >log
	timeout 30 "$HOLDFAST" --json explain log >out
	[[ $(jq '.reports | length' out) == 40000 ]]
}

@test "a cgroup's name cannot pass for the limit that was hit" {
	sed -E '/^oom-kill:/s#task_memcg=[^,]*#task_memcg=/user.slice/x,oom_memcg=/system.slice/ssh.service,task_memcg=#' "$LOGS/global-6.1.log" |
		same_as "$LOGS/global-6.1.log"
	# The same without cpusets and memory cgroups, whose parts are left out.
	sed -E '/^oom-kill:/s#,cpuset=.*,task=#,task=#' "$LOGS/global-6.1.log" | same_as "$LOGS/global-6.1.log"
	# Older kernels have both names in one line, behind which nothing stands.
	local name
	for name in '/u/Task in /a killed as a result of limit of /a' '/u/a killed as a result of limit of b' '/u/x cpuset=/ mems_allowed=0'; do
		sed -E "s#/batch#$name#g" "$LOGS/memcg-3.10.log" >log
		explained log
		json_is '.reports | map(.cgroup)' "$(jq -c -n --arg name "$name" '[$name]')"
	done
}

@test "nodes that a memory policy allows, with the blanks of 4.11 to 4.14: there may be a constraint" {
	local blanks
	for blanks in ' ' '  '; do
		sed "/invoked/s/, order=0/, nodemask=0,${blanks}order=0/" "$LOGS/global-3.10.log" >log
		explained log
		json_is '.reports[0] | .constraint, (.missing | index("constraint") != null)' $'null\ntrue'
		sed "/invoked/s/, order=0/, nodemask=(null),${blanks}order=0/" "$LOGS/global-3.10.log" >log
		explained log
		json_is '.reports[0].constraint' none
	done
}

@test "a group that is killed as a whole" {
	{
		cat "$LOGS/memcg-5.4.log"
		printf '%s\n' '[93543.8] Tasks in /kubepods/burstable/pod1 are going to be killed due to memory.oom.group set' \
			'[93543.800001] Memory cgroup out of memory: Killed process 63100 (pause) total-vm:1024kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:32kB oom_score_adj:-998'
	} >log
	explained log
	json_is '.reports | length' 1
	json_is '.reports[0] | .killed.pid, .killed_group, .killed_with_it' $'63635\n/kubepods/burstable/pod1\n[{"pid":63100,"command":"pause"}]'
	# Some kernels name the victim once more.
	grep ': Killed process 63635' "$LOGS/memcg-5.4.log" | sed 's/^.*Memory/[93543.900000] Memory/' >>log
	explained log
	json_is '.reports | map([.killed.pid, (.killed_with_it | length)])' '[[63635,1]]'
}

@test "pstore: a crash's parts in their order" {
	mkdir pstore
	head -n 12 "$LOGS/panic-6.12.log" | sed '1i Panic#1 Part2' >pstore/dmesg-efi-2
	tail -n +13 "$LOGS/panic-6.12.log" | sed '1i Panic#1 Part1' >pstore/dmesg-efi-1
	explained pstore
	json_is '.reports | length' 1
	json_is '.reports[0] | .memory_kb.free, .panic, (.tasks | length)' $'2800\nSystem is deadlocked on memory\n2'
	expect 1 "$HOLDFAST" explain root
	messages_have 'root: No such file or directory'
}

@test "warnings of failed allocations, and logs without a report, are none" {
	sed -e 1d -e '/^Tasks state/,$d' -e '1i swapper: page allocation failure: order:4' "$LOGS/global-6.1.log" >log
	expect 1 "$HOLDFAST" explain log
	messages_have 'log: there is no report of the OOM killer in it'
	expect 1 "$HOLDFAST" --json explain log
	json_is '.reports' '[]'
	# One a second before a kill whose report the kernel left out is not that kill's.
	grep '^Out of memory' "$LOGS/global-6.1.log" >>log
	explained log
	json_is '.reports[0] | .killed.pid, .memory_kb.free' $'473206\nnull'
	printf '\177ELF\2\1\1' >core
	expect 1 "$HOLDFAST" explain core
	messages_have 'this is a dump of the memory'
}

@test "widths, ASCII and colours" {
	local width
	cat "$LOGS"/*.log >log
	for width in 20 29 39 40 59 60 70 71 99 100; do
		COLUMNS=$width expect 0 "$HOLDFAST" explain log
		(($(wc -L <stdout) <= width)) || return 1
	done
	COLUMNS=80 expect 0 "$HOLDFAST" explain "$LOGS/global-6.1.log"
	(($(wc -L <stdout) <= 80))
	output_has '█'
	COLUMNS=80 LC_ALL=C expect 0 "$HOLDFAST" explain "$LOGS/global-6.1.log"
	output_has '################  28.8G'
	[[ $(LC_ALL=C tr -d ' -~\n' <<<"$output") == '' ]]
}

@test "a log that is there twice has each report once" {
	local name twice
	for name in global-6.1 memcg-5.4 memcg-3.10 panic-6.12; do
		sed 's/^ *\([a-z_]* [0-9]*\)$/[93543.707030] \1/' "$LOGS/$name.log" >dmesg
		sed 's/^/Jan 15 10:23:45 box kernel: /' dmesg >syslog
		# As one file behind the other, and line by line.
		cat syslog dmesg >behind
		cat syslog syslog >same
		paste -d '\n' dmesg syslog >lines
		sed p dmesg >doubled
		for twice in behind same lines doubled; do
			same_as "$LOGS/$name.log" <"$twice"
		done
	done
	# One of another time is another, whatever else is the same.
	sed 's/^\[93543/[96543/' "$LOGS/memcg-5.4.log" | cat "$LOGS/memcg-5.4.log" - >log
	explained log
	json_is '.reports | length' 2
}

# many FORMAT: fifty thousand lines that have a number of their own.
many() {
	seq 50000 | sed "s/.*/[1.0] $1/"
}

@test "lists without an end take no time of their own" {
	local killed='Memory cgroup out of memory: Killed process & (x) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB'
	{
		grep -h 'invoked oom-killer\|Comm: doxygen\|Mem-Info' "$LOGS/global-6.1.log" | sed 's/^\(\[.*\] \)*/[1.0] /'
		many 'Node & DMA free:1kB min:1kB low:1kB high:1kB'
		echo '[1.0] Unreclaimable slab info:'
		seq 50000 -1 1 | sed 's/.*/[1.0] cache-& 1KB &KB/'
	} >zones
	{
		echo "[1.0] ${killed/&/1}"
		echo '[1.0] Tasks in /a are going to be killed due to memory.oom.group set'
		many "$killed"
	} >group
	many "$killed\\n[1.0] ** & printk messages dropped **" >lost
	for log in zones group lost; do
		timeout 60 "$HOLDFAST" --json explain "$log" >/dev/null
	done
}
