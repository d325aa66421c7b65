#!/usr/bin/env bats
# check --root IMAGE --image: every finding, on an image made of a few files.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

release=6.1.0-demo

# module NAME [SOURCE]: a module, as far as depmod looks at one.
module() {
	printf 'const char info[] __attribute__((section(".modinfo"))) = "license=GPL\\0name=%s";\n%s\n' "$1" "${2-}" |
		cc -c -x c -o "$BATS_FILE_TMPDIR/module.o" -
	cat "$BATS_FILE_TMPDIR/module.o"
}

setup_file() {
	local name
	for name in dummy zsmalloc ramoops; do
		module "$name" >"$BATS_FILE_TMPDIR/$name.ko"
	done
}

# A good image of a product with all that a profile can ask of one. Each test spoils one thing.
setup_machine() {
	mkdir -p image/{boot/loader/entries,etc/{holdfast/profiles,systemd/system},usr/{bin,sbin,lib/systemd/system}} \
		"image/usr/lib/modules/$release/kernel"
	ln -s usr/bin image/bin
	ln -s usr/sbin image/sbin
	ln -s usr/lib image/lib
	PROFILES=image/etc/holdfast/profiles
	printf 'root:x:0:0::/root:/bin/sh\nwatch:x:990:990::/:/bin/false\n' >image/etc/passwd
	for program in sshd watchd; do
		printf '#!/bin/sh\n' >"image/usr/sbin/$program"
		chmod 755 "image/usr/sbin/$program"
	done
	printf '[Service]\nExecStart=/usr/sbin/sshd -D\n' >image/usr/lib/systemd/system/ssh.service
	printf '[Service]\nExecStart=/usr/sbin/watchd\n' >image/usr/lib/systemd/system/watch@.service
	cp "$BATS_FILE_TMPDIR"/*.ko "image/usr/lib/modules/$release/kernel/"
	printf 'kernel/drivers/block/loop.ko\n' >"image/usr/lib/modules/$release/modules.builtin"
	printf 'kernel/drivers/block/loop.ko\n' >"image/usr/lib/modules/$release/modules.order"
	list_modules
	truncate -s 8M "image/boot/vmlinuz-$release"
	truncate -s 20M "image/boot/holdfast-capture-$release.img"
	printf 'CONFIG_%s=y\n' X86_64 SYSCTL MODULES FANOTIFY_ACCESS_PERMISSIONS PROC_EVENTS PSI CGROUPS CRASH_DUMP \
		KEXEC_FILE PROC_VMCORE PSTORE >"image/boot/config-$release"
	printf '# CONFIG_KEXEC is not set\nCONFIG_PSTORE_RAM=m\n' >>"image/boot/config-$release"
	# shellcheck disable=SC2016 # the kernel's own notation
	boot_entry 'root=LABEL=root crashkernel=192M memmap=1M$0x20000000'
	product
}

list_modules() {
	depmod -b image "$release" 2>/dev/null
}

boot_entry() {
	printf 'title Product\nlinux /vmlinuz\noptions %s\n' "$1" >image/boot/loader/entries/product.conf
}

product() {
	profile product <<-'END'
		vm: { panic_on_oom: 2 }
		modules:
		  load:
		    - { name: dummy }
		    - { name: loop }
		  block: [ zsmalloc, pcspkr ]
		kdump:
		  crashkernel: 192M
		  capture: { target: LABEL=data, save: dmesg }
		last_boot: { ramoops: { mem_address: 0x20000000, mem_size: 1M } }
		protect:
		  - service: sshd
		    exe: /usr/sbin/sshd
		    unit: ssh.service
		  - service: watch
		    exe: /sbin/watchd
		    user: watch
		    unit: watch@eth0.service
		    max_rss: 16M
	END
}

# image_check STATUS [ARGUMENT...]: as root of a namespace, where we are nobody's root.
image_check() {
	local status=$1 as_root=()
	shift
	[[ $(id -u) == 0 ]] || as_root=(unshare --map-root-user)
	untouched_image expect "$status" in_little_memory "${as_root[@]}" "$HOLDFAST" --root image -q check --image "$@"
}

untouched_image() {
	local before after
	before=$(find image -printf '%p %y %m %s %T@ %l\n' | sort)
	"$@" || return
	after=$(find image -printf '%p %y %m %s %T@ %l\n' | sort)
	[[ $before == "$after" ]]
}

# finds_in_image STATUS: with exactly the messages on stdin, which leave out the profile's path.
finds_in_image() {
	image_check "$@"
	messages=${messages//image\/etc\/holdfast\/profiles\//}
	messages_are
}

# change OLD NEW: in the product's profile.
change() {
	local text
	text=$(<"$PROFILES/product.yaml")
	[[ $text == *"$1"* ]]
	printf '%s\n' "${text/"$1"/"$2"}" >"$PROFILES/product.yaml"
}

@test "an image that has everything" {
	finds_in_image 0 </dev/null
	image_check 0 --strict
}

# --- programs, users, units ---

@test "a program that is missing, also behind a link; one that need not be there" {
	rm image/usr/sbin/sshd
	ln -s /no/where image/usr/sbin/sshd
	finds_in_image 3 <<-'END'
		product.yaml:15:10: error: '/usr/sbin/sshd' in the image: there is no such program
	END
	change 'unit: ssh.service' 'required: false'
	finds_in_image 0 </dev/null
}

@test "a program that cannot be run, or is none" {
	chmod 644 image/usr/sbin/sshd
	finds_in_image 3 <<-'END'
		product.yaml:15:10: error: '/usr/sbin/sshd' in the image cannot be run: it is not executable (chmod 755)
	END
	rm image/usr/sbin/sshd
	mkdir image/usr/sbin/sshd
	finds_in_image 3 <<-'END'
		product.yaml:15:10: error: '/usr/sbin/sshd' in the image: it is no program
	END
}

@test "a program that others can write or replace" {
	chmod 775 image/usr/sbin/sshd
	finds_in_image 3 <<-'END'
		product.yaml:15:10: error: '/usr/sbin/sshd' in the image: the program is not root's alone: others could replace it
	END
	chmod 755 image/usr/sbin/sshd
	chmod 777 image/usr/sbin
	image_check 3
	messages_have "15:10: error: '/usr/sbin/sshd' in the image: a directory on the way is not root's alone"
	messages_have "18:10: error: '/sbin/watchd' in the image: a directory on the way is not root's alone"
}

@test "a program that its user cannot run" {
	[[ $(id -u) == 0 ]] || return 0 # nobody else can give files away
	printf 'watch:x:77:\nstaff:x:78:other\n' >image/etc/group
	chmod 744 image/usr/sbin/watchd
	finds_in_image 3 <<-'END'
		product.yaml:18:10: error: user 'watch' cannot run '/sbin/watchd' in the image: the file's mode does not let it
	END
	chgrp 78 image/usr/sbin/watchd
	chmod 750 image/usr/sbin/watchd
	image_check 0 # a unit may give it the group
	image_check 3 --strict
	messages_have "user 'watch' cannot run '/sbin/watchd'"
	sed -i 's/:other/:other,watch/' image/etc/group
	image_check 0 --strict
	chmod 700 image/usr/sbin
	finds_in_image 3 <<-'END'
		product.yaml:18:10: error: user 'watch' cannot run '/sbin/watchd' in the image: a directory on the way is barred to it
	END
}

@test "an interpreter, or a loader, that is not there" {
	printf '#! /usr/bin/python3 -s\n' >image/usr/sbin/watchd
	image_check 0 --strict # no whole root: it may come from another layer
	: >image/usr/bin/sh
	finds_in_image 3 <<-'END'
		product.yaml:18:10: error: '/sbin/watchd' in the image: its interpreter '/usr/bin/python3' is not there
	END
	: >image/usr/bin/python3
	image_check 0 --strict
	printf 'int main(void) { return 0; }\n' | cc -x c -o image/usr/sbin/watchd -
	local loader
	loader=$(readelf -l image/usr/sbin/watchd | sed -n 's/.*interpreter: \(.*\)\]/\1/p')
	finds_in_image 3 <<-END
		product.yaml:18:10: error: '/sbin/watchd' in the image: its loader '$loader' is not there
	END
	mkdir -p "image${loader%/*}"
	: >"image$loader"
	image_check 0 --strict
}

@test "a program for another architecture than the kernel" {
	# The beginning of an ELF file of 64 bits for s390x, whose numbers begin with their high bytes.
	printf '\x7fELF\x02\x02\x01\0\0\0\0\0\0\0\0\0\0\x03\0\x16%048d' 0 >image/usr/sbin/sshd
	finds_in_image 3 <<-'END'
		product.yaml:15:10: error: '/usr/sbin/sshd' in the image is for s390x, the image for x86_64
	END
	# 32 bits of the same family will do, but not 64 bits on a kernel of 32.
	printf '\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x03\0%048d' 0 >image/usr/sbin/sshd
	image_check 0 --strict
	sed -i 's/CONFIG_X86_64/CONFIG_X86_32/' "image/boot/config-$release"
	image_check 0 --strict
	printf '\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0%048d' 0 >image/usr/sbin/sshd
	finds_in_image 3 <<-'END'
		product.yaml:15:10: error: '/usr/sbin/sshd' in the image is for x86_64, the image for i686
	END
}

@test "a program that another user owns" {
	[[ $(id -u) == 0 ]] || return 0 # nobody else can give files away
	chown 12345 image/usr/sbin/sshd
	finds_in_image 3 <<-'END'
		product.yaml:15:10: error: '/usr/sbin/sshd' in the image: the program is not root's alone: others could replace it
	END
}

@test "devices and FIFOs of an image are never opened" {
	local file
	rm "image/boot/config-$release" "image/boot/vmlinuz-$release" image/usr/sbin/sshd
	for file in "boot/config-$release" "boot/vmlinuz-$release" usr/sbin/sshd bin/sh; do
		mkfifo "image/$file"
	done
	# Leaks cannot be looked for below strace.
	expect 3 env ASAN_OPTIONS=detect_leaks=0 strace -f -o trace -e trace=open,openat "$HOLDFAST" --root image check --image
	messages_have "config-$release: No such device or address: whether the kernel can do this is not checked"
	for file in "config-$release" "vmlinuz-$release" sshd sh; do
		run ! grep -E "openat\(.*\"$file\"" <(grep -v O_PATH trace)
	done
}

@test "links lead around inside the image, never out of it" {
	mkdir outside
	cp image/usr/sbin/sshd outside/sshd
	ln -sf "$PWD/outside/sshd" image/usr/sbin/sshd
	finds_in_image 3 <<-'END'
		product.yaml:15:10: error: '/usr/sbin/sshd' in the image: there is no such program
	END
	# The same absolute path exists inside: that one counts.
	mkdir -p "image$PWD/outside"
	cp outside/sshd "image$PWD/outside/sshd"
	image_check 0
	ln -sf ../../../../../../../../../../../../../../../../../../../usr/sbin/watchd image/usr/sbin/sshd
	image_check 0
}

@test "a user or a unit that the image does not have" {
	change 'user: watch' 'user: wach'
	change 'unit: ssh.service' 'unit: sshd.service'
	finds_in_image 3 <<-'END'
		product.yaml:16:11: error: the image has no unit 'sshd.service'
		product.yaml:19:11: error: the image has no user 'wach' in /etc/passwd
	END
}

@test "a unit's second name is not the name that its processes are under" {
	ln -s ssh.service image/usr/lib/systemd/system/sshd.service
	change 'unit: ssh.service' 'unit: sshd.service'
	image_check 3
	messages_have "the unit 'sshd.service' is another's second name in the image"
}

@test "a template's instance, an init script's service, a masked unit" {
	rm image/usr/lib/systemd/system/watch@.service
	finds_in_image 3 <<-'END'
		product.yaml:20:11: error: the image has no unit 'watch@eth0.service'
	END
	change watch@eth0.service watch.service
	mkdir image/etc/init.d
	: >image/etc/init.d/watch
	finds_in_image 0 </dev/null
	ln -s /dev/null image/etc/systemd/system/ssh.service
	finds_in_image 0 <<<''
	image_check 3 --strict
	messages_have "16:11: error: the unit 'ssh.service' is masked in the image: the rule matches nothing"
	ln -sfn ../../../dev/null image/etc/systemd/system/ssh.service
	image_check 3 --strict
	messages_have "16:11: error: the unit 'ssh.service' is masked in the image: the rule matches nothing"
}

# --- modules ---

@test "a module that no kernel, or one kernel, does not have" {
	change 'name: dummy' 'name: dummi'
	finds_in_image 3 <<-'END'
		product.yaml:6:15: error: kernel 6.1.0-demo in the image has no module 'dummi'
	END
	change 'name: dummi' 'name: dummi, required: false'
	finds_in_image 0 </dev/null
	product
	cp -r "image/usr/lib/modules/$release" image/usr/lib/modules/6.2.0-next
	rm image/usr/lib/modules/6.2.0-next/kernel/dummy.ko
	cp "image/boot/config-$release" image/boot/config-6.2.0-next
	printf x >image/boot/vmlinuz-6.2.0-next
	printf x >image/boot/holdfast-capture-6.2.0-next.img
	finds_in_image 3 <<-'END'
		product.yaml:6:15: error: kernel 6.2.0-next in the image has no module 'dummy'
	END
}

@test "a module's file is looked for in the image, where its list or a link leads; an empty one is none" {
	local modules=image/usr/lib/modules/$release
	mkdir outside
	mv "$modules/kernel/dummy.ko" outside/dummy.ko
	ln -s "$PWD/outside/dummy.ko" "$modules/kernel/dummy.ko"
	finds_in_image 3 <<-'END'
		product.yaml:6:15: error: kernel 6.1.0-demo in the image has no module 'dummy'
	END
	mkdir -p "image$PWD"
	cp -r outside "image$PWD/"
	image_check 0 --strict
	rm "$modules/kernel/dummy.ko"
	: >"$modules/kernel/dummy.ko"
	finds_in_image 3 <<-'END'
		product.yaml:6:15: error: kernel 6.1.0-demo in the image: the file of module 'dummy' is empty, or no file
	END
	# An absolute path is one of the image's.
	rm "$modules/kernel/dummy.ko"
	sed -i 's,kernel/dummy\.ko:,/any/2/dummy.ko:,' "$modules/modules.dep.bin"
	finds_in_image 3 <<-'END'
		product.yaml:6:15: error: kernel 6.1.0-demo in the image has no module 'dummy'
	END
	mkdir -p image/any/2
	cp outside/dummy.ko image/any/2/
	image_check 0 --strict
}

@test "ramoops, where records are to be kept in memory" {
	rm "image/usr/lib/modules/$release/kernel/ramoops.ko"
	list_modules
	finds_in_image 3 <<-'END'
		product.yaml:12:14: error: kernel 6.1.0-demo in the image has no module 'ramoops'
	END
	sed -i '/^modules:/,/block:/d' "$PROFILES/product.yaml"
	finds_in_image 3 <<-'END'
		product.yaml:7:14: error: kernel 6.1.0-demo in the image has no module 'ramoops'
	END
	sed -i 's/PSTORE_RAM=m/PSTORE_RAM=y/' "image/boot/config-$release"
	image_check 0
}

@test "ramoops is looked for in each kernel by that kernel's own configuration" {
	local modules=image/usr/lib/modules
	sed -i 's/PSTORE_RAM=m/PSTORE_RAM=y/' "image/boot/config-$release"
	rm "$modules/$release/kernel/ramoops.ko"
	list_modules
	cp -r "$modules/$release" $modules/6.2.0-next
	sed 's/PSTORE_RAM=y/PSTORE_RAM=m/' "image/boot/config-$release" >image/boot/config-6.2.0-next
	printf x | tee image/boot/vmlinuz-6.2.0-next >image/boot/holdfast-capture-6.2.0-next.img
	finds_in_image 3 <<-'END'
		product.yaml:12:14: error: kernel 6.2.0-next in the image has no module 'ramoops'
	END
}

@test "a module that another one needs is looked for too" {
	local modules=image/usr/lib/modules/$release/kernel
	module dummy 'extern int pages; int *used = &pages;' >"$modules/dummy.ko"
	module zsmalloc 'int pages; const char exported[] __attribute__((section("__ksymtab_strings"))) = "pages";' >"$modules/zsmalloc.ko"
	list_modules
	image_check 0 --strict
	rm "$modules/zsmalloc.ko"
	finds_in_image 3 <<-'END'
		product.yaml:6:15: error: kernel 6.1.0-demo in the image: module 'dummy' needs 'kernel/zsmalloc.ko', which is not there
	END
	change 'name: dummy' 'name: dummy, required: false'
	image_check 0
}

@test "a kernel that loads no modules has what is built in" {
	sed -i '/CONFIG_MODULES=/d' "image/boot/config-$release"
	rm "image/usr/lib/modules/$release"/modules.*.bin
	finds_in_image 3 <<-'END'
		product.yaml:6:15: error: kernel 6.1.0-demo in the image has no CONFIG_MODULES, and no 'dummy' built in
		product.yaml:12:14: error: kernel 6.1.0-demo in the image has no CONFIG_MODULES, and no 'ramoops' built in
	END
	printf 'kernel/drivers/%s.ko\n' net/dummy block/loop zsmalloc >"image/usr/lib/modules/$release/modules.builtin"
	sed -i 's/PSTORE_RAM=m/PSTORE_RAM=y/' "image/boot/config-$release"
	finds_in_image 3 <<-'END'
		product.yaml:8:12: error: module 'zsmalloc' is built into kernel 6.1.0-demo: it cannot be blocked
	END
	change 'block: [ zsmalloc,' 'block: ['
	change 'name: loop' 'name: loop, options: { max_loop: 3 }'
	expect 0 "$HOLDFAST" --root image image cmdline product
	output_has 'loop.max_loop=3'
	rm "image/usr/lib/modules/$release/modules.builtin"
	image_check 3 --strict
	messages_have '4:1: error: /lib/modules/6.1.0-demo: the modules cannot be checked: it has no CONFIG_MODULES, and no modules.builtin says what is built in'
	image_check 0
}

@test "a built-in can be had without loading; it cannot be blocked, and takes its options from the command line" {
	local line
	change 'name: loop' 'name: loop, options: { max_loop: 3 }'
	image_check 3 --strict
	messages_have "7:32: error: module 'loop' is built into kernel 6.1.0-demo, whose command line does not have loop.max_loop=3"
	image_check 3 --strict --cmdline 'loop.max-loop=0x3'
	[[ $messages != *loop* ]]
	for line in xloop.max_loop=3 loop.max_loop=33 'loop.max_loop=3 loop.max_loop=4' 'quiet -- loop.max_loop=3'; do
		image_check 3 --strict --cmdline "$line"
		messages_have 'does not have loop.max_loop=3'
	done
	product
	change 'name: loop' 'name: zsmalloc'
	change 'block: [ zsmalloc' 'block: [ loop'
	finds_in_image 3 <<-'END'
		product.yaml:8:12: error: module 'loop' is built into kernel 6.1.0-demo: it cannot be blocked
	END
}

@test "modules that cannot be looked up" {
	rm "image/usr/lib/modules/$release/modules.dep.bin"
	finds_in_image 3 <<-'END'
		product.yaml:4:1: error: /lib/modules/6.1.0-demo: the modules cannot be checked: there is no modules.dep.bin: depmod has not been run
	END
	cp "image/usr/lib/modules/$release/modules.alias.bin" elsewhere
	list_modules
	ln -sf "$PWD/elsewhere" "image/usr/lib/modules/$release/modules.alias.bin"
	finds_in_image 3 <<-'END'
		product.yaml:4:1: error: /lib/modules/6.1.0-demo: the modules cannot be checked: its list of modules is no plain file
	END
	# libkmod reads it, and repeats what it does not understand; for a FIFO's writer it would wait.
	list_modules
	echo 'secret of the host' >elsewhere
	ln -sf "$PWD/elsewhere" "image/usr/lib/modules/$release/modules.softdep"
	image_check 3
	messages_have 'the modules cannot be checked: its list of modules is no plain file'
	[[ $messages != *secret* ]]
	rm "image/usr/lib/modules/$release/modules.softdep"
	mkfifo "image/usr/lib/modules/$release/modules.weakdep"
	image_check 3
	messages_have 'the modules cannot be checked: its list of modules is no plain file'
	rm "image/usr/lib/modules/$release/modules.weakdep"
	echo 'nonsense of the image' >"image/usr/lib/modules/$release/modules.softdep"
	finds_in_image 0 </dev/null
	# Before depmod has run, as in the middle of an image's build.
	rm "image/usr/lib/modules/$release"/modules.*.bin "image/usr/lib/modules/$release/modules.dep"
	finds_in_image 3 <<-'END'
		product.yaml:4:1: error: /lib/modules/6.1.0-demo: the modules cannot be checked: there is no modules.dep.bin: depmod has not been run
	END
	rm -r image/usr/lib/modules
	image_check 3 --strict
	messages_have '4:1: error: the image has no kernel modules below /lib/modules to check'
	messages_have "9:1: error: the image has no kernel below /lib/modules: kdump's files are not checked"
}

@test "lists of modules that are damaged: told, whatever they do to the library" {
	local file at
	for file in modules.dep.bin modules.builtin.bin modules.alias.bin; do
		for at in 8 16 24 40; do
			list_modules
			printf '\x2f\0\x40\0' | dd of="image/usr/lib/modules/$release/$file" bs=1 seek="$at" conv=notrunc status=none
			expect_one_of 0 3 "$HOLDFAST" --root image -q check --image
		done
		list_modules
		truncate -s 20 "image/usr/lib/modules/$release/$file"
		expect_one_of 0 3 "$HOLDFAST" --root image -q check --image
	done
	list_modules
	# A part of the tree behind the file's end.
	printf '\x2f\0\x40\0' | dd of="image/usr/lib/modules/$release/modules.dep.bin" bs=1 seek=12 conv=notrunc status=none
	finds_in_image 3 <<-'END'
		product.yaml:4:1: error: /lib/modules/6.1.0-demo: the modules cannot be checked: its list of modules is damaged
	END
}

# expect_one_of STATUS STATUS COMMAND...
expect_one_of() {
	local got=0
	"${@:3}" 2>"$BATS_TEST_TMPDIR/stderr" >&2 || got=$?
	[[ $got == "$1" || $got == "$2" ]]
}

# --- kdump ---

@test "kdump's initrd was built for another profile, or another state of this one, or another kernel" {
	local stamp
	stamp=$("$HOLDFAST" --root image --profile product kdump stamp)
	[[ $stamp == product\ ???????????????? ]]
	echo "$stamp" >holdfast-built-for
	echo holdfast-built-for | cpio --quiet -o -H newc >"image/boot/holdfast-capture-$release.img"
	head -c 4096 /dev/zero | gzip >>"image/boot/holdfast-capture-$release.img"
	finds_in_image 0 </dev/null
	sed -i 's/product [0-9a-f]/product z/' "image/boot/holdfast-capture-$release.img"
	finds_in_image 3 <<-'END'
		product.yaml:9:1: error: the capture image was not built for this profile as it is now (build it anew: update-initramfs -u in the image)
	END
	printf '/lib/modules/6.1.0-other\n%s\n' "$stamp" >holdfast-built-for
	echo holdfast-built-for | cpio --quiet -o -H newc >"image/boot/holdfast-capture-$release.img"
	bzimage 16 "$release" >"image/boot/vmlinuz-$release"
	finds_in_image 3 <<-'END'
		product.yaml:9:1: error: the capture image has the modules of another kernel (without 'initrd' below 'kdump' each kernel finds its own)
	END
}

@test "kdump's files: missing, empty, too large, damaged" {
	rm "image/boot/vmlinuz-$release"
	: >"image/boot/holdfast-capture-$release.img"
	finds_in_image 3 <<-'END'
		product.yaml:9:1: error: the image has no '/boot/vmlinuz-6.1.0-demo' for the crash kernel
		product.yaml:9:1: error: the image has no '/boot/holdfast-capture-6.1.0-demo.img' for the crash kernel
	END
	change 'crashkernel: 192M' $'crashkernel: 192M\n  kernel: /boot/k\n  initrd: /boot/i'
	: >image/boot/i
	image_check 3
	messages_have "error: the image has no '/boot/k'"
	messages_have "error: '/boot/i' in the image is no file with anything in it"
	truncate -s 150M image/boot/k
	truncate -s 50M image/boot/i
	image_check 3
	messages_have 'MiB, unpacked too: more than the 192 MiB that crashkernel reserves (reserve more, or carry less)'
	truncate -s 10M image/boot/k
	truncate -s 20M image/boot/i
	image_check 0 --strict
	head -c 1M /dev/urandom | zstd -q | head -c 500K >image/boot/i
	image_check 3
	messages_have "error: the crash kernel's initrd is damaged, or cut off (build it anew)"
	truncate -s 0 image/boot/i
	truncate -s 20M image/boot/i
	# A kernel says in its header what it needs: here 256 MiB.
	printf 'HdrS\x0f\x02' | dd of=image/boot/k bs=1 seek=$((0x202)) conv=notrunc status=none
	printf '\0\0\0\x10' | dd of=image/boot/k bs=1 seek=$((0x260)) conv=notrunc status=none
	image_check 3
	# Packed, unpacked, and as much again: half of the memory is all that an initrd may fill.
	messages_have 'error: crash kernel and initrd need 396 MiB'
}

# --- the kernel's configuration ---

@test "each option that the profile needs and the kernel lacks, with what it costs" {
	change 'panic_on_oom: 2' $'panic_on_oom: 2 }\nsysctl: { kernel.panic: 3'
	sed -i 's/=[ym]$/=n/' "image/boot/config-$release"
	image_check 3
	local config=image/boot/config-6.1.0-demo line
	while IFS= read -r line; do
		messages_have "$line"
	done <<-END
		error: $config has no CONFIG_SYSCTL: no setting of vm can be made
		error: $config has no CONFIG_SYSCTL: no sysctl can be set
		error: $config has no CONFIG_CRASH_DUMP: the kernel cannot start a crash kernel, or be one
		error: $config has no CONFIG_KEXEC_FILE or CONFIG_KEXEC: no crash kernel can be loaded
		error: $config has no CONFIG_PROC_VMCORE: the crash kernel finds nothing to save
		error: $config has no CONFIG_PSTORE: no kernel log survives a restart
		error: $config has no CONFIG_PSTORE_RAM: no kernel log survives a restart in reserved memory
		error: $config has no CONFIG_CGROUPS: no process is in a unit's cgroup: the rule matches nothing
	END
	image_check 3 --strict
	while IFS= read -r line; do
		messages_have "$line"
	done <<-END
		error: $config has no CONFIG_FANOTIFY_ACCESS_PERMISSIONS: services are pinned only after they have started
		error: $config has no CONFIG_PROC_EVENTS: children of protected services keep the protection until the next scan
		error: $config has no CONFIG_PSI: max_rss is looked at only from time to time
	END
}

@test "one thing instead of another, and names that only begin alike" {
	local config=image/boot/config-$release
	sed -i 's/CONFIG_KEXEC_FILE=y/CONFIG_KEXEC=y/; s/CONFIG_PSTORE=y/CONFIG_PSTORE=m/' "$config"
	image_check 3
	messages_have 'has no CONFIG_KEXEC_FILE: only kexec(8) can load a crash kernel, and the image does not have it'
	: >image/usr/sbin/kexec
	image_check 0 --strict
	# Compiled in, and off until it is asked for.
	echo CONFIG_PSI_DEFAULT_DISABLED=y >>"$config"
	image_check 3 --strict
	messages_have 'has CONFIG_PSI_DEFAULT_DISABLED: without psi=1 on the kernel command line max_rss is looked at only from time to time'
	# shellcheck disable=SC2016 # the kernel's own notation
	image_check 0 --strict --cmdline 'psi=1 crashkernel=192M memmap=1M$0x20000000'
	sed -i 's/^CONFIG_PSTORE=m/XCONFIG_PSTORE=m/' "$config"
	image_check 3
	messages_have 'has no CONFIG_PSTORE: '
}

@test "a configuration from elsewhere, none, and one that is none" {
	mv "image/boot/config-$release" config
	image_check 0 --kernel-config config
	image_check 3 --strict
	messages_have "error: the image has no /boot/config-*: whether the kernel can do this is not checked (give --kernel-config)"
	mv config "image/usr/lib/modules/$release/config"
	image_check 0 --strict
	image_check 2 --kernel-config image/etc/passwd
	messages_have 'image/etc/passwd: this is no kernel configuration'
	# Another kernel, without one.
	cp -r "image/usr/lib/modules/$release" image/usr/lib/modules/6.2.0-next
	rm image/usr/lib/modules/6.2.0-next/config
	printf x | tee image/boot/vmlinuz-6.2.0-next >image/boot/holdfast-capture-6.2.0-next.img
	image_check 3 --strict
	messages_have 'image/boot/config-6.2.0-next: No such file or directory: whether the kernel can do this is not checked'
	cp "image/usr/lib/modules/$release/config" image/boot/config-6.2.0-next
	image_check 0 --strict
	image_check 2 --kernel-config nowhere
	messages_have 'nowhere: No such file or directory'
}

# --- the kernel command line ---

@test "a command line without what must be reserved" {
	boot_entry 'root=LABEL=root'
	# shellcheck disable=SC2016 # the kernel's own notation
	finds_in_image 3 <<-'END'
		product.yaml:10:16: error: the kernel command line of image/boot/loader/entries/product.conf has no crashkernel=192M: nothing is reserved
		product.yaml:12:14: error: the kernel command line of image/boot/loader/entries/product.conf has no memmap=1M$0x20000000: the memory is not kept
	END
}

@test "crashkernel= in all its forms" {
	# shellcheck disable=SC2016 # the kernel's own notation
	local memmap='memmap=0x100000$512M' value
	for value in 192M 256M 192M@16M 0-:192M 0-2G:192M,2G-:256M@16M 192M,high 201326592 0-1T:192M,1T-:1P 0x0-0x1T:192M,1t-:256M '192M,high crashkernel=64M,low' '64M crashkernel=192M'; do
		image_check 0 --strict --cmdline "crashkernel=$value $memmap"
	done
	for value in 128M 64M@16M; do
		image_check 3 --cmdline "crashkernel=$value $memmap"
		messages_have "the kernel command line of --cmdline has crashkernel=$value: less than 192M"
	done
	# One that is plain goes before one that is high.
	for value in '192M,high crashkernel=64M' '64M crashkernel=192M,high'; do
		image_check 3 --cmdline "crashkernel=$value $memmap"
		messages_have "the kernel command line of --cmdline has crashkernel=64M: less than 192M"
	done
	image_check 0 --cmdline "crashkernel=auto $memmap"
	image_check 3 --strict --cmdline "crashkernel=auto $memmap"
	messages_have 'crashkernel=auto of --cmdline: how much that reserves is not known here'
	image_check 3 --cmdline "quiet -- crashkernel=192M $memmap"
}

@test "crashkernel= by ranges of memory: the least that a machine of the profile's gets" {
	# shellcheck disable=SC2016 # the kernel's own notation
	local memmap='memmap=0x100000$512M' ranges=512M-2G:64M,2G-8G:192M
	# Of the machines nothing is known.
	image_check 3 --cmdline "crashkernel=$ranges $memmap"
	messages_have "crashkernel=$ranges: less than 192M on a machine with 512M-2G"
	image_check 0 --cmdline "crashkernel=2G-:192M $memmap"
	image_check 3 --strict --cmdline "crashkernel=2G-:192M $memmap"
	messages_have "crashkernel=2G-:192M: nothing is reserved on a machine with less than 2G (say below match how much memory the profile's machines have)"
	# All have between 2 and 6 GiB, or 1 GiB.
	printf 'match: [ { memory: ">=2G,<6G" }, { memory: ">=3G,<7G", arch: x86_64 } ]\n' >>"$PROFILES/product.yaml"
	image_check 0 --strict --cmdline "crashkernel=$ranges $memmap"
	image_check 3 --cmdline "crashkernel=2G-4G:192M $memmap"
	messages_have 'nothing is reserved on a machine with 4G or more'
	image_check 3 --cmdline "crashkernel=4G-:192M $memmap"
	messages_have 'nothing is reserved on a machine with less than 4G'
	change 'memory: ">=3G,<7G"' 'memory: "1G"'
	image_check 3 --cmdline "crashkernel=$ranges $memmap"
	messages_have 'less than 192M on a machine with 512M-2G'
}

@test "memmap= among others, and not at all where a device tree says it" {
	local reserve='crashkernel=192M'
	# shellcheck disable=SC2016 # the kernel's own notation
	image_check 0 --cmdline "$reserve"' memmap=4G@0 memmap=2M$1G,1M$0x20000000'
	# shellcheck disable=SC2016
	image_check 3 --cmdline "$reserve"' memmap=2M$0x20000000'
	sed -i 's/CONFIG_X86_64/CONFIG_ARM64/' "image/boot/config-$release"
	image_check 0 --strict --cmdline "$reserve"
}

@test "ramoops that is built in is told its memory by the command line" {
	sed -i 's/PSTORE_RAM=m/PSTORE_RAM=y/' "image/boot/config-$release"
	image_check 0
	image_check 3 --strict
	messages_have 'has no ramoops.mem_address=0x20000000: ramoops is built in'
	messages_have 'has no ramoops.mem_size=0x100000: ramoops is built in'
	# shellcheck disable=SC2016 # the kernel's own notation
	image_check 0 --strict --cmdline 'crashkernel=192M memmap=1M$0x20000000 ramoops.mem-address=536870912 ramoops.mem_size=1048576'
}

@test "image cmdline: what this image's kernel needs besides" {
	change 'name: loop' 'name: loop, options: { max_loop: 3, max_part: 7 }'
	sed -i 's/PSTORE_RAM=m/PSTORE_RAM=y/' "image/boot/config-$release"
	echo CONFIG_PSI_DEFAULT_DISABLED=y >>"image/boot/config-$release"
	expect 0 "$HOLDFAST" --root image image cmdline product
	# shellcheck disable=SC2016 # the kernel's own notation
	output_is <<<'crashkernel=192M memmap=1M$0x20000000 ramoops.mem_address=0x20000000 ramoops.mem_size=0x100000 psi=1 loop.max_loop=3 loop.max_part=7 holdfast.profile=product'
	# With these it holds.
	image_check 0 --strict --cmdline "$output"
}

@test "a command line that switches holdfast off, or names a profile that is not there" {
	# shellcheck disable=SC2016 # the kernel's own notation
	local reserve='crashkernel=192M memmap=1M$0x20000000' word
	for word in holdfast=off holdfast=plan; do
		image_check 3 --cmdline "$reserve $word"
		messages_have "has $word: nothing would be done"
	done
	image_check 3 --cmdline "$reserve holdfast.profile=prodcut"
	messages_have 'the kernel command line of --cmdline has holdfast.profile=prodcut: there is no such profile'
	image_check 3 --cmdline "$reserve holdfast.profile=../product"
	image_check 0 --strict --cmdline "$reserve holdfast.profile=product"
}

@test "a command line that does not let the profile be chosen" {
	# shellcheck disable=SC2016 # the kernel's own notation
	local reserve='crashkernel=192M memmap=1M$0x20000000'
	printf 'match:\n  - cmdline: { acme.product: [ eg200, "eg3*" ], acme.test: false }\n  - { cmdline: { acme.product: old }, arch: x86_64 }\n' >>"$PROFILES/product.yaml"
	image_check 0
	image_check 3 --strict
	messages_have 'product.yaml:22:1: error: the kernel command line of image/boot/loader/entries/product.conf does not let the profile be chosen'
	for word in acme.product=eg200 acme.product=eg300 acme.product=old holdfast.profile=product; do
		image_check 0 --strict --cmdline "$reserve $word"
	done
	image_check 3 --strict --cmdline "$reserve acme.product=eg200 acme.test"
	# One of two entries is for it.
	cp image/boot/loader/entries/product.conf image/boot/loader/entries/other.conf
	image_check 3 --strict
	messages_have 'none of the 2 kernel command lines, of image/boot/loader/entries/other.conf and others, lets the profile be chosen'
	sed -i 's/options/& acme.product=eg200/' image/boot/loader/entries/product.conf
	image_check 0 --strict
	# A parent is chosen by nothing.
	profile parent </dev/null
	image_check 0 --strict
	profile rival <<<'match: [ { arch: x86_64 } ]'
	sed -i 's/options/& holdfast.profile=product/' image/boot/loader/entries/*.conf
	image_check 3 --strict
	messages_have 'rival.yaml:3:1: error: none of the 2 kernel command lines'
}

@test "where boot loaders keep their command lines" {
	rm -r image/boot/loader
	local line='root=x crashkernel=64M' where
	image_check 3 --strict
	messages_have "the image has no boot loader entry: whether the kernel command line has crashkernel=192M is not checked (give --cmdline)"
	while read -r where; do
		mkdir -p "image/${where%/*}"
		case $where in
		*/grub.cfg) printf 'menuentry x {\n\tlinux /vmlinuz %s\n}\n' "$line" ;;
		*/grub) printf 'GRUB_CMDLINE_LINUX="root=x"\nGRUB_CMDLINE_LINUX_DEFAULT="crashkernel=64M"\n' ;;
		*.conf | *.cfg) printf 'LABEL x\n  APPEND %s\n' "$line" ;;
		*) printf '%s\n' "$line" ;;
		esac >"image/$where"
		image_check 3
		messages_have "the kernel command line of image/$where has crashkernel=64M: less than 192M"
		rm "image/$where"
	done <<-'END'
		boot/grub/grub.cfg
		boot/grub2/grub.cfg
		boot/extlinux/extlinux.conf
		boot/syslinux/syslinux.cfg
		boot/cmdline.txt
		boot/firmware/cmdline.txt
		etc/kernel/cmdline
		usr/lib/kernel/cmdline
		etc/default/grub
	END
	# A rescue entry may do without.
	# shellcheck disable=SC2016 # the kernel's own notation
	printf 'linux /vmlinuz single\nlinux /vmlinuz systemd.unit=rescue.target\nlinux /vmlinuz crashkernel=192M memmap=1M\\$512M\n' >image/boot/grub/grub.cfg
	image_check 0
}

