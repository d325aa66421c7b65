#!/usr/bin/env bats
# What each value alone does not show: checks across keys, as errors where it cannot work and as warnings where it is unwise.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

@test "both overcommit knobs are one too many" {
	profile p <<-'END'
		vm:
		  overcommit_memory: never
		  overcommit_kbytes: 512M
		  overcommit_ratio: 80
	END
	refuses p <<-'END'
		p.yaml:6:3: error: overcommit_ratio and overcommit_kbytes are both given; 'overcommit_kbytes' is in p.yaml line 5 (setting one makes the kernel forget the other)
	END
}

@test "both overcommit knobs, one of them inherited" {
	profile base <<<'vm: { overcommit_ratio: 80 }'
	profile p <<-'END'
		extends: base
		vm: { overcommit_kbytes: 512M }
	END
	expect 3 holdfast -q --profile p check
	messages_have 'overcommit_ratio and overcommit_kbytes are both given'
	messages_have 'root/etc/holdfast/profiles/base.yaml'
	messages_have 'root/etc/holdfast/profiles/p.yaml'
}

@test "an overcommit knob that has no effect is unwise" {
	profile p <<-'END'
		vm:
		  overcommit_memory: heuristic
		  overcommit_ratio: 80
	END
	finds 0 p <<-'END'
		p.yaml:5:3: warning: 'overcommit_ratio' has no effect under this overcommit_memory (it counts under 'overcommit_memory: never')
	END
}

@test "a panic after which the machine stands still is unwise" {
	profile p <<<'vm: { panic_on_oom: always }'
	finds 0 p <<-'END'
		p.yaml:3:7: warning: panic_on_oom without kdump and without kernel.panic: the machine stands still after the panic until somebody pulls the plug (give 'kdump', or 'kernel.panic: 10' below 'sysctl')
	END
	profile p <<-'END'
		vm: { panic_on_oom: always }
		sysctl: { kernel.panic: 0 }
	END
	expect 0 holdfast check
	messages_have 'warning: panic_on_oom without kdump'
}

@test "a panic with a way out is not" {
	profile p <<-'END'
		vm: { panic_on_oom: always }
		sysctl: { kernel.panic: 10 }
	END
	profile q <<-'END'
		vm: { panic_on_oom: always }
		kdump: { crashkernel: 192M, capture: { target: LABEL=data } }
	END
	profile r <<<'vm: { panic_on_oom: never }'
	expect 0 holdfast check --strict
	output_is <<<'3 profiles checked: 0 errors, 0 warnings'
	[[ -z $messages ]]
}

@test "strict makes warnings errors" {
	profile p <<<'vm: { panic_on_oom: always }'
	expect 0 holdfast check
	output_is <<<'1 profile checked: 0 errors, 1 warning'
	expect 3 holdfast check --strict
}

@test "kdump without crashkernel, and locking without loading" {
	profile p <<-'END'
		kdump:
		  lock: true
	END
	refuses p <<-'END'
		p.yaml:3:1: error: kdump without crashkernel: nothing says what must be reserved (for instance 'crashkernel: 192M')
		p.yaml:4:3: error: kexec is locked without anything loaded
	END
}

@test "a dump for something that a crash kernel does not find" {
	local target remedy='(give LABEL=, UUID=, PARTLABEL=, PARTUUID= or a device)'
	for target in tmpfs /crash; do
		profile p <<<"kdump: { crashkernel: 1M, capture: { target: $target } }"
		refuses p <<<"p.yaml:3:46: error: '$target' is no disk that a dump could be saved to $remedy"
	done
	for target in ID=ata-x /dev/disk/by-label/data; do
		profile p <<<"kdump: { crashkernel: 1M, capture: { target: $target } }"
		refuses p <<<"p.yaml:3:46: error: '$target' is a name of udev's, which a crash kernel does not have $remedy"
	done
	for target in LABEL=data PARTUUID=1-2 /dev/sda1; do
		profile p <<<"kdump: { crashkernel: 1M, capture: { target: $target } }"
		accepts p
	done
}

@test "a crash kernel that has nowhere to save to; one's own may know better" {
	local hint="(for instance 'capture: { target: LABEL=data }')"
	profile p <<<'kdump: { crashkernel: 1M, capture: { max_attempts: 2 } }'
	finds 0 p <<<"p.yaml:3:1: warning: kdump without capture.target: of a crash nothing is kept, and max_attempts counts none $hint"
	profile p <<-'END'
		kdump: { crashkernel: 1M, initrd: /run/holdfast-capture.img }
		last_boot: { ramoops: { mem_address: 0x20000000, mem_size: 1M } }
	END
	finds 0 p <<<"p.yaml:3:1: warning: kdump without capture.target: of a crash no more than the kernel log is kept, and max_attempts counts none $hint"
	profile p <<<'kdump: { crashkernel: 1M, initrd: /boot/own.img }'
	finds 0 p </dev/null
}

