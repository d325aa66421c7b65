#!/usr/bin/env bats
# Drift: what differs from the profile, and which line of the system's own sysctl configuration made it so.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

setup_machine() {
	kernel_defaults
	mkdir -p root/{etc,run,usr/lib,usr/local/lib,lib}/sysctl.d
	profile default <<-'END'
		vm: { panic_on_oom: always }
		sysctl: { kernel.panic: 10, net.ipv4.conf.all.rp_filter: 1 }
	END
	kernel vm/panic_on_oom=2 kernel/panic=10 net/ipv4/conf/all/rp_filter=1
}

# overridden_by WHERE [VALUE]: kernel.panic, found at VALUE (5), drifted because of WHERE; "nothing": it drifted without such a line.
overridden_by() {
	kernel "kernel/panic=${2:-5}"
	expect 1 holdfast --json verify
	json_is '.settings[] | select(.key == "kernel.panic") | [.result, (.overridden_by // "nothing")] | join(" ")' \
		"$([[ $1 == nothing ]] && echo drifted || echo overridden) $1"
}

@test "all holds" {
	untouched expect 0 holdfast verify
	output_is <<<'default: 3 of 3 settings hold'
	untouched expect 0 holdfast -q verify
	[[ -z $output ]]
	untouched expect 0 holdfast -v verify
	output_has 'vm.panic_on_oom: 2 (holds)'
}

@test "drift is named, nothing is written, and the exit status says so" {
	kernel kernel/panic=5
	untouched expect 1 holdfast verify
	output_is <<-'END'
		kernel.panic: 5, 10 wanted (drifted)
		default: 2 of 3 settings hold
	END
	expect 1 holdfast --json verify
	json_is '.settings[] | select(.key == "kernel.panic") | [.result, .wanted, .before, .source]' '["drifted","10","5","default.yaml:4"]'
}

@test "a key that is gone" {
	rm root/proc/sys/kernel/panic
	expect 1 holdfast verify
	output_has 'kernel.panic: 10 wanted (absent): this kernel has no such key'
}

@test "the sysctl.d file and line that override it" {
	printf '# vendor\n\nkernel.panic = 5\n' >root/usr/lib/sysctl.d/50-default.conf
	kernel kernel/panic=5
	expect 1 holdfast verify
	output_has 'kernel.panic: 5, 10 wanted (overridden); overridden by /usr/lib/sysctl.d/50-default.conf:3'
}

@test "every spelling of an assignment" {
	local line
	for line in 'kernel.panic=5' 'kernel/panic = 5' '  kernel.panic  =  5  ' '-kernel.panic = 5' '- kernel.panic = 5' 'kernel.*=5' 'kernel/pani?=5'; do
		printf '%s\n' "$line" >root/etc/sysctl.d/x.conf
		overridden_by /etc/sysctl.d/x.conf:1
	done
	for line in '#kernel.panic=5' ';kernel.panic=5' 'kernel.panic' 'kernel.panic.x=5' 'kernel=5' '*.panic.*=5' 'panic=5' '*=5'; do
		printf '%s\n' "$line" >root/etc/sysctl.d/x.conf
		overridden_by nothing
	done
}

@test "a file that gives the wanted value, in whatever spelling, overrides nothing" {
	local text
	for text in 10 0xa; do
		printf 'kernel.panic = %s\n' "$text" >root/etc/sysctl.d/x.conf
		overridden_by nothing
	done
}

@test "the last assignment of the last file by name wins, wherever it lies" {
	printf 'kernel.panic=1\nkernel.panic=2\n' >root/etc/sysctl.d/10-a.conf
	overridden_by /etc/sysctl.d/10-a.conf:2 2
	printf 'kernel.panic=3\n' >root/usr/lib/sysctl.d/90-z.conf
	overridden_by /usr/lib/sysctl.d/90-z.conf:1 3
	printf 'kernel.panic=4\n' >root/run/sysctl.d/50-m.conf
	overridden_by /usr/lib/sysctl.d/90-z.conf:1 3
}

@test "a file hides its namesake in a later directory" {
	printf 'kernel.panic=5\n' | tee root/{lib,usr/lib,usr/local/lib,run,etc}/sysctl.d/x.conf >/dev/null
	overridden_by /etc/sysctl.d/x.conf:1
	rm root/etc/sysctl.d/x.conf
	overridden_by /run/sysctl.d/x.conf:1
	rm root/run/sysctl.d/x.conf
	overridden_by /usr/local/lib/sysctl.d/x.conf:1
	rm root/usr/local/lib/sysctl.d/x.conf
	overridden_by /usr/lib/sysctl.d/x.conf:1
	: >root/etc/sysctl.d/x.conf
	overridden_by nothing
	rm root/etc/sysctl.d/x.conf
	ln -s /dev/null root/run/sysctl.d/x.conf
	overridden_by nothing
}

@test "files that are not called NAME.conf, and directories, are passed over" {
	printf 'kernel.panic=1\n' | tee root/etc/sysctl.d/x root/etc/sysctl.d/x.conf~ root/etc/sysctl.d/.x.conf >/dev/null
	mkdir root/etc/sysctl.d/y.conf
	overridden_by nothing
}

@test "an exact key wins over a pattern, whatever their order" {
	printf 'kernel.panic = 10\n' >root/etc/sysctl.d/10-exact.conf
	printf 'kernel.* = 5\n' >root/etc/sysctl.d/20-pattern.conf
	overridden_by nothing
	printf 'kernel.panic = 6\n' >root/etc/sysctl.d/10-exact.conf
	overridden_by /etc/sysctl.d/10-exact.conf:1 6
}

@test "a key that is excluded from patterns" {
	printf 'kernel.* = 5\n-kernel.panic\n' >root/etc/sysctl.d/x.conf
	overridden_by nothing
}

@test "patterns do not reach across dots" {
	printf 'net.ipv4.conf.*.rp_filter = 2\n' >root/etc/sysctl.d/x.conf
	kernel net/ipv4/conf/all/rp_filter=2
	expect 1 holdfast verify
	output_has 'net.ipv4.conf.all.rp_filter: 2, 1 wanted (overridden); overridden by /etc/sysctl.d/x.conf:1'
	printf 'net.ipv4.*.rp_filter = 2\nnet.*=2\n' >root/etc/sysctl.d/x.conf
	expect 1 holdfast verify
	output_has 'net.ipv4.conf.all.rp_filter: 2, 1 wanted (drifted)'
}

@test "sysctl.conf counts last" {
	printf 'kernel.panic=1\n' >root/etc/sysctl.d/zz.conf
	printf '\nkernel.panic=2\n' >root/etc/sysctl.conf
	overridden_by /etc/sysctl.conf:2 2
}

@test "no sysctl configuration at all" {
	rm -r root/{etc,run,usr/lib,usr/local/lib,lib}/sysctl.d
	overridden_by nothing
}
