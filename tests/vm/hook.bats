#!/usr/bin/env bats
# What initramfs-tools' mkinitramfs makes of the hook, in the image's root. No machine is booted.

load common

# build [--only] PROFILE...: an initramfs of its own for this test.
build() {
	with_lock "$BATS_TEST_DIRNAME/build-initrd" "$@"
}

# list FILE: the names in an initramfs.
list() {
	zstd -dcq "$1" | cpio -t --quiet
}

# content FILE NAME: a file in an initramfs.
content() {
	zstd -dcq "$1" | cpio -i --quiet --to-stdout "$2"
}

# profile NAME: stdin becomes that profile's file; prints its path.
profile() {
	cat >"$BATS_TEST_TMPDIR/$1.yaml"
	printf '%s\n' "$BATS_TEST_TMPDIR/$1.yaml"
}

# absent REGEX: no name on board is like it.
absent() {
	! grep -E -- "$1" "$BATS_TEST_TMPDIR/names" || return 1
}

plain_profile() {
	profile plain <<-'EOF'
		holdfast: 1
		name: plain
		vm:
		  overcommit_ratio: 83
	EOF
}

@test "the program, the libraries it is linked with and every profile are on board" {
	list "$VM_INITRD" >"$BATS_TEST_TMPDIR/names"
	grep -x usr/sbin/holdfast "$BATS_TEST_TMPDIR/names"
	content "$VM_INITRD" usr/sbin/holdfast | cmp - "$VM_ROOT_TREE/usr/lib/holdfast/holdfast-initramfs"
	local file libraries
	libraries=$(chroot "$VM_ROOT_TREE" ldd /usr/sbin/holdfast | grep -o '/[^ ]*')
	[ -n "$libraries" ]
	for file in $libraries; do
		grep "/${file##*/}\$" "$BATS_TEST_TMPDIR/names"
	done
	for file in "$VM_ROOT_TREE"/usr/lib/holdfast/profiles/*.yaml; do
		grep -x "usr/lib/holdfast/profiles/${file##*/}" "$BATS_TEST_TMPDIR/names"
	done
}

@test "the early stage comes before udev's" {
	content "$VM_INITRD" scripts/init-top/ORDER >"$BATS_TEST_TMPDIR/order"
	grep -n '^/scripts' "$BATS_TEST_TMPDIR/order"
	local holdfast udev
	holdfast=$(grep -n '^/scripts/init-top/holdfast ' "$BATS_TEST_TMPDIR/order" | cut -d: -f1)
	udev=$(grep -n '^/scripts/init-top/udev ' "$BATS_TEST_TMPDIR/order" | cut -d: -f1)
	[ "$holdfast" -lt "$udev" ]
}

@test "a profile with an error fails the build, says where, and the initramfs of before stays" {
	local bad
	bad=$(profile bad <<-'EOF'
		holdfast: 1
		name: bad
		vm:
		  overcommit_ratio: lots
	EOF
	)
	echo "the one before" >"$BATS_TEST_TMPDIR/initrd"
	run build "$BATS_TEST_TMPDIR/initrd" "$bad"
	printf '%s\n' "$output"
	[ "$status" -ne 0 ]
	[[ $output == *"/etc/holdfast/profiles/bad.yaml:4:21: error: "* ]]
	[[ $output == *"E: holdfast: "* ]]
	[ "$(cat "$BATS_TEST_TMPDIR/initrd")" = "the one before" ]
}

@test "a profile without modules and mounts brings no libmount and no module" {
	run build --only "$BATS_TEST_TMPDIR/initrd" "$(plain_profile)"
	[ "$status" -eq 0 ]
	list "$BATS_TEST_TMPDIR/initrd" >"$BATS_TEST_TMPDIR/names"
	grep -x etc/holdfast/profiles/plain.yaml "$BATS_TEST_TMPDIR/names"
	grep -x usr/sbin/holdfast "$BATS_TEST_TMPDIR/names"
	absent 'libmount|/(dummy|zram|vfat)\.ko'
}

@test "modules with what they depend on, file systems and libraries come with a profile that needs them" {
	local needy
	needy=$(profile needy <<-'EOF'
		holdfast: 1
		name: needy
		match:
		  - cmdline: { vmtest.needy: true }
		modules:
		  load:
		    - { name: dummy }
		    - name: zram
		      options: { num_devices: 3, name: loop }
		    - { name: no_such_module, required: false }
		  block: [ pcspkr ]
		mounts:
		  - { what: LABEL=config, where: /run/holdfast/config, type: vfat, options: "ro,nosuid" }
	EOF
	)
	run build --only "$BATS_TEST_TMPDIR/initrd" "$needy"
	printf '%s\n' "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"W: holdfast: needy loads the module no_such_module"* ]]
	list "$BATS_TEST_TMPDIR/initrd" >"$BATS_TEST_TMPDIR/names"
	local name
	# zsmalloc: zram depends on it. nls: vfat asks for it when it mounts.
	for name in libkmod.so.2 libmount.so.1 dummy.ko zram.ko zsmalloc.ko vfat.ko nls_iso8859-1.ko; do
		grep -E "/$name" "$BATS_TEST_TMPDIR/names"
	done
	absent '/(pcspkr|loop)\.ko'
	# Without its word that it can do without, no initramfs is made.
	sed -i 's/, required: false//' "$needy"
	run build --only "$BATS_TEST_TMPDIR/initrd" "$needy"
	[ "$status" -ne 0 ]
	[[ $output == *"E: holdfast: needy needs the module no_such_module, which kernel "* ]]
}

@test "without any profile nothing is added" {
	run build --only "$BATS_TEST_TMPDIR/initrd"
	[ "$status" -eq 0 ]
	list "$BATS_TEST_TMPDIR/initrd" >"$BATS_TEST_TMPDIR/names"
	grep -x init "$BATS_TEST_TMPDIR/names"
	absent 'sbin/holdfast|holdfast/profiles'
}