@test "a form feed in a GRUB entry is part of its word" {
	rm -r image/boot/loader
	mkdir image/boot/grub
	printf 'menuentry x {\n\tlinux /vmlinuz \f crashkernel=64M\n}\n' >image/boot/grub/grub.cfg
	image_check 3
	messages_have "has crashkernel=64M: less than 192M"
}

@test "a boot entry's options may stand on several lines" {
	sed -i 's/^options /options root=LABEL=x\noptions /' image/boot/loader/entries/product.conf
	image_check 0 --strict
}

@test "a boot entry of Fedora's has its options in GRUB's environment" {
	mkdir image/boot/grub2
	# shellcheck disable=SC2016 # GRUB expands it, and the kernel's own notation
	{
		boot_entry 'root=LABEL=root $kernelopts quiet'
		printf '# GRUB Environment Block\nsaved_entry=product\nkernelopts=crashkernel=192M memmap=1M$0x20000000 \n####' >image/boot/grub2/grubenv
	}
	image_check 0 --strict
	sed -i s/192M/64M/ image/boot/grub2/grubenv
	image_check 3
	messages_have 'product.conf has crashkernel=64M: less than 192M'
}

@test "a boot entry's options in variables that grub.cfg sets; an entry without options" {
	mkdir -p image/boot/grub2
	# shellcheck disable=SC2016 # GRUB expands it, and the kernel's own notation
	boot_entry 'root=LABEL=root ${kernelopts} $tuned memmap=1M$0x20000000'
	# Said only where the environment does not: where it does, that counts.
	# shellcheck disable=SC2016
	printf 'if [ -z "${kernelopts}" ]; then\n  set kernelopts="crashkernel=192M ro"\nfi\n' >image/boot/grub2/grub.cfg
	image_check 0 --strict
	printf '# GRUB Environment Block\nkernelopts=crashkernel=64M\n' >image/boot/grub2/grubenv
	image_check 3
	messages_have 'product.conf has crashkernel=64M: less than 192M'
	rm image/boot/grub2/grubenv
	sed -i '/^options/d' image/boot/loader/entries/product.conf
	echo "set default_kernelopts='crashkernel=64M'" >>image/boot/grub2/grub.cfg
	image_check 3
	messages_have 'product.conf has crashkernel=64M: less than 192M'
}

