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
	# Several joined: the last one's own size is not the size of all.
	head -c 40M /dev/urandom | gzip -1c >"$initrd"
	gzip -c <<<small >>"$initrd"
	expect 1 holdfast --json kdump status
	json_is '.required_bytes > (264 * 1048576)' true
	{
		printf 070701
		head -c 100M /dev/zero
	} >"$initrd"
	expect 1 holdfast --json kdump status
	json_is '.required_bytes > (264 * 1048576)' true
	# Of zstd's frames each says; one that does not stands for what follows it, too.
	head -c 60M /dev/zero >big
	head -c 1M /dev/urandom >noise
	for part in big noise; do
		zstd -qf $part
		zstd -qf --no-check $part -o $part.plain
		zstd -qc <$part >$part.pipe
	done
	same_need() {
		holdfast kdump needs root/boot/vmlinuz-6.1.0-demo "$initrd"
	}
	cat big.zst noise.plain >"$initrd"
	needed=("$(same_need)")
	cat noise.zst <(head -c 512 /dev/zero) big.plain >"$initrd"
	((needed[0] == 64 * 1048576 + $(stat -c %s big.zst noise.plain | paste -sd+) + 2 * 61 * 1048576))
	((needed[0] - $(same_need) < 1024 && $(same_need) - needed[0] < 1024))
	cat noise.pipe big.zst >"$initrd"
	(($(same_need) < needed[0]))
}

@test "an initramfs that is damaged, or cut off, is not loaded; a size that cannot be is no size" {
	local initrd=root/boot/holdfast-capture-6.1.0-demo.img
	head -c 1M /dev/urandom >noise
	zstd -q noise
	reason_of() {
		expect 1 holdfast --json kdump status
		json_is .reason "$1"
	}
	cat noise.zst >"$initrd"
	reason_of "nothing is in the way: 'holdfast kdump load' arms it"
	local damaged='the initramfs is damaged, or cut off: build it anew'
	head -c 500000 noise.zst >"$initrd"
	reason_of "$damaged"
	head -c -1 noise.zst >"$initrd"
	reason_of "$damaged"
	cat <(head -c 5000 noise.zst) <(head -c 60M /dev/zero) >"$initrd"
	reason_of "$damaged"
	expect 1 holdfast kdump needs root/boot/vmlinuz-6.1.0-demo "$initrd"
	truncate -s 2T "$initrd"
	expect 1 holdfast kdump needs root/boot/vmlinuz-6.1.0-demo "$initrd"
	messages_have 'File too large'
}

@test "early microcode before the packed archive does not hide what that unpacks to" {
	local initrd=root/boot/holdfast-capture-6.1.0-demo.img plain
	head -c 90M /dev/zero | gzip -9c >"$initrd"
	expect 1 holdfast --json kdump status
	plain=$(jq .required_bytes <<<"$output")
	((plain > (64 + 90 + 90) << 20))
	mkdir -p early/kernel/x86/microcode
	head -c 100000 /dev/urandom >early/kernel/x86/microcode/GenuineIntel.bin
	{
		(cd early && find . | cpio --quiet -o -H newc)
		head -c 4096 /dev/zero
		cat "$initrd"
	} >both
	mv both "$initrd"
	expect 1 holdfast --json kdump status
	(($(jq .required_bytes <<<"$output") > plain && $(jq .required_bytes <<<"$output") < plain + (1 << 20)))
	# The same measure for whoever builds one.
	expect 0 holdfast kdump needs root/boot/vmlinuz-6.1.0-demo "$initrd"
	output_is <<<"$(holdfast --json kdump status | jq .required_bytes)"
	expect 1 holdfast kdump needs root/boot/vmlinuz-6.1.0-demo /nowhere
	messages_have '/nowhere: No such file or directory'
	expect 2 holdfast kdump needs "$initrd"
	# An entry that leads back to itself.
	{
		printf 070701
		printf '%08x' 0 0 0 0 0 0
		printf -- '-0000070'
		printf '%08x' 0 0 0 0 2 0
		printf 'a\0'
		head -c 4096 /dev/zero
	} >loop
	expect 0 timeout 20 "$HOLDFAST" kdump needs root/boot/vmlinuz-6.1.0-demo loop
}

