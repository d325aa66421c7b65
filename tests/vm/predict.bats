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

# Mixes of five processes: sizes in MiB and oom_score_adj, from a fixed seed. A mix where the two worst are close would ask for more than
# can be foretold: memory moves a little between the prediction and the kill. So the sums are at least 4 MiB apart, of 200 MiB or so.
mixes() {
	awk -v seed="$1" -v n="$2" 'BEGIN {
		srand(seed)
		while (made < n) {
			line = ""; first = second = -1e9
			for (i = 0; i < 5; i++) {
				size = 2 + int(rand() * 12)
				adj = int(rand() * 5) == 0 ? -1000 : int(rand() * 9) * 25 - 100
				line = line " " size ":" adj
				sum = adj == -1000 ? -1e9 : size + adj * 0.2
				if (sum > first) { second = first; first = sum } else if (sum > second) second = sum
			}
			if (first > 0 && first - second > 4) { made++; print substr(line, 2) }
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
			while [ ! -e "ready.$last" ] && kill -0 "$last" 2>/dev/null; do usleep 10000; done
		}
		mix() {
			name=$1 where=$2 asking=$3
			shift 3
			options=
			while [ "$1" != -- ]; do options="$options $1"; shift; done
			shift
			hogs=
			rm -f go ready.*
			dmesg -c >/dev/null
			for word; do start "$where" $(echo "$word" | tr : ' '); done
			start "$where" until-oom "$asking"
			case $options in *ASKING*) options="--pid $last" ;; esac
			emit "predict-$name" predicted $options
			: >go
			wait "$last"
			emit "killed-$name" sh -c 'dmesg | sed -n "s/.*Killed process \([0-9]*\) .*/\1/p" | head -n 1'
			emit "chosen-$name" sh -c 'dmesg | sed -n "s/.*oom-kill:constraint.*,pid=\([0-9]*\),uid=.*/\1/p" | head -n 1'
			dmesg >log
			emit "explain-$name" explained
			kill -9 $hogs 2>/dev/null
			wait
		}
	EOF
}

# as_predicted NAME...: the kernel has killed the process that was named; explain reads the same from the log, and finds that it follows.
as_predicted() {
	local name predicted killed n=0
	for name; do
		predicted=$(json "predict-$name" '.victim.pid')
		killed=$(vm_section "killed-$name")
		[[ $predicted == "$killed" ]] || {
			printf '%s: predicted %s, killed %s\n' "$name" "$predicted" "$killed"
			json "predict-$name" .
			return 1
		}
		[[ $(json "explain-$name" '.reports[0].killed.pid') == "$killed" ]]
		[[ $(json "explain-$name" '.reports[0] | .missing - ["memory_kb.free", "memory_kb.swap_total", "memory_kb.swap_free"] | join(" ")') == '' ]]
		n=$((n + 1))
	done
	printf '# %d of %d as predicted\n' "$n" "$#"
}

@test "20 mixes of processes, scores and swap, 20 of 20; then those of cgroups, and of the task that asks" {
	local n=0 names=() line
	vm_use_initrd "$BATS_FILE_TMPDIR/initrd"
	truncate -s 64M "$BATS_TEST_TMPDIR/swap.img"
	chmod 600 "$BATS_TEST_TMPDIR/swap.img"
	mkswap "$BATS_TEST_TMPDIR/swap.img" >/dev/null 2>&1
	{
		guest_functions
		while read -r line; do
			n=$((n + 1))
			((n != 11)) || printf 'modprobe virtio_pci; modprobe virtio_blk; swapon /dev/vdb\n'
			printf 'mix %d - -1000 -- %s\n' "$n" "$line"
		done < <(mixes 7 20)
		# In a cgroup of 48 MiB, with 16 MiB of swap.
		cat <<-'EOF'
			mkdir -p /cgroup && mount -t cgroup2 none /sys/fs/cgroup
			echo +memory >/sys/fs/cgroup/cgroup.subtree_control
			mkdir /sys/fs/cgroup/limited
			echo 64M >/sys/fs/cgroup/limited/memory.max
			echo 16M >/sys/fs/cgroup/limited/memory.swap.max
		EOF
		n=0
		while read -r line; do
			n=$((n + 1))
			printf 'mix cgroup%d /sys/fs/cgroup/limited -1000 --cgroup /limited -- %s\n' "$n" "$line"
		done < <(mixes 8 5)
		cat <<-'EOF'
			mix thread - -1000 -- 12:100:thread 4:0
			mix lent - -1000 -- 4:0:vfork 12:0
			mix lender - -1000 -- 12:0:vfork 4:0
			echo 1 >/proc/sys/vm/oom_kill_allocating_task
			mix asking1 - -900 ASKING -- 10:0 4:300
			mix asking2 - 0 ASKING -- 12:500 4:-1000
			mix protected - -1000 ASKING -- 4:0 10:0
			echo 2 >/proc/sys/vm/panic_on_oom
			emit predict-panic predicted
			emit predict-panic-cgroup predicted --cgroup /limited
			echo 1 >/proc/sys/vm/panic_on_oom
			emit predict-spared predicted --cgroup /limited
		EOF
	} | vm_initramfs_file vmtest/run
	vm_disk "$BATS_TEST_TMPDIR/swap.img"
	VM_MEMORY=256 VM_TIMEOUT=500 vm_boot loglevel=3
	for ((n = 1; n <= 20; n++)); do names+=("$n"); done
	as_predicted "${names[@]}"
	for ((n = 1; n <= 20; n++)); do [[ $(json "explain-$n" '.reports[0].choice.verdict') == follows ]]; done
	# There was swap from the eleventh on, and it was used.
	[[ $(json explain-20 '.reports[0].memory_kb | .swap_total > 60000 and .swap_free < .swap_total / 2') == true ]]
	as_predicted cgroup{1..5}
	[[ $(json explain-cgroup1 '.reports[0] | .constraint, .cgroup' | paste -sd ' ') == 'memcg /limited' ]]
	# Of a process whose main thread has ended the kernel names the thread that it kills. A child in vfork is never chosen, be its score the worst.
	[[ $(json predict-thread '.victim | .pid, .command' | paste -sd ' ') == "$(vm_section chosen-thread) hog" ]]
	[[ $(json explain-thread '.reports[0] | .killed.pid, .choice.verdict' | paste -sd ' ') == "$(vm_section killed-thread) follows" ]]
	[[ $(vm_section killed-thread) != "$(vm_section chosen-thread)" ]]
	as_predicted lent lender
	[[ $(json explain-lent '.reports[0].choice.verdict') == unknown && $(json explain-lender '.reports | length') == 1 ]]
	as_predicted asking1 asking2 protected
	[[ $(json predict-asking1 .decision) == kill-allocating-task ]]
	[[ $(json predict-protected .decision) == kill ]]
	[[ $(json predict-panic .decision) == panic && $(json predict-panic-cgroup .decision) == panic ]]
	[[ $(json predict-spared .decision) != panic ]]
}