# repeat N LINE: without a loop, whose every step bats looks at.
repeat() {
	yes "$2" | head -n "$1" || :
}

@test "a boot loader's file that doubles itself is cut off, not followed; a long one is read" {
	rm -r image/boot/loader
	mkdir -p image/boot/{grub,extlinux}
	{
		echo 'set a="xxxxxxxxxxxxxxxx"'
		# shellcheck disable=SC2016 # GRUB expands it
		for _ in {1..40}; do echo 'set a="$a$a"'; done
		# shellcheck disable=SC2016
		echo 'linux /vmlinuz crashkernel=192M $a'
	} >image/boot/grub/grub.cfg
	image_check 3
	repeat 20000 'append quiet' >image/boot/extlinux/extlinux.conf
	image_check 3
	rm image/boot/extlinux/extlinux.conf
	# shellcheck disable=SC2016
	repeat 30000 'set b="$a"; linux $a' >>image/boot/grub/grub.cfg
	image_check 3
}

# without_end FILE: instead of what stands there, 20 GB; back_again FILE undoes it.
without_end() {
	mkdir -p "image/${1%/*}"
	[[ ! -e image/$1 ]] || mv "image/$1" before
	truncate -s 20G "image/$1"
	chmod 755 "image/$1"
}

back_again() {
	rm "image/$1"
	[[ ! -e before ]] || mv before "image/$1"
}

