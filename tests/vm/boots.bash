# shellcheck shell=bash
# What every initramfs, whoever made it, has to do with the profile boots.yaml. Sourced by tests.

# boots_script: what the real root is asked; more of it on stdin.
boots_script() {
	{
		cat <<-'EOF'
			emit score /usr/lib/vmtest/score
			emit values cat /proc/sys/vm/overcommit_ratio /proc/sys/vm/panic_on_oom /proc/sys/kernel/panic
			emit early-mount mountpoint /run/holdfast/early
			emit root-mount mountpoint /srv
			emit modules cat /proc/modules
			emit status holdfast status --json
			emit report cat /run/holdfast/report.json
			emit dmesg dmesg
		EOF
		cat
	} | vm_script
}

# Each stage did its part, and the guard of the initramfs has outlived it.
boots_done() {
	[ "$(json report '[.stages[].stage] | join(" ")')" = 'early devices root' ]
	[ "$(json report '.errors | length')" = 0 ]
	[ "$(vm_section values | paste -sd' ')" = '83 1 17' ]
	vm_section modules | grep '^dummy '
	[ "$(vm_status early-mount)" = 0 ]
	[ "$(vm_status root-mount)" = 0 ]
	[ "$(vm_section score)" = -1000 ]
	[ "$(json status .guard.running)" = true ]
}
