#!/usr/bin/env bats
# The Debian package: installed in a fresh root, used, and taken away again. No machine is booted.

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

@test "made twice it is the same, byte for byte" {
	cp "$deb" "$BATS_TEST_TMPDIR/first.deb"
	make -s -C "$TOP" deb
	cmp "$BATS_TEST_TMPDIR/first.deb" "$deb"
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
	sed -i 's/^MODULES=.*/MODULES=list/' "$root/etc/initramfs-tools/initramfs.conf"
	in_root mkinitramfs -c zstd -o /tmp/initrd "$(basename "$root"/lib/modules/*)"
	zstd -dcq "$root/tmp/initrd" | cpio -t --quiet | grep -x usr/sbin/holdfast
}

@test "purged it leaves nothing behind" {
	in_root dpkg -P holdfast
	(cd "$root" && find . -xdev \( -path ./var -o -path ./tmp \) -prune -o -print | LC_ALL=C sort) >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_FILE_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	[ -z "$(find "$root/var" -name "*holdfast*" -not -path "*/log/*")" ]
}
