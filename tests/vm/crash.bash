# shellcheck shell=bash
# Small machines that crash and start again. Sourced by tests, behind common.bash.

# shellcheck source-path=SCRIPTDIR
. "$VM_SRC/small.bash"

# crash_initrd FILE: an initramfs with what these profiles open, the disk's drivers, and a function for the test's script.
crash_initrd() {
	local root=$BATS_FILE_TMPDIR/root
	small_root "$root" <<-'EOF'
		for module in virtio_pci virtio_blk crc32c_generic ext4; do
			modprobe $module
		done
		mount -t tmpfs tmpfs /run
		mkdir -p /var
		# nth: how many boots there were with this disk, this one included.
		nth() {
			echo x >>/var/boots
			sync
			wc -l </var/boots | tr -d ' '
		}
	EOF
	small_opened "$root" libmount.so.1 libkmod.so.2
	small_modules "$root" virtio_pci virtio_blk ext4 crc32c_generic ramoops i6300esb
	install -D -m 644 -t "$root/etc/holdfast/profiles" "$BATS_TEST_DIRNAME"/{kdump,kdump-off,lastboot}.yaml
	small_initrd "$root" "$1"
}

# crash_machine INITRD [BYTES]: one that starts again; stdin is what it does at each boot, with LABEL=data, a disk that is kept, at /var. BYTES is how
# much this disk writes in a second.
crash_machine() {
	vm_use_initrd "$1"
	vm_restarts
	mke2fs -q -t ext4 -E root_owner=0:0 -L data "$VM/data.img" 48M >/dev/null
	vm_kept_disk "$VM/data.img" "${2:-}"
	{
		echo 'mount LABEL=data /var'
		cat
	} | vm_initramfs_file vmtest/run
}

# --- with a crash kernel ---

# kdump_machines: what machines with a crash kernel boot, and where they find its files.
kdump_machines() {
	local boot=$BATS_FILE_TMPDIR/boot
	mkdir -p "$boot"
	with_lock "$BATS_TEST_DIRNAME/build-capture" "$boot/holdfast-capture.img" "$BATS_TEST_DIRNAME"/{kdump,kdump-off}.yaml
	cp "$VM_KERNEL" "$boot/vmlinuz"
	chmod 600 "$boot"/*
	mke2fs -q -t ext4 -O '^has_journal' -E root_owner=0:0 -L boot -d "$boot" "$BATS_FILE_TMPDIR/boot.img" 24M
	crash_initrd "$BATS_FILE_TMPDIR/initrd"
	# For a kernel that leaves loading to a program.
	install -D "$VM_ROOT_TREE/sbin/kexec" "$BATS_FILE_TMPDIR/root/sbin/kexec"
	small_libraries "$BATS_FILE_TMPDIR/root" /sbin/kexec
	cc -O2 -static -o "$BATS_FILE_TMPDIR/root/bin/old-kernel" "$BATS_TEST_DIRNAME/guest/old-kernel.c"
	small_initrd "$BATS_FILE_TMPDIR/root" "$BATS_FILE_TMPDIR/initrd"
}

# kdump_machine BYTES: as crash_machine; 0: as fast as it can.
kdump_machine() {
	crash_machine "$BATS_FILE_TMPDIR/initrd" "$1"
	vm_disk "$BATS_FILE_TMPDIR/boot.img"
}

kdump_arguments=(vmtest.product=kdump "memmap=1M\$0x18000000" panic=1)

# kdump_boot RESERVED: to the end, which every machine here comes to by itself.
kdump_boot() {
	VM_MEMORY=512 vm_boot "${kdump_arguments[@]}" "crashkernel=$1"
}