@test "panic_on_oom_unarmed without a panic_on_oom that it could replace" {
	profile p <<-'END'
		kdump: { crashkernel: 192M, panic_on_oom_unarmed: 1, capture: { target: LABEL=data } }
	END
	finds 0 p <<-'END'
		p.yaml:3:29: warning: 'panic_on_oom_unarmed' has no effect: the profile leaves vm.panic_on_oom alone (give 'panic_on_oom' below 'vm')
	END
}

@test "kexec locked by sysctl, before or without a crash kernel" {
	profile p <<-'END'
		sysctl: { kernel.kexec_load_disabled: 1 }
		kdump: { crashkernel: 192M }
	END
	refuses p <<-'END'
		p.yaml:3:11: error: kernel.kexec_load_disabled locks kexec before the crash kernel is loaded (use 'lock: true' below 'kdump')
	END
	profile p <<<'sysctl: { kernel.kexec_load_disabled: 1 }'
	finds 0 p <<-'END'
		p.yaml:3:11: warning: kexec is locked without a crash kernel loaded, until the next boot (give 'kdump' with 'lock: true')
	END
}

@test "a module both loaded and blocked, in either spelling" {
	profile p <<-'END'
		modules:
		  load: [ { name: usb-storage } ]
		  block: [ firewire_core, usb_storage ]
	END
	refuses p <<-'END'
		p.yaml:5:27: error: module 'usb_storage' is both loaded and blocked
	END
}

@test "ramoops with one memory below modules, another below last_boot" {
	profile p <<-'END'
		modules:
		  load: [ { name: ramoops, options: { mem_address: 0x20000000, mem_size: 0x100000, ecc: 1 } } ]
		last_boot: { ramoops: { mem_address: 512M, mem_size: 2M } }
	END
	refuses p <<-'END'
		p.yaml:4:74: error: ramoops has another mem_size below 'last_boot'
	END
	# The kernel takes - and _ alike.
	sed -i 's/mem_size: 0x/mem-size: 0x/' root/etc/holdfast/profiles/p.yaml
	refuses p <<-'END'
		p.yaml:4:74: error: ramoops has another mem_size below 'last_boot'
	END
}

@test "an archive of crashes where nothing survives a boot" {
	profile p <<<'last_boot: { archive: /run/crashes }'
	refuses p <<-'END'
		p.yaml:3:23: error: /run does not survive the boot that the archive is to tell of (for instance /var/lib/holdfast/crashes)
	END
	profile p <<<'last_boot: { archive: /runtime/crashes }'
	expect 0 holdfast -q check --strict
}

@test "a module listed twice, in either spelling" {
	profile p <<-'END'
		modules:
		  load: [ { name: a-b }, { name: a_b } ]
		  block: [ c-d, c_d ]
	END
	refuses p <<-'END'
		p.yaml:4:26: error: 'modules.load' lists 'a_b' twice; first in line 4
		p.yaml:5:17: error: module 'c_d' is listed twice
	END
}

@test "an empty alternative would match everything" {
	profile p <<-'END'
		match:
		  - {}
		  - dmi: {}
	END
	refuses p <<-'END'
		p.yaml:4:5: error: an empty alternative would match every machine (give a condition)
		p.yaml:5:10: error: 'dmi' holds no condition (give a condition, or leave it out)
	END
	profile p <<<'match: []'
	refuses p <<-'END'
		p.yaml:3:8: error: 'match' holds no alternative (leave it out, or give a condition)
	END
}

@test "a condition that no machine meets" {
	profile p <<-'END'
		match:
		  - memory: ">=2G,<1G"
		  - dmi: { product_name: [ EG-200, To Be Filled By O.E.M. ] }
		  - dmi: { sys_vendor: Default string }
	END
	refuses p <<-'END'
		p.yaml:4:13: error: no machine has memory ">=2147483648,<1073741824"
		p.yaml:5:36: error: 'To Be Filled By O.E.M.' is a firmware placeholder, which never matches (choose another field)
		p.yaml:6:24: error: 'Default string' is a firmware placeholder, which never matches (choose another field)
	END
}

@test "a rule that can match nothing" {
	profile p <<-'END'
		protect:
		  - { service: a, exe: /proc/self/exe }
		  - { service: b, exe: / }
		  - { service: c, exe: /usr/bin/c, unit: c.timer }
	END
	refuses p <<-'END'
		p.yaml:4:24: error: no program can be watched below /proc: the rule matches nothing
		p.yaml:5:24: error: '/' is no program: the rule matches nothing
		p.yaml:6:42: error: 'c.timer' is no unit with processes: the rule matches nothing (for instance 'ssh.service')
	END
}

