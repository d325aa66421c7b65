#!/usr/bin/env bats
# What the hooks of the initramfs generators put on board: initramfs-hooks/initramfs-tools/functions, which all of them share.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

setup_machine() {
	image=$PWD/image
	mkdir -p image/{etc/holdfast/profiles,usr/{sbin,lib/holdfast/profiles}} profiles
	# shellcheck disable=SC2034 # read by profile
	PROFILES=profiles
}

# shared FUNCTION [ARGUMENT...]: one of the functions, for the image.
shared() {
	# shellcheck source=initramfs-hooks/initramfs-tools/functions
	sh -c '. "$0"; program=$HOLDFAST sysroot=$image; "$@"' "$TESTS/../initramfs-hooks/initramfs-tools/functions" "$@"
}
export image

# needs: of all profiles in the image.
needs() {
	expect 0 env image="$image" HOLDFAST="$HOLDFAST" bash -c "$(declare -f shared); TESTS=$TESTS shared needs"
}

whole() {
	profile whole "$1" <<-'END'
		match: [ { cmdline: { none.such: true } } ]
		modules:
		  load:
		    - { name: dummy, options: { required: false, name: b } }
		    - { name: zram, required: false }
		    - { name: loop, required: true }
		  block: [ pcspkr ]
		mounts:
		  - { what: LABEL=config, where: /srv, type: ext4, required: false }
		  - { what: LABEL=other disk, where: /opt }
		kdump: { crashkernel: 192M, capture: { target: PARTLABEL=crash dumps } }
		last_boot: { ramoops: { mem_address: 0x20000000, mem_size: 1M } }
	END
}

@test "a profile that image install put there gets all that it needs" {
	make -s -C "$TESTS/.." install DESTDIR="$PWD/installed" INSTALL_STRIP= >/dev/null
	whole profiles
	expect 0 "$HOLDFAST" --root image image install --from installed profiles/whole.yaml
	needs
	output_is <<-'END'
		capture whole
		device whole LABEL=config
		device whole LABEL=other disk
		filesystem whole auto
		filesystem whole ext4
		library whole libkmod.so.2
		library whole libmount.so.1
		module whole dummy
		module whole loop
		module whole ramoops
		optional whole zram
		target whole PARTLABEL=crash dumps
	END
}

@test "an example of the vendor's: no crash kernel, no records, and no module that must be there" {
	whole image/usr/lib/holdfast/profiles
	needs
	[[ $(grep -E '^(module|capture|target)|ramoops' <<<"$output") == '' ]]
	output_has 'optional whole dummy'
	# Unless it is the one for this machine.
	profile default image/usr/lib/holdfast/profiles <<<'modules: { load: [ { name: dummy } ] }'
	needs
	output_has 'module default dummy'
}

@test "a profile that needs nothing, and one that cannot be shown" {
	profile plain image/etc/holdfast/profiles <<<'vm: { overcommit_ratio: 83 }'
	needs
	output_is <<<''
	profile bad image/etc/holdfast/profiles <<<'vm: { overcommit_ratio: lots }'
	run ! shared needs
}

@test "a capture image is written whole, or the one before stays and the hook fails" {
	echo before >image/capture
	printf '%02000d' 7 >new
	expect 1 bash -c "$(declare -f shared); TESTS=$TESTS; ulimit -f 1; trap '' XFSZ; shared write_whole image/capture <new"
	messages_have 'E: holdfast: image/capture cannot be written'
	[[ $(ls image/capture*) == image/capture && $(<image/capture) == before ]]
	expect 0 bash -c "$(declare -f shared); TESTS=$TESTS shared write_whole image/capture <new"
	cmp new image/capture
	# What a killed one has left does not stay.
	echo half >image/capture.new
	expect 0 bash -c "$(declare -f shared); TESTS=$TESTS shared write_whole image/capture <new"
	[[ $(ls image/capture*) == image/capture ]]
	[[ $(stat -c %a image/capture) == 600 ]]
}
