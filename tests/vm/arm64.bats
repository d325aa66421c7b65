#!/usr/bin/env bats
# ARM: cross-built for arm64 and booted in QEMU's virt machine with Debian's kernel; built for armhf.

load common

# No disk and no Debian: busybox as init, the program and the C library.
setup_file() {
	"$BATS_TEST_DIRNAME/build-arm" arm64 2>&3
	local root=$BATS_FILE_TMPDIR/root sysroot=$VM_BUILD/arm64/sysroot file
	mkdir -p "$root"/{bin,proc,sys,dev,run,etc,usr/sbin,usr/lib/vmtest}
	printf 'root:x:0:0::/:/bin/sh\n' >"$root/etc/passwd"
	cp "$VM_BUILD/arm64/busybox" "$root/bin/"
	cp "$TOP/build/arm64/root/usr/sbin/holdfast" "$root/usr/sbin/"
	cp "$BATS_TEST_DIRNAME/guest/emit" "$root/usr/lib/vmtest/"
	aarch64-linux-gnu-gcc -O1 -static -o "$root/usr/lib/vmtest/score" "$BATS_TEST_DIRNAME/guest/score.c"
	for file in lib/ld-linux-aarch64.so.1 lib/aarch64-linux-gnu/libc.so.6; do
		install -D "$sysroot/$file" "$root/$file"
	done
	cat >"$root/init" <<-'EOF'
		#!/bin/busybox sh
		export PATH=/usr/sbin:/usr/bin:/sbin:/bin
		/bin/busybox --install -s /bin
		mount -t proc proc /proc
		mount -t sysfs sysfs /sys
		mount -t devtmpfs devtmpfs /dev
		mount -t tmpfs tmpfs /run
		. /usr/lib/vmtest/emit
		{
			. /vmtest/run
			printf '==> end\n<== end 0\n'
		} 2>&1 | awk '{ print; fflush() } /^<== end /{ exit }' >/dev/ttyAMA0
		poweroff -f
	EOF
	chmod 755 "$root/init"
	(cd "$root" && find . -mindepth 1 | cpio --quiet -o -H newc -R 0:0) >"$BATS_FILE_TMPDIR/initrd"
}

# boot_virt: the machine that vm_new made, as one without firmware tables: a device tree is all that it has. Its only serial port takes
# what the test says.
boot_virt() {
	vm_make_initrd
	: >"$VM/output"
	ln -s output "$VM/console"
	vm_take_slot
	timeout --kill-after=5 "$VM_TIMEOUT" qemu-system-aarch64 -machine virt -cpu cortex-a57 -smp 2 -m 512 \
		-nodefaults -display none -no-reboot -nic none -kernel "$VM_BUILD/arm64/vmlinuz" -initrd "$VM/initrd" \
		-append "console=ttyAMA0 quiet loglevel=1 panic=-1" -serial "file:$VM/output" </dev/null 2>"$VM/qemu.log" 3>&- &
	VM_PID=$!
	wait "$VM_PID"
	VM_PID=
	exec {VM_SLOT}>&-
}

@test "arm64: chosen by the device tree, applied, and a service pinned before its first instruction" {
	vm_use_initrd "$BATS_FILE_TMPDIR/initrd"
	vm_initramfs_file etc/holdfast/profiles/virt.yaml <<-'EOF'
		holdfast: 1
		name: virt
		match:
		  - devicetree: { compatible: [ "acme,board", "linux,dummy-virt" ] }
		    arch: aarch64
		    memory: ">=512M,<1G"
		vm: { overcommit_ratio: 83, oom_dump_tasks: false }
		sysctl: { kernel.panic: 17, kernel.kptr_restrict: 2 }
		protect: [ { service: score, exe: /usr/lib/vmtest/score } ]
	EOF
	vm_initramfs_file etc/holdfast/profiles/pc.yaml <<-'EOF'
		holdfast: 1
		name: pc
		match: [ { arch: x86_64 }, { devicetree: { model: "Acme*" } } ]
	EOF
	vm_initramfs_file vmtest/run <<-'EOF'
		emit select holdfast select --json
		emit apply holdfast apply --stage early
		emit values cat /proc/sys/vm/overcommit_ratio /proc/sys/vm/oom_dump_tasks /proc/sys/kernel/panic /proc/sys/kernel/kptr_restrict
		emit unpinned /usr/lib/vmtest/score
		emit guard holdfast guard --daemon
		starts() { i=0; while [ $i -lt 50 ]; do /usr/lib/vmtest/score; i=$((i + 1)); done; }
		emit starts starts
		/usr/lib/vmtest/score 1000 >/run/score &
		until [ -s /run/score ]; do usleep 10000; done
		emit status holdfast status --json
		emit report cat /run/holdfast/report.json
		emit uname uname -m
		# It would keep the output open, and the machine on.
		killall -KILL score
	EOF
	boot_virt
	vm_section end
	[ "$(vm_section uname)" = aarch64 ]
	[ "$(json select '.profile + " " + .reason')" = 'virt match' ]
	[ "$(vm_status apply)" = 0 ]
	[ "$(vm_section values | paste -sd' ')" = '83 0 17 2' ]
	[ "$(vm_section unpinned)" = 0 ]
	[ "$(vm_section starts | sort | uniq -c | awk '{ print $1, $2 }')" = '50 -1000' ]
	[ "$(json status '[.guard.pinned[] | .how] | unique | join(" ")')" = exec ]
	[ "$(json report '[.settings[] | select(.result == "set")] | length')" = 4 ]
}

@test "arm64: an image of that architecture is checked and filled on this machine" {
	local image=$BATS_TEST_TMPDIR/image
	cp -a "$BATS_FILE_TMPDIR/root" "$image"
	rm "$image/usr/sbin/holdfast"
	ln -s busybox "$image/bin/sh"
	printf 'holdfast: 1\nname: board\nmatch: [ { arch: aarch64 } ]\nprotect: [ { service: s, exe: /usr/lib/vmtest/score } ]\n' >"$BATS_TEST_TMPDIR/board.yaml"
	local holdfast=$TOP/build/release/holdfast
	run "$holdfast" --root "$image" image install --from "$VM_ROOT_TREE" "$BATS_TEST_TMPDIR/board.yaml"
	[ "$status" -eq 1 ]
	[[ $output == *"is for x86_64, the image's programs are for aarch64"* ]]
	"$holdfast" --root "$image" image install --from "$TOP/build/arm64/root" "$BATS_TEST_TMPDIR/board.yaml"
	cmp "$TOP/build/arm64/root/usr/sbin/holdfast" "$image/usr/sbin/holdfast"
	"$holdfast" --root "$image" check --image
	rm "$image/usr/lib/vmtest/score"
	run "$holdfast" --root "$image" check --image
	[ "$status" -eq 3 ]
}

@test "armhf: builds without a warning" {
	"$BATS_TEST_DIRNAME/build-arm" armhf
	[[ $(od -An -tu2 -j18 -N2 "$TOP/build/armhf/root/usr/sbin/holdfast") -eq 40 ]]
}
