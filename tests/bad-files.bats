#!/usr/bin/env bats
# Files that are no profile: each is refused with what and where, and nothing hangs or crashes.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

@test "an empty file" {
	: >"$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:1:1: error: the file is empty (a profile begins with 'holdfast: 1')
	END
}

@test "a file of comments only" {
	printf '# nothing yet\n' >"$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:1:1: error: the file is empty (a profile begins with 'holdfast: 1')
	END
}

@test "a file that is not there" {
	refuses p <<-'END'
		p.yaml:1:1: error: No such file or directory
	END
}

@test "a link that leads nowhere, by path" {
	ln -s nowhere "$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:1:1: error: No such file or directory
	END
}

@test "a link that leads nowhere, among the machine's profiles" {
	ln -s nowhere "$PROFILES/p.yaml"
	expect 3 holdfast check
	messages_are <<-'END'
		root/etc/holdfast/profiles/p.yaml:1:1: error: No such file or directory
	END
}

@test "a link to itself cannot be read, and does not stop the choice" {
	ln -s p.yaml "$PROFILES/p.yaml"
	profile default </dev/null
	expect 3 holdfast check
	messages_have 'root/etc/holdfast/profiles/p.yaml:1:1: error: Too many levels of symbolic links'
	expect 0 holdfast select
	output_is <<<default
	messages_have 'p.yaml:1:1: error: Too many levels of symbolic links'
}

@test "a directory" {
	mkdir "$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:1:1: error: is a directory
	END
	expect 3 holdfast check
	messages_have 'p.yaml:1:1: error: is a directory'
}

@test "a FIFO is refused without waiting for a writer" {
	mkfifo "$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:1:1: error: is no regular file
	END
	expect 3 holdfast check
	messages_have 'p.yaml:1:1: error: is no regular file'
}

@test "a device" {
	ln -s /dev/zero "$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:1:1: error: is no regular file
	END
}

@test "a file of 300 KiB" {
	{
		printf 'holdfast: 1\nname: p\n'
		yes '# padding padding padding padding' | head -c 307200
	} >"$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:1:1: error: is larger than 256 KiB
	END
}

@test "256 KiB are allowed, one byte more is not" {
	{
		printf 'holdfast: 1\nname: p\n#'
		head -c 262144 /dev/zero | tr '\0' x
	} | head -c 262143 >"$PROFILES/p.yaml"
	printf '\n' >>"$PROFILES/p.yaml"
	[[ $(stat -c %s "$PROFILES/p.yaml") == 262144 ]]
	accepts p
	printf '\n' >>"$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:1:1: error: is larger than 256 KiB
	END
}

@test "a NUL byte" {
	printf 'holdfast: 1\nname: p\0\n' >"$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:2:8: error: a NUL byte; this is no text file
	END
}

@test "an ELF program" {
	cp "$(type -P true)" "$PROFILES/p.yaml"
	expect 3 holdfast check
	messages_are <<-'END'
		root/etc/holdfast/profiles/p.yaml:1:1: error: a control character
	END
}

@test "noise" {
	# the same bytes each time
	awk 'BEGIN { srand(7); for (i = 0; i < 4096; i++) printf "%c", int(rand() * 127) + 128 }' | LC_ALL=C tr -d '\n' >"$PROFILES/p.yaml"
	expect 3 holdfast check
	messages_have 'root/etc/holdfast/profiles/p.yaml:1:'
}

@test "invalid UTF-8 is found at its character" {
	printf 'holdfast: 1\nname: p\ndescription: gr\xc3\xbcn \xff\n' >"$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:3:19: error: invalid UTF-8
	END
}

@test "overlong UTF-8 and surrogates are invalid" {
	printf 'holdfast: 1\nname: p # \xc0\xaf\n' >"$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:2:11: error: invalid UTF-8
	END
	printf 'holdfast: 1\nname: p # \xed\xa0\x80\n' >"$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:2:11: error: invalid UTF-8
	END
}

@test "Latin-1" {
	printf 'holdfast: 1\nname: p\ndescription: gr\xfcn\n' >"$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:3:16: error: invalid UTF-8
	END
}

@test "UTF-16, with and without a byte order mark" {
	printf 'holdfast: 1\nname: p\n' | iconv -t UTF-16 >"$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:1:1: error: invalid UTF-8
	END
	printf 'holdfast: 1\nname: p\n' | iconv -t UTF-16LE >"$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:1:2: error: a NUL byte; this is no text file
	END
}

@test "a byte order mark at the start is only unwise" {
	printf '\xef\xbb\xbfholdfast: 1\nname: p\n' >"$PROFILES/p.yaml"
	expect 0 holdfast check
	messages_are <<-'END'
		root/etc/holdfast/profiles/p.yaml:1:1: warning: the file begins with a byte order mark (save the file as UTF-8 without it)
	END
}

@test "a byte order mark elsewhere" {
	printf 'holdfast: 1\nname: p\xef\xbb\xbf\n' >"$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:2:8: error: a byte order mark
	END
}

@test "lines that end in CR LF are only unwise, and keep their numbers" {
	printf 'holdfast: 1\r\nname: p\r\nvm:\r\n  panic_on_oom: 3\r\n' >"$PROFILES/p.yaml"
	expect 3 holdfast check
	messages_are <<-'END'
		root/etc/holdfast/profiles/p.yaml:1:12: warning: lines end in carriage return and line feed (end lines with a line feed alone)
		root/etc/holdfast/profiles/p.yaml:4:17: error: 'panic_on_oom' takes one of never = 0, unconstrained = 1, always = 2, not '3'
	END
	printf 'holdfast: 1\r\nname: p\r\nvm:\r\n  panic_on_oom: 0\r\n' >"$PROFILES/p.yaml"
	expect 0 holdfast show p
	output_is <<-'END'
		holdfast: 1
		name: p
		vm:
		  panic_on_oom: 0
	END
}

