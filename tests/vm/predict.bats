#!/usr/bin/env bats
# `predict` against the real kernel: many mixes of processes, each predicted, then driven out of memory; the process killed has to be the
# one that was named. `explain` then reads what the kernel said of it.

load common

# shellcheck source-path=SCRIPTDIR
. "$BATS_TEST_DIRNAME/small.bash"

setup_machines() {
	local root=$BATS_FILE_TMPDIR/root
	# shellcheck disable=SC2016 # for the shell in the machine
	# Only the tests' own processes are to be killed, not the shell that runs them, nor what writes the output.
	small_root "$root" <<<'echo -1000 >/proc/$$/oom_score_adj'
	small_modules "$root" virtio_pci virtio_blk # the swap is on a disk
	"${CC:-cc}" -O1 -static -o "$root/bin/hog" "$BATS_TEST_DIRNAME/guest/hog.c"
	small_initrd "$root" "$BATS_FILE_TMPDIR/initrd"
}

# mixes SEED N MOST RAM SWAP TERM...: mixes of five processes as hog.c has them, of MOST MiB each, decided by one of the terms in turn: without it another process would
# have the highest badness. Sizes in MiB; in SWAP there may be what is "swapped"; without the term "total" a share would be one of RAM alone. Where the
# two worst are close, more would be asked for than can be foretold: memory moves a little between the prediction and the kill. So they are 4 MiB apart.
mixes() {
	awk -v seed="$1" -v n="$2" -v most="$3" -v ram="$4" -v swap="$5" -v terms="${*:6}" '
		function part(term, i) {
			if (term == "adj") return adj[i] * (ram + swap) / 1000
			if (term == "total") return adj[i] * ram / 1000
			return how[i] == term ? size[i] : 0
		}
		# Who has the highest badness without that term; 0 where two are close.
		function worst(without,    i, sum, first, second, best) {
			first = second = -1e9
			for (i = 1; i <= 5; i++) {
				if (adj[i] == -1000) continue
				sum = part("rss", i) + part("swapped", i) + part("tables", i) + part(without == "total" ? "total" : "adj", i) - part(without, i) * (without != "total")
				if (sum > first) { second = first; first = sum; best = i } else if (sum > second) second = sum
			}
			return first - second > 4 ? best : 0
		}
		BEGIN {
			srand(seed)
			count = split(terms, term)
			kinds = split(swap ? "rss rss swapped tables" : "rss rss tables", kind)
			while (made < n) {
				for (i = 1; i <= 5; i++) {
					size[i] = 2 + int(rand() * (most - 1))
					adj[i] = int(rand() * 5) == 0 ? -1000 : int(rand() * 9) * 25 - 100
					how[i] = kind[1 + int(rand() * kinds)]
				}
				if (!worst("") || !(w = worst(term[1 + made % count])) || w == worst("")) continue
				made++
				line = ""
				for (i = 1; i <= 5; i++) line = line size[i] ":" adj[i] ":" how[i] " "
				print line
			}
		}'
}

