#!/usr/bin/env bats
# A whole boot of Debian with systemd, on a profile that sets a dozen keys.

load common

# The machine's script of these tests: what holds now, and what was recorded before /sbin/init ran.
report_all() {
	vm_script <<-'EOF'
		emit at-init cat /run/vmtest/at-init
		emit report-at-init cat /run/vmtest/report-at-init.json
		emit now grep -rs '' /proc/sys/vm /proc/sys/kernel /proc/sys/fs /proc/sys/net/ipv4
		emit report cat /run/holdfast/report.json
		emit status holdfast status
		json_status() { holdfast --json status 2>/dev/null; }
		emit status-json json_status
		emit verify holdfast verify
		emit failed systemctl --failed --no-legend --plain
		emit running systemctl is-active basic.target
		emit dmesg dmesg
		emit journal journalctl -b -u holdfast.service -o cat
		emit initramfs-modules cat /run/vmtest/initramfs-modules
	EOF
}

each_value() {
	local key value
	while read -r key value; do
		"$@" "$key" "$value" || return
	done <"$BATS_TEST_DIRNAME/product.values"
}

differs() {
	! holds "$@" >/dev/null || {
		printf '%s is %s although nothing should have set it\n' "$2" "$3"
		return 1
	}
}

# crash_kernel NAME: the real root has what its profile loads for a crash kernel, where the hook puts it.
crash_kernel() {
	cp "$VM/add/etc/holdfast/profiles/$1.yaml" "$BATS_TEST_TMPDIR/"
	with_lock "$BATS_TEST_DIRNAME/build-capture" "$BATS_TEST_TMPDIR/capture" "$BATS_TEST_TMPDIR/$1.yaml"
	vm_file "boot/holdfast-capture-$(basename "$VM_ROOT_TREE"/lib/modules/*).img" 600 <"$BATS_TEST_TMPDIR/capture"
}

# ends_in_order: the machine shuts down at its end as any other does, with LABEL=data at /srv.
ends_in_order() {
	mke2fs -q -t ext4 -E root_owner=0:0 -L data "$VM/data.img" 16M
	vm_kept_disk "$VM/data.img"
	printf '%s\n' '/dev/vda / ext4 defaults 0 0' 'LABEL=data /srv ext4 defaults 0 0' | vm_file etc/fstab
	printf '[Service]\nExecStopPost=\nExecStopPost=/bin/systemctl poweroff --no-block\n' | vm_file etc/systemd/system/vmtest.service.d/end.conf
}

@test "every key of the profile holds before the first service starts, and stays, to an end in order" {
	{
		cat "$BATS_TEST_DIRNAME/product.yaml"
		printf '%s\n' 'kdump: { crashkernel: 112M }' 'last_boot: { archive: /srv/crashes }'
	} | vm_profile vmtest
	crash_kernel vmtest
	ends_in_order
	report_all
	vm_boot vmtest.product=vm crashkernel=112M init=/usr/lib/vmtest/init

	vm_section at-init >"$VM/at-init"
	each_value holds "$VM/at-init"
	vm_section now >"$VM/now"
	each_value holds "$VM/now"

	# The report went through switch_root, and the running system added its stage.
	[ "$(json report-at-init '[.stages[].stage] | join(" ")')" = "early devices root" ]
	[ "$(json report '[.stages[].stage] | join(" ")')" = "early devices root system" ]
	[ "$(json report .profile)" = vmtest ]
	[ "$(json report .reason)" = match ]
	[ "$(json report '.errors | length')" = 0 ]

	# What the report says was read back is what is there; what was there before is not what was wanted.
	[ "$(json report '.settings | length')" -ge 12 ]
	[ "$(json report '[.settings[] | select(.wanted != .after)] | length')" = 0 ]
	[ "$(json report '[.settings[] | select(.before == .wanted)] | length')" = 0 ]
	[ "$(json report '[.settings[] | select(.result != "set" and .result != "holds")] | length')" = 0 ]

	# status and verify agree.
	[ "$(vm_status status)" = 0 ]
	[ "$(vm_status verify)" = 0 ]
	vm_section status | grep -F vmtest
	[ "$(json status-json .profile)" = vmtest ]

	# The system itself is well.
	[ "$(vm_section running)" = active ]
	[ -z "$(vm_section failed)" ]

	# The crash kernel came from the real root, before that was entered.
	[ "$(json report-at-init '.settings[] | select(.key == "kdump") | .result')" = set ]
	[ "$(json report-at-init .kdump.armed)" = true ]
	# At its end the system has left the word by which the next boot knows.
	debugfs -R 'cat /crashes/.boot' "$VM/data.img" | grep ' ended$'
}