@test "what the files need is told at once, whatever else is in the way" {
	bzimage 250 >root/boot/vmlinuz-6.1.0-demo
	reserved 0
	reason 'kernel and initramfs need 283M: no memory is reserved: boot with crashkernel=283M'
	loaded 1
	expect 0 holdfast --json kdump status
	json_is .required_bytes $(((250 + 32) * 1048576 + 4 * 4096))
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
	run ! grep -F 'kdump: ' stderr
	report_is '.settings[] | select(.key == "kdump") | .result' absent
}

@test "a file is empty, or is none: which, and what makes it" {
	local image=root/boot/holdfast-capture-6.1.0-demo.img
	: >"$image"
	reason '/boot/holdfast-capture-6.1.0-demo.img is empty: update-initramfs -u builds it'
	rm "$image"
	mkdir "$image"
	reason '/boot/holdfast-capture-6.1.0-demo.img is no file: update-initramfs -u builds it'
	rmdir "$image"
	mkfifo "$image"
	reason '/boot/holdfast-capture-6.1.0-demo.img is no file: update-initramfs -u builds it'
	: >root/boot/vmlinuz-6.1.0-demo
	reason "/boot/vmlinuz-6.1.0-demo is empty: name the image by 'kernel' below 'kdump'"
}

@test "files that others can write are not loaded" {
	chmod g+w root/boot/holdfast-capture-6.1.0-demo.img
	reason "/boot/holdfast-capture-6.1.0-demo.img can be written by others: make it root's own"
}

@test "a file that the profile names itself: no other name is promised to be built" {
	profile default <<<'kdump: { crashkernel: 192M, initrd: /boot/own.img }'
	reason "/boot/own.img: No such file or directory: name another by 'initrd' below 'kdump', or none"
	profile default <<<'kdump: { crashkernel: 192M, initrd: /boot/holdfast-capture.img }'
	reason '/boot/holdfast-capture.img: No such file or directory: update-initramfs -u builds it'
}

@test "a command line that is longer than the crash kernel takes" {
	local long
	printf -v long '%2000s' ''
	profile default <<<"kdump: { crashkernel: 192M, append: 'x=${long// /y}' }"
	reason "the crash kernel's command line has 2027 bytes, 1984 are possible: shorten 'append' below 'kdump'"
	profile default <<<"kdump: { crashkernel: 192M, append: 'x=${long:100}' }"
	reason "nothing is in the way: 'holdfast kdump load' arms it"
	# A bzImage says how long: here 255 bytes.
	printf '\xff\0\0\0' | dd of=root/boot/vmlinuz-6.1.0-demo bs=1 seek=$((0x238)) conv=notrunc status=none
	profile default <<<"kdump: { crashkernel: 192M, append: 'x=${long:1800}' }"
	reason "the crash kernel's command line has 227 bytes, 192 are possible: shorten 'append' below 'kdump'"
}

@test "a dry run foretells what follows from arming, or from not arming" {
	untouched expect 0 holdfast apply --dry-run
	output_has 'kdump: not armed → armed (would-set)'
	output_has 'vm.panic_on_oom: 0 → 2 (would-set)'
	output_has 'kernel.kexec_load_disabled: 0 → 1 (would-set)'
	reserved 128
	untouched expect 0 holdfast apply --dry-run
	output_has 'vm.panic_on_oom: 0 → 1 (would-set)'
	[[ $output != *kexec_load_disabled* ]]
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
	messages_have "kdump: not armed, armed wanted (failed): procfs or sysfs is not the running kernel's: nothing is loaded"
	[[ $(value vm/panic_on_oom) == 1 ]]
	[[ $(value kernel/kexec_load_disabled) == 0 ]]
	expect 1 holdfast kdump load
	report_is '.settings[] | select(.key == "kdump") | .result' failed
}

