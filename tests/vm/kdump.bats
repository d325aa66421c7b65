#!/usr/bin/env bats
# The crash kernel: armed, entered by a real shortage of memory, the dump saved, the machine up again.

load common
# shellcheck source-path=SCRIPTDIR
. "$BATS_TEST_DIRNAME/small.bash"

# Two disks and an initramfs, for the file.
setup_machines() {
	local root=$BATS_FILE_TMPDIR/root boot=$BATS_FILE_TMPDIR/boot
	mkdir -p "$boot"
	with_lock "$BATS_TEST_DIRNAME/build-capture" "$boot/holdfast-capture.img" "$BATS_TEST_DIRNAME/kdump.yaml"
	cp "$VM_KERNEL" "$boot/vmlinuz"
	chmod 600 "$boot"/*
	mke2fs -q -t ext4 -O '^has_journal' -E root_owner=0:0 -L boot -d "$boot" "$BATS_FILE_TMPDIR/boot.img" 24M
	small_root "$root" <<-'EOF'
		for module in virtio_pci virtio_blk crc32c_generic ext4; do
			modprobe $module
		done
		mount -t tmpfs tmpfs /run
	EOF
	small_opened "$root" libmount.so.1 libkmod.so.2
	small_modules "$root" virtio_pci virtio_blk ext4 crc32c_generic ramoops
	install -D -m 644 "$BATS_TEST_DIRNAME/kdump.yaml" "$root/etc/holdfast/profiles/kdump.yaml"
	small_initrd "$root" "$BATS_FILE_TMPDIR/initrd"
}

# machine: stdin is what it does at each boot.
machine() {
	vm_use_initrd "$BATS_FILE_TMPDIR/initrd"
	vm_restarts
	vm_disk "$BATS_FILE_TMPDIR/boot.img"
	mke2fs -q -t ext4 -E root_owner=0:0 -L data "$VM/data.img" 64M
	vm_kept_disk "$VM/data.img"
	vm_initramfs_file vmtest/run
}

# boot MEMORY RESERVED
boot() {
	VM_MEMORY=$1 vm_boot vmtest.product=kdump "crashkernel=$2"
}

@test "a shortage of memory: dump and kernel log are on the disk, and the machine is up again" {
	machine <<-'EOF'
		holdfast apply --stage devices
		holdfast apply --stage root
		emit status holdfast kdump status
		mkdir -p /mnt && mount LABEL=data /mnt
		if [ ! -e /mnt/crash/000001-* ]; then
			cat /sys/kernel/kexec_crash_loaded
			umount /mnt
			tail /dev/zero
			sleep 100
		fi
		emit list find /mnt -type f
	EOF
	boot 512 128M
	vm_section list
}
