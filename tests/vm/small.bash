# shellcheck shell=bash
# The smallest machine that boots: busybox as init, holdfast and what it opens, all in the initramfs. Sourced by tests.

# small_libraries ROOT FILE...: those that the files are linked with, from the image's root.
small_libraries() {
	local root=$1 file library
	shift
	for file; do
		for library in $(chroot "$VM_ROOT_TREE" ldd "$file" | grep -o '/[^ ]*'); do
			[[ -e $root$library ]] || install -D "$VM_ROOT_TREE$library" "$root$library"
		done
	done
}

# small_opened ROOT NAME...: libraries that holdfast opens by itself.
small_opened() {
	local root=$1 name file
	shift
	for name; do
		file=/usr/lib/x86_64-linux-gnu/$name
		install -D "$VM_ROOT_TREE$file" "$root$file"
		small_libraries "$root" "$file"
	done
}

# small_modules ROOT NAME...: modules, with what they depend on, for busybox's modprobe and libkmod.
small_modules() {
	local root=$1 version file
	version=$(basename "$VM_ROOT_TREE"/lib/modules/*)
	shift
	for file in $(chroot "$VM_ROOT_TREE" modprobe --set-version="$version" --ignore-install --show-depends --all "$@" | sed -n 's/^insmod \([^ ]*\).*/\1/p'); do
		install -D "$VM_ROOT_TREE$file" "$root$file"
	done
	cp "$VM_ROOT_TREE/lib/modules/$version"/modules.{builtin,order} "$root/lib/modules/$version/"
	chroot "$VM_ROOT_TREE" cat "/lib/modules/$version/modules.builtin.modinfo" >"$root/lib/modules/$version/modules.builtin.modinfo"
	depmod -b "$root" "$version"
}

# small_root ROOT: with the commands of stdin between the mounting of /proc, /sys and /dev and the test's own, /vmtest/run.
small_root() {
	local root=$1
	mkdir -p "$root"/{bin,sbin,proc,sys,dev,run,usr/sbin,usr/lib/vmtest}
	# The one that needs no library.
	cp "$VM_ROOT_TREE/bin/busybox" "$root/bin/"
	cp "$VM_ROOT_TREE/usr/sbin/holdfast" "$root/usr/sbin/"
	cp "$VM_SRC/guest/emit" "$root/usr/lib/vmtest/"
	small_libraries "$root" /usr/sbin/holdfast
	# busybox's init reads its inittab, as on a device without systemd and sysvinit.
	printf '%s\n' '::sysinit:/etc/rc' | install -D -m 644 /dev/stdin "$root/etc/inittab"
	ln -s ../bin/busybox "$root/sbin/init"
	ln -s sbin/init "$root/init"
	{
		cat <<-'EOF'
			#!/bin/busybox sh
			export PATH=/usr/sbin:/usr/bin:/sbin:/bin
			/bin/busybox --install -s /bin
			mount -t proc proc /proc
			mount -t sysfs sysfs /sys
			mount -t devtmpfs devtmpfs /dev
		EOF
		cat
		cat <<-'EOF'
			. /usr/lib/vmtest/emit
			# What the test leaves running may hold the pipe open: its end is what ends the machine.
			{
				. /vmtest/run
				printf '==> end\n<== end 0\n'
			} 2>&1 | awk '{ print; fflush() } /^<== end /{ exit }' >/dev/ttyS1
			poweroff -f
		EOF
	} >"$root/etc/rc"
	chmod 755 "$root/etc/rc"
}

# small_initrd ROOT FILE
small_initrd() {
	(cd "$1" && find . -mindepth 1 | cpio --quiet -o -H newc -R 0:0) >"$2"
}
