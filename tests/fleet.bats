#!/usr/bin/env bats
# select --fleet: who gets what, for machines that are only written down.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

setup_machine() {
	profile gateway <<-'END'
		match:
		  - dmi: { sys_vendor: Acme Corp, product_name: "EG-2*" }
		    memory: ">=512M"
		  - devicetree: { compatible: [ "acme,eg200", "acme,eg210" ] }
		  - cmdline: { acme.product: eg200 }
	END
	profile gateway-big <<-'END'
		match:
		  - dmi: { sys_vendor: Acme Corp, product_name: "EG-2*" }
		    memory: ">=8G"
		    arch: x86_64
	END
	profile camera <<-'END'
		match: [ { devicetree: { model: "Acme Cam*" } } ]
	END
	# What this machine says must play no part.
	dmi sys_vendor='Acme Corp' product_name=EG-200
	cmdline 'holdfast.profile=camera'
}

# fleet STATUS [OPTION...]: the table on stdin, with "|" for tabs.
fleet() {
	local status=$1
	shift
	tr '|' '\t' >fleet.tsv
	expect "$status" holdfast "$@" select --fleet fleet.tsv
}

# gets TEXT: the same for what was printed.
gets() {
	same_text "$(tr '\t' '|' <<<"$output")" output
}

@test "each machine by what its line says; the columns are files of /sys/class/dmi/id and facts of the language" {
	fleet 0 <<-'END'
		sys_vendor|dmi.product_name|devicetree.model|devicetree.compatible|memory|arch|cmdline|#shelf|expect
		Acme Corp|EG-200|||536870912||||gateway
		Acme Corp|EG-210|||8G|x86_64||3|gateway-big
		Acme Corp|EG-210|||8G|aarch64|||gateway
		Acme Corp|EG-210|||8589000000|x86_64|||gateway-big
		||Acme Camera 3|vendor,cam acme,eg999||aarch64|||camera
		|||vendor,x acme,eg210||||4|gateway
		||||||quiet acme.product=eg200||gateway
		||||||holdfast.profile=camera||camera
	END
	gets <<-'END'
		2|gateway|match
		3|gateway-big|match
		4|gateway|match
		5|gateway-big|match
		6|camera|match
		7|gateway|match
		8|gateway|match
		9|camera|command-line
	END
	messages_are <<<'8 machines, 3 profiles: 0 not as expected, 0 tied, 0 without a profile'
}

@test "a machine that gets another profile than expected, or one where none is" {
	fleet 1 <<-'END'
		sys_vendor|product_name|memory|expect
		Acme Corp|EG-200|1G|gateway
		Acme Corp|EG-200|16M|gateway
		Acme Corp|EG-200|1G|camera
		Acme Corp|EG-200|1G|-
		Other|EG-200|1G|-
		Acme Corp|EG-200|1G|getaway
	END
	gets <<-'END'
		2|gateway|match
		3|-|none
		4|gateway|match
		5|gateway|match
		6|-|none
		7|gateway|match
	END
	messages_are <<-'END'
		fleet.tsv:3: gets -, expected gateway
		fleet.tsv:4: gets gateway, expected camera
		fleet.tsv:5: gets gateway, expected -
		fleet.tsv:7: gets gateway, expected getaway, which is no profile's name
		6 machines, 3 profiles: 4 not as expected, 0 tied, 0 without a profile
	END
}

@test "without a word of what is expected, a machine without a profile fails" {
	fleet 1 <<-'END'
		sys_vendor|product_name|memory
		Acme Corp|EG-200|1G
		Acme Corp|XX-200|1G
		Acme Corp
	END
	gets <<-'END'
		2|gateway|match
		3|-|none
		4|-|none
	END
	messages_have 'fleet.tsv:3: no profile matches'
	messages_have 'fleet.tsv:4: no profile matches'
	profile default </dev/null
	fleet 0 <<-'END'
		sys_vendor|product_name|memory
		Acme Corp|XX-200|1G
	END
	gets <<<'2|default|default'
}

@test "a tie fails, whatever is expected, and names both" {
	profile twin <<<'match: [ { devicetree: { model: "*Camera*" } } ]'
	fleet 1 <<-'END'
		devicetree.model|expect
		Acme Camera 3|camera
		Acme Cam 3|camera
	END
	gets <<-'END'
		2|-|tie
		3|camera|match
	END
	messages_have "fleet.tsv:2: profiles 'camera' and 'twin' match equally well"
}