@test "files far too large to be what they are called: told, or passed over, in little time and memory" {
	local file began=$SECONDS
	for file in boot/{config-$release,loader/entries/{product,other}.conf,grub{,2}/grub.cfg,extlinux/extlinux.conf} \
		boot/{syslinux/syslinux.cfg,cmdline.txt,firmware/cmdline.txt} {etc,usr/lib}/kernel/cmdline \
		lib/modules/$release/config; do
		without_end "$file"
		image_check 3 --strict
		messages_have "error: image/$file: File too large: whether the kernel"
		back_again "$file"
	done
	for file in dep{,.bin} builtin{,.bin,.modinfo} {alias,symbols}.bin softdep; do
		without_end "lib/modules/$release/modules.$file"
		image_check 3
		messages_have 'the modules cannot be checked: its list of modules is too large'
		back_again "lib/modules/$release/modules.$file"
	done
	for file in boot/{vmlinuz-$release,holdfast-capture-$release.img}; do
		without_end "$file"
		image_check 3
		messages_have 'MiB, unpacked too: more than the 192 MiB that crashkernel reserves'
		back_again "$file"
	done
	without_end etc/passwd
	image_check 3
	messages_have "error: the image has no user 'watch' in /etc/passwd"
	back_again etc/passwd
	for file in etc/group usr/sbin/sshd bin/sh "lib/modules/$release/kernel/dummy.ko" etc/systemd/system/ssh.service{,.d/limit.conf}; do
		without_end "$file"
		image_check 0 --strict
		back_again "$file"
	done
	# Read only where no entry has a command line, and where an entry has variables.
	rm -r image/boot/loader
	for file in etc/default/grub{,.d/product.cfg}; do
		without_end "$file"
		image_check 3 --strict
		messages_have "error: image/$file: File too large: whether the kernel"
		back_again "$file"
	done
	mkdir -p image/boot/loader/entries
	# shellcheck disable=SC2016 # GRUB's notation
	boot_entry '$kernelopts'
	for file in boot/grub{,2}/grub{env,.cfg}; do
		without_end "$file"
		image_check 3
		messages_have 'product.conf has no crashkernel='
		back_again "$file"
	done
	image_check 2 --kernel-config /dev/zero
	messages_have '/dev/zero: File too large'
	((SECONDS - began < 60))
}

