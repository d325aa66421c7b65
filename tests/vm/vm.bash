# shellcheck shell=bash
# One virtual machine: what goes into it, starting it, talking to it, reading what it said. Sourced by the tests and the demo.
#
# A machine boots the built kernel, initramfs and disk (never written: changes are thrown away; vm_kept_disk is the exception). What makes a test's machine different is
# a small archive appended to the initramfs, so a variation costs nothing to build.

# shellcheck source-path=SCRIPTDIR
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.bash"

VM=           # the machine's directory
VM_PID=       # its qemu
VM_SLOT=      # descriptor of the lock that lets it run

# Two machines at most run on one host, whoever started them.
VM_SLOTS=2
VM_SLOT_DIR=${VM_SLOT_DIR:-/run/lock}
# Seconds after which a machine is ended and its test fails.
VM_TIMEOUT=${VM_TIMEOUT:-300}

# vm_new DIR: a machine to be, with everything it says below DIR.
vm_new() {
	VM=$1
	rm -rf "$VM"
	mkdir -p "$VM/add/vmtest/root"
	vm_use_initrd "$VM_INITRD"
	vm_disks=()
	vm_reboot=(-no-reboot)
}

# vm_use_initrd FILE: another initramfs than the image's.
vm_use_initrd() {
	vm_initrd=$1
}

# vm_disk FILE: one more disk (vdb, vdc…), never written.
vm_disk() {
	vm_disks+=(-drive "file=$1,format=raw,if=virtio,snapshot=on")
}

# vm_kept_disk FILE [BYTES]: the same, and what is written stays; at most so many bytes a second.
vm_kept_disk() {
	vm_disks+=(-drive "file=$1,format=raw,if=virtio,throttling.bps-write=${2:-0}")
}

# vm_restarts: a reboot or reset starts the machine again instead of ending it. What it has in memory stays, as on hardware.
vm_restarts() {
	vm_reboot=()
}

# vm_initramfs_file PATH [MODE]: stdin becomes that file in the initramfs.
vm_initramfs_file() {
	install -D -m "${2:-644}" /dev/stdin "$VM/add/$1"
}

# vm_file PATH [MODE]: stdin becomes that file on the real root.
vm_file() {
	vm_initramfs_file "vmtest/root/$1" "${2:-644}"
}

# vm_profile NAME: stdin becomes a profile of the site's, in the initramfs and on the real root, as after update-initramfs.
vm_profile() {
	vm_initramfs_file "etc/holdfast/profiles/$1.yaml"
	install -D -m 644 "$VM/add/etc/holdfast/profiles/$1.yaml" "$VM/add/vmtest/root/etc/holdfast/profiles/$1.yaml"
}

# vm_script: stdin is what the running system does before it powers off; `emit NAME COMMAND...` makes output for vm_section.
vm_script() {
	vm_file vmtest/run
}

vm_make_initrd() {
	(cd "$VM/add" && find . -mindepth 1 | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) >"$VM/add.cpio"
	# The kernel wants each archive to begin on a multiple of four bytes.
	cp --reflink=auto "$vm_initrd" "$VM/initrd"
	truncate -s %4 "$VM/initrd"
	cat "$VM/add.cpio" >>"$VM/initrd"
}

vm_take_slot() {
	local n
	while :; do
		for ((n = 0; n < VM_SLOTS; n++)); do
			exec {VM_SLOT}>"$VM_SLOT_DIR/holdfast-vm.$n"
			! flock -n "$VM_SLOT" || return 0
			exec {VM_SLOT}>&-
		done
		sleep 0.2
	done
}

