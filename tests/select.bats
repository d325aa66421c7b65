#!/usr/bin/env bats
# Choosing a profile: by name, by what the machine says of itself, by default.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

chooses() {
	expect 0 holdfast select
	output_is <<<"$1"
	expect 0 holdfast --json select
	json_is .reason "$2"
}

chooses_none() {
	expect 4 holdfast select
	messages_are <<-'END'
		no profile matches this machine, and there is none called 'default'
	END
	[[ -z $output ]]
}

@test "no profile at all" {
	chooses_none
}

@test "the profile called default, when nothing matches" {
	profile default </dev/null
	profile other <<<'match: [ { dmi: { sys_vendor: Acme Corp } } ]'
	chooses default default
}

@test "a profile without match is chosen by name only" {
	profile p </dev/null
	chooses_none
	expect 0 holdfast --profile p select
	output_is <<<p
}

@test "the option comes before the command line, and that before any match" {
	dmi product_name=EG-200
	cmdline 'quiet holdfast.profile=named'
	profile matching <<<'match: [ { dmi: { product_name: EG-200 } } ]'
	profile named </dev/null
	profile given </dev/null
	chooses named command-line
	expect 0 holdfast --profile given --json select
	json_is '.profile, .reason' $'given\noption'
	cmdline quiet
	chooses matching match
}

@test "a profile given as a file" {
	profile given . </dev/null
	expect 0 holdfast --profile ./given.yaml select
	output_is <<<given
	expect 0 holdfast --profile given.yaml --json select
	json_is '.profile, .reason' $'given\noption'
}

@test "the last holdfast.profile= on the command line counts, with its quotes off" {
	profile a </dev/null
	profile b </dev/null
	cmdline 'holdfast.profile=a holdfast.profile=b'
	chooses b command-line
	cmdline 'holdfast.profile="a" quiet'
	chooses a command-line
	cmdline '"holdfast.profile=a" quiet'
	chooses a command-line
	cmdline 'xholdfast.profile=a holdfast.profiles=a'
	chooses_none
	cmdline 'quiet -- holdfast.profile=a'
	chooses_none
}

@test "a name on the command line that is no profile's, and tricks with paths" {
	profile default </dev/null
	local name
	printf 'holdfast: 1\nname: x\n' >root/x.yaml
	printf 'holdfast: 1\nname: x\n' >root/etc/x.yaml
	for name in none ../../x ../../../x /etc/x ../../x.yaml .. . 'a b' x/../default; do
		cmdline "holdfast.profile=\"$name\""
		expect 4 holdfast select
		messages_have "there is no profile '$name'"
		[[ -z $output ]]
	done
}

@test "an invalid profile asked for by name is not replaced by another one" {
	profile default </dev/null
	profile bad <<<'x: 1'
	cmdline holdfast.profile=bad
	expect 3 holdfast select
	messages_have "root/etc/holdfast/profiles/bad.yaml:3:1: error: unknown key 'x'"
	messages_have "profile 'bad' is invalid"
}

@test "an invalid profile that is not this machine's is complained of and passed over" {
	dmi product_name=EG-200
	profile bad <<<$'x: 1\nmatch: [ { dmi: { product_name: EG-300 } } ]'
	profile good <<<'match: [ { dmi: { product_name: "EG-*" } } ]'
	expect 0 holdfast select
	output_is <<<good
	messages_have "bad.yaml:3:1: error: unknown key 'x'"
}

@test "an invalid profile that is this machine's is not replaced by a worse one" {
	dmi product_name=EG-200
	profile bad <<<$'x: 1\nmatch: [ { dmi: { product_name: EG-200 } } ]'
	profile good <<<'match: [ { dmi: { product_name: "EG-*" } } ]'
	expect 3 holdfast select
	messages_have "profile 'bad' is invalid"
	[[ -z $output ]]
}

@test "an invalid default is no default" {
	profile default <<<'x: 1'
	expect 3 holdfast select
	[[ -z $output ]]
}