@test "a user is a name of the image's, or a number that is one" {
	printf 'odd:x:notanumber:1::/:/bin/sh\n' >>image/etc/passwd
	cp "$PROFILES/product.yaml" before.yaml
	for user in odd '"4294967296"' '"4294967295"' '"12x"'; do
		cp before.yaml "$PROFILES/product.yaml"
		change 'user: watch' "user: $user"
		image_check 3
		messages_have 'the image has no user'
	done
}

@test "GRUB's language: quotes, backslashes, variables; memtest and submenus are no entries of the product" {
	rm -r image/boot/loader
	mkdir -p image/boot/grub image/etc/default/grub.d
	cat >image/boot/grub/grub.cfg <<-'END'
		set reserve="crashkernel=192M"
		menuentry 'Product' {
			linux /vmlinuz root="LABEL=a b" ${reserve} memmap=1M\$0x20000000 'loop.max_loop=3'
		}
		menuentry 'Memory test' {
			linux16 /boot/memtest86+.bin console=ttyS0
		}
		submenu 'Tools' {
			menuentry 'Shell' {
				linux /vmlinuz init=/bin/sh
			}
		}
	END
	image_check 0 --strict
	# GRUB takes the bare dollar for a variable.
	sed -i 's/\\\$/$/' image/boot/grub/grub.cfg
	image_check 3
	# shellcheck disable=SC2016 # the kernel's own notation
	messages_have 'grub.cfg has no memmap=1M$0x20000000'
	# The shell takes off one layer, GRUB the next; later files add to the variables of the earlier.
	rm image/boot/grub/grub.cfg
	cat >image/etc/default/grub <<-'END'
		# GRUB_CMDLINE_LINUX="crashkernel=8M"
		GRUB_CMDLINE_LINUX="root=x memmap=1M\\\$0x20000000"
		GRUB_CMDLINE_LINUX_DEFAULT='quiet'
	END
	# shellcheck disable=SC2016 # the shell that reads it expands it
	echo 'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT crashkernel=192M"' >image/etc/default/grub.d/kdump.cfg
	image_check 0 --strict
	echo 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"' >image/etc/default/grub.d/zz.cfg
	image_check 3
	messages_have 'image/etc/default/grub has no crashkernel=192M'
}