# vm_start [KERNEL-ARGUMENT...]: starts it in the background. Console in $VM/console, the script's output in $VM/output.
# TCG, since a kernel under test must run wherever the tests do; no network.
vm_start() {
	vm_make_initrd
	: >"$VM/console"
	: >"$VM/output"
	rm -f "$VM/keyboard"
	mkfifo "$VM/keyboard"
	vm_take_slot
	# Opened for reading too, or opening it would wait for qemu.
	exec {vm_keyboard}<>"$VM/keyboard"
	timeout --kill-after=5 "$VM_TIMEOUT" qemu-system-x86_64 \
		-machine pc,accel=tcg,usb=off -cpu max -smp "${VM_CPUS:-2}" -m "${VM_MEMORY:-1024}" \
		-nodefaults -display none "${vm_reboot[@]}" -nic none \
		-kernel "$VM_KERNEL" -initrd "$VM/initrd" \
		-append "console=ttyS0 root=/dev/vda rootfstype=ext4 rw fastboot mitigations=off $*" \
		-drive "file=$VM_DISK,format=raw,if=virtio,snapshot=on" "${vm_disks[@]}" \
		-chardev stdio,id=console,signal=off,logfile="$VM/console" -serial chardev:console -serial "file:$VM/output" \
		<"$VM/keyboard" >/dev/null 2>"$VM/qemu.log" 3>&- &
	VM_PID=$!
}

# vm_console: what the console said so far, without what terminals would eat.
vm_console() {
	tr -d '\r' <"$VM/console" | sed 's/\x1b\[[0-9;?]*[A-Za-z]//g'
}

# vm_says REGEX: the console has such a line. (Not through a pipe: grep stops reading when it has found it.)
vm_says() {
	grep -qaE -- "$1" <(vm_console)
}

# vm_expect REGEX [SECONDS]: waits until the console shows it; false when it does not in time or the machine has ended.
vm_expect() {
	local end=$((SECONDS + ${2:-200}))
	while ! vm_says "$1"; do
		if ((SECONDS >= end)) || ! kill -0 "$VM_PID" 2>/dev/null; then
			# It may have said it with its last breath.
			vm_says "$1"
			return
		fi
		sleep 0.2
	done
}

# vm_type TEXT: types a line on the console.
vm_type() {
	printf '%s\n' "$1" >&"$vm_keyboard"
}

# vm_wait: waits until the machine ends by itself; false when it had to be ended, or qemu failed.
vm_wait() {
	local status=0
	wait "$VM_PID" || status=$?
	vm_forget
	return "$status"
}

# vm_stop: ends a machine that is still running.
vm_stop() {
	[[ -n $VM_PID ]] || return 0
	kill "$VM_PID" 2>/dev/null || :
	wait "$VM_PID" 2>/dev/null || :
	vm_forget
}

vm_forget() {
	VM_PID=
	exec {VM_SLOT}>&- {vm_keyboard}>&-
}

# vm_boot [KERNEL-ARGUMENT...]: a whole boot to the power-off at the end of the test's script; false when it does not come that far.
vm_boot() {
	local status=0
	vm_start "$@"
	vm_wait || status=$?
	# Two emulated processors, one of which changes the code that the other runs, now and then leave the kernel in a loop
	# before its first process. That is the emulator's fault, and says nothing about what is tested.
	if ((status != 0)) && vm_says 'watchdog: BUG: soft lockup' && ! vm_says 'Run .* as init process'; then
		status=0
		vm_start "$@"
		vm_wait || status=$?
	fi
	((status == 0)) && vm_section end >/dev/null
}

# vm_section NAME: that section of the test's output; false when there is none. Its command's status is in vm_status.
# (Both read to the end: whoever writes into a pipe must not find it closed.)
vm_section() {
	tr -d '\r' <"$VM/output" | awk -v name="$1" '
		$1 == "<==" && $2 == name { inside = 0; found = 1 }
		inside { print }
		$1 == "==>" && $2 == name && !found { inside = 1 }
		END { exit !found }'
}

# vm_status NAME: the status of that section's command.
vm_status() {
	tr -d '\r' <"$VM/output" | awk -v name="$1" '$1 == "<==" && $2 == name { print $3; found = 1 } END { exit !found }'
}

# vm_explain: for a failed test: what the machine said at the end.
vm_explain() {
	[[ -n $VM && -e $VM/console ]] || return 0
	printf -- '--- console of %s (end)\n' "$VM"
	vm_console | tail -n 40
	printf -- '--- output\n'
	tr -d '\r' <"$VM/output" | awk '$1 == "==>" { show = $2 !~ /^(dmesg|now|at-init)$/ } show' | tail -n 150
	printf -- '--- qemu\n'
	cat "$VM/qemu.log"
}
