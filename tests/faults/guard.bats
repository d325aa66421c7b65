#!/usr/bin/env bats
# Every system call and every allocation of the guard fails, one at a time, while it starts and while it works: no program is kept from starting, and the guard
# works, or has said why it does not; nothing leaks. On this machine's kernel, with positive scores, as in ../guard.bats.

load ../lib
load lib

setup_machine() {
	top=$(mktemp -d -p /opt holdfast-test.XXXXXX)
	mkdir -p "$top"/{bin,run,profiles}
	cc -O1 -static -o "$top/bin/service" "$TESTS/vm/guest/score.c"
	printf '%s\n' 'holdfast: 1' 'name: default' 'protect:' \
		"  - { service: service, exe: $top/bin/service, oom_score_adj: 300, release_to: 500 }" >"$top/profiles/default.yaml"
	run_it=("$FAULTY" --profiles "$top/profiles" --rundir "$top/run" guard)
}

teardown() {
	[[ -z ${guard:-} ]] || { kill "$guard" && wait "$guard"; } 2>/dev/null || :
	rm -rf -- "$top"
}

descriptors() {
	find "/proc/$1/fd" -mindepth 1 2>/dev/null | wc -l
}

# come_down_to NUMBER PID: so few descriptors are open, as soon as what is being done is done.
come_down_to() {
	for _ in {1..100}; do
		(($(descriptors "$2") > $1)) || return 0
		sleep 0.02
	done
	return 1
}

# worked TRACER...: a guard below TRACER that starts, works for a moment and is ended; a service that starts meanwhile is not kept waiting
# for longer than a hung guard may keep it. Its status; $slow and $scores tell of the service's starts, $leaked of descriptors. With $attached,
# options of strace, its worker is traced once it is ready.
worked() {
	local status=0 supervisor worker open
	slow='' scores='' leaked=''
	rm -rf "$top/run/holdfast"
	"$@" "${run_it[@]}" >stdout 2>stderr </dev/null &
	guard=$!
	for _ in {1..100}; do
		[[ ! -e $top/run/holdfast/guard.sock ]] || break
		kill -0 "$guard" 2>/dev/null || break
		sleep 0.05
	done
	supervisor=$guard
	[[ $1 == env ]] || supervisor=$(pgrep -P "$guard") || :
	if ((${#attached[@]} > 0)); then
		worker=$(pgrep -P "$supervisor")
		open=$(descriptors "$worker")
		strace -qq -e signal=none -p "$worker" "${attached[@]}" 2>attached &
		for _ in {1..100}; do
			! grep -q 'TracerPid:.[1-9]' "/proc/$worker/status" || break
			sleep 0.01
		done
	fi
	for _ in 1 2 3; do
		scores+=" $(timeout -s KILL 5 "$top/bin/service")" || slow=yes
	done
	[[ -z ${open:-} ]] || come_down_to "$open" "$worker" || leaked=yes
	kill "$supervisor" 2>/dev/null || :
	for _ in {1..60}; do
		kill -0 "$guard" 2>/dev/null || break
		sleep 0.05
	done
	kill -KILL "$supervisor" 2>/dev/null || :
	wait "$guard" || status=$?
	guard=''
	return "$status"
}

# What is no reason for a start without its score: what is only told, and what is wrong but concerns no start.
told='oom_score_adj -?[0-9]+$|: [0-9]+ changes were not logged|: reloaded$|protects nothing$'
besides='own oom_score_adj:|memory cannot be locked|cannot be confined|both of its processes are stopped|changes will not be noticed'
besides+='|changes of a directory will not be noticed|no (directory watch|mounts|control socket):'

# let_programs_start FAULT STATUS
let_programs_start() {
	# Whom SIGTERM does not end SIGKILL does.
	(($2 <= 4 || $2 == 137)) || {
		printf '%s: status %s\n' "$1" "$2"
		return 1
	}
	# SIGKILL is the supervisor's, of one that it takes to have hung: on a busy machine that may be so.
	! grep 'ended by signal' stderr | grep -v 'signal 9 ' || {
		printf '%s: the worker has crashed\n' "$1"
		return 1
	}
	if grep -A 20 'detected memory leaks' stderr || [[ -n $leaked ]]; then
		printf '%s: it leaks\n' "$1"
		return 1
	fi
	[[ -z $slow ]] || {
		printf '%s: a program was kept waiting\n' "$1"
		return 1
	}
	[[ $scores == ' 300 300 300' ]] || grep -qvE "$told|$besides" stderr || {
		printf '%s: scores of%s, and no word of that\n%s\n' "$1" "$scores" "$(<stderr)"
		return 1
	}
}

# each_call HOW: HOW CALL NUMBER ERROR, with each of the faults on stdin.
each_call() {
	local call number error status n=0 hit=0 bad=0
	while read -r call number error; do
		status=0
		"$1" "$call" "$number" "$error" || status=$?
		let_programs_start "$call $number: $error" "$status" || bad=1
		n=$((n + 1))
		! grep -q INJECTED injected || hit=$((hit + 1))
	done
	count 'system calls' "$hit"
	hit_enough "$hit" "$n" && ((bad == 0))
}

from_its_start() {
	injection "$@"
	# shellcheck disable=SC2154 # set there
	worked "${inject[@]}"
}

# Who is traced cannot be asked for leaks, but those of descriptors are seen.
attached_to_worker() {
	local -x ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
	local attached=("$@")
	worked env
}

while_it_works() {
	attached_to_worker -e "trace=$1" -e "inject=$1:error=$3:when=$2" -o injected
}

@test "guard: each system call fails while it starts, and no program is kept waiting" {
	printf 'FAULTS=%s\n' "$FAULTS"
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 worked strace -f --seccomp-bpf -qq -e signal=none -o trace || :
	[[ $scores == ' 300 300 300' ]]
	calls_of trace >calls
	traced "$FAULTY" --version >first_calls
	faults_of calls first_calls >faults
	each_call from_its_start < <(chosen_few 20 <faults)
}

@test "guard: each system call fails while it works, and no program is kept waiting" {
	printf 'FAULTS=%s\n' "$FAULTS"
	attached_to_worker -f -o trace
	[[ $scores == ' 300 300 300' ]]
	calls_of trace >calls
	faults_of calls /dev/null >faults
	each_call while_it_works < <(grep '^write ' faults && grep -v '^write ' faults | chosen_few 16) # the answers at the gate
}

@test "guard: each allocation fails, and no program is kept waiting" {
	local number total status n=0 bad=0
	printf 'FAULTS=%s\n' "$FAULTS"
	cc -shared -fPIC -O1 -o fail.so "$TESTS/faults/fail.c"
	worked env LD_PRELOAD="$PWD/fail.so" ALLOCATIONS=count
	[[ $scores == ' 300 300 300' ]]
	# Of the supervisor and of the worker, which goes on counting.
	total=$(sed -n 's/^allocations: //p' stderr | sort -n | tail -n 1)
	while read -r number; do
		status=0
		worked env LD_PRELOAD="$PWD/fail.so" ALLOCATIONS="$number" || status=$?
		let_programs_start "allocation $number" "$status" || bad=1
		n=$((n + 1))
	done < <(seq "$total" | chosen_few 16)
	count allocations "$n"
	((total > 5 && bad == 0))
}