@test "GRUB's and the shell's language: continued lines, several commands on one, what is exported and added to" {
	rm -r image/boot/loader
	mkdir -p image/boot/grub image/etc/default
	cat >image/boot/grub/grub.cfg <<-'END'
		set reserve=crashkernel=192M; set more=quiet # not: set reserve=crashkernel=8M
		menuentry 'Product' { linux /vmlinuz \
			root=x $reserve \
			memmap=1M\$0x20000000 $more; initrd /initrd.img }
		submenu 'Tools' { menuentry 'Shell' { linux /vmlinuz init=/bin/sh } }
		menuentry "Next" {
			linux /vmlinuz crashkernel=64M
		}
	END
	image_check 3
	# Of the product's entry it has nothing to say, nor of the submenu's.
	[[ $(grep -c crashkernel <<<"$messages") == 1 ]]
	messages_have 'grub.cfg has crashkernel=64M: less than 192M'
	# shellcheck disable=SC2016 # the kernel's own notation
	sed -i 's/64M/192M memmap=1M\\$512M/' image/boot/grub/grub.cfg
	image_check 0 --strict
	rm image/boot/grub/grub.cfg
	cat >image/etc/default/grub <<-'END'
		GRUB_TIMEOUT=5; export GRUB_CMDLINE_LINUX="root=x \
		  crashkernel=192M"
		GRUB_CMDLINE_LINUX_DEFAULT="quiet
		  memmap=1M\\\$0x20000000" GRUB_DEFAULT=0
	END
	image_check 0 --strict
	echo 'GRUB_CMDLINE_LINUX+=" crashkernel=64M"' >>image/etc/default/grub
	image_check 3
	messages_have 'image/etc/default/grub has crashkernel=64M: less than 192M'
	# A quote that nobody closes ends with its line.
	sed -i "1i GRUB_DISTRIBUTOR=it's" image/etc/default/grub
	image_check 3
	messages_have 'image/etc/default/grub has crashkernel=64M: less than 192M'
}

