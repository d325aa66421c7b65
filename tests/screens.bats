#!/usr/bin/env bats
# What a person sees, in a real terminal emulator (tmux).
# shellcheck disable=SC2154 # output and messages are set by expect

load lib
load procs

setup_machine() {
	memory 16000000 8000000
	process 1 systemd rss=12000 score=670
	process 700 sshd rss=8000 score=0 adj=-1000 cgroup=/system.slice/ssh.service
	process 800 apache2 rss=900000 swap=100000 score=700 cgroup=/system.slice/webserver.service
	process 900 hog rss=2000000 score=833 adj=300
}

teardown() {
	close_terminal
}

close_terminal() {
	tmux -S "$BATS_TEST_TMPDIR/tmux$terminals" kill-server 2>/dev/null || :
}

terminals=0

# terminal COLUMNS ROWS COMMAND...: runs it in a terminal of that size, which stays when it ends.
terminal() {
	local columns=$1 rows=$2
	shift 2
	close_terminal
	terminals=$((terminals + 1)) # a server that is about to end takes no more
	printf 'cd %q\n%s; printf "ended: %%s" "$?"; exec cat\n' "$BATS_TEST_TMPDIR" "$*" >run
	TERM=screen-256color tmux -S "$BATS_TEST_TMPDIR/tmux$terminals" -u -f /dev/null new-session -d -x "$columns" -y "$rows" "sh $PWD/run"
}

keys() {
	tmux -S "$BATS_TEST_TMPDIR/tmux$terminals" send-keys "$@"
}

# screen: what it shows; screen -e: with colours.
screen() {
	tmux -S "$BATS_TEST_TMPDIR/tmux$terminals" capture-pane -p "$@"
}

# shows TEXT [LINE]: the screen does, or that line of it, within a minute.
shows() {
	local end=$((SECONDS + 60))
	until [[ $(screen | sed -n "${2:-1,\$}p") == *"$1"* ]]; do
		((SECONDS < end)) || {
			printf 'no "%s" on the screen:\n%s\n' "$1" "$(screen)"
			return 1
		}
		sleep 0.1
	done
}

program="$HOLDFAST --root root --procfs root/proc --sysfs root/sys"

@test "top at 80 and at 200 columns: no line is wrapped or lost" {
	terminal 80 24 "$program top"
	shows 'ended: 0'
	same_text "$(screen | sed 's/ *$//' | head -n 7)" screen <<-'END'
		4 processes; 7.6G of 15.3G available, swap 7.6G of 7.6G free
		  SCORE   ADJ OLD    RSS   SWAP MEM        PID USER     UNIT        COMMAND
		    833   300   5   1.9G     0K ▊          900 0                    hog
		    700     0   0   879M  97.7M ▍          800 0        webserver.… apache2
		    670     0   0  11.7M     0K              1 0                    systemd
		*     0 -1000 -17   7.8M     0K            700 0        ssh.service sshd
		ended: 0
	END
	terminal 200 24 "$program top"
	shows 'ended: 0'
	shows 'webserver.service apache2'
}

@test "top fills the terminal and not more, at ten thousand processes" {
	many_processes 10000
	terminal 80 24 "$program top"
	shows 'ended: 0'
	# 21 processes, two lines above them, and the prompt's line.
	[[ $(screen | grep -c 'worker\|hog\|apache2\|systemd') == 21 ]]
	shows '10004 processes'
}

@test "top --watch redraws in place, sorts by a key's column, follows the size, and leaves the terminal as it was" {
	terminal 80 24 "echo before; $program top --watch"
	shows 'hog'
	[[ $(screen) != *before* ]]
	[[ $(screen | grep -c hog) == 1 ]]
	keys p
	shows systemd 3
	keys r
	shows hog 3
	process 950 newcomer rss=9000000 score=900
	keys s
	shows newcomer 3
	tmux -S "$BATS_TEST_TMPDIR/tmux$terminals" resize-window -x 120 -y 10
	shows webserver.service
	keys q
	shows 'ended: 0'
	shows before
	[[ $(screen) != *hog* ]]
	keys typed Enter
	shows typed
}

@test "a signal ends --watch in good order, too" {
	terminal 80 24 "$program top --watch"
	shows hog
	keys C-c
	shows 'ended: 0'
}

@test "colours on a terminal, and none with NO_COLOR" {
	terminal 80 24 "$program top"
	shows 'ended: 0'
	[[ $(screen -e) == *$'\033[32m'* ]]
	terminal 80 24 "NO_COLOR=1 $program top"
	shows 'ended: 0'
	[[ $(screen -e) != *$'\033['*m* ]]
	terminal 80 24 "NO_COLOR= $program top"
	shows 'ended: 0'
	[[ $(screen -e) == *$'\033[32m'* ]]
}

@test "plain ASCII where the locale has nothing else" {
	terminal 80 24 "LC_ALL=C $program top"
	shows 'ended: 0'
	[[ -z $(screen | LC_ALL=C tr -d ' -~\n') ]]
	shows '#.....'
}

@test "explain at 80 columns" {
	terminal 80 60 "$HOLDFAST explain $TESTS/oom-logs/global-6.1.log"
	shows 'ended: 0'
	[[ $(screen | head -n 1) == 'Out of memory: kernel 6.1.1-arch1-1' ]]
	shows 'doxygen[473206]  killed'
	# The lines that it wrapped itself are indented; the terminal had none to wrap.
	[[ $(screen | sed '1d;/^ended/,$d' | grep -vc '^  ') == 0 ]]
}

@test "status: red only where something needs doing" {
	kernel kernel/panic=10
	profile default <<<'sysctl: { kernel.panic: 10 }'
	terminal 80 24 "$program status"
	shows 'ended: 0'
	shows 'settings:  1 of 1 hold'
	[[ $(screen -e) == *$'\033[32m'* && $(screen -e) != *$'\033[31m'* ]]
	kernel kernel/panic=0
	terminal 80 24 "$program status"
	shows 'ended: 1'
	shows 'holdfast apply: puts 1 setting right'
	[[ $(screen -e | grep $'\033\[31m' | grep -c 'settings:\|kernel.panic\|to do:') == 3 ]]
	[[ $(screen -e | grep -c $'\033\[31m') == 3 ]]
}

@test "predict at 80 columns: the victim stands out" {
	kernel vm/panic_on_oom=0 vm/oom_kill_allocating_task=0
	terminal 80 24 "$program predict"
	shows 'ended: 0'
	[[ $(screen -e | grep $'\033\[31m') == *hog* ]]
	[[ $(screen | sed '1d;/^ended/,$d' | grep -vc '^  \| >') == 0 ]]
}

@test "explain, predict and status at 200 columns: one line each where there is room" {
	kernel vm/panic_on_oom=0 vm/oom_kill_allocating_task=0 kernel/panic=10
	profile default <<<'sysctl: { kernel.panic: 10 }'
	terminal 200 60 "$HOLDFAST explain $TESTS/oom-logs/global-6.1.log; $program predict; $program status"
	shows 'ended: 0'
	shows "If doxygen has to survive: 'protect: [ { service: NAME, exe: PATH } ]' pins it at oom_score_adj -1000 as it starts; then the next worst dies,"
	shows '        PID      RSS     SWAP  TABLES  OOM_SCORE_ADJ   BADNESS  COMMAND'
	shows 'profile:   default (default)'
}
