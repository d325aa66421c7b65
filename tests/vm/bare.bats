#!/usr/bin/env bats
# The early stage in an initramfs that is nobody's distribution: busybox as init, holdfast and the libraries it is linked with.

load common

# shellcheck source-path=SCRIPTDIR
. "$BATS_TEST_DIRNAME/small.bash"

# Kept for the file's tests.
setup_machines() {
	local root=$BATS_FILE_TMPDIR/root
	small_root "$root" </dev/null
	install -D "$TOP/initramfs-hooks/sysvinit/holdfast" "$root/etc/init.d/holdfast"
	small_initrd "$root" "$BATS_FILE_TMPDIR/initrd"
}

bare() {
	vm_use_initrd "$BATS_FILE_TMPDIR/initrd"
	vm_profile vmtest <"$BATS_TEST_DIRNAME/product.yaml"
	{
		cat
		cat <<-'EOF'
			emit now grep -rs '' /proc/sys/vm /proc/sys/kernel /proc/sys/net/ipv4 /proc/sys/fs
			emit report cat /run/holdfast/report.json
			emit dmesg dmesg
		EOF
	} | vm_initramfs_file vmtest/run
	VM_MEMORY=256 vm_boot vmtest.product=vm
	vm_section now >"$VM/now"
}

all_hold() {
	local key value
	while read -r key value; do
		holds "$VM/now" "$key" "$value"
	done <"$BATS_TEST_DIRNAME/product.values"
}

@test "busybox init: every key holds after the early stage, and the report says so" {
	bare <<-'EOF'
		mount -t tmpfs tmpfs /run
		emit apply holdfast apply --stage early
	EOF
	[ "$(vm_status apply)" = 0 ]
	all_hold
	[ "$(json report '[.stages[].stage] | join(" ")')" = early ]
	[ "$(json report '[.settings[] | select(.result == "set")] | length')" -ge 12 ]
}

@test "no /run at all: every key holds, the kernel log says that there is no report" {
	bare <<-'EOF'
		rmdir /run
		mount -o remount,ro /
		emit apply holdfast apply --stage early
	EOF
	all_hold
	[ "$(vm_status apply)" = 0 ]
	[ "$(vm_status report)" != 0 ]
	kernel_log '/run/holdfast/report\.json: .*lost'
}

@test "/proc/sys read-only: named in the kernel log and the report, never reported as set" {
	bare <<-'EOF'
		mount -t tmpfs tmpfs /run
		mount -o bind /proc/sys /proc/sys
		mount -o remount,ro,bind /proc/sys
		emit apply holdfast apply --stage early
	EOF
	[ "$(vm_status apply)" = 1 ]
	kernel_log 'vm\.overcommit_ratio'
	[ "$(json report '[.settings[] | select(.result == "set")] | length')" = 0 ]
	[ "$(json report '.settings[] | select(.key == "vm.overcommit_ratio") | .result')" = failed ]
}

@test "the init script for systems without systemd puts right what was overridden" {
	bare <<-'EOF'
		mount -t tmpfs tmpfs /run
		emit apply holdfast apply --stage early
		echo 61 >/proc/sys/vm/overcommit_ratio
		emit overridden cat /proc/sys/vm/overcommit_ratio
		emit start /etc/init.d/holdfast start
		emit init-status /etc/init.d/holdfast status
		# At the end busybox's init runs rcK; that a machine ends is not what a hand means that stops the script.
		printf '#!/bin/sh\necho called: "$@"\n' >/usr/sbin/holdfast
		echo '/etc/init.d/holdfast stop' >/etc/init.d/rcK
		emit by-hand /etc/init.d/holdfast stop
		emit by-init sh /etc/init.d/rcK
		emit by-runlevel env RUNLEVEL=6 /etc/init.d/holdfast stop
	EOF
	[ "$(vm_section overridden)" = 61 ]
	[ "$(vm_status start)" = 0 ]
	all_hold
	[ "$(json report '[.stages[].stage] | join(" ")')" = "early system" ]
	[ "$(vm_status init-status)" = 0 ]
	[ -z "$(vm_section by-hand)" ]
	[ "$(vm_section by-init)" = 'called: last-boot --ends' ]
	[ "$(vm_section by-runlevel)" = 'called: last-boot --ends' ]
}
