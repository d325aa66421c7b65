# shellcheck shell=bash
# Commands whose system calls and allocations fail, each once. Loaded by the *.bats files beside it. FAULTY names the program; the sanitizers' build
# tells also what a failure leaks.

FAULTY=${FAULTY:-$TESTS/../build/release/holdfast}

# Which faults: "all", or a number that the choice is made from; a failed test prints it.
FAULTS=${FAULTS:-$RANDOM}
# shellcheck disable=SC2034 # read by bats
[[ $FAULTS != all ]] || BATS_TEST_TIMEOUT=10800

# What a call may fail with. A call that is in neither table fails the test: it has to be thought about.
declare -gA ERRORS=(
	[openat]='EACCES EMFILE' [openat2]='EACCES ENFILE' [read]='EIO EINTR' [pread64]=EIO [write]='ENOSPC EIO' [pwrite64]=EIO
	[getdents64]=EIO [newfstatat]=EACCES [fstat]=EIO [statx]=EIO [readlinkat]=EIO [readlink]=EACCES [faccessat2]=EACCES [faccessat]=EACCES
	[access]=EACCES [mkdirat]=ENOSPC [renameat]=EIO [renameat2]=EIO [linkat]=EIO [symlinkat]=ENOSPC [unlinkat]=EROFS [fsync]=EIO
	[fchmod]=EPERM [fchmodat]=EPERM [fchown]=EPERM [utimensat]=EPERM [ftruncate]=ENOSPC [flock]='ENOLCK EINTR' [fcntl]=EMFILE [dup]=EMFILE
	[dup2]=EMFILE [dup3]=EMFILE [lseek]=ESPIPE [ioctl]=ENOTTY [mmap]=ENOMEM [uname]=EFAULT [sysinfo]=EFAULT [statfs]=EIO [fstatfs]=EIO
	[socket]=EMFILE [connect]=ECONNREFUSED [sendto]=EPIPE [recvfrom]='ECONNRESET ENOBUFS' [setsockopt]=EPERM [getcwd]=EACCES [fchdir]=EACCES
	[clone]=EAGAIN [clone3]=EAGAIN [pipe2]=EMFILE [prlimit64]=EPERM [sched_getaffinity]=EPERM [copy_file_range]=EIO
	[bind]=EACCES [capget]=EPERM [capset]=EPERM [fanotify_init]=EPERM [fanotify_mark]=ENOSPC [inotify_init1]=EMFILE
	[inotify_add_watch]=ENOSPC [kill]=EPERM [listen]=EADDRINUSE [mlockall]=ENOMEM [perf_event_open]=EACCES [pidfd_open]=EMFILE [poll]=EINTR
	[setpriority]=EPERM [signalfd4]=EMFILE [unlink]=EACCES [link]=EPERM
	[mkdir]=ENOSPC [kexec_file_load]='EPERM ENOMEM ENOEXEC EBUSY EADDRNOTAVAIL' [mount]='ENOMEM EBUSY' [umount2]=EBUSY [reboot]=EPERM
	[fadvise64]=EINVAL [fallocate]=ENOSPC [fgetxattr]=EIO [finit_module]=EPERM
)
# These cannot fail (brk gives no error but the old end), or their result is of no interest.
IGNORED='execve exit exit_group close munmap mprotect madvise mremap rt_sigaction rt_sigprocmask sigaltstack getpid gettid getuid geteuid'
IGNORED+=' getgid getegid getppid futex set_tid_address set_robust_list rseq getrandom clock_gettime clock_nanosleep gettimeofday'
IGNORED+=' sync brk arch_prctl wait4 waitid munlockall sched_yield restart_syscall prctl umask'
# A sanitizer's own must not fail, and it wants no allocations before its own.
if [[ $FAULTY == */san/* ]]; then
	IGNORED+=' mmap open'
	ASAN_OPTIONS+=:verify_asan_link_order=0
	LSAN_OPTIONS+=:suppressions=$TESTS/faults/lsan.supp:print_suppressions=0
fi

# traced COMMAND...: how often it makes each system call, "NUMBER CALL" a line.
traced() {
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 strace -f -qq -e signal=none -o trace "$@" >/dev/null 2>&1 || :
	calls_of trace
}

# calls_of TRACE: the same of a trace; of several processes the one that makes most of them counts, as strace counts by process.
calls_of() {
	sed -nE 's/^([0-9]+) +([a-z0-9_]+)\(.*/\1 \2/p' "$1" | sort | uniq -c |
		awk '$1 > n[$3] { n[$3] = $1 } END { for (call in n) print n[call], call }' | sort -k 2
}

# faults COMMAND...: a line "CALL NUMBER ERROR" for each way in which one call can fail; without those that start the program.
faults() {
	traced "$@" >calls
	traced "$FAULTY" --version >first_calls
	faults_of calls first_calls
}

# faults_of CALLS FIRST: the same of a list of calls, without the first ones, those of the other list.
faults_of() {
	local call count first error i
	declare -A at_start=()
	while read -r count call; do
		at_start[$call]=$count
	done <"$2"
	while read -r count call; do
		[[ " $IGNORED " != *" $call "* ]] || continue
		[[ -n ${ERRORS[$call]+known} ]] || {
			printf 'what can %s fail with?\n' "$call" >&2
			return 1
		}
		first=${at_start[$call]:-0}
		for error in ${ERRORS[$call]}; do
			for ((i = first + 1; i <= count; i++)); do
				printf '%s %d %s\n' "$call" "$i" "$error"
			done
		done
	done <"$1"
}

# chosen: of the faults on stdin each call and error once, and one in eight of the others.
chosen() {
	if [[ $FAULTS == all ]]; then
		cat
	else
		shuf --random-source=<(yes "$FAULTS") | awk '!seen[$1, $3]++ || NR % 8 == 0'
	fi
}

# chosen_few N: N of them, whatever they are.
chosen_few() {
	if [[ $FAULTS == all ]]; then
		cat
	else
		shuf --random-source=<(yes "$FAULTS") -n "$1"
	fi
}

# count WHAT N: so many of them have failed in this test; a line of $FAULTS_COUNTS, where somebody wants to know.
count() {
	[[ -z ${FAULTS_COUNTS:-} ]] || printf '%s\t%s\t%d\n' "$BATS_TEST_DESCRIPTION" "$1" "$2" >>"$FAULTS_COUNTS"
}

# numbers_of_errors: "CALL ERROR" and the kernel's numbers for them, for all that is in the table.
numbers_of_errors() {
	local call error
	{
		printf '#include <errno.h>\n#include <sys/syscall.h>\n'
		for call in "${!ERRORS[@]}"; do
			for error in ${ERRORS[$call]}; do
				printf '"%s %s" SYS_%s %s\n' "$call" "$error" "$call" "$error"
			done
		done
	} | cc -E -P - | tr -d '"'
}

# injection CALL NUMBER ERROR: $inject are the words before a command of which that call is to fail; "injected" says whether it came to it.
injection() {
	[[ -e inject ]] || cc -O1 -o inject "$TESTS/faults/inject.c"
	[[ -e numbers ]] || numbers_of_errors >numbers
	: >injected
	# shellcheck disable=SC2207 # two numbers
	inject=(./inject injected $(sed -n "s/^$1 $3 \([0-9]\)/\1/p" numbers) "$2")
}

# each_fault PREPARE JUDGE COMMAND...: PREPARE, then the command with one fault, for each. It must end by itself and say what is wrong if
# its status is not 0; JUDGE STATUS looks at what it did.
each_fault() {
	local prepare=$1 judge=$2 call number error status faults n=0 hit=0 bad=0
	shift 2
	printf 'FAULTS=%s\n' "$FAULTS"
	"$prepare"
	faults=$(faults "$@") || return
	while read -r call number error; do
		"$prepare"
		status=0
		injection "$call" "$number" "$error"
		timeout -s KILL 20 "${inject[@]}" "$@" >stdout 2>stderr </dev/null || status=$?
		judged "$call $number: $error" "$status" "$judge" || bad=$((bad + 1))
		n=$((n + 1))
		! grep -q INJECTED injected || hit=$((hit + 1))
	done < <(chosen <<<"$faults")
	count 'system calls' "$hit"
	hit_enough "$hit" "$n" && ((bad == 0))
}

# hit_enough HIT N: a command does not always make the same calls; but if many of the faults were at none, nothing is tested.
hit_enough() {
	printf '%d of %d faults were put in\n' "$1" "$2"
	(($1 > 5 && $1 * 4 >= $2 * 3))
}

# each_allocation PREPARE JUDGE COMMAND...: the same with each allocation.
each_allocation() {
	local prepare=$1 judge=$2 number total status n=0 bad=0
	shift 2
	printf 'FAULTS=%s\n' "$FAULTS"
	[[ -e fail.so ]] || cc -shared -fPIC -O1 -fno-omit-frame-pointer -o fail.so "$TESTS/faults/fail.c"
	"$prepare"
	total=$({ LD_PRELOAD=$PWD/fail.so ALLOCATIONS=count "$@" 2>&1 >/dev/null || :; } | sed -n 's/^allocations: //p')
	while read -r _ number _; do
		"$prepare"
		status=0
		timeout -s KILL 20 env LD_PRELOAD="$PWD/fail.so" ALLOCATIONS="$number" "$@" >stdout 2>stderr </dev/null || status=$?
		judged "allocation $number" "$status" "$judge" || bad=$((bad + 1))
		n=$((n + 1))
	done < <(seq -f 'allocation %.0f ENOMEM' "$total" | chosen)
	count allocations "$n"
	((total > 5 && bad == 0))
}

# judged FAULT STATUS JUDGE
judged() {
	local fault=$1 status=$2 complaint=''
	if ((status > 4)); then
		complaint="ended with status $status"
	elif ((status != 0)) && [[ ! -s stderr && ! -s stdout ]]; then
		complaint="status $status and not a word"
	elif ! "$3" "$status" >complaint 2>&1; then
		complaint=$(head -n 20 complaint)
	fi
	[[ -n $complaint ]] || return 0
	printf '%s: %s\n--- status %s, stderr\n%s\n' "$fault" "$complaint" "$status" "$(tail -n 20 stderr)"
	return 1
}

# no_remains DIR: no file there that is not whole.
no_remains() {
	local found
	found=$(find "$1" -name '.*' -type f)
	[[ -z $found ]] || {
		printf 'left behind: %s\n' "$found"
		return 1
	}
}
