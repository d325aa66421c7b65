#!/usr/bin/env bats
# /run is where the report lives; a boot must come up, with its settings applied, when nothing can be written there.

load common

# What makes /run useless, as a script run first in the initramfs.
boot_with() {
	vm_initramfs_file vmtest/init-top
	vm_profile vmtest <"$BATS_TEST_DIRNAME/product.yaml"
	vm_script <<-'EOF'
		emit now grep -rs '' /proc/sys/vm /proc/sys/fs
		emit run stat -f -c '%a' /run
		emit report cat /run/holdfast/report.json
		emit dmesg dmesg
	EOF
	vm_boot vmtest.product=vm initramfs.runsize=1M init=/usr/lib/vmtest/short-init
	vm_section now >"$VM/now"
	holds "$VM/now" fs.pipe-max-size 524288
	holds "$VM/now" vm.overcommit_ratio 83
	kernel_log '/run.*report|report.*/run'
	# Half a report would be worse than none.
	if [ "$(vm_status report)" = 0 ]; then
		json report . >/dev/null
	fi
}

@test "/run is full: settings are applied, the kernel log says that the report is lost" {
	boot_with <<-'EOF'
		dd if=/dev/zero of=/run/fill bs=4096 2>/dev/null
	EOF
	[ "$(vm_section run)" = 0 ]
}

@test "/run is read-only: settings are applied, the kernel log says that the report is lost" {
	boot_with <<-'EOF'
		mount -o remount,ro /run
	EOF
	[ "$(vm_status report)" != 0 ]
}
