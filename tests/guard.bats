#!/usr/bin/env bats
# The guard on this machine's kernel, with positive scores: lowering one takes a capability that a container lacks. So services have 300
# here, and what is released 500. All it guards lies in a directory of the test's own, below /opt, which is root's as the guard wants it.
# What needs -1000 is shown in tests/vm.
# shellcheck disable=SC2317 # functions that others call

load lib

setup_file() {
	local name
	for name in score attack silent; do
		"${CC:-cc}" -O1 -static -o "$BATS_FILE_TMPDIR/$name" "$BATS_TEST_DIRNAME/vm/guest/$name.c"
	done
	export SCORE=$BATS_FILE_TMPDIR/score ATTACK=$BATS_FILE_TMPDIR/attack SILENT=$BATS_FILE_TMPDIR/silent
}

setup_machine() {
	export top HOLDFAST
	top=$(mktemp -d -p /opt holdfast-test.XXXXXX)
	mkdir -p "$top"/{bin,run,profiles}
	install "$SCORE" "$top/bin/service"
	supervisor=''
}

teardown() {
	[[ -z $supervisor ]] || { kill "$supervisor" && wait "$supervisor"; } 2>/dev/null || :
	! mountpoint -q "$top/bin" || umount "$top/bin"
	! grep -q " $top/silent " /proc/mounts || umount -l "$top/silent"
	rm -rf -- "$top"
}

on_host() {
	"$HOLDFAST" --profiles "$top/profiles" --rundir "$top/run" "$@"
}

# guarded [MORE-OF-THE-RULE]: a guard that runs, with one rule; further lines of the profile on stdin where it ends in '-'.
guarded() {
	write_profile "$@"
	start_guard "$top/log"
	soon guard_has .running true
}

# start_guard LOG [PREFIX...]: in the background, $supervisor.
start_guard() {
	"${@:2}" "$HOLDFAST" --profiles "$top/profiles" --rundir "$top/run" guard 2>"$1" &
	supervisor=$!
}

write_profile() {
	printf '%s\n' 'holdfast: 1' 'name: default' 'protect:' \
		"  - { service: service, exe: $top/bin/service, oom_score_adj: 300, release_to: 500${1:+, $1} }" \
		>"$top/new"
	mv "$top/new" "$top/profiles/default.yaml"
}

worker() {
	pgrep -P "$supervisor"
}

guard_json() {
	on_host status --json | jq -c -r ".guard$1"
}

# soon COMMAND...: it succeeds within ten seconds.
soon() {
	local end=$((SECONDS + 10))
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || { printf 'not soon: %s\n' "$*"; cat "$top/log"; return 1; }
		sleep 0.05
	done
}

# outcome SCORE: what a start of the service gets now.
outcome() {
	[[ $("$top/bin/service") == "$1" ]]
}

# script INTERPRETER: the service becomes one, that tells its score at once and later.
script() {
	printf '#!%s\ncat /proc/$$/oom_score_adj\nsleep 1.5\ncat /proc/$$/oom_score_adj\n' "$1" >"$top/bin/service.new"
	chmod 755 "$top/bin/service.new"
	mv "$top/bin/service.new" "$top/bin/service"
	sleep 0.1 # what is executed at once is another test's matter
}

# scores N VALUE: N lines on stdin, each VALUE.
scores() {
	[[ $(sort | uniq -c | awk '{ print $1, $2 }') == "$1 $2" ]]
}

starts_with() {
	[[ $("$top/bin/service") == "$1" ]]
}

guard_has() {
	[[ $(guard_json "$1") == "$2" ]]
}

reloaded_times() {
	(($(grep -c 'guard: reloaded' "$top/log") >= $1))
}

worker_is_not() {
	[[ $(worker) != "$1" ]]
}

score_is() {
	[[ $(<"/proc/$1/oom_score_adj") == "$2" ]]
}

@test "a service has its score before its first instruction, 200 of 200" {
	guarded
	for ((i = 0; i < 200; i++)); do "$top/bin/service"; done | scores 200 300
}

@test "children are released, grandchildren too" {
	guarded
	[ "$("$top/bin/service" fork | paste -sd ' ')" = '300 500' ]
	[ "$("$top/bin/service" command cat /proc/self/oom_score_adj | paste -sd ' ')" = '300 500' ]
	[ "$("$top/bin/service" command "$top/bin/service" command cat /proc/self/oom_score_adj | paste -sd ' ')" = '300 500 500' ]
	[ "$(guard_json .released)" -ge 3 ]
}

@test "a child that shares the service's memory has one score with it, and takes it from nobody" {
	guarded
	[ "$("$top/bin/service" shared | paste -sd ' ')" = '300 300 300 300' ]
}

@test "children: same-program keeps the score of workers and takes it from everything else" {
	guarded 'children: same-program'
	[ "$("$top/bin/service" fork | paste -sd ' ')" = '300 300' ]
	[ "$("$top/bin/service" command "$top/bin/service" | paste -sd ' ')" = '300 300' ]
	# What it runs else keeps the score until its exec has been told, a moment later.
	[ "$("$top/bin/service" command sh -c 'sleep 0.2; cat /proc/self/oom_score_adj' | paste -sd ' ')" = '300 500' ]
}

