#!/usr/bin/env bats
# Keys and values that the profile language does not have: each error with its place and the way out, all of them in one run.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

@test "every error is reported, not the first only" {
	profile p <<-'END'
		vm:
		  panic_on_oon: 2
		  overcommit_ratio: lots
		kernal: {}
		modules:
		  block: usb_storage
		protect:
		  - service: sshd
	END
	refuses p <<-'END'
		p.yaml:4:3: error: unknown key 'panic_on_oon' below 'vm' (did you mean 'panic_on_oom'?)
		p.yaml:5:21: error: 'overcommit_ratio' takes a whole number, not 'lots'
		p.yaml:6:1: error: unknown key 'kernal'
		p.yaml:8:10: error: 'block' takes a list, not one value
		p.yaml:10:5: error: 'protect' needs the key 'exe' (for instance 'exe: /usr/sbin/sshd')
	END
}

@test "the version comes first and is 1" {
	printf 'name: p\nholdfast: 1\n' >"$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:2:1: error: 'holdfast: 1' must be the first key
	END
	printf 'holdfast: 2\nname: p\n' >"$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:1:11: error: 'holdfast' must be 1, not 2
	END
	printf 'name: p\n' >"$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:1:1: error: the profile needs the key 'holdfast' (for instance 'holdfast: 1')
	END
}

@test "the name is required" {
	printf 'holdfast: 1\n' >"$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:1:1: error: the profile needs the key 'name' (for instance 'name: edge-gateway')
	END
}

@test "a key in the wrong place is sent to its own" {
	profile p <<-'END'
		panic_on_oom: 2
		vm.panic_on_oom: 2
		kernel.panic: 10
		vm:
		  swappiness: 10
		  priority: 1
	END
	refuses p <<-'END'
		p.yaml:3:1: error: unknown key 'panic_on_oom' (it stands below 'vm')
		p.yaml:4:1: error: unknown key 'vm.panic_on_oom' (write 'panic_on_oom' below 'vm')
		p.yaml:5:1: error: unknown key 'kernel.panic' (sysctls stand below 'sysctl')
		p.yaml:7:3: error: unknown key 'swappiness' below 'vm' (other sysctls stand below 'sysctl', as vm.swappiness)
		p.yaml:8:3: error: unknown key 'priority' below 'vm' (other sysctls stand below 'sysctl', as vm.priority)
	END
}

@test "unknown keys deep inside" {
	profile p <<-'END'
		kdump:
		  crashkernel: 192M
		  capture: { traget: LABEL=data }
		match:
		  - dmi: { product_nane: EG-200 }
		last_boot: { ramoops: { mem_adress: 0x20000000, mem_size: 0x100000 } }
	END
	refuses p <<-'END'
		p.yaml:5:14: error: unknown key 'traget' below 'kdump.capture' (did you mean 'target'?)
		p.yaml:7:12: error: unknown key 'product_nane' below 'match.dmi' (did you mean 'product_name'?)
		p.yaml:8:23: error: 'last_boot.ramoops' needs the key 'mem_address' (for instance 'mem_address: 0x20000000')
		p.yaml:8:25: error: unknown key 'mem_adress' below 'last_boot.ramoops' (did you mean 'mem_address'?)
	END
}

@test "wrong shapes" {
	profile p <<-'END'
		vm: [ 1 ]
		sysctl: none
		match: { arch: x86_64 }
		protect: sshd
		mounts:
		  - /data
		on_error: [ reboot ]
		description: { text: x }
		modules: { load: [ ramoops ] }
	END
	refuses p <<-'END'
		p.yaml:3:5: error: 'vm' takes a map, not a list
		p.yaml:4:9: error: 'sysctl' takes a map, not one value
		p.yaml:5:8: error: 'match' takes a list of maps, not a map
		p.yaml:6:10: error: 'protect' takes a list of maps, not one value
		p.yaml:8:5: error: 'mounts' takes a map in each element, not one value
		p.yaml:9:11: error: 'on_error' takes a word, not a list
		p.yaml:10:14: error: 'description' takes a text, not a map
		p.yaml:11:20: error: 'load' takes a map in each element, not one value
	END
}

@test "keys without a value" {
	profile p <<-'END'
		description:
		vm:
		  panic_on_oom: ~
		  oom_dump_tasks: null
		sysctl:
		  kernel.panic:
	END
	expect 3 holdfast -q check
	messages_are <<-'END'
		root/etc/holdfast/profiles/p.yaml:3:13: error: 'description' needs a value
		root/etc/holdfast/profiles/p.yaml:5:17: error: 'panic_on_oom' needs a value
		root/etc/holdfast/profiles/p.yaml:6:19: error: 'oom_dump_tasks' needs a value
		root/etc/holdfast/profiles/p.yaml:8:16: error: 'kernel.panic' needs a value
	END
}

