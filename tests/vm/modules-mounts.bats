#!/usr/bin/env bats
# Module and mount settings, with real modules and a real disk, in a whole boot.

load common

# An initramfs by initramfs-tools for these tests' profiles, and a disk to mount: once for the file.
setup_machines() {
	local dir=$BATS_FILE_TMPDIR/content
	with_lock "$BATS_TEST_DIRNAME/build-initrd" "$BATS_FILE_TMPDIR/initrd" "$BATS_TEST_DIRNAME/hardware.yaml"
	mkdir -p "$dir"
	echo "unit 4711" >"$dir/identity"
	mke2fs -q -t ext4 -L config -d "$dir" "$BATS_FILE_TMPDIR/config.img" 8M
}

hardware() {
	vm_use_initrd "$BATS_FILE_TMPDIR/initrd"
	vm_file etc/holdfast/profiles/hardware.yaml <"$BATS_TEST_DIRNAME/hardware.yaml"
	vm_script <<-'EOF'
		emit modules cat /proc/modules
		emit initramfs-modules cat /run/vmtest/initramfs-modules
		emit zrams ls /sys/block
		emit dummies ls /sys/class/net
		emit identity cat /run/holdfast/config/identity
		emit mount findmnt -n -o SOURCE,FSTYPE,OPTIONS /run/holdfast/config
		emit autoload modprobe -b "$(cat /sys/bus/pci/devices/0000:00:01.3/modalias)"
		emit after-autoload cat /proc/modules
		emit report cat /run/holdfast/report.json
		emit verify holdfast verify
		emit again holdfast apply
		emit running systemctl is-active basic.target
		emit dmesg dmesg
	EOF
}

@test "modules are loaded with their options and dependencies, a disk is mounted by its label, a blocked module stays out" {
	hardware
	vm_disk "$BATS_FILE_TMPDIR/config.img"
	vm_boot vmtest.product=hardware

	# Options: three zram devices, two dummy interfaces.
	[ "$(vm_section zrams | grep -c '^zram')" = 3 ]
	[ "$(vm_section dummies | grep -c '^dummy')" = 2 ]
	vm_section modules | grep '^zsmalloc .* zram,'
	# In the initramfs already, before the root was mounted.
	vm_section initramfs-modules | grep '^zram '

	[ "$(vm_section identity)" = "unit 4711" ]
	vm_section mount | grep -E '^/dev/vdb +ext4 +.*\bro\b'
	local option
	for option in nosuid nodev noexec; do
		vm_section mount | grep -w "$option"
	done

	# The bus asks for i2c_piix4 by its alias, in the initramfs, in the system, and once more now.
	run vm_section initramfs-modules
	[[ $output != *i2c_piix4* ]]
	run vm_section after-autoload
	[[ $output != *i2c_piix4* ]]

	[ "$(json report '[.settings[] | select(.result != "set" and .result != "holds")] | length')" = 0 ]
	[ "$(json report '.errors | length')" = 0 ]
	[ "$(vm_status verify)" = 0 ]
	[ "$(vm_status again)" = 0 ]
}

@test "a disk that is missing: waited for, not for ever; the boot comes up and the log names it" {
	hardware
	vm_boot vmtest.product=hardware

	[ "$(vm_section running)" = active ]
	[ "$(vm_status identity)" != 0 ]
	kernel_log 'waiting for LABEL=config, [0-9]+ s at most'
	kernel_log '/run/holdfast/config'
	# The rest is done all the same.
	[ "$(vm_section zrams | grep -c '^zram')" = 3 ]
	[ "$(json report '[.settings[] | select(.result == "failed" or .result == "absent")] | length')" -ge 1 ]
}

@test "a module that is missing: the boot comes up, the log and the report name it" {
	vm_profile vmtest <<-'EOF'
		holdfast: 1
		name: vmtest
		match:
		  - cmdline: { vmtest.product: vm }
		vm:
		  overcommit_ratio: 83
		modules:
		  load:
		    - { name: no_such_module, required: true }
	EOF
	vm_script <<-'EOF'
		emit now grep -rs '' /proc/sys/vm
		emit report cat /run/holdfast/report.json
		emit dmesg dmesg
	EOF
	vm_boot vmtest.product=vm init=/usr/lib/vmtest/short-init

	vm_section now >"$VM/now"
	holds "$VM/now" vm.overcommit_ratio 83
	kernel_log no_such_module
	[ "$(json report '[.settings[] | select(.key | test("no_such_module")) | .result] | first')" = absent ]
}
