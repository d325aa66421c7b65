#!/usr/bin/env bats
# How the program that is shipped was built and is installed, read from its ELF headers.

load lib

BUILT=$TESTS/../build/release
PROGRAMS=("$BUILT/holdfast" "$BUILT/holdfast-initramfs")

@test "the programs lie at a random address, and nothing in them is both writable and executable" {
	local program
	for program in "${PROGRAMS[@]}"; do
		readelf -dW "$program" | grep -q 'FLAGS_1.*PIE'
		readelf -lW "$program" | awk '$1 == "GNU_STACK" { stacks++; if ($7 ~ /E/) bad = 1 }
			$1 == "LOAD" && $7 == "RWE" { bad = 1 } END { exit bad || stacks != 1 }'
	done
}

@test "the tables of the linker are read-only before main runs" {
	local program
	for program in "${PROGRAMS[@]}"; do
		readelf -lW "$program" | grep -q GNU_RELRO
		readelf -dW "$program" | grep -q BIND_NOW
	done
}

@test "no library is looked for beside the system's own" {
	local program
	for program in "${PROGRAMS[@]}"; do
		[[ $(readelf -dW "$program" | grep -cE 'RPATH|RUNPATH') == 0 ]]
		[[ $(readelf -dW "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p') == libc.so.6 ]]
	done
}

@test "stacks are protected, and the lengths of copies and formats are checked" {
	local program symbols
	for program in "${PROGRAMS[@]}"; do
		symbols=$(nm -D "$program")
		grep -q ' __stack_chk_fail@' <<<"$symbols"
		grep -q ' __vsnprintf_chk@' <<<"$symbols"
	done
}

@test "every object of ours has calls and returns that the processor can check" {
	local machine source
	machine=$(readelf -hW "$BUILT/holdfast" | sed -n 's/^ *Machine: *//p')
	case $machine in
	*X86-64*) machine=IBT,\ SHSTK ;;
	AArch64) machine=BTI,\ PAC ;;
	*) return ;; # it has none
	esac
	for source in "$TESTS"/../src/*.c "$TESTS"/../src/*/*.c; do
		source=${source#"$TESTS"/../src/}
		readelf -nW "$BUILT/${source%.c}.o" | grep -q "feature: $machine"
	done
}

@test "a shadow stack may check the returns of the whole program" {
	local program
	[[ $(readelf -hW "$BUILT/holdfast") == *X86-64* ]] || return 0 # elsewhere each function does so by itself
	for program in "${PROGRAMS[@]}"; do
		readelf -nW "$program" | grep -q 'x86 feature: SHSTK'
	done
}

@test "nothing that is installed is setuid, setgid, or writable by others than root" {
	make -s -C "$TESTS/.." install DESTDIR="$PWD/installed" PREFIX=/usr
	[[ -z $(find installed -perm /6022 -not -type l) ]]
	[[ -x installed/usr/sbin/holdfast ]]
}
