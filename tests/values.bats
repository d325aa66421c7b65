#!/usr/bin/env bats
# The values the language takes, shown in their canonical form; what `show` prints loads again and stays as it is.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

# shows NAME: the effective profile is what stands on stdin, without the first two lines.
shows() {
	expect 0 holdfast show "$1"
	output=$(tail -n +3 <<<"$output")
	output_is
}

@test "choices by word and by number" {
	profile p <<-'END'
		vm: { overcommit_memory: heuristic, panic_on_oom: 0x2 }
	END
	shows p <<-'END'
		vm:
		  overcommit_memory: 0
		  panic_on_oom: 2
	END
	profile p <<-'END'
		on_error: emergency
		vm: { overcommit_memory: 2, panic_on_oom: unconstrained }
	END
	shows p <<-'END'
		on_error: emergency
		vm:
		  overcommit_memory: 2
		  panic_on_oom: 1
	END
}

@test "booleans in all their spellings" {
	local word
	for word in true yes on 1 True YES '"true"'; do
		profile p <<<"vm: { oom_dump_tasks: $word }"
		shows p <<-'END'
			vm:
			  oom_dump_tasks: true
		END
	done
	for word in false no off 0 False NO "'off'"; do
		profile p <<<"vm: { oom_dump_tasks: $word }"
		shows p <<-'END'
			vm:
			  oom_dump_tasks: false
		END
	done
}

@test "sizes: plain numbers in the key's own unit, or K, M, G" {
	profile p <<-'END'
		vm:
		  min_free_kbytes: 16M
		  admin_reserve_kbytes: 8192
		  user_reserve_kbytes: 64K
		kdump: { crashkernel: 192M }
		protect: [ { service: a, exe: /a, max_rss: 4096 } ]
	END
	shows p <<-'END'
		vm:
		  min_free_kbytes: 16384
		  admin_reserve_kbytes: 8192
		  user_reserve_kbytes: 64
		kdump:
		  crashkernel: 201326592
		protect:
		  - service: a
		    exe: /a
		    max_rss: 4096
	END
}

@test "numbers: decimal or 0x, with a sign where the range has one" {
	profile p <<-'END'
		priority: -7
		vm: { overcommit_ratio: 0x50 }
	END
	shows p <<-'END'
		priority: -7
		vm:
		  overcommit_ratio: 80
	END
}

@test "sysctls dotted, with slashes and nested, at the smallest and largest values" {
	profile p <<-'END'
		sysctl:
		  kernel.panic: -1
		  kernel/kptr_restrict: 2
		  net: { ipv4: { tcp_rmem: 4096 131072 6291456 }, core: { somaxconn: 4096 } }
		  net.ipv4.conf.eth0/1.forwarding: 1
		  net/ipv4/conf/eth1.2/forwarding: 1
		  kernel.shmall: 18446744073692774399
		  kernel.core_pattern: "|/usr/lib/collect %p %s"
		  kernel.modprobe: ""
	END
	shows p <<-'END'
		sysctl:
		  kernel.panic: -1
		  kernel.kptr_restrict: 2
		  net.ipv4.tcp_rmem: 4096 131072 6291456
		  net.core.somaxconn: 4096
		  net.ipv4.conf.eth0/1.forwarding: 1
		  net.ipv4.conf.eth1/2.forwarding: 1
		  kernel.shmall: 18446744073692774399
		  kernel.core_pattern: "|/usr/lib/collect %p %s"
		  kernel.modprobe: ""
	END
}