# What the guest does for each mix: `mix NAME WHERE ADJ OPTION... -- SIZE:ADJ[:HOW]...` starts the processes in cgroup WHERE (or in none, "-"), and the one
# that will ask for memory with score ADJ; predicts with OPTION..., lets it ask, and says whom the kernel has killed.
guest_functions() {
	cat <<-'EOF'
		mkdir -p /tmp && mount -t tmpfs tmpfs /tmp && cd /tmp
		# Without the lists of processes: an emulated serial line is slow.
		predicted() { holdfast --json predict "$@" | sed '/^  "candidates"/,$d'; echo '"cut": true }'; }
		explained() { holdfast --json explain log | sed '/^      "tasks": \[/,/^      \],/d'; }
		hogs=
		start() { # WHERE ARGUMENT...
			where=$1
			shift
			sh -c 'test "$0" = - || echo $$ >$0/cgroup.procs; exec hog "$@"' "$where" "$@" &
			last=$!
			hogs="$hogs $last"
		}
		until_ready() {
			for hog in $hogs; do
				while [ ! -e "ready.$hog" ] && kill -0 "$hog" 2>/dev/null; do usleep 10000; done
			done
		}
		mix() {
			name=$1 where=$2 asking=$3
			shift 3
			options=
			while [ "$1" != -- ]; do options="$options $1"; shift; done
			shift
			# The kernel writes at most ten reports in five seconds; of any more there is the line of the kill alone.
			until mixed "$@"; do sleep 5; done
			emit "predict-$name" cat predicted
			emit "asked-$name" echo "$asked"
			emit "killed-$name" sed -n 's/.*Killed process \([0-9]*\) .*/\1/p;T;q' log
			emit "chosen-$name" sed -n 's/.*oom-kill:constraint.*,pid=\([0-9]*\),uid=.*/\1/p;T;q' log
			emit "explain-$name" explained
		}
		mixed() {
			hogs=
			rm -f go ready.*
			dmesg -c >/dev/null
			for word; do start "$where" $(echo "$word" | tr : ' '); done
			start "$where" until-oom "$asking"
			until_ready
			case $options in *ASKING*) with="--pid $last" ;; *) with=$options ;; esac
			predicted $with >predicted
			: >go
			wait "$last"
			dmesg >log
			kill -9 $hogs 2>/dev/null
			wait
			asked=$(grep -c 'invoked oom-killer' log)
			[ "$asked" -gt 0 ] && [ "$asked" -ge "$(grep -c 'Killed process' log)" ]
		}
	EOF
}

# as_predicted NAME...: the kernel has killed the process that was named; explain reads the same from the log, and finds that it follows.
as_predicted() {
	local name predicted killed missing n=0
	for name; do
		predicted=$(json "predict-$name" '.victim.pid')
		killed=$(vm_section "killed-$name")
		[[ $predicted == "$killed" ]] || {
			printf '%s: predicted %s, killed %s\n' "$name" "$predicted" "$killed"
			json "predict-$name" .
			return 1
		}
		[[ $(json "explain-$name" '.reports[0].killed.pid') == "$killed" ]]
		missing=$(json "explain-$name" '.reports[0] | .missing - ["memory_kb.free", "memory_kb.swap_total", "memory_kb.swap_free"] | join(" ")')
		[[ $missing == '' ]] || {
			printf '%s: explain misses %s\n' "$name" "$missing"
			return 1
		}
		[[ $(json "explain-$name" '.reports | length') == "$(vm_section "asked-$name")" ]]
		n=$((n + 1))
	done
	printf '# %d of %d as predicted\n' "$n" "$#"
}

# all_mixes KIND WHERE OPTION... <MIXES: the commands for them, named KIND1, KIND2 and so on; with scores of who asks that vary where that counts.
all_mixes() {
	local kind=$1 where=$2 n=0 asking=-1000 line
	shift 2
	while read -r line; do
		n=$((n + 1))
		[[ $* != *ASKING* ]] || asking=$((n % 4 == 0 ? -1000 : n % 4 * 400 - 1300))
		printf 'mix %s%d %s %d %s -- %s\n' "$kind" "$n" "$where" "$asking" "$*" "$line"
	done
}