@test "words that are none of the choices" {
	profile p <<-'END'
		on_error: rebot
		vm:
		  overcommit_memory: nevr
		  panic_on_oom: 3
		kdump:
		  crashkernel: 192M
		  capture: { save: everything }
	END
	refuses p <<-'END'
		p.yaml:3:11: error: 'on_error' takes one of continue, emergency, reboot, panic, not 'rebot' (did you mean 'reboot'?)
		p.yaml:5:22: error: 'overcommit_memory' takes one of heuristic = 0, always = 1, never = 2, not 'nevr' (did you mean 'never'?)
		p.yaml:6:17: error: 'panic_on_oom' takes one of never = 0, unconstrained = 1, always = 2, not '3'
		p.yaml:9:20: error: 'save' takes one of vmcore, dmesg, not 'everything'
	END
}

@test "numbers, sizes and booleans of the wrong type" {
	profile p <<-'END'
		priority: high
		vm:
		  overcommit_ratio: 80%
		  min_free_kbytes: 16MB
		  admin_reserve_kbytes: 8 M
		  user_reserve_kbytes: 1.5G
		  oom_dump_tasks: maybe
		  oom_kill_allocating_task: 2
	END
	refuses p <<-'END'
		p.yaml:3:11: error: 'priority' takes a whole number, not 'high'
		p.yaml:5:21: error: 'overcommit_ratio' takes a whole number, not '80%'
		p.yaml:6:20: error: 'min_free_kbytes' takes a size such as 16M, not '16MB' (a number in the key's own unit, or with K, M or G)
		p.yaml:7:25: error: 'admin_reserve_kbytes' takes a size such as 16M, not '8 M' (a number in the key's own unit, or with K, M or G)
		p.yaml:8:24: error: 'user_reserve_kbytes' takes a size such as 16M, not '1.5G' (a number in the key's own unit, or with K, M or G)
		p.yaml:9:19: error: 'oom_dump_tasks' takes true or false, not 'maybe'
		p.yaml:10:29: error: 'oom_kill_allocating_task' takes true or false, not '2'
	END
}

@test "values out of range" {
	profile p <<-'END'
		priority: 1000001
		vm:
		  overcommit_ratio: -1
		  min_free_kbytes: 9999999999
		  user_reserve_kbytes: 99999999999G
		kdump:
		  crashkernel: 0
		  capture: { keep: 0, max_attempts: 1001 }
		protect:
		  - { service: a, exe: /a, oom_score_adj: -1001 }
		  - { service: b, exe: /b, oom_adj: 16 }
	END
	expect 3 holdfast -q check
	messages_are <<-'END'
		root/etc/holdfast/profiles/p.yaml:3:11: error: 'priority' must be from -1000000 to 1000000, not 1000001
		root/etc/holdfast/profiles/p.yaml:5:21: error: 'overcommit_ratio' must be from 0 to 1000, not -1
		root/etc/holdfast/profiles/p.yaml:6:20: error: 'min_free_kbytes' must be from 0 to 2147483647, not 9999999999
		root/etc/holdfast/profiles/p.yaml:7:24: error: 'user_reserve_kbytes' must be from 0 to 9007199254740991, not 99999999999G
		root/etc/holdfast/profiles/p.yaml:9:16: error: 'crashkernel' must be at least 1 bytes, not 0
		root/etc/holdfast/profiles/p.yaml:10:20: error: 'keep' must be from 1 to 1000, not 0
		root/etc/holdfast/profiles/p.yaml:10:37: error: 'max_attempts' must be from 1 to 1000, not 1001
		root/etc/holdfast/profiles/p.yaml:12:43: error: 'oom_score_adj' must be from -1000 to 1000, not -1001
		root/etc/holdfast/profiles/p.yaml:13:37: error: 'oom_adj' must be from -17 to 15, not 16
	END
}

@test "a duplicate names the first one" {
	profile p <<-'END'
		vm:
		  panic_on_oom: 2
		  oom_dump_tasks: 1
		  panic_on_oom: 0
		vm: {}
	END
	refuses p <<-'END'
		p.yaml:6:3: error: duplicate key 'panic_on_oom'; first given in line 4
		p.yaml:7:1: error: duplicate key 'vm'; first given in line 3
	END
}

@test "duplicate sysctls, however they are spelt" {
	profile p <<-'END'
		sysctl:
		  kernel.panic: 10
		  kernel/panic: 10
		  kernel: { panic: 10, kptr_restrict: 2 }
		  kernel/kptr_restrict: 2
	END
	expect 3 holdfast -q check
	messages_have 'p.yaml:5:3: error: duplicate key'
	messages_have 'p.yaml:6:13: error: duplicate key'
	messages_have 'p.yaml:7:3: error: duplicate key'
	[[ $(wc -l <<<"$messages") == 3 ]]
}

@test "duplicate items of a list" {
	profile p <<-'END'
		protect:
		  - { service: sshd, exe: /usr/sbin/sshd }
		  - { service: sshd, exe: /usr/bin/other }
		modules:
		  load: [ { name: ramoops }, { name: ramoops } ]
		mounts:
		  - { what: tmpfs, where: /run/a }
		  - { what: tmpfs, where: /run//a/ }
	END
	refuses p <<-'END'
		p.yaml:5:5: error: 'protect' lists 'sshd' twice; first in line 4
		p.yaml:7:30: error: 'modules.load' lists 'ramoops' twice; first in line 7
		p.yaml:10:5: error: 'mounts' lists '/run/a' twice; first in line 9
	END
}

@test "a typed key below sysctl is sent to its place" {
	profile p <<-'END'
		sysctl:
		  vm.panic_on_oom: 2
		  vm/overcommit_ratio: 80
		  vm: { min_free_kbytes: 1 }
	END
	refuses p <<-'END'
		p.yaml:4:3: error: 'vm.panic_on_oom' is a typed key: it belongs below 'vm', as 'panic_on_oom'
		p.yaml:5:3: error: 'vm.overcommit_ratio' is a typed key: it belongs below 'vm', as 'overcommit_ratio'
		p.yaml:6:9: error: 'vm.min_free_kbytes' is a typed key: it belongs below 'vm', as 'min_free_kbytes'
	END
}

@test "names of sysctls cannot leave their directory" {
	profile p <<-'END'
		sysctl:
		  ../../etc/passwd: 1
		  kernel/../../../etc/passwd: 1
		  kernel..panic: 1
		  /kernel/panic: 1
		  net.ipv4.conf.*.rp_filter: 1
		  -kernel.panic: 1
		  "": 1
		  kernel: { ../panic: 1 }
	END
	expect 3 holdfast -q check
	local line
	for line in 4 5 6 7 8 9 10; do
		messages_have "p.yaml:$line:3: error: '"
	done
	messages_have 'p.yaml:11:13: error: '
	[[ $(grep -c 'names no sysctl (as in kernel.panic' <<<"$messages") == 8 ]]
}

@test "names of modules, their options and profiles cannot leave their directory" {
	profile p <<-'END'
		extends: ../base
		modules:
		  load:
		    - name: ../../evil
		    - { name: a b }
		    - { name: good, options: { "a=b": 1, "x y": 2 } }
		  block: [ /etc/passwd, "" ]
		protect:
		  - { service: ../x, exe: /x, unit: "a b.service", user: "root:" }
	END
	expect 3 holdfast -q check
	local place
	for place in 3:10 6:13 7:15 8:32 8:42 9:12 9:25 11:16 11:37 11:58; do
		messages_have "p.yaml:$place: error: '"
	done
	[[ $(wc -l <<<"$messages") == 10 ]]
}

@test "paths are absolute and without dot-dot" {
	profile p <<-'END'
		mounts:
		  - { what: tmpfs, where: run/x }
		  - { what: /dev/../etc/passwd, where: /run/x }
		  - { what: "LABEL=", where: /run/../etc }
		protect:
		  - { service: a, exe: sshd }
		kdump: { crashkernel: 1M, kernel: ./vmlinuz, initrd: /boot/.. }
	END
	refuses p <<-'END'
		p.yaml:4:27: error: 'where' takes an absolute path, not 'run/x'
		p.yaml:5:13: error: 'what' takes a path without '..', not '/dev/../etc/passwd'
		p.yaml:6:13: error: 'what' takes LABEL=, UUID=, PARTLABEL=, PARTUUID=, an absolute path or a virtual file system's name, not 'LABEL='
		p.yaml:6:30: error: 'where' takes a path without '..', not '/run/../etc'
		p.yaml:8:24: error: 'exe' takes an absolute path, not 'sshd'
		p.yaml:9:35: error: 'kernel' takes an absolute path, not './vmlinuz'
		p.yaml:9:54: error: 'initrd' takes a path without '..', not '/boot/..'
	END
}

@test "a value holds no newline" {
	profile p <<-'END'
		description: |
		  two
		  lines
		sysctl:
		  kernel.core_pattern: "core\n|/bin/sh"
	END
	refuses p <<-'END'
		p.yaml:3:14: error: a value holds no newline
		p.yaml:7:24: error: a value holds no newline
	END
}

@test "comparisons of memory that are none" {
	profile p <<-'END'
		match:
		  - { arch: x86_64, memory: lots }
		  - { arch: x86_64, memory: ">=" }
		  - { arch: x86_64, memory: "=>512M" }
		  - { arch: x86_64, memory: ">=-1" }
	END
	refuses p <<-'END'
		p.yaml:4:29: error: 'memory' takes comparisons such as ">=512M", not 'lots'
		p.yaml:5:29: error: 'memory' takes comparisons such as ">=512M", not '>='
		p.yaml:6:29: error: 'memory' takes comparisons such as ">=512M", not '=>512M'
		p.yaml:7:29: error: 'memory' takes comparisons such as ">=512M", not '>=-1'
	END
}

@test "an empty list is no list of values" {
	profile p <<-'END'
		match:
		  - dmi: { product_name: [] }
	END
	refuses p <<-'END'
		p.yaml:4:26: error: 'product_name' takes at least one value, not a list
	END
}

@test "a list with something else than values" {
	profile p <<-'END'
		match:
		  - dmi: { product_name: [ EG-200, { a: 1 }, [ x ] ] }
	END
	refuses p <<-'END'
		p.yaml:4:36: error: 'product_name' takes one value in each element, not a map
		p.yaml:4:46: error: 'product_name' takes one value in each element, not a list
	END
}
