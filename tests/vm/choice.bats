#!/usr/bin/env bats
# Which profile a boot chooses. Only as far as the real root: a few seconds each.

load common

two_profiles() {
	vm_profile vmtest <"$BATS_TEST_DIRNAME/product.yaml"
	vm_profile other <<-'EOF'
		holdfast: 1
		name: other
		vm:
		  overcommit_ratio: 71
	EOF
	vm_script <<-'EOF'
		emit select holdfast select
		emit explain holdfast select --explain
		emit now grep -rs '' /proc/sys/vm /proc/sys/fs
		emit report cat /run/holdfast/report.json
		emit dmesg dmesg
	EOF
}

@test "holdfast.profile=NAME wins over a profile that matches" {
	two_profiles
	vm_boot vmtest.product=vm holdfast.profile=other init=/usr/lib/vmtest/short-init

	[ "$(vm_section select)" = other ]
	vm_section now >"$VM/now"
	holds "$VM/now" vm.overcommit_ratio 71
	[ "$(json report .profile)" = other ]
	[ "$(json report .reason)" = command-line ]
	[ "$(json report '[.settings[] | select(.key == "fs.pipe-max-size")] | length')" = 0 ]
}

@test "without it the profile that matches is chosen" {
	two_profiles
	vm_boot vmtest.product=vm init=/usr/lib/vmtest/short-init

	[ "$(vm_section select)" = vmtest ]
	vm_section now >"$VM/now"
	holds "$VM/now" vm.overcommit_ratio 83
	[ "$(json report .reason)" = match ]
}

@test "holdfast.profile= names a profile that does not exist: said in the kernel log, and the boot goes on" {
	two_profiles
	vm_boot vmtest.product=vm holdfast.profile=nosuch init=/usr/lib/vmtest/short-init

	kernel_log nosuch
	vm_section end
	vm_section now >"$VM/now"
	holds "$VM/now" fs.pipe-max-size 1048576
}

@test "two profiles that match equally well: the kernel log names both, and the boot goes on" {
	two_profiles
	sed 's/^name: vmtest/name: twin/' "$BATS_TEST_DIRNAME/product.yaml" | vm_profile twin
	vm_boot vmtest.product=vm init=/usr/lib/vmtest/short-init

	kernel_log 'vmtest.*twin|holdfast: .*twin.*vmtest'
	vm_section end
	vm_section now >"$VM/now"
	holds "$VM/now" fs.pipe-max-size 1048576
}
