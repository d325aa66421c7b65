#!/usr/bin/env bats
# Inheritance: maps merge key by key, the child wins; services, modules and mounts merge by their names.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

shows() {
	expect 0 holdfast show "$1"
	output=$(tail -n +3 <<<"$output")
	output_is
}

@test "maps merge key by key, and the child wins" {
	profile base <<-'END'
		on_error: reboot
		vm: { panic_on_oom: 0, overcommit_memory: 1 }
		sysctl: { kernel.panic: 5, kernel.kptr_restrict: 1 }
	END
	profile p <<-'END'
		extends: base
		vm: { overcommit_memory: never }
		sysctl: { kernel/panic: 10 }
	END
	shows p <<-'END'
		on_error: reboot
		vm:
		  overcommit_memory: 2
		  panic_on_oom: 0
		sysctl:
		  kernel.panic: 10
		  kernel.kptr_restrict: 1
	END
}

@test "services, modules and mounts merge by service, name and where" {
	profile base <<-'END'
		modules:
		  load:
		    - { name: ramoops, options: { mem_size: 0x100000, ecc: 1 }, required: false }
		    - { name: other }
		mounts: [ { what: LABEL=a, where: /run/x, options: ro } ]
		protect:
		  - { service: sshd, exe: /usr/sbin/sshd, max_rss: 64M }
	END
	profile p <<-'END'
		extends: base
		modules:
		  load: [ { name: ramoops, options: { ecc: 0 } } ]
		mounts: [ { what: LABEL=b, where: /run/x } ]
		protect:
		  - { service: agent, exe: /usr/bin/agent }
		  - { service: sshd, exe: /usr/sbin/sshd, user: root }
	END
	shows p <<-'END'
		modules:
		  load:
		    - name: ramoops
		      options:
		        mem_size: 0x100000
		        ecc: 0
		      required: false
		    - name: other
		mounts:
		  - what: LABEL=b
		    where: /run/x
		    options: ro
		protect:
		  - service: sshd
		    exe: /usr/sbin/sshd
		    user: root
		    max_rss: 67108864
		  - service: agent
		    exe: /usr/bin/agent
	END
}

@test "a module is the same one in either spelling" {
	profile base <<<'modules: { load: [ { name: usb-storage, required: false } ] }'
	profile p <<-'END'
		extends: base
		modules: { load: [ { name: usb_storage } ] }
	END
	expect 0 holdfast --json show p
	json_is '.effective.modules.load | length' 1
	json_is '.effective.modules.load[0].required' false
}

@test "match, name, description and priority are not inherited" {
	profile base <<-'END'
		description: the base
		priority: 5
		match: [ { arch: "*" } ]
		vm: { panic_on_oom: 0 }
	END
	profile p <<<'extends: base'
	shows p <<-'END'
		vm:
		  panic_on_oom: 0
	END
	expect 0 holdfast select
	output_is <<<base
}

@test "a chain of parents" {
	profile a <<<'sysctl: { kernel.a: 1, kernel.b: 1, kernel.c: 1 }'
	profile b <<<$'extends: a\nsysctl: { kernel.b: 2, kernel.c: 2 }'
	profile c <<<$'extends: b\nsysctl: { kernel.c: 3 }'
	shows c <<-'END'
		sysctl:
		  kernel.a: 1
		  kernel.b: 2
		  kernel.c: 3
	END
}

@test "a parent comes from the search path, where the first hit wins" {
	mkdir -p root/usr/lib/holdfast/profiles
	profile base root/usr/lib/holdfast/profiles <<<'vm: { panic_on_oom: 1 }'
	profile p <<<'extends: base'
	shows p <<-'END'
		vm:
		  panic_on_oom: 1
	END
	profile base <<<'vm: { panic_on_oom: 2 }'
	shows p <<-'END'
		vm:
		  panic_on_oom: 2
	END
}

@test "for a file given by its path the parent beside it comes first" {
	mkdir site
	profile base <<<'vm: { panic_on_oom: 1 }'
	profile other <<<'vm: { oom_dump_tasks: 1 }'
	profile base site <<<$'extends: other\nvm: { panic_on_oom: 2 }'
	profile p site <<<'extends: base'
	shows site/p.yaml <<-'END'
		vm:
		  oom_dump_tasks: true
		  panic_on_oom: 2
	END
}

@test "a profile that extends itself, at once or in a circle" {
	profile p <<<'extends: p'
	refuses p <<-'END'
		p.yaml:3:10: error: 'extends: p' makes a cycle
	END
	profile a <<<'extends: b'
	profile b <<<'extends: c'
	profile c <<<'extends: a'
	rm "$PROFILES/p.yaml"
	expect 3 holdfast -q --profile a check
	messages_are <<-'END'
		root/etc/holdfast/profiles/c.yaml:3:10: error: 'extends: a' makes a cycle
	END
}

@test "a circle that does not lead back to the first one ends too" {
	profile a <<<'extends: b'
	profile b <<<'extends: c'
	profile c <<<'extends: b'
	expect 3 holdfast -q --profile a check
	messages_are <<-'END'
		root/etc/holdfast/profiles/c.yaml:3:10: error: 'extends: b' makes a cycle
	END
}

@test "a parent that is missing" {
	profile base </dev/null
	profile p <<<'extends: bse'
	refuses p <<-'END'
		p.yaml:3:10: error: there is no profile 'bse' to extend
	END
	expect 3 holdfast -q check
	messages_are <<-'END'
		root/etc/holdfast/profiles/p.yaml:3:10: error: there is no profile 'bse' to extend (did you mean 'base'?)
	END
}

@test "what is wrong with a parent is said of the parent, once, and makes every child invalid" {
	profile base <<<'vm: { panic_on_oom: 7 }'
	profile p <<<'extends: base'
	profile q <<<'extends: base'
	expect 3 holdfast -q check
	messages_are <<-'END'
		root/etc/holdfast/profiles/base.yaml:3:21: error: 'panic_on_oom' takes one of never = 0, unconstrained = 1, always = 2, not '7'
	END
	for name in base p q; do
		expect 3 holdfast --profile "$name" select
		messages_have "profile '$name' is invalid"
	done
}

@test "a conflict that only the merge makes is found" {
	profile base <<<'modules: { load: [ { name: ramoops } ] }'
	profile p <<<$'extends: base\nmodules: { block: [ ramoops ] }'
	expect 3 holdfast -q check "$PROFILES/p.yaml"
	messages_have "module 'ramoops' is both loaded and blocked"
	expect 0 holdfast check "$PROFILES/base.yaml"
}

@test "a parent's items come before the child's own: a mount before those below it" {
	profile base <<<'mounts: [ { what: LABEL=data, where: /data } ]'
	profile p <<<$'extends: base\nmounts: [ { what: LABEL=sub, where: /data/sub } ]'
	shows p <<-'END'
		mounts:
		  - what: LABEL=data
		    where: /data
		  - what: LABEL=sub
		    where: /data/sub
	END
}