@test "what a child executes as soon as it is forked, when the kernel tells nothing of it yet" {
	install /bin/bash "$top/bin/service"
	guarded 'children: same-program'
	"$top/bin/service" -c "sleep 0.5; for ((i = 0; i < 50; i++)); do sleep 60.$$ & done; wait" &
	local running=$! helper
	sleep 2
	score_is "$running" 300
	for helper in $(pgrep -fx "sleep 60.$$"); do
		cat "/proc/$helper/oom_score_adj"
		kill "$helper"
	done | sort | uniq -c | xargs >"$top/printed"
	[ "$(<"$top/printed")" = '50 500' ]
}

# together N MODE SCORES: so many services at once; each prints those scores.
together() {
	local i printed
	printed=$(for ((i = 0; i < $1; i++)); do
		"$top/bin/service" "$2" | paste -sd ' ' &
	done | sort | uniq -c | xargs)
	[[ $printed == "$1 $3" ]] || { printf '%s\n' "$printed"; return 1; }
}

@test "of daemons that fork twice and then leave their session each keeps its score, however short-lived the one between" {
	guarded
	together 20 daemon2 '300 300'
	together 20 daemon2 '300 300'
}

@test "what such children leave behind while the service stays is no service, in its session or out of it" {
	guarded
	together 20 orphan '300 500'
	together 20 apart '300 500'
}

# released_while_it_ends SECONDS: what a service's child, that ends while it is released, has left behind has 500; a guard that runs as long.
released_while_it_ends() {
	install /bin/bash "$top/bin/service"
	mkfifo "$top/run/never"
	guarded
	cat >"$top/functions" <<-END
		pause() { read -t "\$1" <>$top/run/never; }
		wait_for_go() { until [[ -e $top/run/go ]]; do pause 0.01; done; }
	END
	# The guard looks at each of the first one's children and then at the third one at the gate for 220 ms; so of the second one's child
	# it hears when its child has been forked long ago, and before it ends.
	"$top/bin/service" -c ". $top/functions; wait_for_go; for i in 1 2 3 4; do (pause 4) & done; wait" & local first=$!
	"$top/bin/service" -c ". $top/functions; wait_for_go; pause 0.05
		((pause 3; read score </proc/self/oom_score_adj; echo \$score >$top/printed) & pause 1.15) & pause 4" & local second=$!
	sleep "$1"
	started() {
		touch "$top/run/go"
		sleep 0.7
		"$top/bin/service" -c :
		sleep 3
	}
	while_calls_fail pwrite64:delay_exit=220000:when=1..6 -- started
	wait "$first" "$second" || :
	[ "$(<"$top/printed")" = 500 ]
}

@test "nor is what one has left behind of whose fork nothing was told, and which ends while it is released" {
	released_while_it_ends 3 # the scan that follows the first is over
}

@test "nor is it where a scan comes before it was looked for" {
	released_while_it_ends 1
}

@test "a service that could not be pinned is a few seconds later, whatever another one forks meanwhile" {
	install /bin/bash "$top/bin/service"
	guarded
	mkfifo "$top/run/never"
	started() {
		setsid bash -c "$top/bin/service -c 'echo \$\$ >$top/printed; read -t 25 <>$top/run/never'; :" &
		sleep 0.5
	}
	while_calls_fail pwrite64:error=EIO:when=1 -- started
	local missed flood end=$((SECONDS + 20))
	missed=$(<"$top/printed")
	"$top/bin/service" -c "while [[ -e $top/run/never ]]; do (:); done" & flood=$!
	until score_is "$missed" 300; do
		((SECONDS < end))
		sleep 0.2
	done
	kill "$flood" "$missed"
}

@test "children: inherit takes it from nobody" {
	guarded 'children: inherit'
	[ "$("$top/bin/service" fork | paste -sd ' ')" = '300 300' ]
	[ "$("$top/bin/service" command cat /proc/self/oom_score_adj | paste -sd ' ')" = '300 300' ]
}

@test "a service that was started by a service's child is a service" {
	guarded
	# A login shell that restarts the daemon which it came from.
	[ "$("$top/bin/service" command sh -c "$top/bin/service; true" | paste -sd ' ')" = '300 300' ]
}

@test "it is a service also when word of what that child has executed comes late" {
	guarded
	started() {
		"$top/bin/service" command sh -c "$top/bin/service; true" | paste -sd ' ' >"$top/printed"
	}
	while_calls_fail pwrite64:delay_exit=450000:when=2 -- started # behind the release of the child
	[ "$(<"$top/printed")" = '300 300' ]
}

@test "a service that runs the file of before an upgrade keeps its score when the guard is reloaded" {
	guarded
	"$top/bin/service" 30 >/dev/null & local running=$!
	install "$SCORE" "$top/bin/new"
	sleep 0.3
	mv "$top/bin/new" "$top/bin/service"
	kill -HUP "$supervisor"
	soon reloaded_times 1
	sleep 0.5
	score_is "$running" 300
	[ "$(guard_json '.pinned[].pid')" = "$running" ]
	kill "$running"
}

@test "a service whose rule names another program after a reload loses its score" {
	guarded
	"$top/bin/service" 30 >/dev/null & local running=$!
	install "$SCORE" "$top/bin/other"
	sed -i "s|exe: $top/bin/service|exe: $top/bin/other|" "$top/profiles/default.yaml"
	soon reloaded_times 1
	soon score_is "$running" 500
	kill "$running"
}

