#!/usr/bin/env bats
# A fresh Debian root: as an image that is filled, checked and emptied, and with the Debian package, installed and purged. No machine is
# booted.

load common
bats_require_minimum_version 1.5.0

setup_machines() {
	make -s -C "$TOP" deb >"$BATS_FILE_TMPDIR/made"
	deb=$TOP/$(tail -n 1 "$BATS_FILE_TMPDIR/made")
	root=$BATS_FILE_TMPDIR/root
	mkdir "$root"
	tar -xf "$("$BATS_TEST_DIRNAME/build-root")" -C "$root" --numeric-owner
	(cd "$root" && find . -xdev \( -path ./var -o -path ./tmp \) -prune -o -print | LC_ALL=C sort) >"$BATS_FILE_TMPDIR/before"
	export deb root
}

teardown_file() {
	rm -rf "$root"
}

in_root() {
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C TMPDIR=/tmp DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"
}

all_files() {
	(cd "$root" && find . -xdev \( -path ./var -o -path ./tmp \) -prune -o -print | LC_ALL=C sort)
}

@test "image install, check --image and --remove, on the real thing" {
	local holdfast=$TOP/build/release/holdfast
	cat >"$BATS_TEST_TMPDIR/door.yaml" <<-'EOF'
		holdfast: 1
		name: door
		match: [ { dmi: { product_name: Door } } ]
		sysctl: { kernel.panic: 10 }
		modules: { load: [ { name: dummy }, { name: ramoops } ], block: [ pcspkr ] }
		kdump: { crashkernel: 192M }
		last_boot: { ramoops: { mem_address: 0x20000000, mem_size: 1M } }
		protect: [ { service: sshd, exe: /usr/sbin/sshd, unit: ssh.service, max_rss: 64M } ]
	EOF
	"$holdfast" --root "$root" image install --from "$VM_ROOT_TREE" "$BATS_TEST_TMPDIR/door.yaml"
	run "$holdfast" --root "$root" check --image --strict
	printf '%s\n' "$output"
	# The kernel of this root has all that the profile needs, and its modules; it has no boot loader, capture image and place for dumps.
	[ "$status" -eq 3 ]
	[ "$(grep -c ': error: ' <<<"$output")" -eq 4 ]
	[[ $output == *"error: the image has no '/boot/holdfast-capture-"* ]]
	[[ $output == *'error: the image has no boot loader entry: whether the kernel command line has crashkernel=192M'* ]]
	sed -i '/^kdump:/d' "$root/etc/holdfast/profiles/door.yaml"
	"$holdfast" --root "$root" check --image --strict --cmdline "$("$holdfast" --root "$root" image cmdline door)"
	# What it needs is on board of the initramfs that the image makes.
	sed -i 's/^MODULES=.*/MODULES=list/' "$root/etc/initramfs-tools/initramfs.conf"
	in_root mkinitramfs -c zstd -o /tmp/initrd "$(basename "$root"/lib/modules/*)"
	zstd -dcq "$root/tmp/initrd" | cpio -t --quiet >"$BATS_TEST_TMPDIR/names"
	for name in profiles/door.yaml libkmod.so.2 libmount.so.1 dummy.ko ramoops.ko; do
		grep "/$name" "$BATS_TEST_TMPDIR/names"
	done
	sed -i 's/name: dummy/name: dummmy/; s|sbin/sshd|sbin/sshdd|' "$root/etc/holdfast/profiles/door.yaml"
	run "$holdfast" --root "$root" check --image
	[ "$(grep -c ': error: ' <<<"$output")" -ge 2 ]
	systemctl --root="$root" is-enabled holdfast.service holdfast-guard.service
	# Everything goes but the profile, which was changed meanwhile.
	run "$holdfast" --root "$root" image install --remove
	[ "$status" -eq 1 ]
	[[ $output == *"door.yaml was changed since 'image install' put it there: it stays"* ]]
	rm -r "$root/etc/holdfast"
	all_files | diff "$BATS_FILE_TMPDIR/before" -
}

@test "made from the same sources in another directory it is the same, byte for byte" {
	local other=$BATS_TEST_TMPDIR/some/where/else
	mkdir -p "$other"
	(cd "$TOP" && cp -r Makefile LICENSE src docs profiles initramfs-hooks packaging "$other/")
	SOURCE_DATE_EPOCH=$(git -C "$TOP" log -1 --format=%ct) make -s -j"$(nproc)" -C "$other" deb
	cmp "$deb" "$other/build/deb/$(basename "$deb")"
}

@test "installed in a fresh root: the program runs, nothing is enabled, the initramfs has it" {
	cp "$deb" "$root/tmp/holdfast.deb"
	in_root dpkg -i /tmp/holdfast.deb
	# shellcheck disable=SC2016 # dpkg's own notation
	[ "$(in_root dpkg-query -W -f '${db:Status-Status}' holdfast)" = installed ]
	in_root dpkg -V holdfast
	in_root holdfast --version
	in_root holdfast check --strict
	run systemctl --root="$root" is-enabled holdfast.service holdfast-guard.service
	[ "$output" = $'disabled\ndisabled' ]
	# Only the documents may be missing: this root leaves them out.
	run in_root dpkg -L holdfast
	printf '%s\n' "$output" | grep -v '/share/\(man\|doc\)' | while read -r file; do [ -e "$root$file" ]; done
	in_root mkinitramfs -c zstd -o /tmp/initrd "$(basename "$root"/lib/modules/*)"
	zstd -dcq "$root/tmp/initrd" | cpio -t --quiet | grep -x usr/sbin/holdfast
}

@test "purged it leaves nothing behind" {
	in_root dpkg -P holdfast
	all_files | diff "$BATS_FILE_TMPDIR/before" -
	[ -z "$(find "$root/var" -name "*holdfast*" -not -path "*/log/*")" ]
}