@test "nothing is mounted for a made-up machine, by whatever looks at the disk for dumps" {
	profile default <<<'kdump: { crashkernel: 192M, capture: { target: /dev/null } }'
	local command
	for command in 'apply --stage system' 'kdump load' last-boot 'last-boot --ends'; do
		# shellcheck disable=SC2086 # a list of words
		holdfast $command &>/dev/null || :
		[[ ! -e root/run/holdfast/target ]]
	done
	: >root/proc/vmcore
	expect 1 holdfast kdump capture
	messages_have "capture: procfs or sysfs is not the running kernel's: nothing is mounted"
	[[ ! -e root/run/holdfast/target ]]
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
		another program has loaded it: what it does is not known
	END
	expect 0 holdfast verify
}

@test "armed from files that were replaced since: left alone, but said" {
	loaded 1
	mkdir root/run/holdfast
	printf 'kernel 1 0\ninitrd 2 0\n' >root/run/holdfast/kdump
	untouched expect 0 holdfast --json kdump status
	json_is '.armed, .reason, .note' $'true\nnull\nit was loaded from other files than those that are there now: \'holdfast kdump unload\' and \'load\' take these, or the next boot'
	expect 0 holdfast kdump load
	messages_have 'loaded from other files'
}

# pe SIZE: an image for EFI with so many bytes of certificates.
pe() {
	printf 'MZ'
	head -c 58 /dev/zero
	printf '\x40\0\0\0PE\0\0'
	head -c 20 /dev/zero
	printf '\x0b\x02'
	head -c $((110 + 4 * 8 + 4)) /dev/zero
	printf '%b' "\\x$(printf %02x "$1")"
	head -c 1024 /dev/zero
}

# built_for NAME...: the capture image says that it was built for these profiles as they are now.
built_for() {
	local name
	{
		[[ -z ${modules:-} ]] || echo "/lib/modules/$modules"
		for name; do
			holdfast --profile "$name" kdump stamp
		done
	} >holdfast-built-for
	{
		echo holdfast-built-for | cpio --quiet -o -H newc
		head -c 4096 /dev/zero | gzip
	} >root/boot/holdfast-capture-6.1.0-demo.img
}

@test "a capture image that was built for another profile, or for what this one said before, is not loaded" {
	local stale="the capture image was not built for profile 'default' as it is now: update-initramfs -u builds it anew" name
	for name in default other; do
		profile "$name" <<-'END'
			kdump: { crashkernel: 192M, capture: { target: LABEL=data } }
			last_boot: { ramoops: { mem_address: 0x20000000, mem_size: 1M } }
		END
	done
	built_for other default
	reason "nothing is in the way: 'holdfast kdump load' arms it"
	# A default that is written out changes nothing.
	sed -i 's/LABEL=data/& , path: \/crash, save: vmcore, keep: 0x3, max_attempts: 3, then: reboot/' "$PROFILES"/default.yaml
	reason "nothing is in the way: 'holdfast kdump load' arms it"
	# What is not the image's affair may change.
	sed -i 's/192M/128M/; s/^last_boot: {/& keep: 4,/' "$PROFILES"/default.yaml
	reason "nothing is in the way: 'holdfast kdump load' arms it"
	sed 's/LABEL=data/LABEL=other/' -i "$PROFILES"/default.yaml
	reason "$stale"
	expect 1 holdfast kdump load
	messages_have "kdump: not armed, armed wanted (failed): $stale"
	sed -i 's/LABEL=other/LABEL=data/; s/0x20000000/0x30000000/' "$PROFILES"/default.yaml
	reason "$stale"
	built_for other
	reason "$stale"
	# Armed all the same: said.
	built_for other
	loaded 1
	mkdir -p root/run/holdfast
	printf 'kernel 1 0\n' >root/run/holdfast/kdump
	expect 0 holdfast --json kdump status
	json_is .note "it was loaded from other files than those that are there now: 'holdfast kdump unload' and 'load' take these, or the next boot"
	# Nothing that a damaged one says makes it ours.
	loaded 0
	for size in 00000000 ffffffff 0000ffff; do
		built_for default
		printf %s "$size" | dd of=root/boot/holdfast-capture-6.1.0-demo.img bs=1 seek=54 conv=notrunc status=none
		expect 1 holdfast kdump status
	done
}