@test "firmware placeholders identify nothing on paper either" {
	profile any <<<'match: [ { dmi: { product_name: "*" } } ]'
	fleet 0 <<-'END'
		product_name|expect
		Thing|any
		Default string|-
		To Be Filled By O.E.M.|-
		 |-
	END
}

@test "directories of identity files, of PCs and of device-tree boards" {
	mkdir -p fleet/{pc,board,stranger,.hidden}
	printf 'Acme Corp\n' >fleet/pc/sys_vendor
	printf 'EG-200\n' >fleet/pc/product_name
	printf 'dmi:bvn:\n' >fleet/pc/modalias
	printf '1G\n' >fleet/pc/memory
	printf 'gateway\n' >fleet/pc/expect
	printf 'Acme Camera 3\0' >fleet/board/model
	printf 'acme,cam3\0vendor,soc\0' >fleet/board/compatible
	printf 'camera\n' >fleet/board/expect
	printf 'Nobody\n' >fleet/stranger/sys_vendor
	expect 1 holdfast select --fleet fleet
	gets <<-'END'
		board|camera|match
		pc|gateway|match
		stranger|-|none
	END
	messages_have 'fleet/stranger: no profile matches'
	printf -- '-\n' >fleet/stranger/expect
	expect 0 holdfast select --fleet fleet
	mkdir fleet/empty
	: >fleet/README
	expect 2 holdfast select --fleet fleet
	messages_have 'fleet/empty: no file that tells what machine it is'
	[[ $(wc -l <<<"$output") == 3 ]]
}

@test "a machine on which holdfast is switched off gets nothing" {
	fleet 1 <<-'END'
		devicetree.model|cmdline|expect
		Acme Camera|holdfast=off|-
		Acme Camera|holdfast.profile=camera holdfast=off|camera
		Acme Camera|quiet -- holdfast=off|camera
		Acme Camera|holdfast=off|
	END
	gets <<-'END'
		2|-|off
		3|-|off
		4|camera|match
		5|-|off
	END
	messages_have 'fleet.tsv:3: gets -, expected camera'
	messages_have 'fleet.tsv:5: holdfast=off: it gets no profile'
}

@test "a table on standard input" {
	fleet 0 <<-'END'
		devicetree.model|expect
		Acme Camera|camera
	END
	expect 0 holdfast select --fleet - <fleet.tsv
	gets <<<'2|camera|match'
	printf 'devicetree.model\texpect\nAcme Camera\t-\n' >fleet.tsv
	expect 1 holdfast select --fleet - <fleet.tsv
	messages_have "-:2: gets camera, expected -"
}

@test "a copy of a whole device tree, and one machine's own directory in the place of all" {
	mkdir -p fleet/board/memory fleet/board/soc
	printf 'Acme Camera 3\0' >fleet/board/model
	printf 'acme,soc\0' >fleet/board/soc/compatible
	expect 0 holdfast select --fleet fleet
	gets <<<'board|camera|match'
	expect 2 holdfast select --fleet fleet/board
	messages_have "fleet/board: this is one machine's own: name the directory that has one for each machine"
}

@test "a serial number that only root may read counts as not said" {
	mkdir -p fleet/pc
	printf 'Acme Corp\n' >fleet/pc/sys_vendor
	printf 'EG-200\n' >fleet/pc/product_name
	printf '1G\n' >fleet/pc/memory
	printf '4711\n' >fleet/pc/product_serial
	chmod 000 fleet/pc/product_serial
	local as_user=() power='-dac_override,-dac_read_search'
	[[ $(id -u) != 0 ]] || as_user=(setpriv --bounding-set="$power" --inh-caps="$power")
	expect 0 "${as_user[@]}" "$HOLDFAST" --root root --procfs root/proc --sysfs root/sys select --fleet fleet
	gets <<<'pc|gateway|match'
	messages_have 'fleet/pc/product_serial: Permission denied: it counts as not said'
}

@test "a machine's files that lead out of the directory" {
	mkdir -p fleet/pc
	printf 'Acme Camera\n' >outside
	ln -s "$PWD/outside" fleet/pc/model
	printf 'x\n' >fleet/pc/sys_vendor
	expect 1 holdfast select --fleet fleet
	gets <<<'pc|-|none'
}

@test "as JSON" {
	profile twin <<<'match: [ { devicetree: { model: "*Camera*" } } ]'
	fleet 1 --json <<-'END'
		devicetree.model|sys_vendor|product_name|memory|expect
		|Acme Corp|EG-200|1G|gateway
		Acme Camera||||camera
		x||||camera
	END
	json_is .version 1
	json_is '.machines[0]' '{"line":2,"profile":"gateway","reason":"match","expect":"gateway","ok":true}'
	json_is '.machines[1]' '{"line":3,"profile":null,"reason":"tie","tie":["camera","twin"],"expect":"camera","ok":false}'
	json_is '.machines[2]' '{"line":4,"profile":null,"reason":"none","expect":"camera","ok":false}'
}