@test "control characters, written or escaped" {
	printf 'holdfast: 1\nname: p\ndescription: a\x1bb\n' >"$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:3:15: error: a control character
	END
	profile p <<<'description: "a\eb"'
	refuses p <<-'END'
		p.yaml:3:14: error: a value holds no control character
	END
	profile p <<<'description: "a\0b"'
	refuses p <<-'END'
		p.yaml:3:14: error: a value holds no control character
	END
}

@test "a tab for indentation" {
	profile p <<-'END'
		vm:
		@panic_on_oom: 2
	END
	sed -i 's/^@/\t/' "$PROFILES/p.yaml"
	expect 3 holdfast check
	messages_have 'root/etc/holdfast/profiles/p.yaml:4:1: error: found character that cannot start any token'
}

@test "YAML that does not end" {
	profile p <<<'vm: { panic_on_oom: 2'
	expect 3 holdfast check
	messages_have 'root/etc/holdfast/profiles/p.yaml:4:1: error: did not find expected '
}

@test "a list, or a word, instead of a map" {
	printf -- '- holdfast: 1\n' >"$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:1:1: error: a profile is a map, not a list (it begins with 'holdfast: 1')
	END
	printf 'holdfast\n' >"$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:1:1: error: a profile is a map, not one value (it begins with 'holdfast: 1')
	END
}

@test "several documents" {
	profile p <<-'END'
		---
		holdfast: 1
	END
	refuses p <<-'END'
		p.yaml:3:1: error: several documents in one file (one profile a file)
	END
}

@test "one document between its marks is one" {
	printf -- '---\nholdfast: 1\nname: p\n...\n' >"$PROFILES/p.yaml"
	accepts p
}

@test "anchors, aliases, tags and merge keys, each where it stands" {
	profile p <<-'END'
		vm: &vm
		  panic_on_oom: !!int 2
		  oom_dump_tasks: *x
		sysctl:
		  <<: *vm
		  kernel.panic: &ten 10
	END
	expect 3 holdfast -q check
	messages_are <<-'END'
		root/etc/holdfast/profiles/p.yaml:3:5: error: anchors are not allowed (repeat the value, or use 'extends')
		root/etc/holdfast/profiles/p.yaml:4:17: error: tags are not allowed (write the value without it)
		root/etc/holdfast/profiles/p.yaml:5:19: error: aliases are not allowed (repeat the value, or use 'extends')
		root/etc/holdfast/profiles/p.yaml:7:3: error: merge keys are not allowed (use 'extends')
		root/etc/holdfast/profiles/p.yaml:7:7: error: aliases are not allowed (repeat the value, or use 'extends')
		root/etc/holdfast/profiles/p.yaml:8:17: error: anchors are not allowed (repeat the value, or use 'extends')
	END
}

@test "an alias bomb does not grow" {
	{
		printf 'a0: &a0 [ x, x, x, x, x, x, x, x, x, x ]\n'
		for i in {1..30}; do
			printf 'a%d: &a%d [ *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d ]\n' "$i" "$i" $((i - 1)){,,,,,,,}
		done
	} | profile p
	(
		ulimit -t 10
		[[ $HOLDFAST == *san* ]] || ulimit -v 200000
		expect 3 holdfast check
		messages_have 'aliases are not allowed'
	)
}

@test "deep nesting, in either style" {
	{
		printf 'x: '
		printf '%.0s[ ' {1..20000}
	} | profile p
	expect 3 holdfast check
	messages_are <<-'END'
		root/etc/holdfast/profiles/p.yaml:3:36: error: nested deeper than 16 levels
	END
	for i in {0..40}; do
		printf '%*sx:\n' "$i" ''
	done | profile p
	expect 3 holdfast check
	messages_have 'error: nested deeper than 16 levels'
}

@test "a very long line" {
	{
		printf 'description: '
		head -c 200000 /dev/zero | tr '\0' 'x'
		printf '\nvmm: {}\n'
	} | profile p
	refuses p <<-'END'
		p.yaml:4:1: error: unknown key 'vmm' (did you mean 'vm'?)
	END
}

@test "more values than any profile has" {
	for i in {1..11000}; do
		printf 'k%d:\n' "$i"
	done | profile p
	expect 3 holdfast check
	messages_have 'error: more than 20000 values'
}

@test "keys that are no words" {
	profile p <<-'END'
		[ vm ]: 1
		{ a: 1 }: 2
	END
	refuses p <<-'END'
		p.yaml:3:1: error: a key must be a word
		p.yaml:4:1: error: a key must be a word
	END
}

@test "a name that is not the file's" {
	printf 'holdfast: 1\nname: other\n' >"$PROFILES/p.yaml"
	refuses p <<-'END'
		p.yaml:2:7: error: the name 'other' is not the file's: it must be 'p'
	END
}

@test "a file that is not called NAME.yaml" {
	printf 'holdfast: 1\nname: p\n' >p.yml
	expect 3 holdfast check p.yml
	messages_are <<-'END'
		p.yml:1:1: error: a profile's file is called NAME.yaml
	END
}

@test "other files beside the profiles are passed over" {
	profile p </dev/null
	printf '{' | tee "$PROFILES/README" "$PROFILES/p.yaml~" "$PROFILES/.p.yaml" "$PROFILES/p.yaml.bak" "$PROFILES/.yaml" >/dev/null
	expect 0 holdfast check
	output_is <<<'1 profile checked: 0 errors, 0 warnings'
}