@test "a child that executes the program is released also when that was replaced meanwhile, and the guard reloaded" {
	install /bin/bash "$top/bin/service"
	guarded
	"$top/bin/service" -c "until [[ -e $top/go || ! -e $top/bin ]]; do sleep 0.1; done; $top/bin/service -c 'cat /proc/\$\$/oom_score_adj; :'; :" >"$top/printed" &
	local running=$!
	install /bin/bash "$top/bin/new"
	sleep 0.3
	mv "$top/bin/new" "$top/bin/service"
	kill -HUP "$supervisor"
	soon reloaded_times 1
	score_is "$running" 300
	touch "$top/go"
	wait "$running"
	[ "$(<"$top/printed")" = 500 ]
}

@test "a service that executes its program anew keeps its score" {
	guarded
	[ "$("$top/bin/service" exec "$top/bin/service" | paste -sd ' ')" = '300 300' ]
	[ "$("$top/bin/service" exec /bin/sh -c 'sleep 0.5; cat /proc/self/oom_score_adj' | paste -sd ' ')" = '300 500' ]
}

@test "a #! script is a program; its interpreter run on it is not" {
	guarded
	cat >"$top/bin/service" <<-'EOF'
		#!/bin/sh
		read -r score </proc/self/oom_score_adj
		echo "$score"
	EOF
	soon grep -q . "$top/bin/service"
	[ "$("$top/bin/service")" = 300 ]
	[ "$(sh "$top/bin/service")" = 0 ]
}

@test "a script whose interpreter was replaced keeps its score" {
	cp /bin/sh "$top/interpreter"
	script "$top/interpreter"
	guarded
	cp /bin/sh "$top/new-interpreter"
	mv "$top/new-interpreter" "$top/interpreter"
	[ "$("$top/bin/service" | paste -sd ' ')" = '300 300' ]
}

@test "args: only runs with those arguments, as soon as the exec is told" {
	cp /bin/sleep "$top/bin/service"
	guarded 'args: "* 30.5"'
	"$top/bin/service" 30.5 & local one=$!
	"$top/bin/service" 30.25 & local other=$!
	soon score_is "$one" 300
	score_is "$other" 0
	[ "$(guard_json '.pinned[].how')" = event ]
	[ "$(on_host status --why "$other")" = 'not service: its arguments are not the rule'"'"'s' ]
	kill "$one" "$other"
}

@test "#! scripts: by a relative path, through a link, with an argument of the interpreter, by env" {
	guarded
	script /bin/sh
	[ "$(cd "$top/bin" && ./service | paste -sd ' ')" = '300 300' ]
	ln -s service "$top/bin/link"
	[ "$("$top/bin/link" | paste -sd ' ')" = '300 300' ]
	script '/bin/sh -e'
	[ "$("$top/bin/service" | paste -sd ' ')" = '300 300' ]
	script '/usr/bin/env sh'
	[ "$("$top/bin/service" | paste -sd ' ')" = '300 300' ]
}

@test "a child that is started by a service which ends at once is released" {
	guarded
	[ "$("$top/bin/service" launch | paste -sd ' ')" = '300 500' ]
}

@test "what a child has left behind when it ended at once is released, too" {
	guarded
	printf '%s\n' "$top/bin/service orphan"{,,,,,,,,,,,,,,,,,,,} | xargs -P 20 -I{} sh -c '{}' >"$top/printed"
	[ "$(sort "$top/printed" | uniq -c | awk '{ print $1, $2 }' | paste -sd ' ')" = '20 300 20 500' ]
}

@test "a program that a child has left behind is no daemon's second process" {
	local helper
	printf '#!/bin/sh\n(sleep 60.%d </dev/null >/dev/null 2>&1 &)\nexit 0\n' $$ >"$top/bin/service"
	chmod 755 "$top/bin/service"
	guarded
	for ((i = 0; i < 10; i++)); do setsid -w "$top/bin/service"; done
	sleep 1
	for helper in $(pgrep -fx "sleep 60.$$"); do
		printf '%s ' "$(<"/proc/$helper/oom_score_adj")"
		kill "$helper"
	done >"$top/printed"
	[ "$(<"$top/printed")" = '500 500 500 500 500 500 500 500 500 500 ' ]
}

@test "three hundred children hide nobody's" {
	guarded
	"$top/bin/service" many 300 >/dev/null & local many=$!
	sleep 2
	[ "$("$top/bin/service" fork | paste -sd ' ')" = '300 500' ]
	kill "$many"
}

@test "a service whose rule is gone gets its score back" {
	guarded
	"$top/bin/service" 30 >/dev/null & local running=$!
	soon guard_has '.pinned | length' 1
	sed -i 's/service: service/service: another/; s|bin/service|bin/another|' "$top/profiles/default.yaml"
	kill -HUP "$supervisor"
	soon grep -q "service\[$running\]: no longer in the profile; put back" "$top/log" || soon grep -q reloaded "$top/log"
	soon guard_has '.pinned | length' 0
	kill "$running"
}

@test "after an invalid profile a worker that dies is replaced by one with the old rules" {
	guarded
	echo 'x: 1' >>"$top/profiles/default.yaml"
	soon grep -q 'the old one stays in force' "$top/log"
	kill -KILL "$(worker)"
	soon starts_with 300
}