@test "two rules for one program" {
	profile p <<-'END'
		protect:
		  - { service: sshd, exe: /usr/sbin/sshd }
		  - { service: other, exe: /usr/sbin//sshd, user: root }
	END
	refuses p <<-'END'
		p.yaml:5:5: error: rules 'sshd' and 'other' are for one program, /usr/sbin/sshd (tell them apart by user, unit or args)
	END
}

@test "rules for one program that are told apart" {
	profile p <<-'END'
		protect:
		  - { service: a, exe: /bin/busybox, args: "*syslogd*" }
		  - { service: b, exe: /bin/busybox, args: "*crond*" }
		  - { service: c, exe: /usr/bin/python3, user: alice }
		  - { service: d, exe: /usr/bin/python3, user: bob }
		  - { service: e, exe: /usr/sbin/sshd, unit: ssh.service }
		  - { service: f, exe: /usr/sbin/sshd, unit: rescue.service }
	END
	finds 0 p </dev/null
}

@test "a rule inside another one is unwise" {
	profile p <<-'END'
		protect:
		  - { service: any, exe: /usr/sbin/sshd }
		  - { service: one, exe: /usr/sbin/sshd, unit: ssh.service }
	END
	finds 0 p <<-'END'
		p.yaml:5:5: warning: rules 'one' and 'any' can be for the same process (the rule with more conditions wins)
	END
}

@test "a score on both scales" {
	profile p <<-'END'
		protect:
		  - { service: a, exe: /a, oom_score_adj: -1000, oom_adj: -17 }
	END
	expect 3 holdfast -q check
	messages_have 'error: oom_score_adj and the legacy oom_adj are both given (give one of them)'
}

@test "leashes that leave the machine too little" {
	profile p <<-'END'
		match: [ { memory: ">=512M" } ]
		protect:
		  - { service: a, exe: /a, max_rss: 300M }
		  - { service: b, exe: /b, max_rss: 212M }
	END
	refuses p <<-'END'
		p.yaml:4:1: error: the protected services may take 512 MiB together, and a machine of this profile may have no more than 512 MiB (lower max_rss, or ask for more memory)
	END
	sed -i 's/212M/100M/' "$PROFILES/p.yaml"
	finds 0 p <<-'END'
		p.yaml:4:1: warning: the protected services may take 400 MiB of 512 MiB: less than 128 MiB is left to kill for (lower max_rss, or ask for more memory)
	END
	sed -i 's/100M/84M/' "$PROFILES/p.yaml"
	finds 0 p </dev/null
}

@test "the smallest machine of all alternatives counts" {
	profile p <<-'END'
		match: [ { memory: ">=4G" }, { memory: [ ">=2G", "=512M" ] } ]
		protect: [ { service: a, exe: /a, max_rss: 600M } ]
	END
	expect 3 holdfast -q check
	messages_have 'may have no more than 512 MiB'
}

@test "without a condition on memory nothing is known of the machine" {
	profile p <<-'END'
		match: [ { memory: ">=512M" }, { arch: x86_64 } ]
		protect: [ { service: a, exe: /a, max_rss: 600M } ]
	END
	finds 0 p </dev/null
}

@test "release_to without release" {
	profile p <<-'END'
		protect: [ { service: a, exe: /a, children: inherit, release_to: 5 } ]
	END
	finds 0 p <<-'END'
		p.yaml:3:54: warning: release_to has no effect with 'children: inherit'
	END
}

@test "numbers of sysctls count in either notation" {
	profile p <<<$'vm: { panic_on_oom: 2 }\nsysctl: { kernel.panic: 0xa }'
	expect 0 holdfast check --strict
	profile p <<<$'kdump: { crashkernel: 192M }\nsysctl: { kernel.kexec_load_disabled: 0x1 }'
	expect 3 holdfast check
}

@test "strict warnings are called errors" {
	profile p <<<'vm: { panic_on_oom: 2 }'
	expect 3 holdfast --quiet check --strict
	messages_have 'p.yaml:3:7: error: panic_on_oom without kdump'
}

@test "three thousand rules for one program are refused in reasonable time" {
	local i
	{
		echo 'protect:'
		for ((i = 0; i < 3000; i++)); do
			echo "  - { service: s$i, exe: /usr/bin/a }"
		done
	} | profile p
	expect 3 timeout 60 "$HOLDFAST" --quiet check "$PROFILES/p.yaml"
}
