#!/usr/bin/env bats
# The crash kernel on a made-up machine: what keeps it from being armed, each with its remedy; what depends on it. (Loading one is
# for the virtual machines: tests/vm/kdump.bats.)

load lib

setup_machine() {
	kernel_defaults
	kernel kernel/kexec_load_disabled=0
	mkdir -p root/sys/kernel root/boot
	reserved 256
	loaded 0
	bzimage 64 >root/boot/vmlinuz-6.1.0-demo
	head -c 4096 /dev/zero >root/boot/holdfast-capture-6.1.0-demo.img
	chmod 644 root/boot/*
	profile default <<-'END'
		vm: { panic_on_oom: always }
		kdump: { crashkernel: 192M, panic_on_oom_unarmed: 1, lock: true }
	END
}

# reserved MIB: what crashkernel= has reserved. loaded 0|1: whether a crash kernel is.
reserved() {
	printf '%s\n' $(($1 << 20)) >root/sys/kernel/kexec_crash_size
}

loaded() {
	printf '%s\n' "$1" >root/sys/kernel/kexec_crash_loaded
}

# bzimage MIB: a kernel image whose header asks for that much memory.
bzimage() {
	local size
	size=$(printf '%08x' $(($1 << 20)))
	head -c 514 /dev/zero
	printf 'HdrS\x0f\x02'
	head -c $((0x260 - 520)) /dev/zero
	printf '%b' "\\x${size:6:2}\\x${size:4:2}\\x${size:2:2}\\x${size:0:2}"
	head -c 1024 /dev/zero
}

# reason TEXT: `kdump status` gives it.
reason() {
	untouched expect 1 holdfast --json kdump status
	json_is .armed false
	json_is .reason "$1"
}

@test "no memory is reserved, or less than the profile asks: the parameter that helps" {
	reserved 0
	reason 'no memory is reserved: boot with crashkernel=192M'
	reserved 128
	reason 'boot with crashkernel=192M; 128M are reserved'
	json_is '.reserved_bytes, .required_bytes' $'134217728\n201326592'
}

@test "kernel and initramfs do not fit into what is reserved, by what their headers say" {
	bzimage 250 >root/boot/vmlinuz-6.1.0-demo
	untouched expect 1 holdfast --json kdump status
	[[ $(jq -r .reason <<<"$output") =~ ^kernel\ and\ initramfs\ need\ ([0-9]+)M:\ boot\ with\ crashkernel=([0-9]+)M\;\ 256M\ are\ reserved$ ]]
	[[ ${BASH_REMATCH[1]} == "${BASH_REMATCH[2]}" ]]
	# Its own 250, and something to run in.
	((BASH_REMATCH[1] > 250 && BASH_REMATCH[1] <= 250 + 64))
	((BASH_REMATCH[1] == ($(jq .required_bytes <<<"$output") + 1048575) / 1048576))
}

@test "an initramfs counts packed and unpacked, by gzip's, zstd's and cpio's own words" {
	local initrd=root/boot/holdfast-capture-6.1.0-demo.img needed=()
	head -c 8M /dev/zero >big
	gzip -9c big >"$initrd"
	expect 1 holdfast --json kdump status
	json_is .reason "nothing is in the way: 'holdfast kdump load' arms it"
	for MIB in 8 60 200; do
		head -c "${MIB}M" /dev/zero >big
		gzip -1c big >"$initrd"
		expect 1 holdfast --json kdump status
		needed+=("$(jq .required_bytes <<<"$output")")
		zstd -qf big -o "$initrd"
		expect 1 holdfast --json kdump status
		# The packed sizes of zeros differ by little.
		((needed[-1] - $(jq .required_bytes <<<"$output") < 1 << 20))
	done
	((needed[0] == 192 << 20))
	json_is '.reason | startswith("kernel and initramfs need ")' true
	{
		printf 070701
		head -c 100M /dev/zero
	} >"$initrd"
	expect 1 holdfast --json kdump status
	json_is '.required_bytes > (264 * 1048576)' true
}

@test "kexec is locked, or its limit is used up" {
	kernel kernel/kexec_load_disabled=1
	reason 'kernel.kexec_load_disabled is set: nothing can be loaded until the next boot; load before it is set'
	json_is .locked true
	kernel kernel/kexec_load_disabled=0 kernel/kexec_load_limit_panic=0
	reason 'kernel.kexec_load_limit_panic is 0: nothing can be loaded until the next boot'
	kernel kernel/kexec_load_limit_panic=-1
	reason "nothing is in the way: 'holdfast kdump load' arms it"
}

@test "a file is missing: which, and what makes it" {
	rm root/boot/holdfast-capture-6.1.0-demo.img
	reason '/boot/holdfast-capture-6.1.0-demo.img: No such file or directory: update-initramfs -u builds it'
	rm root/boot/vmlinuz-6.1.0-demo
	reason "/boot/vmlinuz-6.1.0-demo: No such file or directory: name the image by 'kernel' below 'kdump'"
	# Before the last stage it may still come.
	expect 0 holdfast apply --stage devices
	[[ -z $messages ]]
	report_is '.settings[] | select(.key == "kdump") | .result' absent
}

@test "files that others can write are not loaded" {
	chmod g+w root/boot/holdfast-capture-6.1.0-demo.img
	reason "/boot/holdfast-capture-6.1.0-demo.img can be written by others: make it root's own"
}

@test "a kernel that cannot do it at all" {
	rm root/sys/kernel/kexec_crash_*
	untouched expect 1 holdfast kdump status
	output_has 'not armed'
	printf '0\n' >root/sys/kernel/kexec_crash_size
	reason 'this kernel can load no crash kernel: it takes CONFIG_KEXEC_FILE and CONFIG_CRASH_DUMP'
}

@test "links in an image stay in the image" {
	ln -sf /etc/holdfast/profiles/default.yaml root/boot/vmlinuz-6.1.0-demo
	ln -sf /../../../../../../../../../etc/passwd root/boot/holdfast-capture-6.1.0-demo.img
	reason '/boot/holdfast-capture-6.1.0-demo.img: No such file or directory: update-initramfs -u builds it'
}

@test "not armed: panic_on_oom_unarmed applies, nothing is locked, and nothing is loaded for a made-up machine" {
	expect 0 holdfast apply
	messages_have "kdump: not armed, armed wanted (failed): sysfs is not the running kernel's: nothing is loaded"
	[[ $(value vm/panic_on_oom) == 1 ]]
	[[ $(value kernel/kexec_load_disabled) == 0 ]]
	expect 1 holdfast kdump load
	report_is '.settings[] | select(.key == "kdump") | .result' failed
}

@test "with required: a machine on which it cannot be armed is in error" {
	profile default <<<'kdump: { crashkernel: 512M, required: true }'
	expect 1 holdfast apply
	messages_have 'kdump: not armed, armed wanted (failed): boot with crashkernel=512M; 256M are reserved'
	report_is '.errors | length' 1
	expect 1 holdfast verify
}

@test "armed by somebody else: left alone; panic_on_oom as wanted, then locked" {
	loaded 1
	expect 0 holdfast apply
	output_is <<-'END'
		kdump: armed (holds)
		vm.panic_on_oom: 0 → 2
		kernel.kexec_load_disabled: 0 → 1
	END
	untouched expect 0 holdfast kdump status
	output_is <<-'END'
		armed, locked
		reserved: 256 MiB, required: 192 MiB
	END
	expect 0 holdfast verify
}

@test "load and unload: panic_on_oom goes with it, and comes back where it cannot be unloaded" {
	loaded 1
	expect 0 holdfast kdump load
	[[ $(value vm/panic_on_oom) == 2 ]]
	report_is '[.stages[].stage] | join(" ")' kdump
	expect 1 holdfast kdump unload
	messages_have "kdump: sysfs is not the running kernel's: nothing is loaded"
	[[ $(value vm/panic_on_oom) == 2 ]]
	loaded 0
	expect 0 holdfast kdump unload
	messages_have 'no crash kernel is loaded'
}

@test "capture: in a crash kernel and nowhere else" {
	untouched expect 1 holdfast kdump capture
	messages_have 'this is no crash kernel: there is no root/proc/vmcore; nothing is done'
}

@test "in a crash kernel nothing is loaded" {
	: >root/proc/vmcore
	untouched expect 0 holdfast kdump load
	messages_have 'capture kernel'
}

@test "a profile without kdump, no profile, an unknown action" {
	profile default <<<'vm: { panic_on_oom: 0 }'
	untouched expect 1 holdfast kdump load
	messages_have "profile 'default' has no section kdump"
	untouched expect 2 holdfast kdump explode
	messages_have "unknown action 'explode': load, unload, status, build or capture"
	rm "$PROFILES"/*
	untouched expect 4 holdfast --json kdump status
	json_is .version 1
}