@test "a service that was replaced on disk stays known when the worker dies" {
	guarded
	"$top/bin/service" 30 >/dev/null & local running=$!
	soon guard_has '.pinned | length' 1
	cp "$top/bin/service" "$top/bin/service.new" && mv "$top/bin/service.new" "$top/bin/service"
	kill -KILL "$(worker)"
	soon guard_has '.pinned[].pid' "$running"
	kill "$running"
}

@test "a worker that hangs is ended within a second, and the exec goes on" {
	guarded
	# As a debugger does: nobody is told, and nobody can set it going.
	"$ATTACK" trace "$(worker)" 4 &
	sleep 1
	local begin=${EPOCHREALTIME/./}
	"$top/bin/service" >/dev/null
	((${EPOCHREALTIME/./} - begin < 2000000)) # a second, and a busy machine's
	wait $! || :
	soon starts_with 300
}

@test "what runs already is found by a scan: at the start, and by guard --once" {
	"$top/bin/service" 30 >/dev/null & local running=$!
	write_profile
	expect 0 on_host guard --once
	score_is "$running" 300
	messages_have "guard: service[$running]: found running; pinned, oom_score_adj 300"
	kill "$running"
	wait "$running" || :
	"$top/bin/service" 30 >/dev/null & running=$!
	guarded
	[ "$(guard_json '.pinned[] | "\(.pid) \(.how)"')" = "$running scan" ]
	kill "$running"
}

@test "an exec that was under way when the guard began is found a moment later, which is no rescan" {
	write_profile
	cc -O1 -o "$top/slow-exec" "$TESTS/vm/guest/slow-exec.c"
	"$top/slow-exec" 1000 "$top/bin/service" 30 >/dev/null & local running=$!
	start_guard "$top/log"
	soon guard_has .running true
	soon score_is "$running" 300
	[ "$(guard_json .rescans)" = 0 ]
	kill "$running"
}

@test "guard --once says what it cannot do" {
	write_profile 'user: nobody-of-that-name'
	expect 1 on_host guard --once
	messages_have 'guard: service: its user does not exist'
}

@test "status tells who is pinned, how and since when, and why another is not" {
	guarded
	"$top/bin/service" 30 >/dev/null & local running=$!
	soon guard_has '.pinned | length' 1
	[ "$(guard_json '.pinned[] | "\(.service) \(.pid) \(.exe) \(.oom_score_adj) \(.how)"')" = "service $running $top/bin/service 300 exec" ]
	(($(guard_json '.pinned[].since') >= $(date +%s) - 60))
	[ "$(on_host status --why "$running")" = 'pinned as service (exec)' ]
	[ "$(on_host status --why $$)" = 'not service: it runs another file' ]
	kill "$running"
	soon guard_has '.pinned | length' 0
}

@test "a score that somebody changed is put right by the next scan, and counted" {
	guarded
	"$top/bin/service" 30 >/dev/null & local running=$!
	soon guard_has '.pinned | length' 1
	echo 301 >"/proc/$running/oom_score_adj"
	[ "$(guard_json '.pinned[].oom_score_adj')" = 301 ] # what is, and a reason to scan
	soon score_is "$running" 300
	[ "$(guard_json .drifted)" -ge 1 ]
	kill "$running"
}

@test "a worker that is stopped goes on at once; one that is killed is replaced, and what it missed is pinned" {
	guarded
	local first
	first=$(worker)
	kill -STOP "$first"
	"$top/bin/service" | scores 1 300
	[ "$(worker)" = "$first" ]
	kill -KILL "$first"
	"$top/bin/service" 30 >/dev/null & local running=$!
	soon score_is "$running" 300
	[ "$(worker)" != "$first" ]
	kill "$running"
	grep -q 'the worker was stopped; it goes on' "$top/log"
	grep -q 'the worker was ended by signal 9 and is started again' "$top/log"
}

@test "a guard whose processes are both stopped goes on within a second" {
	guarded
	local first both
	first=$(worker)
	for both in "$supervisor $first" "$first $supervisor"; do
		# shellcheck disable=SC2086 # two of them
		kill -STOP $both
		"$top/bin/service" | scores 1 300
	done
	[ "$(worker)" = "$first" ]
}

@test "a worker without descriptors, or with too few, gives way to one that has some; no exec is denied" {
	guarded
	local first limit
	first=$(worker)
	for limit in 3 {14..18}; do
		prlimit --pid "$(worker)" --nofile="$limit:$limit"
		for _ in 1 2 3; do "$top/bin/service" >/dev/null; done
		soon outcome 300
	done
	soon worker_is_not "$first"
	"$top/bin/service" 30 >/dev/null & local running=$!
	soon score_is "$running" 300
	kill "$running"
}

@test "a worker with too few descriptors gives way for a program that it does not know yet: an upgrade" {
	guarded
	local first running
	install "$SCORE" "$top/bin/new"
	sleep 0.3
	first=$(worker)
	prlimit --pid "$first" --nofile=8:8
	mv "$top/bin/new" "$top/bin/service"
	sleep 0.3
	"$top/bin/service" 30 >/dev/null & running=$!
	soon worker_is_not "$first"
	soon outcome 300
	soon score_is "$running" 300
	kill "$running"
}