@test "mixes of processes, scores and swap, 20 of 20; then 20 of cgroups, and 20 of the task that asks" {
	local n
	vm_use_initrd "$BATS_FILE_TMPDIR/initrd"
	truncate -s 96M "$BATS_TEST_TMPDIR/swap.img"
	chmod 600 "$BATS_TEST_TMPDIR/swap.img"
	mkswap "$BATS_TEST_TMPDIR/swap.img" >/dev/null 2>&1
	{
		guest_functions
		mixes 7 10 13 200 0 rss adj tables | all_mixes dry -
		cat <<-'EOF'
			mix thread - -1000 -- 12:100:thread 4:0
			mix lent - -1000 -- 4:0:vfork 12:0
			mix lender - -1000 -- 12:0:vfork 4:0
			mix shared - -1000 -- 12:0:shared 4:0
			echo 1 >/proc/sys/vm/oom_kill_allocating_task
		EOF
		mixes 9 20 13 200 0 rss adj | all_mixes asking - ASKING
		cat <<-'EOF'
			echo 0 >/proc/sys/vm/oom_kill_allocating_task
			modprobe virtio_pci; modprobe virtio_blk; swapon /dev/vdb
		EOF
		mixes 8 10 29 200 96 swapped total adj tables rss | all_mixes swap -
		# In a cgroup of 64 MiB, with 16 MiB of swap.
		cat <<-'EOF'
			mkdir -p /cgroup && mount -t cgroup2 none /sys/fs/cgroup
			echo +memory >/sys/fs/cgroup/cgroup.subtree_control
			mkdir /sys/fs/cgroup/limited
			echo 64M >/sys/fs/cgroup/limited/memory.max
			echo 16M >/sys/fs/cgroup/limited/memory.swap.max
		EOF
		mixes 8 20 13 64 16 swapped adj tables rss | all_mixes cgroup /sys/fs/cgroup/limited --cgroup /limited
		cat <<-'EOF'
			echo 2 >/proc/sys/vm/panic_on_oom
			emit predict-panic predicted
			emit predict-panic-cgroup predicted --cgroup /limited
			echo 1 >/proc/sys/vm/panic_on_oom
			emit predict-spared predicted --cgroup /limited
			dmesg -c >/dev/null
			mount -t tmpfs -o "$(printf 'x\nOut of memory: Killed process 1 (forged) total-vm:4kB')" none /tmp
			dmesg >log
			emit forged cat log
			emit explain-forged sh -c 'holdfast --json explain log 2>/dev/null'
			emit explain-running sh -c 'holdfast --json explain </dev/null 2>/dev/null'
		EOF
	} | vm_initramfs_file vmtest/run
	vm_disk "$BATS_TEST_TMPDIR/swap.img"
	VM_MEMORY=256 VM_TIMEOUT=500 vm_boot loglevel=3
	# Kernel and initramfs take the rest.
	[[ $(json predict-dry1 '.total_pages / 256 | . > 190 and . < 210') == true ]]
	as_predicted dry{1..10} swap{1..10}
	for n in dry{1..10} swap{1..10}; do [[ $(json "explain-$n" '.reports[0].choice.verdict') == follows ]]; done
	[[ $(json explain-swap10 '.reports[0].memory_kb | .swap_total > 90000 and .swap_free < .swap_total / 2') == true ]]
	as_predicted cgroup{1..20}
	[[ $(json explain-cgroup1 '.reports[0] | .constraint, .cgroup' | paste -sd ' ') == 'memcg /limited' ]]
	# Of a process whose main thread has ended the kernel names the thread that it kills. A child in vfork is never chosen, be its score the worst.
	[[ $(json predict-thread '.victim | .pid, .command' | paste -sd ' ') == "$(vm_section chosen-thread) hog" ]]
	[[ $(json explain-thread '.reports[0] | .killed.pid, .choice.verdict' | paste -sd ' ') == "$(vm_section killed-thread) follows" ]]
	[[ $(vm_section killed-thread) != "$(vm_section chosen-thread)" ]]
	as_predicted lent lender shared
	[[ $(json explain-lent '.reports[0].choice.verdict') == unknown ]]
	as_predicted asking{1..20}
	for n in {1..20}; do [[ $(json "predict-asking$n" .decision) == "$( ((n % 4)) && echo kill-allocating-task || echo kill)" ]]; done
	[[ $(json predict-panic .decision) == panic && $(json predict-panic-cgroup .decision) == panic ]]
	[[ $(json predict-spared .decision) != panic ]]
	# A user's words are no report, neither where the log is text nor as the kernel keeps it.
	[[ $(vm_section forged) == *$'\n'*'Out of memory: Killed process 1 '* ]]
	[[ $(json explain-forged .reports) == '[]' && $(json explain-running .reports) == '[]' ]]
}