@test "a capture image with the modules of another kernel is not loaded" {
	profile default <<<'kdump: { crashkernel: 192M, capture: { target: LABEL=data } }'
	modules=6.1.0-demo built_for default
	reason "nothing is in the way: 'holdfast kdump load' arms it" # this kernel does not say
	bzimage 64 6.1.0-demo >root/boot/vmlinuz-6.1.0-demo
	reason "nothing is in the way: 'holdfast kdump load' arms it"
	bzimage 64 6.1.0 >root/boot/vmlinuz-6.1.0-demo
	reason 'the capture image has the modules of another kernel: update-initramfs -u builds it anew'
	bzimage 64 6.1.0-demo2 >root/boot/vmlinuz-6.1.0-demo
	reason 'the capture image has the modules of another kernel: update-initramfs -u builds it anew'
	built_for default
	reason "nothing is in the way: 'holdfast kdump load' arms it" # this image does not say
}

@test "a kernel that takes signed images only: one that is not signed is not tried" {
	local image=root/boot/vmlinuz-6.1.0-demo
	mkdir root/sys/kernel/security
	echo 'none [integrity] confidentiality' >root/sys/kernel/security/lockdown
	pe 0 >"$image"
	reason 'the kernel is locked down, and the image is not signed: sign it with a key that it trusts, or boot without that'
	pe 9 >"$image"
	reason "nothing is in the way: 'holdfast kdump load' arms it"
	{
		pe 0
		printf '~Module signature appended~\n'
	} >"$image"
	reason "nothing is in the way: 'holdfast kdump load' arms it"
	echo '[none] integrity confidentiality' >root/sys/kernel/security/lockdown
	pe 0 >"$image"
	reason "nothing is in the way: 'holdfast kdump load' arms it"
	printf 'CONFIG_KEXEC=y\nCONFIG_KEXEC_SIG_FORCE=y\nCONFIG_Y=y\n' >root/boot/config-6.1.0-demo
	untouched expect 1 holdfast --json kdump status
	json_is '.reason | startswith("the kernel loads signed images only, and the image is not signed")' true
}

@test "load and unload: panic_on_oom goes with it, and comes back where it cannot be unloaded" {
	loaded 1
	expect 0 holdfast kdump load
	[[ $(value vm/panic_on_oom) == 2 ]]
	report_is '[.stages[].stage] | join(" ")' kdump
	expect 1 holdfast kdump unload
	messages_have "kdump: procfs or sysfs is not the running kernel's: nothing is unloaded"
	[[ $(value vm/panic_on_oom) == 2 ]]
	loaded 0
	expect 0 holdfast kdump unload
	messages_have 'no crash kernel is loaded'
	rm root/sys/kernel/kexec_crash_loaded
	mkdir root/sys/kernel/kexec_crash_loaded
	expect 1 holdfast kdump unload
	messages_have 'kdump: whether a crash kernel is loaded cannot be read: Is a directory'
	expect 1 env ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o /dev/null -e trace=openat -P /sys -e inject=openat:error=EACCES \
		"$HOLDFAST" --root root --procfs root/proc kdump unload
	messages_have 'kdump: whether a crash kernel is loaded cannot be read: Permission denied'
}

# blind WHEN COMMAND...: from the look on that strace counts so ("2+"), COMMAND cannot see whether a crash kernel is loaded.
blind() {
	local when=$1
	shift
	env ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" strace -f -qq -o /dev/null -e trace=openat -P "$PWD/root/sys" \
		-e "inject=openat:error=EACCES:when=$when" "$HOLDFAST" --root root --procfs root/proc --sysfs root/sys "$@"
}

@test "unload fails, and nobody knows whether it is still armed: panic_on_oom is not put back" {
	loaded 1
	kernel vm/panic_on_oom=2
	expect 1 blind 2+ kdump unload
	messages_have 'vm.panic_on_oom is not put back to 2: no crash kernel is known to be loaded'
	[[ $(value vm/panic_on_oom) == 1 ]]
}

# Nobody can know whether a crash kernel is loaded.
unknown() {
	rm -f root/sys/kernel/kexec_crash_loaded
	mkdir root/sys/kernel/kexec_crash_loaded
}