@test "a profile with an error: every machine is told, and the status is 3" {
	profile camera <<-'END'
		match: [ { devicetree: { model: "Acme Cam*" } } ]
		vm: { overcommit_ratio: lots }
	END
	fleet 3 <<-'END'
		devicetree.model|expect
		Acme Camera|camera
	END
	gets <<<'2|camera|match'
	messages_have 'camera.yaml:4:25: error: '
}

@test "tables that are wrong: what and where, status 2" {
	fleet 2 <<<'sys_vendor|product_nam'
	messages_have "fleet.tsv:1: unknown column 'product_nam' (did you mean 'product_name'?)"
	fleet 2 <<<'sys_vendor|xyzzy'
	messages_have "fleet.tsv:1: unknown column 'xyzzy' (begin it with '#' to have it passed over)"
	fleet 2 <<<'sys_vendor|dmi.sys_vendor'
	messages_have "fleet.tsv:1: column 'dmi.sys_vendor' is there twice"
	fleet 2 </dev/null
	messages_have 'fleet.tsv: no line that names the columns'
	expect 2 holdfast select --fleet nowhere
	messages_have 'nowhere: No such file or directory'
	fleet 1 <<<'sys_vendor'
	messages_have 'fleet.tsv: no machine'
	fleet 2 --profile camera <<<'sys_vendor'
	messages_have '--fleet cannot be together with --profile or --explain'
}

@test "rows that are wrong are told with their line; those behind them are still looked at, and the status is 2" {
	printf 'devicetree.model\tmemory\texpect\nAcme Cam\tmuch\tcamera\nAcme Cam\t1G\tcamera\t\nAcme Cam\t1G\nAcme\0Cam\t1G\tcamera\nAcme Cam\t1G\tcamera\nAcme Cam\t1G\tgateway\n' >fleet.tsv
	expect 2 holdfast select --fleet fleet.tsv
	gets <<-'END'
		6|camera|match
		7|camera|match
	END
	messages_are <<-'END'
		fleet.tsv:2: memory takes bytes, or a size such as 512M, not 'much'
		fleet.tsv:3: more fields than columns
		fleet.tsv:4: it ends before the column 'expect'
		fleet.tsv:5: a NUL byte
		fleet.tsv:7: gets camera, expected gateway
		2 machines, 3 profiles: 1 not as expected, 0 tied, 0 without a profile
		fleet.tsv: 4 machines not read: what is wrong was told above
	END
	expect 2 holdfast --json select --fleet fleet.tsv
	json_is '.unread, (.machines | length)' $'4\n2'
}

@test "a line without an end: told, and no more is read; one of 64 KiB is a line" {
	printf 'devicetree.model\texpect\t#\nAcme Cam\tcamera\t%065520d\nAcme Cam\tcamera\t%065521d\nAcme Cam\tcamera\n' 0 0 >fleet.tsv
	expect 2 holdfast select --fleet fleet.tsv
	gets <<<'2|camera|match'
	messages_are <<<'fleet.tsv:3: a line of more than 64 KiB: no more is read'
	expect 2 holdfast --json select --fleet fleet.tsv
	json_is '.machines | length' 1
	expect 2 in_little_memory holdfast select --fleet /dev/zero
	messages_are <<<'/dev/zero:1: a line of more than 64 KiB: no more is read'
}

@test "names that would drive a terminal" {
	mkdir -p $'fleet/\e[31mred\n' $'fleet/tab\tbed'
	printf 'Acme Cam' | tee $'fleet/\e[31mred\n/model' >$'fleet/tab\tbed/model'
	printf 'gateway\e[2J\n' >$'fleet/\e[31mred\n/expect'
	expect 1 holdfast select --fleet fleet
	gets <<-'END'
		?[31mred?|camera|match
		tab?bed|camera|match
	END
	messages_have 'fleet/?[31mred?: gets camera, expected gateway?[2J'
	run ! grep -q $'[\e]' stderr
}

@test "line ends and a byte order mark of another system" {
	printf '\xef\xbb\xbfdevicetree.model\texpect\r\nAcme Camera\tcamera\r\n\r\n' >fleet.tsv
	expect 0 holdfast select --fleet fleet.tsv
	gets <<<'2|camera|match'
}
