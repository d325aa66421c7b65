#!/usr/bin/env bats
# A starter profile from the running machine: valid, matching this machine, and changing nothing on it.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

setup_machine() {
	kernel_defaults
}

# starter NAME: the snapshot is called NAME, is valid, and nothing differs from it. It is left in $output.
starter() {
	untouched expect 0 holdfast snapshot
	local text=$output
	grep -qx "name: $1" <<<"$output"
	printf '%s\n' "$output" >"$PROFILES/$1.yaml"
	accepts "$1"
	expect 0 holdfast --profile "$1" verify
	output=$text
}

@test "a machine with firmware" {
	dmi sys_vendor='Acme Corp' product_name='EG-200 (rev. B)' board_name='EGB: 2' product_version='Default string'
	kernel kernel/panic=10 vm/swappiness=60
	starter eg-200-rev-b
	output_is <<-'END'
		# A starter profile, taken from the running machine. Save it as eg-200-rev-b.yaml, keep what
		# the product needs, and try it with: holdfast check eg-200-rev-b.yaml
		holdfast: 1
		name: eg-200-rev-b
		match:
		  - dmi:
		      sys_vendor: Acme Corp
		      product_name: "EG-200 (rev. B)"
		      board_name: "EGB: 2"
		vm:
		  min_free_kbytes: 8192
		  admin_reserve_kbytes: 8192
		  user_reserve_kbytes: 131072
		  overcommit_memory: 0
		  oom_kill_allocating_task: false
		  oom_dump_tasks: true
		  panic_on_oom: 0
		sysctl:
		  kernel.panic: 10
		  vm.swappiness: 60
	END
	expect 0 holdfast --json select
	json_is '.profile, .reason' $'eg-200-rev-b\nmatch'
}

@test "a machine with a device tree" {
	devicetree 'Acme EG-200' acme,eg200
	starter acme-eg-200
	expect 0 holdfast select
	output_is <<<acme-eg-200
}

@test "a machine that says nothing of itself" {
	dmi sys_vendor='To Be Filled By O.E.M.' product_name='System Product Name' board_name=' '
	starter this-machine
	[[ $output != *'match:'$'\n'* ]]
}

@test "a product with wildcards in its name" {
	dmi product_name='Model [X]*'
	starter model-x
	dmi sys_vendor='[Acme]' product_name='EG-200' board_name='*'
	starter eg-200
	expect 0 holdfast select
	output_is <<<eg-200
}

@test "names of any script, length and shape" {
	local name
	for name in '!!!' '株式会社' 'A B  C--D' "$(printf 'x%.0s' {1..300})" '"quoted"' "it's" '- dash' 'true' 'null' '#1'; do
		dmi product_name="$name" sys_vendor="$name" board_name="$name"
		untouched expect 0 holdfast snapshot
		name=$(sed -n 's/^name: //p' <<<"$output" | tr -d '"')
		printf '%s\n' "$output" >"$PROFILES/$name.yaml"
		accepts "$name"
		rm "$PROFILES/$name.yaml"
	done
}

@test "a name of one's own" {
	untouched expect 0 holdfast snapshot --name mine
	output_has 'name: mine'
}

@test "a kernel that shows none of the keys" {
	rm -r root/proc/sys
	untouched expect 0 holdfast snapshot
	printf '%s\n' "$output" >"$PROFILES/this-machine.yaml"
	accepts this-machine
}

@test "overcommit in kbytes: the knob that is in force" {
	kernel vm/overcommit_memory=2 vm/overcommit_ratio=0 vm/overcommit_kbytes=524288
	starter this-machine
	output_has overcommit_kbytes
	[[ $output != *overcommit_ratio* ]]
}
