#!/usr/bin/env bats
# An initramfs of nobody's: made by hand as docs/images.md has it, and what the hook for mkinitcpio makes of one.
# shellcheck disable=SC2030,SC2031 # status and output are bats'

load common
load small
load boots

setup_machines() {
	"${CC:-cc}" -O1 -static -o "$BATS_FILE_TMPDIR/score" "$BATS_TEST_DIRNAME/guest/score.c"
	# What both begin with: busybox, and the drivers of the disk.
	tree=$BATS_FILE_TMPDIR/tree
	mkdir -p "$tree"/{bin,sbin,dev,proc,sys,run,new_root,etc/holdfast/profiles}
	cp "$VM_ROOT_TREE/bin/busybox" "$tree/bin/"
	chroot "$tree" /bin/busybox --install -s /bin
	ln -s ../bin/busybox "$tree/sbin/modprobe"
	small_modules "$tree" virtio_pci virtio_blk ext4 crc32c_generic dummy
	export tree
}

# from_docs WORD: the block of docs/images.md that a comment with that word announces.
from_docs() {
	awk -v mark="<!-- $1 -->" '$0 == mark { found = 1 } found && /^```/ { if (inside) exit; inside = 1; next } inside' "$TOP/docs/images.md" |
		grep .
}

boot_tree() {
	(cd "$1" && find . -mindepth 1 | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) >"$BATS_TEST_TMPDIR/initrd"
	vm_use_initrd "$BATS_TEST_TMPDIR/initrd"
	vm_initramfs_file lay-files 755 <<-'EOF'
		#!/bin/sh
		cp -a /vmtest/root/. /new_root/
	EOF
	vm_file usr/lib/vmtest/score 755 <"$BATS_FILE_TMPDIR/score"
	vm_file etc/holdfast/profiles/boots.yaml <"$BATS_TEST_DIRNAME/boots.yaml"
	boots_script </dev/null
	vm_boot vmtest.product=boots loglevel=4
	boots_done
}

@test "made by hand, by the lines of the documentation" {
	local image=$VM_ROOT_TREE
	cp -a "$tree" "$BATS_TEST_TMPDIR/tree"
	cp "$BATS_TEST_DIRNAME/boots.yaml" "$BATS_TEST_TMPDIR/"
	# The lines take an image, a tree, and the product's profiles.
	image=$image tree=$BATS_TEST_TMPDIR/tree profiles=$BATS_TEST_TMPDIR bash -e <<<"$(from_docs by-hand-build)"
	# In between, the test lays its files over the real root.
	from_docs by-hand-init | sed 's|^holdfast_enter|/lay-files\n&|; s|/sbin/init$|/usr/lib/vmtest/short-init|' >"$BATS_TEST_TMPDIR/tree/init"
	grep -qx /lay-files "$BATS_TEST_TMPDIR/tree/init"
	chmod 755 "$BATS_TEST_TMPDIR/tree/init"
	boot_tree "$BATS_TEST_TMPDIR/tree"
}

# in_image COMMAND...: in the image's root, with the product's profile in it for as long.
in_image() {
	local status=0
	cp "$BATS_TEST_TMPDIR/boots.yaml" "$VM_ROOT_TREE/etc/holdfast/profiles/"
	cp "$BATS_TEST_DIRNAME/guest/mkinitcpio" "$VM_ROOT_TREE/tmp/"
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$VM_ROOT_TREE" "$@" || status=$?
	rm "$VM_ROOT_TREE/etc/holdfast/profiles/boots.yaml" "$VM_ROOT_TREE/tmp/mkinitcpio"
	return "$status"
}

@test "the hook for mkinitcpio: what it puts on board boots, with the boot side's functions in mkinitcpio's order" {
	local version inside=/tmp/mkinitcpio.tree
	version=$(basename "$VM_ROOT_TREE"/lib/modules/*)
	cp "$BATS_TEST_DIRNAME/boots.yaml" "$BATS_TEST_TMPDIR/"
	rm -rf "$VM_ROOT_TREE$inside"
	mkdir "$VM_ROOT_TREE$inside"
	with_lock bash -c "$(declare -f in_image); BATS_TEST_TMPDIR=$BATS_TEST_TMPDIR BATS_TEST_DIRNAME=$BATS_TEST_DIRNAME VM_ROOT_TREE=$VM_ROOT_TREE in_image /tmp/mkinitcpio $inside $version holdfast"
	cp -a "$tree" "$BATS_TEST_TMPDIR/tree"
	cp -aL "$VM_ROOT_TREE$inside/." "$BATS_TEST_TMPDIR/tree/"
	rm -rf "$VM_ROOT_TREE$inside"
	[ -e "$BATS_TEST_TMPDIR/tree/hooks/holdfast" ]
	find "$BATS_TEST_TMPDIR/tree" -name 'libkmod.so.2' | grep .
	cat >"$BATS_TEST_TMPDIR/tree/init" <<-'EOF'
		#!/bin/busybox sh
		export PATH=/usr/sbin:/usr/bin:/sbin:/bin
		mount -t proc proc /proc
		mount -t sysfs sysfs /sys
		mount -t devtmpfs devtmpfs /dev
		mount -t tmpfs tmpfs /run
		. /hooks/holdfast
		run_earlyhook
		modprobe -a virtio_pci virtio_blk crc32c_generic ext4
		run_hook
		mount -t ext4 /dev/vda /new_root
		/lay-files
		run_latehook
		for dir in dev proc sys run; do mount --move /$dir /new_root/$dir; done
		exec switch_root /new_root /usr/lib/vmtest/short-init
	EOF
	chmod 755 "$BATS_TEST_TMPDIR/tree/init"
	boot_tree "$BATS_TEST_TMPDIR/tree"
}

# mkinitcpio_refuses TEXT [HOOK...]: no initramfs is made of the product's profile with these HOOKS, and that is why.
mkinitcpio_refuses() {
	local text=$1
	shift
	run with_lock bash -c "$(declare -f in_image); BATS_TEST_TMPDIR=$BATS_TEST_TMPDIR BATS_TEST_DIRNAME=$BATS_TEST_DIRNAME VM_ROOT_TREE=$VM_ROOT_TREE in_image /tmp/mkinitcpio /tmp/nothing 0 holdfast $*"
	printf '%s\n' "$output"
	[ "$status" -ne 0 ]
	[[ $output == *"==> ERROR: holdfast: $text"* ]]
}

@test "the hook for mkinitcpio fails the build: a profile with an error, a module that is missing, systemd in HOOKS" {
	sed 's/overcommit_ratio: 83/overcommit_ratio: lots/' "$BATS_TEST_DIRNAME/boots.yaml" >"$BATS_TEST_TMPDIR/boots.yaml"
	mkinitcpio_refuses 'the profiles have errors; no initramfs is made'
	[[ $output == *"/etc/holdfast/profiles/boots.yaml:7:21: error: "* ]]
	[ ! -e "$VM_ROOT_TREE/tmp/nothing" ]
	sed 's/name: dummy/name: dummmy/' "$BATS_TEST_DIRNAME/boots.yaml" >"$BATS_TEST_TMPDIR/boots.yaml"
	mkinitcpio_refuses 'boots needs the module dummmy'
	cp "$BATS_TEST_DIRNAME/boots.yaml" "$BATS_TEST_TMPDIR/"
	mkinitcpio_refuses "HOOKS has 'systemd'" holdfast base systemd
}
