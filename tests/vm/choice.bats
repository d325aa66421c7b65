#!/usr/bin/env bats
# Which profile a boot chooses, by its kernel's command line: one machine, which gets another one for each.

load common

# shellcheck source-path=SCRIPTDIR
. "$BATS_TEST_DIRNAME/small.bash"

setup_machines() {
	local root=$BATS_FILE_TMPDIR/root
	small_root "$root" </dev/null
	install -D -m 644 "$TOP/initramfs-hooks/initramfs-tools/holdfast-functions" "$root/usr/lib/holdfast/holdfast-functions"
	small_initrd "$root" "$BATS_FILE_TMPDIR/initrd"
}

# boots: the early stage, for each of the command lines.
boots() {
	vm_initramfs_file vmtest/run <<-'EOF'
		. /usr/lib/holdfast/holdfast-functions
		mount -t tmpfs tmpfs /run
		# as NAME ARGUMENT...: the stage, as if the kernel had been started with these arguments.
		as() {
			name=$1
			shift
			echo 50 >/proc/sys/vm/overcommit_ratio
			echo "$@" >/cmdline
			mount --bind /cmdline /proc/cmdline
			dmesg -c >/dev/null
			emit "$name-stage" holdfast_stage early
			emit "$name-ratio" cat /proc/sys/vm/overcommit_ratio
			emit "$name-report" cat /run/holdfast/report.json
			emit "$name-log" dmesg
			umount /proc/cmdline
			rm -rf /run/holdfast
		}
		as named vmtest.product=vm holdfast.profile=other
		as matched vmtest.product=vm
		as unknown vmtest.product=vm holdfast.profile=nosuch
		sed 's/^name: vmtest/name: twin/' /etc/holdfast/profiles/vmtest.yaml >/etc/holdfast/profiles/twin.yaml
		as tied vmtest.product=vm
	EOF
	VM_MEMORY=256 vm_boot
}

# chose NAME PROFILE REASON RATIO
chose() {
	[ "$(vm_status "$1-stage")" = 0 ]
	[ "$(json "$1-report" '.profile + " " + .reason')" = "$2 $3" ]
	[ "$(vm_section "$1-ratio")" = "$4" ]
}

# chose_none NAME REGEX: nothing was set, the kernel log says why, and the boot goes on.
chose_none() {
	[ "$(vm_status "$1-stage")" = 0 ]
	[ "$(vm_section "$1-ratio")" = 50 ]
	vm_section "$1-log" | grep -E "holdfast: .*$2"
}

@test "holdfast.profile= wins over a profile that matches; a name that is none, and a tie, are told, and the boot goes on" {
	vm_use_initrd "$BATS_FILE_TMPDIR/initrd"
	vm_profile vmtest <"$BATS_TEST_DIRNAME/product.yaml"
	printf 'holdfast: 1\nname: other\nvm: { overcommit_ratio: 71 }\n' | vm_profile other
	boots
	chose named other command-line 71
	[ "$(json named-report '[.settings[] | select(.key == "fs.pipe-max-size")] | length')" = 0 ]
	chose matched vmtest match 83
	chose_none unknown nosuch
	chose_none tied 'vmtest.*twin|twin.*vmtest'
}
