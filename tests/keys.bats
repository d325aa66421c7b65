#!/usr/bin/env bats
# The table of keys: as text, as a manual page, as a JSON Schema.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

# by_schema FILE...: whether each is valid by the schema on ./schema.json; prints what is not.
by_schema() {
	python3 - "$@" <<-'END'
		import json, sys, jsonschema, yaml
		schema = json.load(open("schema.json"))
		jsonschema.Draft202012Validator.check_schema(schema)
		validator = jsonschema.Draft202012Validator(schema)
		bad = 0
		for name in sys.argv[1:]:
		    for error in validator.iter_errors(yaml.safe_load(open(name))):
		        print(f"{name}: {error.json_path}: {error.message}")
		        bad = 1
		sys.exit(bad)
	END
}

@test "text: each key with its type, and what it does" {
	expect 0 "$HOLDFAST" keys
	[[ $output == "$("$HOLDFAST" keys --format text)" ]]
	output_has $'vm.panic_on_oom (never or 0, unconstrained or 1, always or 2)\n    Panic when memory runs out'
	output_has 'protect.oom_score_adj (a number, -1000 to 1000)'
	output_has 'kdump.capture.keep'
}

@test "man: a page without warnings that names every key" {
	expect 0 "$HOLDFAST" keys --format man
	cp stdout page.5
	local key
	for key in $("$HOLDFAST" keys | grep -oE '^[a-z][^ ]*'); do
		grep -qF "\\fB${key//-/\\-}\\fR" page.5
	done
	[[ -z $(groff -man -Tutf8 -ww -z page.5 2>&1) ]]
	[[ $(head -c 3 page.5) == .TH ]]
}

@test "schema: it is one, and every shipped profile is valid by it and by check" {
	"$HOLDFAST" keys --format schema >schema.json
	shopt -s nullglob
	local shipped=("$TESTS"/../profiles/*.yaml)
	((${#shipped[@]} > 0))
	by_schema "${shipped[@]}"
	expect 0 "$HOLDFAST" check --strict "${shipped[@]}"
}

@test "schema: the whole language is valid by it" {
	"$HOLDFAST" keys --format schema >schema.json
	local profiles=("$TESTS"/rootfs/*/etc/holdfast/profiles/*.yaml)
	((${#profiles[@]} > 3))
	by_schema "${profiles[@]}"
}

@test "schema: what show prints is valid by it" {
	"$HOLDFAST" keys --format schema >schema.json
	"$HOLDFAST" --profiles "$TESTS/rootfs/everything/etc/holdfast/profiles" show edge-gateway >shown.yaml
	by_schema shown.yaml
}

@test "schema: what check refuses is refused by it" {
	"$HOLDFAST" keys --format schema >schema.json
	local text n=0
	while IFS= read -r text; do
		n=$((n + 1))
		profile "p$n" . <<<"$text"
		expect 3 "$HOLDFAST" check "p$n.yaml"
	done <<-'END'
		colour: red
		vm: { panic_on_oon: 2 }
		vm: { panic_on_oom: 3 }
		vm: { overcommit_ratio: -1 }
		vm: { overcommit_ratio: 1001 }
		vm: { overcommit_ratio: lots }
		vm: { oom_dump_tasks: maybe }
		vm: { min_free_kbytes: 16MB }
		vm: [ 1 ]
		priority: high
		on_error: explode
		match: { arch: x86_64 }
		match: [ { dmi: { colour: red } } ]
		modules: { block: usb_storage }
		modules: { load: [ { required: true } ] }
		mounts: [ { what: tmpfs, where: run/x } ]
		kdump: { crashkernel: [ 1 ] }
		protect: [ { service: sshd } ]
		protect: [ { service: sshd, exe: /usr/sbin/sshd, oom_score_adj: -1001 } ]
		last_boot: { ramoops: { mem_size: 0x100000 } }
	END
	printf 'holdfast: 2\nname: p\n' >version.yaml
	printf 'holdfast: 1\n' >nameless.yaml
	expect 1 by_schema p*.yaml version.yaml nameless.yaml
	((n == 20)) && [[ $(cut -d : -f 1 stdout | sort -u) == "$(printf '%s\n' p*.yaml version.yaml nameless.yaml | sort)" ]]
}

@test "the generated documents in the tree are those of the program" {
	diff <("$HOLDFAST" keys --format man) "$TESTS/../docs/holdfast-profile.5"
	diff <("$HOLDFAST" keys --format schema) "$TESTS/../docs/holdfast-profile.schema.json"
}