@test "a worker with too few descriptors to look at anybody gives way, if no exec waits either" {
	guarded
	local first
	first=$(worker)
	prlimit --pid "$first" --nofile=8:8
	touch "$top/bin/other" # the programs are looked up, and then looked at again
	soon worker_is_not "$first"
	soon outcome 300
}

# while_files_fail FILE COMMAND...: while the worker cannot open FILE, or nothing where that is "/".
while_files_fail() {
	local only=()
	[[ $1 == / ]] || only=(-P "$1")
	while_calls_fail openat:error=EIO "${only[@]}" -- "${@:2}"
}

# while_calls_fail FAULT [OPTION]... -- COMMAND...: the command, while that fault is put into the worker's system calls.
while_calls_fail() {
	local tracer options=(-e "trace=${1%%:*}" -e "inject=$1")
	while [[ $2 != -- ]]; do
		options+=("$2")
		shift
	done
	strace -f -qq -e signal=none "${options[@]}" -o /dev/null -p "$(worker)" &
	tracer=$!
	soon grep -q 'TracerPid:.[1-9]' "/proc/$(worker)/status"
	"${@:3}"
	kill "$tracer"
	wait "$tracer" || :
}

@test "a disk that fails for a moment: what was known of the programs holds, and is looked up again" {
	guarded
	changed_and_started() {
		touch "$top/bin/other"
		sleep 0.3
		"$top/bin/service" >/dev/null
	}
	while_files_fail / changed_and_started
	grep -q "guard: service: $top/bin/service: cannot be looked at: Input/output error" "$top/log"
	grep -qE 'guard: service\[[0-9]+\]: not pinned: Input/output error' "$top/log"
	outcome 300
	# Replaced meanwhile, it is another file.
	replaced() {
		install "$SCORE" "$top/bin/new"
		mv "$top/bin/new" "$top/bin/service"
		sleep 0.3
	}
	while_files_fail / replaced
	soon outcome 300
}

@test "a process that cannot be looked at for a moment is said, and pinned a moment later" {
	guarded 'args: "*service*"'
	local running
	started() {
		"$top/bin/service" 30 >/dev/null & running=$!
		soon grep -qE "guard: service\[$running\]: not pinned: Input/output error" "$top/log"
	}
	while_files_fail status started
	soon score_is "$running" 300
	grep -q "guard: service\[$running\]: found running; pinned" "$top/log"
	kill "$running"
}

@test "a program at the gate that cannot be looked at is said, whatever the reason, and pinned a moment later" {
	guarded
	local running
	started() {
		"$top/bin/service" 30 >/dev/null & running=$!
		soon grep -q "guard: process $running cannot be looked at: Permission denied" "$top/log"
	}
	while_calls_fail newfstatat,fstat:error=EACCES:when=1 -- started
	soon score_is "$running" 300
	kill "$running"
}

@test "a daemon that takes its parent's place when it cannot be looked at is said, and pinned a moment later" {
	install /bin/bash "$top/bin/service"
	guarded
	local running
	"$top/bin/service" -c "sleep 2; { sleep 15; :; } & echo \$! >$top/pid" &
	taken_over() {
		soon test -s "$top/pid"
		running=$(<"$top/pid")
		soon grep -q "guard: service\[$running\]: not pinned: Input/output error" "$top/log"
	}
	while_files_fail status taken_over
	soon score_is "$running" 300
	pkill -P "$running"
}

@test "a service that becomes another program when that cannot be looked at is said, and released a moment later" {
	install /bin/bash "$top/bin/service"
	guarded
	mkfifo "$top/go"
	"$top/bin/service" -c "read -r <$top/go; exec sleep 30" & local running=$!
	soon guard_has '.pinned | length' 1
	sleep 2.5 # until the second scan
	executed() {
		echo >"$top/go"
		soon grep -q "guard: process $running cannot be looked at: Input/output error" "$top/log"
	}
	while_calls_fail statx:error=EIO:when=1 -- executed
	soon score_is "$running" 500
	kill "$running"
}

@test "guard --once: a service that cannot be looked at is said, and the status is 1" {
	write_profile
	"$top/bin/service" 30 >/dev/null & local running=$!
	soon test "$top/bin/service" -ef "/proc/$running/exe"
	ASAN_OPTIONS=detect_leaks=0 run -1 --separate-stderr strace -f -qq -e signal=none -e trace=openat -P status \
		-e inject=openat:error=EIO -o /dev/null "$HOLDFAST" --profiles "$top/profiles" --rundir "$top/run" guard --once
	# shellcheck disable=SC2154 # set by run
	[[ $stderr == *"guard: service[$running]: not pinned: Input/output error"* ]]
	score_is "$running" 0
	on_host guard --once
	score_is "$running" 300
	kill "$running"
}

@test "guard --once: what may be a service's child is not pinned where its parent cannot be looked at" {
	write_profile
	"$top/bin/service" command "$top/bin/service" 30 >/dev/null & local parent=$! child
	soon pgrep -P "$parent"
	child=$(pgrep -P "$parent")
	soon test "$top/bin/service" -ef "/proc/$child/exe"
	ASAN_OPTIONS=detect_leaks=0 run -1 --separate-stderr strace -f -qq -e signal=none -e trace=openat -P "$parent" \
		-e inject=openat:error=EIO -o /dev/null "$HOLDFAST" --profiles "$top/profiles" --rundir "$top/run" guard --once
	[[ $stderr == *"guard: process $parent cannot be looked at: Input/output error"* ]]
	score_is "$parent" 0
	score_is "$child" 0
	on_host guard --once
	score_is "$parent" 300
	score_is "$child" 0
	kill "$parent" "$child"
}

