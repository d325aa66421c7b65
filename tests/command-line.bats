#!/usr/bin/env bats
# Usage, exit statuses, and what holds for every command.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

setup_machine() {
	kernel_defaults
	profile default <<<'vm: { panic_on_oom: never }'
}

commands=(check select show apply verify revert status image keys snapshot)

@test "help names every command and every exit status" {
	expect 0 "$HOLDFAST" --help
	local command
	for command in "${commands[@]}"; do
		grep -q "^  $command " <<<"$output"
	done
	output_has 'Exit status: 0 all holds; 1 something was not done, or drifts; 2 wrong usage;'
	output_has '3 invalid profile; 4 no profile, or a tie.'
	expect 0 "$HOLDFAST" -h
}

@test "help of a command names its options" {
	local command
	for command in "${commands[@]}"; do
		untouched expect 0 holdfast "$command" --help
		output_has "Usage: holdfast [OPTION…] $command"
		[[ -z $messages ]]
	done
	expect 0 holdfast apply --help
	output_has --dry-run
	output_has --stage
	expect 0 holdfast check -h
	output_has --strict
	expect 0 holdfast select --help
	output_has --explain
	expect 0 holdfast keys --help
	output_has --format
}

@test "the version" {
	expect 0 "$HOLDFAST" --version
	[[ $output =~ ^holdfast\ [0-9]+\.[0-9]+ ]]
}

@test "wrong usage: status 2, a message, and nothing on stdout" {
	local arguments
	while read -r arguments; do
		# shellcheck disable=SC2086 # a list of words
		untouched expect 2 holdfast $arguments
		[[ -z $output ]]
		[[ -n $messages ]]
	done <<-'END'

		nonsense
		--nonsense
		select --nonsense
		select -Z
		select --strict
		apply --explain
		verify --dry-run
		select --profile
		apply --stage
		apply --stage nonsense
		keys --format nonsense
		select extra
		show one two
		apply extra
		status extra
		snapshot extra
	END
}

@test "a misspelt command is offered the nearest" {
	expect 2 holdfast verfy
	messages_have "unknown command 'verfy' (did you mean 'verify'?)"
	expect 2 holdfast xyzzy
	messages_have "unknown command 'xyzzy'"
	[[ $messages != *'did you mean'* ]]
}

@test "options stand anywhere, in both spellings" {
	expect 0 "$HOLDFAST" select --root=root --procfs root/proc --sysfs=root/sys --json
	json_is .profile default
	expect 0 "$HOLDFAST" -r root --procfs root/proc select --sysfs root/sys -j
	json_is .profile default
	expect 0 "$HOLDFAST" -P "$PROFILES" -p default --procfs root/proc --sysfs root/sys select
	output_is <<<default
	mv "$PROFILES/default.yaml" ./-x.yaml
	expect 3 holdfast -q check -- -x.yaml
	messages_have '-x.yaml:2:7: error: '
}

@test "trees that are not there" {
	local option
	for option in --root --procfs --sysfs --profiles; do
		expect 2 holdfast "$option" nowhere select
		messages_have 'nowhere: No such file or directory'
		[[ -z $output ]]
	done
	expect 2 holdfast --procfs "$PROFILES/default.yaml" select
	messages_have 'default.yaml: Not a directory'
}

@test "exit statuses" {
	expect 0 holdfast check
	expect 0 holdfast verify
	kernel vm/panic_on_oom=1
	expect 1 holdfast verify
	expect 0 holdfast apply
	rm root/proc/sys/vm/panic_on_oom
	expect 1 holdfast apply
	expect 2 holdfast apply --nonsense
	profile default <<<'x: 1'
	local command
	for command in check select show apply verify status; do
		expect 3 holdfast "$command"
		[[ $command == check || $command == status || -z $output ]]
	done
	rm "$PROFILES/default.yaml"
	for command in check select show apply verify status; do
		expect 4 holdfast "$command"
		[[ $command == status || -z $output ]]
		[[ -n $messages ]]
	done
}

