#!/usr/bin/env bats
# What a machine does when a setting fails: the profile's on_error decides. The kernel refuses a pid_max of 5, on every machine.

load common

# profile ON_ERROR: one setting that holds, one that cannot.
failing_profile() {
	vm_profile vmtest <<-EOF
		holdfast: 1
		name: vmtest
		match:
		  - cmdline: { vmtest.product: vm }
		on_error: $1
		vm:
		  overcommit_ratio: 83
		sysctl:
		  kernel.pid_max: 5
	EOF
}

short_script() {
	vm_script <<-'EOF'
		emit marker ls /run/holdfast/emergency
		emit system holdfast apply --stage system
		emit now grep -rs '' /proc/sys/vm /proc/sys/kernel
		emit report cat /run/holdfast/report.json
		emit dmesg dmesg
	EOF
}

@test "on_error: continue: the boot goes on, the other settings hold, log and report name what failed" {
	failing_profile continue
	short_script
	vm_boot vmtest.product=vm init=/usr/lib/vmtest/short-init

	vm_section now >"$VM/now"
	holds "$VM/now" vm.overcommit_ratio 83
	kernel_log 'kernel\.pid_max'
	[ "$(json report '.settings[] | select(.key == "kernel.pid_max") | .result')" = failed ]
	[ "$(json report '.settings[] | select(.key == "kernel.pid_max") | .source')" = vmtest.yaml:9 ]
	[ "$(json report '.settings[] | select(.key == "vm.overcommit_ratio") | .result')" = set ]
	[ "$(vm_status system)" = 1 ]
}

@test "on_error: emergency: a shell on the console, and the boot goes on when it ends" {
	failing_profile emergency
	short_script
	vm_start vmtest.product=vm loglevel=5 init=/usr/lib/vmtest/short-init
	vm_expect '^\(initramfs\)|/bin/sh: can.t access tty'
	vm_console | grep -E 'holdfast: stage early failed.*emergency'
	# A real shell, not only its prompt: it counts.
	# shellcheck disable=SC2016 # for the shell in the machine
	vm_type 'echo shell says $((41 + 1)); cat /proc/sys/vm/overcommit_ratio; exit'
	vm_expect 'shell says 42'
	# The stages that follow fail for the same reason, and ask again.
	local n
	for n in devices root; do
		vm_expect "holdfast: stage $n failed" || break
		vm_type exit
	done
	vm_wait
	vm_section end
	# Nothing is left behind that would ask once more.
	[ "$(vm_status marker)" != 0 ]
}

@test "on_error: reboot: the machine restarts before its root is mounted" {
	failing_profile reboot
	short_script
	# qemu ends at a restart.
	vm_start vmtest.product=vm init=/usr/lib/vmtest/short-init
	vm_wait
	kernel_log 'kernel\.pid_max'
	vm_console | grep -F 'reboot: Restarting system'
	[ ! -s "$VM/output" ]
}

@test "on_error: panic: the kernel panics before the root is mounted" {
	failing_profile panic
	short_script
	vm_start vmtest.product=vm init=/usr/lib/vmtest/short-init
	vm_expect 'Kernel panic - not syncing'
	kernel_log 'kernel\.pid_max'
	vm_stop
	[ ! -s "$VM/output" ]
}

@test "on_error: emergency in the system stage: systemd's emergency mode, with a shell" {
	# Once 3, ptrace_scope cannot be lowered again: the system's own settings have made the profile's impossible.
	vm_profile vmtest <<-'EOF'
		holdfast: 1
		name: vmtest
		match:
		  - cmdline: { vmtest.product: vm }
		on_error: emergency
		sysctl:
		  kernel.yama.ptrace_scope: 1
	EOF
	echo 'kernel.yama.ptrace_scope = 3' | vm_file etc/sysctl.d/99-site.conf
	# What the kernel says of devices meanwhile would stand in between.
	vm_start vmtest.product=vm loglevel=5
	vm_expect 'Press Enter for maintenance'
	kernel_log 'kernel\.yama\.ptrace_scope'
	vm_type ''
	vm_expect 'root@holdfast-vm'
	# shellcheck disable=SC2016 # for the shell in the machine
	vm_type 'echo shell says $((41 + 1)) $(systemctl is-active emergency.target multi-user.target); poweroff -f'
	vm_wait
	vm_console | grep '^shell says 42 active inactive$'
}
