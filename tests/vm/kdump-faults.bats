#!/usr/bin/env bats
# The crash kernel is loaded and unloaded for real, and each system call and each allocation of that fails, one at a time: a shortage of memory is a
# panic only where the crash kernel is armed, whatever has failed. Which faults, and how many of them, is said as in ../faults.

load common
# shellcheck source-path=SCRIPTDIR
. "$BATS_TEST_DIRNAME/crash.bash"
# shellcheck source-path=SCRIPTDIR
. "$BATS_TEST_DIRNAME/../faults/lib.bash"

setup_machines() {
	local root=$BATS_FILE_TMPDIR/root
	kdump_machines
	install -D "$VM_ROOT_TREE/usr/bin/strace" "$root/usr/bin/strace"
	small_libraries "$root" /usr/bin/strace
	cc -shared -fPIC -O1 -o "$root/fail.so" "$BATS_TEST_DIRNAME/../faults/fail.c"
	# What is locked once could not be loaded again.
	sed -i 's/lock: true/lock: false/' "$root/etc/holdfast/profiles/kdump.yaml"
	small_initrd "$root" "$BATS_FILE_TMPDIR/initrd"
}

# machine ACTION: one that does what stdin says, for `kdump ACTION`.
machine() {
	kdump_machine 0 < <(
		printf 'action=%s\n' "$1"
		cat <<-'EOF'
			holdfast -q apply --stage devices
			cp -a /run/holdfast /run/kept

			# As it is where nothing has failed yet.
			prepare() {
				rm -rf /run/holdfast
				cp -a /run/kept /run/holdfast
				case $action in
				load) holdfast -q kdump unload ;;
				unload) holdfast -q kdump load ;;
				esac
			}

			# traced FILE COMMAND...
			traced() {
				file=$1
				shift
				strace -f -qq -e signal=none -o "$file" "$@" >/dev/null
			}

			counted() {
				LD_PRELOAD=/fail.so ALLOCATIONS=count holdfast --json kdump $action
			}

			# tried FAULT WORD...: what the action comes to behind these words of a command.
			tried() {
				fault=$1
				shift
				prepare
				status=0
				: >/run/injected
				timeout -s KILL 120 "$@" holdfast --json kdump $action >/run/stdout 2>/run/stderr || status=$?
				echo "$fault: status=$status loaded=$(cat /sys/kernel/kexec_crash_loaded) panic_on_oom=$(cat /proc/sys/vm/panic_on_oom)" \
					"armed=$(sed -n 's/^ *"armed": \([a-z]*\),*$/\1/p' /run/stdout)" \
					"words=$(cat /run/stdout /run/stderr | wc -w) left=$(find /run/holdfast -name '.*' -type f | wc -l)" \
					"hit=$(grep -c INJECTED /run/injected)"
			}

			each() {
				while read -r call number error; do
					case $call in
					allocation) tried "$call $number" env LD_PRELOAD=/fail.so ALLOCATIONS="$number" ;;
					*) tried "$call $number $error" strace -f --seccomp-bpf -qq -e signal=none -e "trace=$call" \
						-e "inject=$call:error=$error:when=$number" -o /run/injected ;;
					esac
				done </vmtest/faults
			}
		EOF
		cat
	)
}

# right ACTION: it ended by itself, has said something, and what it said is so.
right() {
	((status <= 4 && words > 0 && left == 0)) || return
	[[ $panic_on_oom == 0 || $loaded == 1 ]] || return
	[[ $armed != true || $loaded == 1 ]] || return
	[[ $armed != false || $loaded == 0 ]] || return
	case $1.$status in
	load.0) [[ $loaded.$panic_on_oom == 1.2 ]] ;;
	unload.0) [[ $loaded.$panic_on_oom == 0.0 ]] ;;
	esac
}

# each_fault_of ACTION
each_fault_of() {
	local line status loaded panic_on_oom armed words left hit calls=0 hits=0 bad=0
	printf 'FAULTS=%s\n' "$FAULTS"
	cd -- "$BATS_TEST_TMPDIR" || return
	machine "$1" <<-'EOF'
		prepare
		traced /run/first holdfast --version
		traced /run/trace holdfast --json kdump $action
		emit first cat /run/first
		emit trace cat /run/trace
		prepare
		emit allocations counted
	EOF
	kdump_boot 128M
	calls_of <(vm_section first) >first_calls
	calls_of <(vm_section trace) >calls
	faults_of calls first_calls | chosen_few 12 >faults
	seq -f 'allocation %.0f' "$(vm_section allocations | sed -n 's/^allocations: //p')" | chosen_few 4 >>faults

	vm_new "$BATS_TEST_TMPDIR/faulty"
	vm_initramfs_file vmtest/faults <faults
	machine "$1" <<<'emit each each'
	VM_TIMEOUT=10000 kdump_boot 128M
	vm_section each >came
	while IFS= read -r line; do
		# shellcheck disable=SC2086 # words of the form NAME=VALUE
		local ${line#*: }
		right "$1" || {
			printf '%s\n' "$line"
			bad=1
		}
		[[ $line == allocation* ]] || calls=$((calls + 1))
		hits=$((hits + (hit > 0)))
	done <came
	count allocations "$(($(wc -l <came) - calls))"
	count 'system calls' "$hits"
	(($(wc -l <faults) > 12))
	[ "$(wc -l <came)" = "$(wc -l <faults)" ]
	hit_enough "$hits" "$calls"
	((bad == 0))
}

@test "kdump load: each system call and each allocation fails; only where it is armed, a shortage is a panic" {
	each_fault_of load
}

@test "kdump unload: each system call and each allocation fails; only where it is still armed, a shortage is a panic" {
	each_fault_of unload
}
