#!/usr/bin/env bats
# dracut's initramfs, without and with systemd in it: each is built by dracut in the image's root, and booted.

load common
load boots
bats_require_minimum_version 1.5.0

setup_machines() {
	"${CC:-cc}" -O1 -static -o "$BATS_FILE_TMPDIR/score" "$BATS_TEST_DIRNAME/guest/score.c"
}

build() {
	with_lock "$BATS_TEST_DIRNAME/build-initrd" "$@"
}

list() {
	zstd -dcq "$1" | cpio -t --quiet
}

# boot_with GENERATOR: boots what it makes of the profile, to a short script in the real root.
boot_with() {
	build "--$1" "$BATS_TEST_TMPDIR/initrd" "$BATS_TEST_DIRNAME/boots.yaml"
	list "$BATS_TEST_TMPDIR/initrd" >"$BATS_TEST_TMPDIR/names"
	vm_use_initrd "$BATS_TEST_TMPDIR/initrd"
	# The harness's own hook: what the initramfs is, and the test's files for the real root.
	vm_initramfs_file usr/lib/dracut/hooks/pre-pivot/10-vmtest.sh 755 <<-'EOF'
		mkdir -p /run/vmtest
		ls /usr/lib/systemd/systemd >/run/vmtest/systemd 2>&1
		cp -a /vmtest/root/. "$NEWROOT/"
	EOF
	vm_file usr/lib/vmtest/score 755 <"$BATS_FILE_TMPDIR/score"
	boots_script <<-'EOF'
		emit systemd cat /run/vmtest/systemd
	EOF
	vm_boot vmtest.product=boots init=/usr/lib/vmtest/short-init loglevel=4
}

# Each stage did its part, and the guard of the initramfs has outlived it.
all_done() {
	boots_done
	[ "$(json report '.settings[] | select(.key == "modules.block.pcspkr") | .result')" = set ]
}

@test "dracut without systemd: every stage, and a service pinned before its first instruction" {
	boot_with dracut
	all_done
	vm_section systemd | grep 'No such file'
	# On board is what the profile needs.
	grep -E '/libkmod\.so\.2$' "$BATS_TEST_TMPDIR/names"
	grep -E '/libmount\.so\.1$' "$BATS_TEST_TMPDIR/names"
	grep -x 'etc/holdfast/profiles/boots.yaml' "$BATS_TEST_TMPDIR/names"
}

@test "dracut with systemd: the same, and systemd leaves the guard alone when it enters the real root" {
	boot_with dracut-systemd
	all_done
	vm_section systemd | grep -x /usr/lib/systemd/systemd
}

@test "dracut: a profile with an error, or a module that is missing, fails the build, says where, and the initramfs of before stays" {
	sed 's/overcommit_ratio: 83/overcommit_ratio: lots/' "$BATS_TEST_DIRNAME/boots.yaml" >"$BATS_TEST_TMPDIR/boots.yaml"
	echo "the one before" >"$BATS_TEST_TMPDIR/initrd"
	run build --dracut "$BATS_TEST_TMPDIR/initrd" "$BATS_TEST_TMPDIR/boots.yaml"
	printf '%s\n' "$output"
	[ "$status" -ne 0 ]
	[[ $output == *"/etc/holdfast/profiles/boots.yaml:7:21: error: "* ]]
	[ "$(cat "$BATS_TEST_TMPDIR/initrd")" = "the one before" ]
	sed 's/name: dummy/name: dummmy/' "$BATS_TEST_DIRNAME/boots.yaml" >"$BATS_TEST_TMPDIR/boots.yaml"
	run build --dracut "$BATS_TEST_TMPDIR/initrd" "$BATS_TEST_TMPDIR/boots.yaml"
	[ "$status" -ne 0 ]
	[[ $output == *"boots needs the module dummmy, which kernel "* ]]
	[ "$(cat "$BATS_TEST_TMPDIR/initrd")" = "the one before" ]
}

@test "dracut: without any profile nothing is added; without modules and mounts no library" {
	build --only --dracut "$BATS_TEST_TMPDIR/initrd"
	list "$BATS_TEST_TMPDIR/initrd" >"$BATS_TEST_TMPDIR/names"
	grep -x init "$BATS_TEST_TMPDIR/names"
	run ! grep holdfast "$BATS_TEST_TMPDIR/names"
	local without
	without=$(grep -c '/libmount' "$BATS_TEST_TMPDIR/names") || :
	printf 'holdfast: 1\nname: plain\nvm: { overcommit_ratio: 83 }\n' >"$BATS_TEST_TMPDIR/plain.yaml"
	build --only --dracut "$BATS_TEST_TMPDIR/initrd" "$BATS_TEST_TMPDIR/plain.yaml"
	list "$BATS_TEST_TMPDIR/initrd" >"$BATS_TEST_TMPDIR/names"
	grep -x usr/sbin/holdfast "$BATS_TEST_TMPDIR/names"
	[ "$(grep -c '/libmount' "$BATS_TEST_TMPDIR/names" || :)" = "$without" ]
	run ! grep -E '/dummy\.ko' "$BATS_TEST_TMPDIR/names"
}