@test "--json prints one document with a version, whatever happens" {
	json_document() {
		local status=0
		holdfast --json "$@" >out 2>err || status=$?
		jq -es 'length == 1 and .[0].version == 1' out >/dev/null || {
			printf 'holdfast --json %s (status %s) printed:\n%s\n' "$*" "$status" "$(<out)"
			return 1
		}
	}
	local failed=0 what command
	for what in valid applied off capture drifted invalid none; do
		case $what in
		applied) holdfast apply >/dev/null ;;
		off) cmdline holdfast=off ;;
		capture)
			cmdline quiet
			: >root/proc/vmcore
			;;
		drifted)
			rm root/proc/vmcore
			kernel vm/panic_on_oom=1
			;;
		invalid) profile default <<<'x: 1' ;;
		none) rm "$PROFILES/default.yaml" ;;
		esac
		for command in check select 'select --explain' show verify status revert apply 'apply --dry-run'; do
			# shellcheck disable=SC2086 # a list of words
			json_document $command || {
				echo "  with: $what"
				failed=1
			}
		done
	done
	((failed == 0))
}

@test "check --json: files, findings, places and hints" {
	profile p <<-'END'
		vm: { panic_on_oon: 2 }
	END
	profile q <<<'vm: { panic_on_oom: 2 }'
	expect 3 holdfast --json check
	json_is '.version, (.files | map(.file))' \
		$'1\n["root/etc/holdfast/profiles/default.yaml","root/etc/holdfast/profiles/p.yaml","root/etc/holdfast/profiles/q.yaml"]'
	json_is '.files[0].findings' '[]'
	json_is '.files[1].findings[0] | [.severity, .line, .column, .message, .hint]' \
		$'["error",3,7,"unknown key \'panic_on_oon\' below \'vm\'","did you mean \'panic_on_oom\'?"]'
	json_is '.files[2].findings | map(.severity)' '["warning"]'
	[[ -z $messages ]]
}

@test "check --json of files, with an error in a parent" {
	profile base <<<'x: 1'
	profile p <<<'extends: base'
	expect 3 holdfast --json check "$PROFILES/p.yaml"
	json_is '[.files[] | select(.findings != []) | .file]' '["root/etc/holdfast/profiles/base.yaml"]'
}

@test "results go to stdout, messages to stderr" {
	profile p <<<'vm: { panic_on_oom: 2 }'
	expect 0 holdfast check
	output_is <<<'2 profiles checked: 0 errors, 1 warning'
	messages_have 'warning: panic_on_oom without kdump'
	kernel vm/panic_on_oom=1
	expect 0 holdfast apply
	output_is <<<'vm.panic_on_oom: 1 → 0'
}

@test "quiet says errors only, verbose says more" {
	profile p <<<'vm: { panic_on_oom: 2 }'
	expect 0 holdfast -q check
	[[ -z $output$messages ]]
	expect 0 holdfast -q apply
	[[ -z $output$messages ]]
	rm root/proc/sys/vm/panic_on_oom
	expect 1 holdfast -q apply
	messages_have 'vm.panic_on_oom'
}

@test "no colour where there is no terminal, nor with NO_COLOR" {
	profile p <<<$'x: 1\nvm: { panic_on_oom: 2 }'
	local command
	for command in "${commands[@]}"; do
		holdfast "$command" >out 2>&1 || :
		! grep -q $'\e' out
		NO_COLOR=1 holdfast "$command" >out 2>&1 || :
		! grep -q $'\e' out
		NO_COLOR=1 script -qec "$HOLDFAST --root root --procfs root/proc --sysfs root/sys $command" /dev/null >out </dev/null || :
		! grep -q $'\e' out
	done
}

@test "only apply, revert and nothing else writes" {
	local command
	for command in check select 'select --explain' show verify status keys snapshot 'apply --dry-run'; do
		# shellcheck disable=SC2086 # a list of words
		untouched expect 0 holdfast $command
	done
}

@test "check takes files of any directory, and the whole search path without one" {
	mkdir other
	profile p other </dev/null
	profile q other <<<'x: 1'
	expect 3 holdfast check other/p.yaml other/q.yaml
	output_is <<<'2 profiles checked: 1 error, 0 warnings'
	messages_are <<-'END'
		other/q.yaml:3:1: error: unknown key 'x'
	END
	expect 0 holdfast check
	output_is <<<'1 profile checked: 0 errors, 0 warnings'
}

@test "check of the one profile that is given" {
	profile p <<<'x: 1'
	expect 0 holdfast --profile default check
	expect 3 holdfast --profile p check
	expect 4 holdfast --profile none check
	messages_have none
}