@test "a reader of its messages that does not read holds nothing up" {
	write_profile
	mkfifo "$top/pipe"
	exec 9<>"$top/pipe"
	start_guard "$top/pipe"
	soon test -S "$top/run/holdfast/guard.sock"
	head -c 1M /dev/zero >&9 &
	local filler=$!
	sleep 0.5 # by then the pipe is full
	for ((i = 0; i < 100; i++)); do "$top/bin/service"; done | scores 100 300
	kill "$filler"
}

@test "a changed profile takes effect without being asked for, SIGHUP at once; an invalid one changes nothing" {
	guarded
	sed -i 's/300/310/' "$top/profiles/default.yaml"
	soon grep -q 'guard: reloaded' "$top/log"
	"$top/bin/service" | scores 1 310
	sed 's/310/99999/' "$top/profiles/default.yaml" >"$top/new" && mv "$top/new" "$top/profiles/default.yaml"
	soon grep -q 'the new profile cannot be used; the old one stays in force' "$top/log"
	grep -qE 'default\.yaml:4:[0-9]+: error: .*99999' "$top/log"
	"$top/bin/service" | scores 1 310
	sed 's/99999/320/' "$top/profiles/default.yaml" >"$top/new" && mv "$top/new" "$top/profiles/default.yaml"
	kill -HUP "$supervisor"
	soon starts_with 320
	soon reloaded_times 2
}

@test "not one start is missed while profiles are reloaded" {
	guarded
	(for _ in 1 2 3 4 5 6; do kill -HUP "$supervisor"; sleep 0.3; done) &
	for ((i = 0; i < 1000; i++)); do "$top/bin/service"; done | scores 1000 300
	wait $!
	soon reloaded_times 3
}

@test "another guard takes over, and counts on" {
	guarded
	"$top/bin/service" fork >/dev/null
	"$top/bin/service" 30 >/dev/null & local running=$!
	local released first=$supervisor
	released=$(guard_json .released)
	start_guard "$top/log.second"
	wait "$first"
	soon guard_has .pid "$(worker)"
	[ "$(guard_json .released)" -ge "$released" ]
	[ "$(guard_json '.pinned[] | "\(.pid) \(.how)"')" = "$running exec" ]
	kill "$running"
}

@test "a program that is replaced by rename, or appears later, is guarded from its first run" {
	guarded
	for ((i = 0; i < 50; i++)); do
		cp "$top/bin/service" "$top/bin/service.new"
		mv "$top/bin/service.new" "$top/bin/service"
		"$top/bin/service"
	done | scores 50 300
	rm -r "${top:?}/bin"
	mkdir "$top/bin.new"
	cp "$SCORE" "$top/bin.new/service"
	mv "$top/bin.new" "$top/bin"
	sleep 0.5
	"$top/bin/service" | scores 1 300
}

@test "a program on a file system that is mounted later is guarded, and the one below it again afterwards" {
	guarded
	mount -t tmpfs -o mode=755 none "$top/bin"
	install "$SCORE" "$top/bin/service"
	soon outcome 300
	umount "$top/bin"
	soon outcome 300
}

@test "a child that chooses a score of its own between the two is released like any other" {
	guarded
	"$top/bin/service" command sh -c 'cd /proc/self && echo 301 >oom_score_adj; sleep 0.5; cat /proc/self/oom_score_adj' >"$top/printed"
	[ "$(paste -sd ' ' "$top/printed")" = '300 500' ]
}

@test "a program that is replaced as soon as it runs keeps its score" {
	guarded
	local services=()
	for ((i = 0; i < 10; i++)); do
		cp "$top/bin/service" "$top/bin/service.new"
		"$top/bin/service" 60 >>"$top/printed" & services+=("$!")
		mv "$top/bin/service.new" "$top/bin/service"
	done
	# One that was started while the new file was not marked yet is found by the next scan.
	soon have_300 "${services[@]}"
	kill "${services[@]}"
}

have_300() {
	local pid
	for pid; do
		score_is "$pid" 300 || return
	done
}

@test "a program that others could write is not guarded, and the log and status say why" {
	guarded
	chmod o+w "$top/bin/service"
	soon grep -q 'the program is not root.s alone: others could replace it' "$top/log"
	"$top/bin/service" | scores 1 0
	chmod o-w "$top/bin/service"
	soon starts_with 300
	chmod 777 "$top"
	soon grep -q 'a directory on the way is not root.s alone' "$top/log"
	"$top/bin/service" | scores 1 0
}

@test "copies, other names and other users get nothing" {
	guarded
	cp "$top/bin/service" "$top/copy"
	"$top/copy" | scores 1 0
	bash -c "exec -a $top/bin/service $top/copy" | scores 1 0
	chmod 755 "$top"
	setpriv --reuid 65534 --clear-groups "$top/bin/service" | scores 1 0
	setpriv --ruid 65534 --clear-groups "$top/bin/service" | scores 1 0 # as a set-user-ID program starts it
	setpriv --euid 65534 --clear-groups "$top/bin/service" | scores 1 0
}

