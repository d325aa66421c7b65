# shellcheck shell=bash
# Completion of holdfast(8) for bash. Needs nothing but bash itself: it never runs holdfast, which may be on another machine's image.

# The profiles' directories that the words so far ask for: --profiles, else the standard ones below --root.
_holdfast_dirs() {
	local root='' i
	local -a dirs=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-P | --profiles) dirs+=("$(_holdfast_value $((i + 1)))") ;;
		-r | --root) root=$(_holdfast_value $((i + 1))) ;;
		esac
	done
	if ((${#dirs[@]} == 0)); then
		root=${root%/}
		dirs=("$root"/{etc,run,usr/lib}/holdfast/profiles)
	fi
	printf '%s\n' "${dirs[@]}"
}

# The word at a place, past the "=" that bash splits off, with a leading ~ made a path and quotes removed.
_holdfast_value() {
	local word=${COMP_WORDS[$1]-}
	[[ $word != = ]] || word=${COMP_WORDS[$1 + 1]-}
	if [[ $word == [~] || $word == [~]/* ]]; then
		word=${HOME-}${word:1}
	fi
	word=${word//[\"\']/}
	printf '%s\n' "${word//\\/}"
}

# Appends to COMPREPLY the names of profiles that begin as the word does.
_holdfast_profiles() {
	local dir file name
	while IFS= read -r dir; do
		for file in "$dir"/*.yaml; do
			name=${file##*/}
			name=${name%.yaml}
			[[ ! -e $file || $name != "$1"* ]] || COMPREPLY+=("$name")
		done
	done < <(_holdfast_dirs)
}

# Appends profiles (-f), any files (-f, then "any") or directories (-d), which readline quotes and marks as such.
_holdfast_files() {
	local name
	compopt -o filenames 2>/dev/null
	while IFS= read -r name; do
		[[ $1 == -d || -d $name || $name == *.yaml || ${3-} == any ]] && COMPREPLY+=("$name")
	done < <(compgen "$1" -- "$2")
}

# Appends files and directories of any name.
_holdfast_paths() {
	local name
	compopt -o filenames 2>/dev/null
	while IFS= read -r name; do
		COMPREPLY+=("$name")
	done < <(compgen -f -- "$1")
}

_holdfast_words() {
	local word
	while IFS= read -r word; do
		COMPREPLY+=("$word")
	done < <(compgen -W "$1" -- "$2")
}

# The command among the words before the one being completed.
_holdfast_command() {
	local i
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-P | -p | -r | --profiles | --profile | --root | --procfs | --sysfs | --rundir | --stage | --format | --name | --fleet | --kernel-config | --cmdline | --from | --output | --lines | --sort | --cgroup | --if | --pid | --why)
			i=$((i + 1))
			[[ ${COMP_WORDS[i]-} != = ]] || i=$((i + 1))
			;;
		-*) ;;
		*)
			printf '%s\n' "${COMP_WORDS[i]}"
			return
			;;
		esac
	done
}

_holdfast_options() {
	local options='-P --profiles -p --profile -r --root --procfs --sysfs --rundir -j --json -q --quiet -v --verbose -h --help -V --version'
	case $1 in
	check) options+=' --strict --image --kernel-config --cmdline' ;;
	select) options+=' -e --explain --fleet' ;;
	apply) options+=' -n --dry-run --stage' ;;
	keys) options+=' --format' ;;
	snapshot) options+=' --name' ;;
	guard) options+=' --once --stop --daemon' ;;
	status) options+=' --why' ;;
	image) options+=' --from --remove --output' ;;
	predict) options+=' -c --cgroup -i --if --pid' ;;
	top) options+=' -n --lines -s --sort -w --watch' ;;
	last-boot) options+=' --ends' ;;
	esac
	_holdfast_words "$options" "$2"
}

_holdfast() {
	local word=${COMP_WORDS[COMP_CWORD]-} before='' command
	COMPREPLY=()
	((COMP_CWORD == 0)) || before=${COMP_WORDS[COMP_CWORD - 1]}
	# --option=word comes as three words.
	if [[ $word == = ]]; then
		word=
	elif [[ $before == = ]] && ((COMP_CWORD >= 2)); then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	case $before in
	-P | --profiles | -r | --root | --procfs | --sysfs | --rundir | --from | --output)
		_holdfast_files -d "$word"
		return
		;;
	--fleet | --kernel-config)
		_holdfast_paths "$word"
		return
		;;
	-p | --profile | -i | --if)
		[[ $word == */* ]] || _holdfast_profiles "$word"
		_holdfast_files -f "$word"
		return
		;;
	--stage)
		_holdfast_words 'early devices root system all' "$word"
		return
		;;
	--format)
		_holdfast_words 'text man schema' "$word"
		return
		;;
	-s | --sort)
		_holdfast_words 'score adj rss swap pid user unit command' "$word"
		return
		;;
	-c | --cgroup)
		_holdfast_files -d "$word"
		return
		;;
	--name | --cmdline | --lines | --pid | --why)
		return
		;;
	esac
	command=$(_holdfast_command)
	if [[ $word == -* ]]; then
		_holdfast_options "$command" "$word"
		return
	fi
	case $command in
	'') _holdfast_words 'check select show apply verify revert guard kdump last-boot status top predict explain image keys snapshot' "$word" ;;
	check) _holdfast_files -f "$word" ;;
	kdump) _holdfast_words 'load unload status build capture stamp needs' "$word" ;;
	explain) _holdfast_files -f "$word" any ;;
	image)
		_holdfast_words 'install cmdline export' "$word"
		[[ $word == */* ]] || _holdfast_profiles "$word"
		_holdfast_files -f "$word"
		;;
	show)
		[[ $word == */* ]] || _holdfast_profiles "$word"
		_holdfast_files -f "$word"
		;;
	esac
} && complete -F _holdfast holdfast