@test "a kernel that brings its own command line" {
	local config=image/boot/config-$release where
	# shellcheck disable=SC2016 # the kernel's own notation
	boot_entry 'root=LABEL=root memmap=1M$0x20000000'
	printf 'CONFIG_CMDLINE_BOOL=y\nCONFIG_CMDLINE="crashkernel=192M dyndbg=\\"file x +p\\""\n' >>"$config"
	image_check 0 --strict
	where="image/boot/loader/entries/product.conf and CONFIG_CMDLINE in $config"
	sed -i 's/^CONFIG_CMDLINE=.*/CONFIG_CMDLINE="crashkernel=64M"/' "$config"
	image_check 3
	messages_have "the kernel command line of $where has crashkernel=64M: less than 192M"
	# It alone counts.
	echo CONFIG_CMDLINE_OVERRIDE=y >>"$config"
	image_check 3
	messages_have "the kernel command line of CONFIG_CMDLINE in $config has no memmap="
	# For want of another: the boot loader's counts.
	sed -i '/OVERRIDE\|_BOOL/d' "$config"
	image_check 3
	messages_have 'the kernel command line of image/boot/loader/entries/product.conf has no crashkernel=192M'
}

# --- what cannot be looked at ---

# as_nobody COMMAND...: as an ordinary user.
as_nobody() {
	if [[ $(id -u) == 0 ]]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		"$@"
	fi
}