@test "where nobody can know whether it is armed, a shortage is no panic; that is told, and can be put back" {
	unknown
	kernel vm/panic_on_oom=2
	untouched expect 1 holdfast apply --dry-run
	expect 1 holdfast apply
	[[ $(value vm/panic_on_oom) == 1 ]]
	[[ $(value kernel/kexec_load_disabled) == 0 ]]
	messages_have 'kdump: armed wanted (failed): Is a directory'
	messages_have 'vm.panic_on_oom: 2 → 1: whether kdump is armed cannot be read: panic_on_oom_unarmed applies'
	report_is '.settings[] | select(.key == "vm.panic_on_oom") | [.before, .after, .result, .errno]' '["2","1","set",21]'
	report_is '.errors | length' 1
	expect 1 holdfast verify
	output_has 'vm.panic_on_oom: 1 (holds): whether kdump is armed cannot be read: panic_on_oom_unarmed applies'
	expect 0 holdfast revert
	[[ $(value vm/panic_on_oom) == 2 ]]
}

@test "where nobody can know whether it is armed, and panic_on_oom cannot be written or read, the reason is that" {
	unknown
	kernel vm/panic_on_oom=2
	expect 1 env ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" strace -f -qq -o /dev/null -e trace=write -P "$PWD/root/proc/sys/vm/panic_on_oom" \
		-e inject=write:error=EACCES "$HOLDFAST" --root root --procfs root/proc --sysfs root/sys apply
	messages_have 'vm.panic_on_oom: 2, 1 wanted (failed): Permission denied'
	report_is '.settings[] | select(.key == "vm.panic_on_oom") | [.result, .errno]' '["failed",13]'
	rm root/proc/sys/vm/panic_on_oom
	expect 1 holdfast apply
	messages_have 'vm.panic_on_oom: 1 wanted (absent): this kernel has no such key'
}