@test "the first hit of the search path wins for a name" {
	mkdir -p root/run/holdfast/profiles root/usr/lib/holdfast/profiles
	profile default root/usr/lib/holdfast/profiles <<<'description: vendor'
	expect 0 holdfast show
	output_has 'description: vendor'
	profile default root/run/holdfast/profiles <<<'description: this boot'
	expect 0 holdfast show
	output_has 'description: this boot'
	profile default <<<'description: site'
	expect 0 holdfast show
	output_has 'description: site'
}

@test "--profiles replaces the search path, and the first of them wins" {
	mkdir a b
	profile default <<<'description: site'
	profile default b <<<'description: from b'
	expect 0 holdfast --profiles a --profiles b show
	output_has 'description: from b'
	profile default a <<<'description: from a'
	expect 0 holdfast --profiles a --profiles b show
	output_has 'description: from a'
	rm a/* b/*
	expect 4 holdfast --profiles a --profiles b show
}

@test "firmware fields are exact unless they have wildcards, and then anchored" {
	dmi product_name=EG-200
	local pattern
	for pattern in EG-200 'EG-2*' '*200' 'EG-???' 'EG-[12]00' '*' '[ nope, EG-200 ]' '[ "X*", "EG*" ]'; do
		[[ $pattern == '['*' '* ]] || pattern="\"$pattern\""
		profile p <<<"match: [ { dmi: { product_name: $pattern } } ]"
		chooses p match
	done
	for pattern in EG-20 G-200 eg-200 'G*' '*20' 'EG-??' 'EG-[34]00' '[ nope, "X*" ]'; do
		[[ $pattern == '['*' '* ]] || pattern="\"$pattern\""
		profile p <<<"match: [ { dmi: { product_name: $pattern } } ]"
		chooses_none
	done
}

@test "blanks around what the firmware says do not count" {
	dmi product_name='  EG-200      '
	profile p <<<'match: [ { dmi: { product_name: EG-200 } } ]'
	chooses p match
}

@test "all conditions of an alternative must hold, any alternative will do" {
	dmi sys_vendor='Acme Corp' product_name=EG-200
	profile p <<<'match: [ { dmi: { sys_vendor: Acme Corp, product_name: EG-300 } } ]'
	chooses_none
	profile p <<<'match: [ { dmi: { sys_vendor: Acme Corp, product_name: EG-300 } }, { dmi: { sys_vendor: "Acme*" } } ]'
	chooses p match
}

@test "a condition on a file that does not exist does not hold" {
	profile p <<<'match: [ { dmi: { board_name: "*" } } ]'
	chooses_none
	profile p <<<'match: [ { devicetree: { model: "*" } } ]'
	chooses_none
	profile p <<<'match: [ { memory: ">=0" } ]'
	chooses_none
}

@test "placeholders of the firmware never match, not even a star" {
	local text
	profile p <<<'match: [ { dmi: { product_name: "*" } } ]'
	profile q <<<'match: [ { dmi: { product_name: "[A-Z]*" } } ]'
	while IFS= read -r text; do
		dmi product_name="$text"
		expect 4 holdfast select
	done <"$TESTS/rootfs/placeholders.txt"
}

@test "identities of real shape: each finds its product or nothing" {
	local vendor product board wanted line=0
	profile gateway <<-'END'
		match:
		  - dmi: { sys_vendor: [ "Northgate*", "NORTHGATE*" ], product_name: "NG-[0-9]*" }
	END
	profile gateway-ex <<-'END'
		match:
		  - dmi: { sys_vendor: "Northgate*", product_name: NG-410 EX }
	END
	profile board <<-'END'
		match:
		  - dmi: { board_name: [ "TQ-77*", HMB81 ] }
	END
	profile vendor <<-'END'
		match:
		  - dmi: { sys_vendor: "*" }
		priority: -1
	END
	while IFS='|' read -r vendor product board wanted; do
		line=$((line + 1))
		((line > 1)) || continue
		dmi sys_vendor="$vendor" product_name="$product" board_name="$board"
		expect "$([[ $wanted == - ]] && echo 4 || echo 0)" holdfast select
		[[ $wanted == - || $output == "$wanted" ]] || {
			printf 'line %s: wanted %s, got %s\n' "$line" "$wanted" "$output"
			return 1
		}
	done < <(tr '\t' '|' <"$TESTS/rootfs/identities.tsv")
	((line > 40))
}

@test "device trees: any string of the compatible list, and the model" {
	devicetree 'Acme EG-200 rev B' acme,eg200-b acme,eg200 vendor,soc
	local match
	for match in 'compatible: "acme,eg200"' 'compatible: [ x, "vendor,soc" ]' 'compatible: "acme,*-b"' 'model: Acme EG-200 rev B' 'model: "Acme*"'; do
		profile p <<<"match: [ { devicetree: { $match } } ]"
		chooses p match
	done
	for match in 'compatible: "acme,eg20"' 'compatible: "acme,eg200-b acme,eg200"' 'compatible: "acme*soc"' 'model: Acme'; do
		profile p <<<"match: [ { devicetree: { $match } } ]"
		chooses_none
	done
}

@test "the device tree below /proc, as old kernels have it" {
	mkdir root/proc/device-tree
	printf 'acme,eg200\0' >root/proc/device-tree/compatible
	profile p <<<'match: [ { devicetree: { compatible: "acme,eg200" } } ]'
	chooses p match
}

@test "a blank model never matches" {
	devicetree '' ''
	profile p <<<'match: [ { devicetree: { model: "*" } } ]'
	profile q <<<'match: [ { devicetree: { compatible: "*" } } ]'
	chooses_none
}

@test "parameters of the command line: a value, present, absent" {
	cmdline 'quiet acme.product=eg200 flag empty= "spaced=a b"'
	local match
	for match in 'acme.product: eg200' 'acme.product: "eg*"' 'acme.product: [ x, eg200 ]' 'flag: true' 'acme.product: true' \
		'none: false' 'empty: ""' 'spaced: a b' 'empty: true'; do
		profile p <<<"match: [ { cmdline: { $match } } ]"
		chooses p match
	done
	for match in 'acme.product: eg2' 'flag: false' 'none: true' 'none: "*"' 'acme: true' 'flag: "true"'; do
		profile p <<<"match: [ { cmdline: { $match } } ]"
		chooses_none
	done
}

@test "the architecture" {
	profile p <<<"match: [ { arch: [ none, $(uname -m) ] } ]"
	chooses p match
	profile p <<<'match: [ { arch: pdp11 } ]'
	chooses_none
}

@test "memory: what is installed, from iomem" {
	cat >root/proc/iomem <<-'END'
		00001000-0009fbff : System RAM
		00100000-1fffffff : System RAM
		  11000000-1cffffff : Crash kernel
		fec00000-fec003ff : IOAPIC 0
	END
	printf 'MemTotal:         300000 kB\n' >root/proc/meminfo
	local match
	for match in '">=512M"' '"=512M"' '512M' '"<=512M"' '">511M,<513M"' '[ ">8G", "<1G" ]' '"> 256M"'; do
		profile p <<<"match: [ { memory: $match } ]"
		chooses p match
	done
	for match in '">512M"' '"<512M"' '">=1G"' '">=512M,<512M"'; do
		profile p <<<"match: [ { memory: $match } ]"
		chooses_none
	done
}

@test "memory: MemTotal where iomem hides its addresses or is missing" {
	printf 'MemTotal:         507904 kB\nMemFree: 1 kB\n' >root/proc/meminfo
	profile p <<<'match: [ { memory: "=507904K" } ]'
	chooses p match
	printf '00000000-00000000 : System RAM\n00000000-00000000 : System RAM\n' >root/proc/iomem
	chooses p match
}

@test "the highest priority wins, before anything else" {
	dmi sys_vendor=Acme product_name=EG-200
	profile a <<<$'priority: 1\nmatch: [ { dmi: { product_name: "*" } } ]'
	profile b <<<'match: [ { dmi: { product_name: EG-200, sys_vendor: Acme } } ]'
	chooses a match
	profile b <<<$'priority: 2\nmatch: [ { dmi: { product_name: "E*" } } ]'
	chooses b match
	profile b <<<$'priority: -1\nmatch: [ { dmi: { product_name: EG-200, sys_vendor: Acme } } ]'
	profile a <<<'match: [ { dmi: { product_name: "*" } } ]'
	chooses a match
}

@test "then the most conditions, then the most exact ones" {
	dmi sys_vendor=Acme product_name=EG-200
	profile a <<<'match: [ { dmi: { product_name: EG-200 } } ]'
	profile b <<<'match: [ { dmi: { product_name: "EG*", sys_vendor: "A*" } } ]'
	chooses b match
	profile a <<<'match: [ { dmi: { product_name: EG-200, sys_vendor: "A*" } } ]'
	chooses a match
}

@test "a list counts as one condition, and the alternative that holds counts" {
	dmi sys_vendor=Acme product_name=EG-200
	profile a <<<'match: [ { dmi: { product_name: [ EG-200, EG-210, EG-220 ] } } ]'
	profile b <<<'match: [ { dmi: { product_name: EG-300, sys_vendor: Acme }, arch: pdp11 }, { dmi: { product_name: "EG*", sys_vendor: "A*" } } ]'
	chooses b match
}

@test "a tie names both and is an error" {
	dmi product_name=EG-200
	profile a <<<'match: [ { dmi: { product_name: EG-200 } } ]'
	profile b <<<'match: [ { dmi: { product_name: EG-200 } } ]'
	profile default </dev/null
	expect 4 holdfast select
	messages_are <<-'END'
		profiles 'a' and 'b' match this machine equally well
	END
	expect 4 holdfast --json select
	json_is '.version, .profile, .reason, .tie' $'1\nnull\nnull\n["a","b"]'
	local command
	for command in apply verify status show; do
		expect 4 holdfast "$command"
		messages_have "profiles 'a' and 'b' match this machine equally well"
	done
	profile c <<<$'priority: 1\nmatch: [ { dmi: { product_name: "*" } } ]'
	chooses c match
}

@test "explain: every profile, every condition, held or not and why" {
	dmi sys_vendor='Default string' product_name=EG-200
	cmdline 'quiet=1'
	printf 'MemTotal:         507904 kB\n' >root/proc/meminfo
	profile a <<-'END'
		match:
		  - dmi: { sys_vendor: "*", product_name: EG-200 }
		  - dmi: { product_name: [ X-1, "EG-*" ], board_name: B1 }
		    cmdline: { acme: true }
	END
	profile b <<<'match: [ { memory: ">=256M", cmdline: { quiet: true } } ]'
	profile bad <<<'x: 1'
	profile default </dev/null
	expect 0 holdfast select --explain
	output_is <<-'END'
		a (root/etc/holdfast/profiles/a.yaml): does not match
		  alternative 1
		    no  dmi.sys_vendor: *, here Default string (a firmware placeholder)
		    yes dmi.product_name: EG-200, here EG-200
		  alternative 2
		    yes dmi.product_name: EG-*, here EG-200
		    no  dmi.board_name: B1, here nothing (the machine does not say)
		    no  cmdline.acme: true, here nothing (not on the kernel command line)
		b (root/etc/holdfast/profiles/b.yaml): matches: priority 0, 2 conditions, 0 exact
		  alternative 1
		    yes memory: >=268435456, here 520093696 (496 MiB)
		    yes cmdline.quiet: true, here 1
		bad (root/etc/holdfast/profiles/bad.yaml): invalid; no match section, chosen by name only
		default (root/etc/holdfast/profiles/default.yaml): no match section, chosen by name only
		chosen: b (match)
	END
	expect 0 holdfast --json select --explain
	json_is '[.candidates[].profile]' '["a","b","bad","default"]'
	json_is '.candidates[0].alternatives | length' 2
	json_is '.candidates[0].alternatives[0].conditions[0] | [.key, .pattern, .value, .holds]' '["dmi.sys_vendor","*","Default string",false]'
	json_is '.candidates[1].alternatives[0].conditions[0] | [.key, .pattern, .value, .holds]' '["memory",">=268435456","520093696",true]'
}

@test "explain says why nothing was chosen" {
	profile a <<<'match: [ { dmi: { sys_vendor: Acme } } ]'
	expect 4 holdfast select --explain
	output_is <<-'END'
		a (root/etc/holdfast/profiles/a.yaml): does not match
		  alternative 1
		    no  dmi.sys_vendor: Acme, here nothing (the machine does not say)
	END
}