@test "a sysctl.d file that overrides a key is named, and the key put right" {
	vm_profile vmtest <"$BATS_TEST_DIRNAME/product.yaml"
	printf '%s\n' 'vm.overcommit_ratio = 61' 'vm.swappiness = 42' | vm_file etc/sysctl.d/77-site.conf
	report_all
	vm_boot vmtest.product=vm init=/usr/lib/vmtest/init

	vm_section at-init >"$VM/at-init"
	holds "$VM/at-init" vm.overcommit_ratio 83
	vm_section now >"$VM/now"
	# The system's own run did take place: another key of the same file holds.
	holds "$VM/now" vm.swappiness 42
	each_value holds "$VM/now"

	kernel_log 'vm\.overcommit_ratio.*/etc/sysctl\.d/77-site\.conf'
	[ "$(json report '.settings[] | select(.key == "vm.overcommit_ratio") | .after')" = 83 ]
	[ "$(vm_status verify)" = 0 ]
}

@test "a broken profile: the kernel log says where, nothing is applied, the machine comes up" {
	sed 's/overcommit_ratio: 83/overcommit_rati: 83/' "$BATS_TEST_DIRNAME/product.yaml" | vm_profile vmtest
	report_all
	vm_boot vmtest.product=vm init=/usr/lib/vmtest/init

	[ "$(vm_section running)" = active ]
	kernel_log '/etc/holdfast/profiles/vmtest\.yaml:9:3: error: '
	vm_section now >"$VM/now"
	differs "$VM/now" fs.pipe-max-size 524288
}

# stages_script: the stages of the initramfs have run; the system's, without a system.
stages_script() {
	vm_script <<-'EOF'
		emit system holdfast apply --stage system
		emit now grep -rs '' /proc/sys/vm /proc/sys/kernel /proc/sys/fs /proc/sys/net/ipv4
		emit report cat /run/holdfast/report.json
		emit dmesg dmesg
		emit initramfs-modules cat /run/vmtest/initramfs-modules
	EOF
}

@test "holdfast=off: nothing is applied and no report is left" {
	vm_profile vmtest <"$BATS_TEST_DIRNAME/product.yaml"
	stages_script
	vm_boot vmtest.product=vm holdfast=off init=/usr/lib/vmtest/short-init

	[ "$(vm_status system)" = 0 ]
	vm_section now >"$VM/now"
	# Not one of the values: which also shows that the other tests can tell.
	each_value differs "$VM/now"
	[ "$(vm_status report)" != 0 ]
	# What another test blocks is loaded here, by udev in the initramfs.
	vm_section initramfs-modules | grep '^i2c_piix4 '
}

@test "holdfast=plan: the report says what would be set, and nothing is" {
	vm_profile vmtest <"$BATS_TEST_DIRNAME/product.yaml"
	stages_script
	vm_boot vmtest.product=vm holdfast=plan init=/usr/lib/vmtest/short-init

	vm_section now >"$VM/now"
	each_value differs "$VM/now"
	[ "$(json report '[.stages[].stage] | join(" ")')" = "early devices root system" ]
	[ "$(json report '[.settings[] | select(.result == "would-set")] | length')" -ge 12 ]
	[ "$(json report '[.settings[] | select(.result == "set")] | length')" = 0 ]
	[ "$(json report '.settings[] | select(.key == "vm.overcommit_ratio") | .wanted')" = 83 ]
}