@test "a thousand changes make few lines, and the rest are counted" {
	guarded
	for ((i = 0; i < 300; i++)); do "$top/bin/service"; done >/dev/null
	sleep 6
	"$top/bin/service" 1 >/dev/null
	soon grep -qE 'guard: [0-9]+ changes were not logged one by one' "$top/log"
	[ "$(grep -c 'pinned before its first instruction' "$top/log")" -le 40 ]
}

@test "both processes are confined: few capabilities, no new privileges, memory locked; the worker few system calls" {
	guarded
	local status san=0
	[[ $HOLDFAST != */san/* ]] || san=1 # which lock no memory, and make calls of their own
	for pid in "$supervisor" "$(worker)"; do
		status=$(<"/proc/$pid/status")
		[[ $status == *$'\nNoNewPrivs:\t1\n'* ]]
		((san || $(awk '$1 == "VmLck:" { print $2 }' <<<"$status") > 0))
	done
	# CAP_SYS_RESOURCE, CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_IPC_LOCK and CAP_DAC_OVERRIDE at most.
	(((0x$(awk '$1 == "CapPrm:" { print $2 }' <<<"$status") & ~0x1284002) == 0))
	((san)) || [[ $status == *$'\nSeccomp:\t2\n'* ]]
}

@test "guard --stop returns when the guard has ended; none that runs is no error" {
	guarded
	expect 0 on_host guard --stop
	"$top/bin/service" | scores 1 0
	wait "$supervisor"
	expect 0 on_host guard --stop
}

@test "only root can guard, and ask the guard" {
	guarded
	chmod 755 "$top"
	run setpriv --reuid 65534 --clear-groups "$HOLDFAST" --profiles "$top/profiles" --rundir "$top/run" guard --once
	[ "$status" = 1 ]
	[[ $output == *'only root can protect processes'* ]]
	run setpriv --reuid 65534 --clear-groups "$HOLDFAST" --profiles "$top/profiles" --rundir "$top/run" status
	[[ $output == *'only root may ask it'* && $output != *'not running'* ]]
}

@test "what could not be pinned is told" {
	write_profile
	sed -i 's/oom_score_adj: 300/oom_score_adj: -1000/' "$top/profiles/default.yaml"
	start_guard "$top/log" setpriv --bounding-set -sys_resource
	soon guard_has .running true
	"$top/bin/service" 1 >/dev/null
	soon grep -q 'guard: service\[[0-9]*\]: not pinned: Permission denied' "$top/log"
	soon guard_has .failed 1
}

@test "a guard that is started without standard streams guards" {
	write_profile
	# shellcheck disable=SC2016 # expanded inside
	start_guard "$top/log" sh -c 'exec "$@" <&- >&- 2>&-' sh
	soon guard_has .running true
	"$top/bin/service" | scores 1 300
}

@test "what has failed to execute the program is put back, also after a reload" {
	guarded
	printf 'no program\n' >"$top/bin/service.new"
	chmod 755 "$top/bin/service.new"
	mv "$top/bin/service.new" "$top/bin/service"
	sleep 0.2
	python3 -c 'import os, sys, time
try: os.execv(sys.argv[1], ["service"])
except OSError: time.sleep(60)' "$top/bin/service" &
	local running=$!
	soon score_is "$running" 300
	kill -HUP "$supervisor"
	soon reloaded_times 1
	sleep 5
	soon score_is "$running" 0
	kill "$running"
}

@test "the control socket is root's alone" {
	guarded
	[ "$(stat -c %U:%a "$top/run/holdfast/guard.sock")" = root:600 ]
}

@test "an idle guard does not wake up" {
	write_profile
	start_guard "$top/log" unshare --mount # what others mount is no idleness
	soon guard_has .running true
	switches() { cat "/proc/$supervisor/status" "/proc/$(worker)/status" | awk '/ctxt_switches/ { n += $2 } END { print n }'; }
	three_quiet_seconds() { local before; before=$(switches) && sleep 3 && [[ $(switches) == "$before" ]]; }
	soon three_quiet_seconds
}

@test "a flood of its execs keeps the guard from nothing else" {
	guarded
	local loops=()
	for _ in {1..12}; do
		# shellcheck disable=SC2016 # expanded inside
		bash -c 'while "$1"; do :; done' - "$top/bin/service" >/dev/null &
		loops+=($!)
	done
	sleep 1
	SECONDS=0
	guard_has .running true
	"$top/bin/service" command sh -c 'sleep 1; cat /proc/self/oom_score_adj' >"$top/printed"
	expect 0 on_host guard --stop
	((SECONDS < 5))
	kill "${loops[@]}"
	[ "$(paste -sd ' ' "$top/printed")" = '300 500' ]
}

@test "of two guards that start at once one is left: while one takes over the other waits, and guards" {
	write_profile
	mkdir "$top/run/holdfast"
	flock -F "$top/run/holdfast/guard.lock" sleep 30 &
	local other=$!
	locked() { ! flock -n "$top/run/holdfast/guard.lock" true; }
	soon locked
	start_guard "$top/log"
	soon outcome 300
	[ ! -e "$top/run/holdfast/guard.sock" ]
	kill "$other"
	wait "$other" || :
	soon guard_has .running true
	local first=$supervisor
	start_guard "$top/log.second"
	wait -n
	soon guard_has .running true
	"$top/bin/service" | scores 1 300
	expect 0 on_host guard --stop
	wait "$first" "$supervisor"
	"$top/bin/service" | scores 1 0
}

@test "a user who is made later is known from then on" {
	mkdir -p "$top/root/bin" "$top/root/etc"
	printf 'root:x:0:0::/:/bin/sh\n' >"$top/root/etc/passwd"
	install "$SCORE" "$top/root/bin/service"
	printf '%s\n' 'holdfast: 1' 'name: default' 'protect:' \
		'  - { service: service, exe: /bin/service, user: later, oom_score_adj: 300, release_to: 500 }' >"$top/profiles/default.yaml"
	"$HOLDFAST" --root "$top/root" --procfs /proc --profiles "$top/profiles" --rundir "$top/run" guard 2>"$top/log" &
	supervisor=$!
	soon grep -q 'service: /bin/service: its user does not exist' "$top/log"
	chmod 755 "$top"
	setpriv --reuid 64999 --clear-groups "$top/root/bin/service" 60 >/dev/null &
	local running=$!
	printf 'root:x:0:0::/:/bin/sh\nlater:x:64999:64999::/:/bin/sh\n' >"$top/root/etc/passwd.new"
	mv "$top/root/etc/passwd.new" "$top/root/etc/passwd"
	as_later() { [[ $(setpriv --reuid 64999 --clear-groups "$top/root/bin/service") == 300 ]]; }
	soon as_later
	soon score_is "$running" 300
	kill "$running"
	# Numbered anew.
	sed -i 's/64999/64998/g' "$top/root/etc/passwd"
	not_as_later() { ! as_later; }
	soon not_as_later
}

@test "what others name as their script is not looked for: their file system may never answer" {
	script /bin/sh
	chmod 755 "$top"
	mkdir "$top/silent"
	"$SILENT" "$top/silent" &
	local files=$! other
	soon grep -q " $top/silent " /proc/mounts
	setpriv --reuid 65534 --clear-groups sh "$top/silent/service" &
	other=$!
	guarded
	[ "$(timeout 10 "$top/bin/service" | paste -sd ' ')" = '300 300' ]
	[ "$(timeout 10 "$HOLDFAST" --profiles "$top/profiles" --rundir "$top/run" status --why "$other")" = 'not service: another user runs it' ]
	kill "$files"
	wait "$other" || :
	[ "$(grep -c 'started again' "$top/log")" = 0 ]
}

@test "a script's path among the arguments of another program makes that no service" {
	script '/usr/bin/env sh'
	tail -f "$top/bin/service" >/dev/null &
	local other=$!
	sh -c 'sleep 30; :' "$top/bin/service" &
	local shell=$!
	sleep 1.1
	guarded
	score_is "$other" 0
	score_is "$shell" 0
	[ "$(on_host status --why "$other")" = 'not service: it runs another file' ]
	kill "$other" "$shell"
}

@test "scripts that run already: by env with arguments, and by an interpreter that is a script" {
	local how running
	printf '#!/bin/sh -e\n. "%s1"\n' '$' >"$top/bin/interpreter"
	chmod 755 "$top/bin/interpreter"
	for how in '/bin/sh' '/bin/sh -e' '/usr/bin/env sh' '/usr/bin/env -S sh -e -u' '/usr/bin/env -Ssh -e' '/usr/bin/env -S -u NAME sh' "$top/bin/interpreter"; do
		printf '#!%s\nsleep 30; :\n' "$how" >"$top/bin/service.new"
		chmod 755 "$top/bin/service.new"
		mv "$top/bin/service.new" "$top/bin/service"
		"$top/bin/service" &
		running=$!
		sleep 1.1
		write_profile
		expect 0 on_host guard --once
		echo "$how: $(<"/proc/$running/oom_score_adj")"
		score_is "$running" 300
		pkill -P "$running" || :
		kill "$running" 2>/dev/null || :
	done
}

@test "a profile in a directory that was replaced, or is there again, takes effect" {
	write_profile
	# With a /run of its own: --profiles DIR stays what it was when the guard was started.
	# shellcheck disable=SC2016 # expanded inside
	timeout 120 unshare --mount bash -c '
		set -e
		starts_with() { until [ "$("$top/bin/service")" = "$1" ]; do sleep 0.1; done; }
		profile=$(<"$top/profiles/default.yaml")
		mount -t tmpfs none /run
		mkdir -p /run/holdfast/profiles
		printf "%s\n" "$profile" >/run/holdfast/profiles/default.yaml
		"$HOLDFAST" --rundir "$top/run" guard 2>"$top/log" &
		starts_with 300
		mkdir /run/holdfast/new
		printf "%s\n" "${profile/300/310}" >/run/holdfast/new/default.yaml
		mv /run/holdfast/profiles /run/holdfast/old
		mv /run/holdfast/new /run/holdfast/profiles
		starts_with 310
		rm -r /run/holdfast
		sleep 1.5
		starts_with 310
		mkdir -p /run/holdfast/profiles
		printf "%s\n" "${profile/300/320}" >/run/holdfast/profiles/default.yaml
		starts_with 320
		kill $!
		wait $!
	'
	grep -q 'the new profile cannot be used; the old one stays in force' "$top/log"
}