@test "where nobody can know whether it is armed, nothing says that it is not" {
	unknown
	expect 1 holdfast --json kdump unload
	json_is . '{"version":1,"armed":null}'
	expect 1 holdfast --json kdump load
	json_is .kdump.armed null
	expect 1 holdfast kdump status
	output_is <<-'END'
		not known whether armed
		reserved: 256 MiB, required: 192 MiB
		whether it is armed cannot be read: Is a directory
	END
	expect 1 holdfast --json kdump status
	json_is '.armed, .reason' $'null\nwhether it is armed cannot be read: Is a directory'
	expect 1 blind 1+ kdump status
	output_has 'whether it is armed cannot be read: Permission denied'
	expect 1 holdfast --json status
	json_is .kdump.armed null
	expect 1 holdfast status
	output_has 'kdump:     not known whether armed, 256 MiB reserved'
	[[ ${output#*to do:     } == 'for kdump: whether it is armed cannot be read: Is a directory' ]]
}

@test "unload waits for another run, as load does: nobody arms it meanwhile" {
	loaded 0
	mkdir -p root/run/holdfast
	flock -F root/run/holdfast/lock sleep 2 &
	while flock -n root/run/holdfast/lock true; do sleep 0.1; done
	expect 0 holdfast kdump unload
	wait -n # it has ended already
	messages_have 'no crash kernel is loaded'
}

@test "as JSON: unload, stamp and needs" {
	expect 0 holdfast --json kdump unload
	json_is . '{"version":1,"armed":false}'
	loaded 1
	expect 1 holdfast --json kdump unload
	json_is . '{"version":1,"armed":true}'
	expect 0 holdfast kdump stamp
	local stamp=$output
	expect 0 holdfast --json kdump stamp
	json_is '.version, .stamp' $'1\n'"$stamp"
	expect 0 holdfast --json kdump needs root/boot/vmlinuz-6.1.0-demo root/boot/holdfast-capture-6.1.0-demo.img
	json_is '.version, (.required_bytes | type)' $'1\nnumber'
}

@test "as JSON: one document, whatever comes of it" {
	loaded 1
	cmdline 'quiet holdfast=plan'
	untouched expect 0 holdfast --json kdump load
	json_is '.version, .kdump.armed, .settings' $'1\ntrue\n[]'
	untouched expect 0 holdfast --json kdump unload
	json_is . '{"version":1,"armed":true}'
	cmdline quiet
	untouched expect 1 holdfast --json kdump capture
	json_is '.version, .errors[0]' $'1\nthis is no crash kernel: there is no root/proc/vmcore; nothing is done'
	untouched expect 1 holdfast --json kdump build # there is no program for it in the image
	json_is '.version, (.built == false or (.errors | length) == 1)' $'1\ntrue'
	untouched expect 1 holdfast --json kdump needs /nowhere /nowhere
	json_is '.version, .errors[0]' $'1\n/nowhere: No such file or directory'
	profile default <<<'vm: { panic_on_oom: 0 }'
	for action in load unload; do
		untouched expect 1 holdfast --json kdump $action
		json_is '.version, .errors[0]' $'1\nprofile \'default\' has no section kdump'
	done
	: >root/proc/vmcore
	untouched expect 0 holdfast --json kdump load
	json_is .version 1
	expect 1 holdfast --json kdump capture
	json_is . '{"version":1,"saved":false}'
}

@test "holdfast=plan: neither load nor unload writes anything" {
	loaded 1
	cmdline 'quiet holdfast=plan'
	untouched expect 0 holdfast kdump load
	messages_have 'holdfast=plan on the kernel command line: nothing is written'
	untouched expect 0 holdfast kdump unload
	untouched expect 0 holdfast kdump status
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

# in_hook SCRIPT: with the functions that the hooks share, for an image in root, and a made-up blkid that says $TYPE.
in_hook() {
	mkdir -p bin
	# shellcheck disable=SC2016 # the made-up program's own
	printf '#!/bin/sh\ncase "$4" in TYPE) echo "%s" ;; *) echo 1-2 ;; esac\n' "$TYPE" >bin/blkid
	chmod 755 bin/blkid
	PATH=$PWD/bin:$PATH sysroot=$PWD/root sh -eu -c ". '$TESTS/../initramfs-hooks/initramfs-tools/functions'; program=$HOLDFAST; $1"
}

@test "a capture image for a disk that a crash kernel cannot reach is not built" {
	local TYPE=ext4
	ln -s dm-0 volume
	ln -s md127 raid
	: >disk
	expect 0 in_hook 'can_mount LABEL=data disk; can_mount LABEL=elsewhere ""'
	expect 1 in_hook 'can_mount LABEL=data volume'
	messages_have 'E: holdfast: kdump.capture: LABEL=data is a volume of LVM, LUKS or multipath'
	expect 1 in_hook 'can_mount LABEL=data raid'
	messages_have 'is a RAID'
	expect 1 in_hook 'can_mount nfs ""'
	messages_have 'nfs is no disk'
	TYPE=crypto_LUKS
	expect 1 in_hook 'can_mount /dev/sda2 disk'
	messages_have '/dev/sda2 holds no file system'
	TYPE=btrfs
	mkdir -p root/sys/fs/btrfs/1-2/devices
	: >root/sys/fs/btrfs/1-2/devices/sda
	expect 0 in_hook 'can_mount /dev/sda disk'
	: >root/sys/fs/btrfs/1-2/devices/sdb
	expect 1 in_hook 'can_mount /dev/sda disk'
	messages_have 'is a btrfs of several devices'
}

@test "a capture image: packed modules are unpacked; too large, or for several kernels at once: said" {
	local TYPE='' kind
	echo module | tee a.ko | gzip >a.ko.gz
	xz <a.ko >a.ko.xz
	zstd -q <a.ko >a.ko.zst
	for kind in ko ko.gz ko.xz ko.zst; do
		expect 0 in_hook "unpack_module a.$kind"
		output_is <<<module
	done
	echo broken >a.ko.gz
	expect 1 in_hook 'unpack_module a.ko.gz'
	messages_have 'cannot unpack the module a.ko.gz'

	expect 0 in_hook 'check_size eg root/boot/vmlinuz-6.1.0-demo root/boot/holdfast-capture-6.1.0-demo.img <<-END
		kdump:
		  crashkernel: 67108864
		END'
	messages_are <<<'W: holdfast: eg: the crash kernel needs 97M, kdump.crashkernel says 64M: it will not be armed'
	mkdir -p root/lib/modules/6.1.0-demo
	expect 0 in_hook 'check_shared eg /boot/holdfast-capture.img 6.1.0-demo'
	messages_are </dev/null
	mkdir -p root/lib/modules/6.2.0-next
	expect 0 in_hook 'check_shared eg /boot/holdfast-capture.img 6.1.0-demo'
	messages_are <<<'W: holdfast: eg: /boot/holdfast-capture.img serves the crash kernel 6.1.0-demo only, and there are 2 kernels: without kdump.initrd each finds its own'
}

@test "a disk whose label has blanks goes the whole way to the hook" {
	local TYPE=''
	profile default <<<'kdump: { crashkernel: 64M, capture: { target: "LABEL=crash dumps", save: dmesg } }'
	# shellcheck disable=SC2016 # the hook's own
	expect 0 in_hook 'site=$PWD/root/etc/holdfast/profiles sysroot= vendor=/nowhere
		needs'
	output_has 'target default LABEL=crash dumps'
}

@test "a disk whose label has quotes and backslashes does, too" {
	local TYPE=''
	profile default <<-'END'
		kdump: { crashkernel: 64M, capture: { target: 'LABEL=a "b" c\d', save: dmesg } }
	END
	# shellcheck disable=SC2016 # the hook's own
	expect 0 in_hook 'site=$PWD/root/etc/holdfast/profiles sysroot= vendor=/nowhere
		needs'
	output_has 'target default LABEL=a "b" c\d'
}

@test "a capture image is for the running kernel; in an image, where that is the builder's, for each installed one" {
	local TYPE='' version
	for version in 6.1.0-demo 6.2.0-next; do
		install -D /dev/null root/lib/modules/$version/modules.dep
	done
	mkdir root/lib/modules/6.0.0-gone
	expect 0 in_hook kernels_meant
	output_is <<<$'6.1.0-demo\n6.2.0-next'
	install -D /dev/null "root/lib/modules/$(uname -r)/modules.dep"
	expect 0 in_hook kernels_meant
	output_is <<<"$(uname -r)"
}

@test "a kernel whose log holdfast cannot read by itself: makedumpfile goes into the capture image, whatever is saved" {
	local TYPE='' version
	for version in 5.10.0-9-amd64 5.15 6.1.0-demo 10.0; do
		expect 0 in_hook "knows_log $version"
	done
	for version in 5.9.0-1-amd64 5.4 4.19.0 3.16; do
		expect 1 in_hook "knows_log $version"
	done
	echo 'CONFIG_64BIT=y' >root/boot/config-6.1.0-demo
	expect 0 in_hook 'knows_log 6.1.0-demo'
	echo '# CONFIG_64BIT is not set' >root/boot/config-6.1.0-demo
	expect 1 in_hook 'knows_log 6.1.0-demo'
}

@test "capture: a log that cannot be read is said, with the cause, and nothing saved is no success" {
	printf '\x7fELF\x01\x01\x01' >root/proc/vmcore
	head -c 4096 /dev/zero >>root/proc/vmcore
	profile default <<<'kdump: { crashkernel: 64M }'
	expect 1 holdfast kdump capture
	messages_have 'capture: the kernel log cannot be read: this kernel keeps it as only makedumpfile knows'
	head -c 4096 /dev/urandom >root/proc/vmcore
	expect 1 holdfast kdump capture
	messages_have 'capture: the kernel log cannot be read: Bad message'
}

@test "a profile without kdump, no profile, an unknown action" {
	profile default <<<'vm: { panic_on_oom: 0 }'
	untouched expect 1 holdfast kdump load
	messages_have "profile 'default' has no section kdump"
	untouched expect 1 holdfast --json kdump status
	json_is '.armed, .reason' $'false\nthe profile has no section kdump'
	untouched expect 2 holdfast kdump explode
	messages_have "unknown action 'explode': load, unload, status, build, needs, stamp or capture"
	rm "$PROFILES"/*
	untouched expect 4 holdfast --json kdump status
	json_is .version 1
}
