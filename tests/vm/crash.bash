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
	install -D -m 644 -t "$root/etc/holdfast/profiles" "$BATS_TEST_DIRNAME/kdump.yaml" "$BATS_TEST_DIRNAME/lastboot.yaml"
	small_initrd "$root" "$1"
}

# crash_machine INITRD [BYTES]: one that starts again; stdin is what it does at each boot, with LABEL=data, a disk that is kept, at /var. BYTES is how
# much this disk writes in a second.
crash_machine() {
	vm_use_initrd "$1"
	vm_restarts
	mke2fs -q -t ext4 -E root_owner=0:0 -L data "$VM/data.img" 48M
	vm_kept_disk "$VM/data.img" "${2:-}"
	{
		echo 'mount LABEL=data /var'
		cat
	} | vm_initramfs_file vmtest/run
}