# nobody_finds STATUS: what an ordinary user is told, without the profile's path.
nobody_finds() {
	local dir
	for dir in "$PWD" "$(dirname "$PWD")" "$(dirname "$(dirname "$PWD")")" "$BATS_RUN_TMPDIR"; do
		chmod o+x "$dir"
	done
	cp "$HOLDFAST" ./holdfast
	expect "$1" as_nobody ./holdfast --root image check --image
	messages=${messages//image\/etc\/holdfast\/profiles\//}
}

@test "an ordinary user is told what cannot be read, and not that it is missing" {
	[[ $(id -u) == 0 ]] || return 0 # the image would belong to another than root
	chmod 700 image/boot
	chmod 711 image/usr/sbin/sshd
	chmod 700 "image/usr/lib/modules/$release"
	nobody_finds 3
	messages_are <<-'END'
		product.yaml:4:1: error: /lib/modules/6.1.0-demo: the modules cannot be checked: Permission denied
		product.yaml:9:1: warning: '/boot/vmlinuz-6.1.0-demo' in the image: Permission denied: it is not checked
		product.yaml:9:1: warning: '/boot/holdfast-capture-6.1.0-demo.img' in the image: Permission denied: it is not checked
		product.yaml:10:3: warning: image/boot: Permission denied: whether the kernel command line has crashkernel=192M is not checked (give --cmdline)
		product.yaml:12:14: warning: image/boot: Permission denied: whether the kernel command line has memmap=1M$0x20000000 is not checked (give --cmdline)
		product.yaml:13:1: warning: image/boot: Permission denied: whether the kernel can do this is not checked (give --kernel-config)
		product.yaml:13:1: warning: image/lib/modules/6.1.0-demo: Permission denied: whether the kernel can do this is not checked (give --kernel-config)
		product.yaml:15:10: warning: '/usr/sbin/sshd' in the image: Permission denied: whether it can be run is not checked
	END
	chmod 755 image/boot "image/usr/lib/modules/$release"
	chmod 600 image/boot/loader/entries/product.conf
	chmod 700 image/usr/lib/modules image/etc/systemd/system
	nobody_finds 0
	messages_have "warning: unit 'ssh.service' in the image: Permission denied: whether it is there is not checked"
	messages_have 'warning: /lib/modules of the image: Permission denied: its modules are not checked'
	messages_have 'image/boot/loader/entries/product.conf: Permission denied: whether the kernel command line'
}

@test "an ordinary user is told that a capture image that root alone may read cannot be told from another's" {
	[[ $(id -u) == 0 ]] || return 0 # the image would belong to another than root
	chmod 600 "image/boot/holdfast-capture-$release.img"
	nobody_finds 0
	messages_are <<-'END'
		product.yaml:9:1: warning: the capture image: Permission denied: whether it was built for this profile is not checked (check as root)
	END
}

# below_pseudo SCRIPT: an ordinary user does it, to whom everything seems to be root's.
below_pseudo() {
	# Its server would wait for more.
	# shellcheck disable=SC2016 # the inner shell's
	expect "$1" as_nobody env PSEUDO_PREFIX=/usr PSEUDO_LOCALSTATEDIR="$PWD/state" \
		sh -c 'status=0; pseudo sh -e -c "$1" || status=$?; pseudo -S; exit $status' sh "$2"
}

@test "below pseudo(1), which is Yocto's fakeroot, an image is filled and looked at as anywhere" {
	local dir
	for dir in "$(dirname "$PWD")" "$(dirname "$(dirname "$PWD")")" "$BATS_RUN_TMPDIR"; do
		chmod o+x "$dir"
	done
	make -s -C "$TESTS/.." install DESTDIR="$PWD/installed" INSTALL_STRIP= >/dev/null
	cp "$PROFILES/product.yaml" .
	mkdir state image/usr/lib/systemd/system/sysinit.target.wants
	: >image/usr/lib/systemd/systemd
	ln -sfn ssh.service image/usr/lib/systemd/system/sshd.service
	[[ $(id -u) != 0 ]] || chown -R 65534 .
	cp installed/usr/sbin/holdfast . # no sanitizer lets another library before itself
	below_pseudo 0 'chown -R 0:0 image; rm -r image/etc/holdfast
		./holdfast --root image image install --from installed product.yaml; ./holdfast --root image check --image --strict'
	[[ -L image/etc/systemd/system/sysinit.target.wants/holdfast-guard.service ]]
	below_pseudo 3 'chown 1 image/usr/sbin/sshd; ./holdfast --root image check --image --strict'
	messages_have "'/usr/sbin/sshd' in the image: the program is not root's alone: others could replace it"
	below_pseudo 0 'chown 0 image/usr/sbin/sshd; ./holdfast --root image image install --remove'
	[[ ! -e image/usr/lib/holdfast ]]
}

# --- the rest ---

@test "the vendor's examples are not held against an image whose site has profiles of its own" {
	mkdir -p image/usr/lib/holdfast/profiles
	profile example image/usr/lib/holdfast/profiles <<<'protect: [ { service: none, exe: /usr/sbin/none, unit: none.service } ]'
	image_check 0 --strict
	expect 0 "$HOLDFAST" --root image check --image
	messages_are <<<'1 example in image/usr/lib/holdfast/profiles: not held against the image'
	# But where it is asked for, or is all that there is.
	image_check 3 --profile example
	image_check 3 image/usr/lib/holdfast/profiles/example.yaml
	rm "$PROFILES/product.yaml"
	image_check 3
	messages_have "'/usr/sbin/none' in the image: there is no such program"
}

@test "options that need each other" {
	expect 2 "$HOLDFAST" check --image
	messages_have '--image needs --root: which image?'
	expect 2 "$HOLDFAST" --root image check --cmdline quiet
	messages_have '--kernel-config and --cmdline go with --image'
}

@test "as JSON, by profile and line" {
	rm image/usr/sbin/sshd
	expect 3 "$HOLDFAST" --root image --json check --image
	json_is '.files[0].findings[0] | .severity, .line, .column' $'error\n15\n10'
}

@test "no /proc and no /sys is needed" {
	rm image/usr/sbin/sshd
	mkdir none
	image_check 3 --procfs none --sysfs none
	messages_have 'there is no such program'
}

@test "a profile that is invalid is told so, and not held against the image" {
	change 'crashkernel: 192M' 'crashkernel: lots'
	rm image/usr/sbin/sshd
	image_check 3
	[[ $messages == *'error: '*lots* && $messages != *'in the image'* ]]
}
