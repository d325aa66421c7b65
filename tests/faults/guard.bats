#!/usr/bin/env bats
# Every system call and every allocation of the guard fails, one at a time, while it starts and while it works: no program is kept from starting, and the guard
# works, or has said why it does not. On this machine's kernel, with positive scores, as in ../guard.bats.

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

# worked TRACER...: a guard below TRACER that starts, works for a moment and is ended; a service that starts meanwhile is not kept waiting
# for longer than a hung guard may keep it. Its status; $slow and $score tell of the service.
worked() {
	local status=0
	slow='' score=''
	rm -rf "$top/run/holdfast"
	"$@" "${run_it[@]}" >stdout 2>stderr </dev/null &
	guard=$!
	for _ in {1..40}; do
		[[ ! -e $top/run/holdfast/guard.sock ]] || break
		kill -0 "$guard" 2>/dev/null || break
		sleep 0.05
	done
	for _ in 1 2 3; do
		score=$(timeout -s KILL 5 "$top/bin/service") || slow=yes
	done
	pkill -TERM -P "$guard" 2>/dev/null || :
	for _ in {1..60}; do
		kill -0 "$guard" 2>/dev/null || break
		sleep 0.05
	done
	pkill -KILL -P "$guard" 2>/dev/null || :
	wait "$guard" || status=$?
	guard=''
	return "$status"
}

# let_programs_start FAULT STATUS
let_programs_start() {
	# Whom SIGTERM does not end SIGKILL does.
	(($2 <= 4 || $2 == 137)) || {
		printf '%s: status %s\n' "$1" "$2"
		return 1
	}
	! grep 'ended by signal' stderr || {
		printf '%s: the worker has crashed\n' "$1"
		return 1
	}
	[[ -z $slow ]] || {
		printf '%s: a program was kept waiting\n' "$1"
		return 1
	}
	[[ $score == 300 || -s stderr ]] || {
		printf '%s: a score of %s, and not a word\n' "$1" "$score"
		return 1
	}
}

@test "guard: each system call fails, and no program is kept waiting" {
	local call number error status bad=0
	printf 'FAULTS=%s\n' "$FAULTS"
	worked strace -f -qq -e signal=none -o trace || :
	[[ $score == 300 ]]
	calls_of trace >calls
	faults_of calls >/dev/null
	while read -r call number error; do
		status=0
		worked strace -f --seccomp-bpf -qq -e signal=none -e "trace=$call" -e "inject=$call:error=$error:when=$number" -o /dev/null || status=$?
		let_programs_start "$call $number: $error" "$status" || bad=1
	done < <(
		printf 'write %d EIO\n' 6 7 8 # the answers at the gate are among them
		faults_of calls | chosen_few 24
	)
	((bad == 0))
}

@test "guard: each allocation fails, and no program is kept waiting" {
	local n total status bad=0
	printf 'FAULTS=%s\n' "$FAULTS"
	cc -shared -fPIC -O1 -o fail.so "$TESTS/faults/fail.c"
	worked env LD_PRELOAD="$PWD/fail.so" ALLOCATIONS=count
	[[ $score == 300 ]]
	# Of the supervisor and of the worker, which goes on counting.
	total=$(sed -n 's/^allocations: //p' stderr | sort -n | tail -n 1)
	while read -r n; do
		status=0
		worked env LD_PRELOAD="$PWD/fail.so" ALLOCATIONS="$n" || status=$?
		let_programs_start "allocation $n" "$status" || bad=1
	done < <(seq "$total" | chosen_few 16)
	((total > 5 && bad == 0))
}