@test "paths have one spelling" {
	profile p <<-'END'
		mounts: [ { what: //dev//sda1, where: /run/./x// } ]
		last_boot: { archive: /var//lib/x/ }
	END
	shows p <<-'END'
		mounts:
		  - what: /dev/sda1
		    where: /run/x
		last_boot:
		  archive: /var/lib/x
	END
}

@test "what can be mounted" {
	profile p <<-'END'
		mounts:
		  - { what: LABEL=config, where: /run/a }
		  - { what: UUID=1234-ABCD, where: /run/b }
		  - { what: PARTLABEL=x y, where: /run/c }
		  - { what: PARTUUID=1, where: /run/d }
		  - { what: /dev/disk/by-id/x, where: /run/e }
		  - { what: tmpfs, where: /run/f, type: tmpfs, options: "size=1m,ro" }
	END
	accepts p
}

@test "any text may hold quotes, colons, hashes and letters of any script" {
	profile p <<-'END'
		description: 'The "big" one: 100 % → grün #1'
		kdump: { crashkernel: 1M, append: 'dyndbg="file x.c +p" quiet' }
	END
	shows p <<-'END'
		description: "The \"big\" one: 100 % → grün #1"
		kdump:
		  crashkernel: 1048576
		  append: "dyndbg=\"file x.c +p\" quiet"
	END
}

@test "words that mean something to YAML stay texts" {
	profile p <<-'END'
		description: "true"
		match: [ { cmdline: { list: [ "null", "~", "no", "- x", "a: b", "#1", "true" ], a: "true", b: true, c: false, d: yes } } ]
	END
	expect 0 holdfast show p
	profile q <<<"$(tail -n +3 <<<"$output")"
	local first=$output
	expect 0 holdfast show q
	output=${output/name: q/name: p}
	output_is <<<"$first"
	[[ $(python3 -c 'import sys, yaml; print(yaml.safe_load(sys.stdin)["match"][0])' <<<"$first") == \
		"{'cmdline': {'list': ['null', '~', 'no', '- x', 'a: b', '#1', 'true'], 'a': 'true', 'b': True, 'c': False, 'd': 'yes'}}" ]]
}

@test "escaped characters come out as characters that load again" {
	profile p <<-'END'
		description: "\u00e9 \u00a0 \ufffd \U0001F4A1 \x41"
	END
	expect 0 holdfast show p
	cp "$PROFILES/p.yaml" given.yaml
	printf '%s\n' "$output" >"$PROFILES/p.yaml"
	local first=$output
	expect 0 holdfast show p
	output_is <<<"$first"
	[[ $(python3 -c 'import sys, yaml; print([yaml.safe_load(open(f))["description"] for f in sys.argv[1:]])' given.yaml "$PROFILES/p.yaml" |
		tr ',' '\n' | sed "s/^[[ ]*//; s/]$//" | uniq | wc -l) == 1 ]]
}

@test "escaped line breaks of any script are newlines, and refused" {
	local break
	for break in '\n' '\r' '\N' '\L' '\P'; do
		profile p <<<"description: \"a${break}b\""
		refuses p <<-'END'
			p.yaml:3:14: error: a value holds no newline
		END
	done
}

@test "the legacy scale is accepted" {
	profile p <<<'protect: [ { service: a, exe: /a, oom_adj: -17 } ]'
	accepts p
}

@test "the whole language in one profile, shown, loaded and shown again" {
	cp "$TESTS/rootfs/everything/etc/holdfast/profiles/edge-gateway.yaml" "$TESTS/rootfs/everything/etc/holdfast/profiles/base.yaml" "$PROFILES"
	expect 0 holdfast show edge-gateway
	local first=$output
	rm "$PROFILES/base.yaml"
	printf '%s\n' "$first" >"$PROFILES/edge-gateway.yaml"
	accepts edge-gateway
	expect 0 holdfast show edge-gateway
	output_is <<<"$first"
}

@test "JSON is YAML, and a profile" {
	printf '{ "holdfast": 1, "name": "p", "vm": { "panic_on_oom": 0 } }\n' >"$PROFILES/p.yaml"
	shows p <<-'END'
		vm:
		  panic_on_oom: 0
	END
}

@test "show prints JSON with numbers and booleans" {
	profile p <<-'END'
		vm: { panic_on_oom: never, oom_dump_tasks: off, min_free_kbytes: 16M }
		sysctl: { kernel.panic: 10 }
		modules: { block: [ a, b ] }
	END
	expect 0 holdfast --json show p
	json_is '.version, .profile, .effective.vm.oom_dump_tasks, .effective.vm.min_free_kbytes, .effective.sysctl["kernel.panic"], .effective.modules.block' \
		$'1\np\nfalse\n16384\n10\n["a","b"]'
}

@test "show without a name shows the machine's profile" {
	profile default <<<'vm: { panic_on_oom: 0 }'
	expect 0 holdfast show
	output_has 'name: default'
}

@test "show of a profile that is not there, or is wrong" {
	profile base </dev/null
	expect 4 holdfast show bass
	messages_have "there is no profile 'bass' (did you mean 'base'?)"
	profile bad <<<'x: 1'
	expect 3 holdfast show bad
	[[ -z $output ]]
}

@test "the legacy scale is converted, and the child's own score wins" {
	profile base <<<'protect: [ { service: a, exe: /usr/bin/a, oom_score_adj: -500 } ]'
	profile p <<<$'extends: base\nprotect: [ { service: a, exe: /usr/bin/a, oom_adj: -17 } ]'
	expect 0 holdfast show p
	[[ $output == *'oom_score_adj: -1000'* && $output != *oom_adj:* ]]
}
