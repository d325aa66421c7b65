#!/usr/bin/env bats
# image install, cmdline and export: what goes into an image, and what stays as it was.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

setup_file() {
	# What `make install` leaves, without the programs' size.
	local top=$TESTS/..
	make -s -C "$top" install DESTDIR="$BATS_FILE_TMPDIR/installed" INSTALL_STRIP= >/dev/null
}

setup_machine() {
	installed=$BATS_FILE_TMPDIR/installed
	mkdir -p image/{etc,usr/{bin,sbin,lib}} profiles
	ln -s usr/sbin image/sbin
	# shellcheck disable=SC2034 # read by profile
	PROFILES=profiles
	profile common <<<'vm: { oom_dump_tasks: true }'
	profile gateway <<-'END'
		extends: common
		match: [ { dmi: { product_name: EG-200 } } ]
		sysctl: { kernel.panic: 10 }
	END
	profile server <<-'END'
		extends: common
		protect: [ { service: sshd, exe: /usr/sbin/sshd } ]
	END
	profile other <<<'vm: { oom_dump_tasks: false }'
}

# has FILE...: empty files by which generators are known.
has() {
	local file
	for file; do
		mkdir -p "image/${file%/*}"
		: >"image/$file"
	done
}

image_install() {
	local status=$1
	shift
	expect "$status" "$HOLDFAST" --root image --profiles profiles image install --from "$installed" "$@"
}

files_in() {
	(cd "$1" && find . -mindepth 1 ! -type d | LC_ALL=C sort)
}

# state_of DIR: everything about it but times.
state_of() {
	(cd "$1" && find . -printf '%p %y %m %U %s %l\n' | LC_ALL=C sort && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum)
}

# --- what goes in ---

@test "an image without anything: the program, the profile and its parent, nothing else" {
	image_install 0 gateway
	same_text "$(files_in image)" files <<-'END'
		./etc/holdfast/profiles/common.yaml
		./etc/holdfast/profiles/gateway.yaml
		./sbin
		./usr/lib/holdfast/functions
		./usr/lib/holdfast/holdfast-functions
		./usr/lib/holdfast/holdfast-initramfs
		./usr/lib/holdfast/image.manifest
		./usr/sbin/holdfast
	END
	messages_have 'the image has no initramfs generator'
	cmp profiles/gateway.yaml image/etc/holdfast/profiles/gateway.yaml
	cmp "$installed/usr/sbin/holdfast" image/usr/sbin/holdfast
	[[ -x image/usr/sbin/holdfast ]]
	expect 0 "$HOLDFAST" --root image check
}

@test "hooks for the generator that is there, units for the init that is there, the guard's where services are protected" {
	has usr/sbin/mkinitramfs usr/lib/systemd/systemd
	image_install 0 gateway
	[[ -x image/usr/share/initramfs-tools/hooks/holdfast && -e image/usr/share/initramfs-tools/scripts/init-top/holdfast ]]
	[[ ! -e image/usr/lib/dracut && ! -e image/usr/lib/initcpio && ! -e image/etc/init.d ]]
	[[ -e image/usr/lib/systemd/system/holdfast.service && ! -e image/usr/lib/systemd/system/holdfast-guard.service ]]
	# Enabled, as systemctl does it.
	[[ $(readlink image/etc/systemd/system/sysinit.target.wants/holdfast.service) == /usr/lib/systemd/system/holdfast.service ]]
	image_install 0 server
	[[ $(readlink image/etc/systemd/system/sysinit.target.wants/holdfast-guard.service) == /usr/lib/systemd/system/holdfast-guard.service ]]
}

@test "dracut, mkinitcpio, and an init without systemd" {
	has usr/bin/dracut
	image_install 0 gateway
	[[ -x image/usr/lib/dracut/modules.d/90holdfast/module-setup.sh ]]
	has usr/bin/mkinitcpio etc/init.d/rc
	image_install 0 gateway
	[[ -e image/usr/lib/initcpio/install/holdfast && -e image/usr/lib/initcpio/hooks/holdfast ]]
	local HOOKS=(base udev)
	# shellcheck source=/dev/null
	. image/etc/mkinitcpio.conf.d/holdfast.conf
	[[ ${HOOKS[*]} == 'holdfast base udev' ]]
	[[ -x image/etc/init.d/holdfast && -x image/etc/rcS.d/S12holdfast && ! -e image/etc/init.d/holdfast-guard ]]
	# At the end of the machine it notes that this is one in order.
	[[ -x image/etc/rc0.d/K01holdfast && -x image/etc/rc6.d/K01holdfast ]]
	image_install 0 server
	[[ -x image/etc/init.d/holdfast-guard && -x image/etc/rcS.d/S12holdfast-guard && -x image/etc/rc6.d/K01holdfast-guard ]]
}

@test "an image whose init scripts insserv orders: no link that it would not know of" {
	has etc/init.d/rc etc/init.d/.depend.boot etc/rcS.d/S01other
	image_install 0 server
	messages_have "insserv(8) orders the image's init scripts: run 'insserv holdfast' there"
	[[ $messages != *'init is none of'* && -x image/etc/init.d/holdfast-guard ]]
	[[ $(ls image/etc/rcS.d) == S01other && ! -e image/etc/rc6.d ]]
}

@test "busybox's init as Buildroot has it; one that starts nothing is told of" {
	has etc/init.d/rcS
	image_install 0 server
	messages_have 'nothing starts holdfast in the running system'
	# shellcheck disable=SC2016 # the script's own
	printf 'for i in /etc/init.d/S??*; do $i start; done\n' >image/etc/init.d/rcS
	image_install 0 server
	[[ $messages != *'nothing starts'* ]]
	[[ $(cd image/etc/init.d && echo S??*) == 'S12holdfast S12holdfast-guard' && -x image/etc/init.d/S12holdfast ]]
	[[ ! -e image/etc/rcS.d ]]
	expect 0 "$HOLDFAST" --root image image install --remove
	[[ $(ls image/etc/init.d) == rcS ]]
}

@test "every file that make install has for an initramfs is known to image install" {
	has usr/sbin/mkinitramfs usr/bin/dracut usr/bin/mkinitcpio usr/lib/systemd/systemd
	image_install 0 server
	local file
	while read -r file; do
		case $file in
		*/share/man/* | */share/bash-completion/* | */share/holdfast/* | */profiles/* | ./etc/init.d/*) continue ;;
		esac
		cmp "$installed/$file" "image/$file"
		[[ $(stat -c %a "$installed/$file") == $(stat -c %a "image/$file") ]]
	done < <(files_in "$installed")
}

@test "which profiles: those named, or that of --profile, or all of --profiles" {
	image_install 0 --profile gateway
	[[ $(ls image/etc/holdfast/profiles) == $'common.yaml\ngateway.yaml' ]]
	image_install 0
	[[ $(ls image/etc/holdfast/profiles) == "$(ls profiles)" ]]
	words_of --profile gateway
	output_is <<<''
	# The image's own.
	expect 0 "$HOLDFAST" --root image image cmdline
	[[ $(cut -f1 <<<"$output") == "$(basename -s .yaml image/etc/holdfast/profiles/*)" ]]
	expect 0 "$HOLDFAST" --root image --profile other image export
	output_has 'vm.oom_dump_tasks = 0'
	expect 2 "$HOLDFAST" --root image image export
}

# --- doing it again, differently, and undoing it ---

@test "a second time nothing is written" {
	has usr/sbin/mkinitramfs usr/lib/systemd/systemd
	image_install 0 gateway server
	age image
	local before
	before=$(snapshot_of image)
	image_install 0 gateway server
	[[ -z $output ]]
	messages_have 'everything is there already'
	[[ $(snapshot_of image) == "$before" ]]
}

@test "another choice of profiles: what is not asked for any more goes" {
	image_install 0 gateway server
	image_install 0 other
	output_is <<-'END'
		removed: /etc/holdfast/profiles/common.yaml
		removed: /etc/holdfast/profiles/gateway.yaml
		removed: /etc/holdfast/profiles/server.yaml
		written: /etc/holdfast/profiles/other.yaml
	END
	[[ $(ls image/etc/holdfast/profiles) == other.yaml ]]
}

@test "removing leaves the image as it was before" {
	has usr/sbin/mkinitramfs usr/bin/dracut usr/lib/systemd/systemd
	mkdir -p image/etc/holdfast/profiles
	profile mine image/etc/holdfast/profiles </dev/null
	local before
	before=$(state_of image)
	image_install 0 gateway server
	[[ $(state_of image) != "$before" ]]
	expect 0 "$HOLDFAST" --root image image install --remove
	[[ $(state_of image) == "$before" ]]
	expect 0 "$HOLDFAST" --root image image install --remove
	messages_have "nothing of 'image install' is in the image"
	[[ $(state_of image) == "$before" ]]
}

@test "the same input gives the same bytes, whoever makes it and when" {
	local other
	export SOURCE_DATE_EPOCH=1700000000
	for other in image second; do
		[[ -d $other ]] || mkdir -p "$other"/{etc,usr/{bin,sbin,lib}}
		mkdir -p "$other/usr/lib/systemd"
		: >"$other/usr/lib/systemd/systemd"
		ln -sfn usr/sbin "$other/sbin"
		age "$other"
		(
			if [[ $other == second ]]; then umask 077; fi
			"$HOLDFAST" --root "$other" --profiles profiles image install --from "$installed" server gateway
		)
	done
	diff <(state_of image) <(state_of second)
	tar --sort=name --owner=0 --group=0 --numeric-owner -C image -cf a.tar .
	tar --sort=name --owner=0 --group=0 --numeric-owner -C second -cf b.tar .
	cmp a.tar b.tar
	# Directories too.
	[[ $(stat -c %Y image/usr/sbin image/etc/holdfast image/usr/lib/holdfast | sort -u) == "$SOURCE_DATE_EPOCH" ]]
	[[ $(stat -c %Y image/usr/sbin/holdfast image/etc/holdfast/profiles/gateway.yaml image/etc/systemd/system/sysinit.target.wants/holdfast.service | sort -u) == "$SOURCE_DATE_EPOCH" ]]
}

# --- what is refused ---

@test "a profile with an error: nothing is written" {
	profile server <<<'protect: [ { service: sshd, exe: sshd } ]'
	local before
	before=$(snapshot_of image)
	image_install 3 gateway server
	messages_have 'profiles/server.yaml:3:34: error: '
	image_install 4 getaway
	messages_have "there is no profile 'getaway'"
	[[ $(snapshot_of image) == "$before" ]]
}

@test "what stands in the way is not overwritten; what is the same stays when we go" {
	mkdir -p image/etc/holdfast/profiles
	printf 'somebody else\n' >image/usr/sbin/holdfast
	cp profiles/common.yaml image/etc/holdfast/profiles/
	chmod 644 image/etc/holdfast/profiles/common.yaml
	local before
	before=$(snapshot_of image)
	image_install 1 gateway
	messages_have "image/usr/sbin/holdfast is there, is not as it should be, and was not put there by 'image install'"
	[[ $(snapshot_of image) == "$before" ]]
	rm image/usr/sbin/holdfast
	image_install 0 gateway
	expect 0 "$HOLDFAST" --root image image install --remove
	[[ $(ls image/etc/holdfast/profiles) == common.yaml && ! -e image/usr/sbin/holdfast ]]
}

@test "a file of ours that was changed is put right" {
	image_install 0 gateway
	echo changed >image/etc/holdfast/profiles/gateway.yaml
	chmod 777 image/usr/sbin/holdfast
	image_install 0 gateway
	output_is <<-'END'
		written: /etc/holdfast/profiles/gateway.yaml
		written: /usr/sbin/holdfast
	END
	cmp profiles/gateway.yaml image/etc/holdfast/profiles/gateway.yaml
	[[ $(stat -c %a image/usr/sbin/holdfast) == 755 ]]
}

@test "what we put there as root is root's again if it was given away" {
	[[ $(id -u) == 0 ]] || return 0 # nobody else can give files away
	image_install 0 gateway
	chown 12345 image/usr/sbin/holdfast
	image_install 0 gateway
	output_is <<<'written: /usr/sbin/holdfast'
	[[ $(stat -c %u image/usr/sbin/holdfast) == 0 ]]
	# In the same place before us it could be changed, by others than root.
	image_install 0 --remove
	cp "$installed/usr/sbin/holdfast" image/usr/sbin/holdfast
	chown 12345 image/usr/sbin/holdfast
	image_install 1 gateway
	messages_have 'usr/sbin/holdfast'
}

@test "a file of ours that was changed stays when we go, with a word of it" {
	image_install 0 gateway server
	echo '# mine' >>image/etc/holdfast/profiles/gateway.yaml
	# Also where only another choice of profiles takes it away.
	image_install 1 server
	messages_have "image/etc/holdfast/profiles/gateway.yaml was changed since 'image install' put it there: it stays"
	[[ $(tail -n 1 image/etc/holdfast/profiles/gateway.yaml) == '# mine' ]]
	ln -sfn /dev/null image/etc/holdfast/profiles/server.yaml
	expect 1 "$HOLDFAST" --root image image install --remove
	messages_are <<<"image/etc/holdfast/profiles/server.yaml was changed since 'image install' put it there: it stays"
	same_text "$(files_in image)" files <<-'END'
		./etc/holdfast/profiles/gateway.yaml
		./etc/holdfast/profiles/server.yaml
		./sbin
	END
}

@test "an installation that was cut off: what it wrote, and what it was about to write anew, is ours" {
	image_install 0 gateway
	local list=image/usr/lib/holdfast/image.manifest
	cp "$list" before
	sed -i 's/10/11/' profiles/gateway.yaml
	image_install 0 gateway
	cmp profiles/gateway.yaml image/etc/holdfast/profiles/gateway.yaml
	# As the list is while files are written: both of them, old and new.
	sort -u -k 2 "$list" before >both
	cp both "$list"
	expect 0 "$HOLDFAST" --root image image install --remove
	[[ $(files_in image) == ./sbin ]]
}

@test "what a run that was cut off left of its writing goes with the next one, or when we go" {
	local file
	image_install 0 gateway
	for file in usr/sbin/.holdfast.123 etc/holdfast/profiles/.gateway.yaml.99 usr/lib/holdfast/.image.manifest.7; do
		echo half >"image/$file"
	done
	echo mine | tee image/usr/sbin/.holdfast.conf image/usr/sbin/.other.123 >image/usr/sbin/.holdfast.
	image_install 0 gateway
	[[ $(find image -name '.*' -type f | sort | paste -sd ' ') == 'image/usr/sbin/.holdfast. image/usr/sbin/.holdfast.conf image/usr/sbin/.other.123' ]]
	echo half >image/usr/lib/holdfast/.functions.3
	rm image/usr/sbin/.*
	expect 0 "$HOLDFAST" --root image image install --remove
	[[ $(files_in image) == ./sbin ]]
}

@test "directories of a generator that the image has no more go with its hooks" {
	has usr/bin/dracut
	image_install 0 gateway
	rm image/usr/bin/dracut
	image_install 0 gateway
	[[ ! -e image/usr/lib/dracut ]]
	run ! grep dracut image/usr/lib/holdfast/image.manifest
	[[ -e image/usr/lib/holdfast/functions ]]
}

@test "a time that is none" {
	SOURCE_DATE_EPOCH=yesterday image_install 2 gateway
	messages_have "SOURCE_DATE_EPOCH is 'yesterday': it takes seconds since 1970"
	SOURCE_DATE_EPOCH=-1 image_install 2 gateway
	[[ ! -e image/usr/lib/holdfast ]]
	SOURCE_DATE_EPOCH='' image_install 0 gateway
}

@test "two profiles of one name, a source without the program, and wrong usage" {
	mkdir elsewhere
	profile gateway elsewhere <<<'vm: { oom_dump_tasks: false }'
	image_install 1 gateway elsewhere/gateway.yaml
	messages_have "elsewhere/gateway.yaml: another profile 'gateway' is to be installed"
	expect 1 "$HOLDFAST" --root image --profiles profiles image install --from image gateway
	messages_have 'image/usr/sbin/holdfast: No such file or directory'
	[[ ! -e image/usr/lib/holdfast ]]
	expect 2 "$HOLDFAST" --root image image install --from "$installed"
	messages_have 'which profiles?'
	image_install 2 --remove gateway
	expect 2 "$HOLDFAST" image install gateway
	messages_have "'image install' needs --root: which image?"
	expect 2 "$HOLDFAST" --root image image nonsense
	expect 2 "$HOLDFAST" --root image image
	expect 2 "$HOLDFAST" --root image image install --output x gateway
	messages_have "'image install' takes no --output"
}

@test "a program of another architecture" {
	# The beginning of an ELF file for aarch64.
	printf '\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\xb7\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' >image/usr/bin/sh
	ln -s usr/bin image/bin
	image_install 1 gateway
	messages_have "the image's programs are for aarch64 (give --from)"
	[[ ! -e image/usr/lib/holdfast ]]
}

# --- hostile images ---

@test "directories that are links out of the image: everything stays inside" {
	mkdir -p outside/{holdfast,systemd/system,profiles}
	ln -s "$PWD/outside/holdfast" image/etc/holdfast
	ln -s ../../../../../../../../../../../../../../../../../../../../../"$PWD/outside/systemd" image/usr/lib/systemd
	age outside
	local before
	before=$(snapshot_of outside)
	image_install 1 gateway
	# The same paths inside are where the links lead.
	mkdir -p "image$PWD/outside/holdfast" "image$PWD/outside/systemd"
	image_install 0 gateway
	[[ -e image$PWD/outside/holdfast/profiles/gateway.yaml ]]
	expect 0 "$HOLDFAST" --root image image install --remove
	[[ ! -e image$PWD/outside/holdfast/profiles ]]
	[[ $(snapshot_of outside) == "$before" ]]
}

@test "links in the place of files are never followed" {
	mkdir -p outside image/etc/holdfast/profiles image/usr/lib/holdfast
	printf 'keep\n' >outside/file
	ln -s "$PWD/outside/file" image/usr/sbin/holdfast
	ln -s "$PWD/outside/file" image/etc/holdfast/profiles/gateway.yaml
	image_install 1 gateway
	# Also where a list says that they are ours.
	printf '%016d %s\n' 0 usr/sbin/holdfast 0 etc/holdfast/profiles/gateway.yaml >image/usr/lib/holdfast/image.manifest
	image_install 0 gateway
	[[ ! -L image/usr/sbin/holdfast && $(cat outside/file) == keep ]]
	ln -sf "$PWD/outside/file" image/usr/sbin/holdfast
	ln -sfn "$PWD/outside" image/etc/holdfast/profiles/gateway.yaml
	expect 1 "$HOLDFAST" --root image image install --remove
	[[ $(cat outside/file) == keep && -L image/usr/sbin/holdfast ]]
}

@test "a list that claims what cannot be ours" {
	mkdir -p image/usr/lib/holdfast image/etc/ssh image/usr/local
	local line
	printf 'keep\n' >image/etc/passwd
	local none=0000000000000000
	for line in "$none etc/passwd" "$none ../outside" "$none /etc/passwd" "$none etc/holdfast/profiles/../../../etc/x.yaml" 'usr/../../' etc/ssh/ usr/local/ var/ / usr/sbin/holdfast; do
		printf '%s\n' "$line" >image/usr/lib/holdfast/image.manifest
		expect 1 "$HOLDFAST" --root image image install --remove
		messages_have "image.manifest: this is not the list that 'image install' writes"
		image_install 1 gateway
	done
	[[ $(cat image/etc/passwd) == keep && -d image/etc/ssh ]]
	# One that could be, with a name for a terminal.
	mkdir -p image/etc/holdfast/profiles
	: >image/etc/holdfast/profiles/$'\e[31m'.yaml
	printf 'cbf29ce484222325 etc/holdfast/profiles/\e[31m.yaml\n' >image/usr/lib/holdfast/image.manifest
	expect 0 "$HOLDFAST" --root image image install --remove
	output_is <<<'removed: /etc/holdfast/profiles/?[31m.yaml'
	# A directory that is not empty stays.
	printf 'etc/\nusr/lib/\n' >image/usr/lib/holdfast/image.manifest
	expect 0 "$HOLDFAST" --root image image install --remove
	[[ -e image/etc/passwd && -d image/usr/lib ]]
}

@test "names that no profile can have" {
	local name
	for name in ../x 'a b' $'a\nb' .hidden; do
		printf 'holdfast: 1\nname: x\n' >"profiles/${name//\//_}.yaml"
		image_install 3 "profiles/${name//\//_}.yaml"
	done
	[[ ! -e image/usr/lib/holdfast ]]
}

@test "a directory where a file belongs, and a full list as JSON" {
	mkdir -p image/usr/sbin/holdfast
	image_install 1 --json gateway
	json_is '.files[] | select(.result == "in the way") | .path' usr/sbin/holdfast
	rmdir image/usr/sbin/holdfast
	image_install 0 --json gateway
	json_is '[.files[] | select(.result == "written")] | length' 6
	image_install 0 --json gateway
	json_is '[.files[] | select(.result != "kept")] | length' 0
}

# --- cmdline ---

words_of() {
	expect 0 "$HOLDFAST" --root image --profiles profiles image cmdline "$@"
}

@test "the words that a profile needs on the kernel command line" {
	words_of gateway
	output_is <<<''
	profile big <<-'END'
		match: [ { dmi: { product_name: X } } ]
		kdump: { crashkernel: 192M }
		last_boot: { ramoops: { mem_address: 0x20000000, mem_size: 0x100000 } }
	END
	words_of big
	# shellcheck disable=SC2016 # the kernel's own notation
	output_is <<<'crashkernel=192M memmap=1M$0x20000000'
	mkdir -p image/boot
	printf 'CONFIG_ARM64=y\n' >image/boot/config-6.1
	words_of big
	output_is <<<crashkernel=192M
	words_of --json big
	json_is '.profiles[0].words[0] | .name, .value, .why' $'crashkernel\n192M\nmemory for the crash kernel'
}

@test "a profile that only the command line can choose" {
	profile plain </dev/null
	profile default </dev/null
	profile early <<<'match: [ { cmdline: { acme.product: eg200, acme.rev: [ b, c ], acme.test: true, acme.no: false } } ]'
	profile either <<<'match: [ { cmdline: { acme.product: eg200 } }, { dmi: { product_name: X } } ]'
	words_of plain default early either
	tr '\t' '|' <<<"$output" >words
	same_text "$(cat words)" words <<-'END'
		plain|holdfast.profile=plain
		default|
		early|acme.product=eg200 acme.rev=b acme.test
		either|
	END
	# Of several values the first that can be said; where there is none, that is told.
	profile list <<<'match: [ { cmdline: { acme.product: [ "eg*", eg200 ], acme.rev: "b?", acme.name: "a b", acme.odd: "a\"b" } } ]'
	words_of list
	output_is <<<'acme.product=eg200 acme.name="a b"'
	messages_are <<-'END'
		profiles/list.yaml:3:55: warning: the kernel command line must have 'acme.rev', too: match has no value that a word could have
		profiles/list.yaml:3:89: warning: the kernel command line must have 'acme.odd', too: match has no value that a word could have
	END
	words_of --json list
	json_is '.profiles[0].words[] | select(.value == null) | .name' $'acme.rev\nacme.odd'
	expect 4 "$HOLDFAST" --profiles profiles image cmdline none
	expect 4 "$HOLDFAST" --root image image cmdline
	messages_have 'there is no profile'
}

# --- export ---

setup_export() {
	profile whole <<-'END'
		extends: common
		on_error: reboot
		match: [ { arch: x86_64 } ]
		vm: { overcommit_memory: never, overcommit_ratio: 80, panic_on_oom: 2 }
		sysctl:
		  kernel.panic: 10
		  net/ipv4/conf/eth0.10/rp_filter: 2
		modules:
		  load:
		    - { name: zram, options: { num_devices: 2, name: "a b" } }
		    - { name: dummy }
		  block: [ pcspkr ]
		mounts: [ { what: LABEL=x, where: /srv } ]
		kdump: { crashkernel: 192M, panic_on_oom_unarmed: 1, capture: { target: LABEL=data, save: dmesg } }
		protect:
		  - { service: sshd, exe: /usr/sbin/sshd, unit: ssh.service, max_rss: 64M, oom_score_adj: -900 }
		  - { service: cron, exe: /usr/sbin/cron, args: "*-f*", children: inherit }
	END
}

@test "a profile for an image that cannot run holdfast" {
	setup_export
	expect 0 "$HOLDFAST" --profiles profiles image export whole
	output_is <<-'END'
		# --- /etc/modprobe.d/holdfast.conf
		# From the holdfast profile whole.
		options zram num_devices=2 name="a b"
		blacklist pcspkr
		install pcspkr /bin/false

		# --- /etc/modules-load.d/holdfast.conf
		# From the holdfast profile whole.
		zram
		dummy

		# --- /etc/sysctl.d/90-holdfast.conf
		# From the holdfast profile whole.
		vm.overcommit_ratio = 80
		vm.overcommit_memory = 2
		vm.oom_dump_tasks = 1
		vm.panic_on_oom = 1
		kernel.panic = 10
		net/ipv4/conf/eth0.10/rp_filter = 2

		# --- /etc/systemd/system/cron.service.d/90-holdfast.conf
		# From the holdfast profile whole.
		# Every process of the unit gets it, and all that they start.
		[Service]
		OOMScoreAdjust=-1000

		# --- /etc/systemd/system/ssh.service.d/90-holdfast.conf
		# From the holdfast profile whole.
		# Every process of the unit gets it, and all that they start.
		[Service]
		OOMScoreAdjust=-900
	END
	messages_are <<-'END'
		profiles/whole.yaml:6:55: warning: 'panic_on_oom' is not exported as it is: no crash kernel will be armed: panic_on_oom_unarmed counts
		profiles/whole.yaml:18:5: warning: 'sshd' is not exported as it is: its children keep the score: nothing releases them
		profiles/whole.yaml:18:62: warning: 'max_rss' is not exported as it is: nothing looks at it
		profiles/whole.yaml:19:5: warning: 'cron' is not exported as it is: no unit is named: it is taken to be cron.service
		profiles/whole.yaml:19:43: warning: 'args' is not exported as it is: every process of the unit gets the score
		profiles/whole.yaml:5:1: warning: 'match' is not exported as it is: every machine with these files gets them
		profiles/whole.yaml:4:1: warning: 'on_error' is not exported as it is: nothing acts on it
		profiles/whole.yaml:15:1: warning: 'mounts' is not exported as it is: give them in /etc/fstab
		profiles/whole.yaml:16:1: warning: 'kdump' is not exported as it is: nothing arms a crash kernel
	END
}

@test "exported files are what systemd and sysctl read" {
	setup_export
	mkdir out
	expect 0 "$HOLDFAST" --profiles profiles image export --output out whole
	output_is <<-'END'
		written: /etc/modprobe.d/holdfast.conf
		written: /etc/modules-load.d/holdfast.conf
		written: /etc/sysctl.d/90-holdfast.conf
		written: /etc/systemd/system/cron.service.d/90-holdfast.conf
		written: /etc/systemd/system/ssh.service.d/90-holdfast.conf
	END
	expect 0 modprobe -d "$PWD/out" -C out/etc/modprobe.d -c
	output_has 'options zram num_devices=2 name="a b"'
	output_has 'blacklist pcspkr'
	# Again: the same. Never through a link.
	local before
	before=$(state_of out)
	expect 0 "$HOLDFAST" --profiles profiles image export --output out whole
	[[ $(state_of out) == "$before" ]]
	printf 'keep\n' >kept
	ln -sf "$PWD/kept" out/etc/sysctl.d/90-holdfast.conf
	expect 0 "$HOLDFAST" --profiles profiles image export --output out whole
	[[ $(cat kept) == keep && $(state_of out) == "$before" ]]
	expect 2 "$HOLDFAST" --profiles profiles image export --output nowhere whole
}

@test "an export is taken back; another profile's takes its place; what is not ours is left alone" {
	setup_export
	mkdir -p out/etc/sysctl.d
	local before
	before=$(state_of out)
	expect 0 "$HOLDFAST" --profiles profiles image export --output out whole
	expect 0 "$HOLDFAST" --profiles profiles image export --output out gateway
	output_has 'removed: /etc/systemd/system/ssh.service.d/90-holdfast.conf'
	same_text "$(files_in out)" files <<-'END'
		./etc/sysctl.d/90-holdfast.conf
		./usr/lib/holdfast/export.manifest
	END
	expect 0 "$HOLDFAST" image export --output out --remove
	output_is <<<'removed: /etc/sysctl.d/90-holdfast.conf'
	[[ $(state_of out) == "$before" ]]
	printf 'vm.swappiness = 1\n' >out/etc/sysctl.d/90-holdfast.conf
	expect 1 "$HOLDFAST" --profiles profiles image export --output out gateway
	messages_have "out/etc/sysctl.d/90-holdfast.conf is there, is not as it should be, and was not put there by 'image export'"
	expect 2 "$HOLDFAST" --profiles profiles image export --remove gateway
}

# --- the documentation ---

@test "the walk-through: its profile, its boards, its image" {
	local docs=$TESTS/../docs/images.md
	mkdir -p product/profiles image/usr/lib/modules/6.6.20
	awk '/^```yaml/ { f = 1; next } /^```/ { f = 0 } f' "$docs" >product/profiles/eg200.yaml
	awk '/^    sys_vendor/ { f = 1 } f { if (!/^    /) exit; print substr($0, 5) }' "$docs" >product/fleet.tsv
	expect 0 "$HOLDFAST" check --strict product/profiles/eg200.yaml
	expect 0 "$HOLDFAST" --profiles product/profiles select --fleet product/fleet.tsv
	output_is < <(awk '/^    2\t/ { f = 1 } f && !/^    [0-9]\t/ { exit } f { print substr($0, 5) }' "$docs")
	expect 0 "$HOLDFAST" --root image image install --from "$installed" product/profiles/eg200.yaml
	words_of product/profiles/eg200.yaml
	output_is <<<''
	# The two mistakes that it shows.
	ln -s usr/lib image/lib
	printf 'root:x:0:0::/:/bin/sh\n' >image/etc/passwd
	has usr/lib/systemd/system/ssh.service
	printf '[Service]\n' >image/usr/lib/systemd/system/ssh.service
	printf 'kernel/drivers/usb/storage/usb-storage.ko\nkernel/fs/pstore/ramoops.ko\n' |
		tee image/usr/lib/modules/6.6.20/modules.builtin >image/usr/lib/modules/6.6.20/modules.order
	depmod -b image 6.6.20 2>/dev/null
	printf 'CONFIG_%s=y\n' SYSCTL MODULES FANOTIFY_ACCESS_PERMISSIONS PROC_EVENTS CGROUPS >config
	expect 3 "$HOLDFAST" --root image check --strict --image --kernel-config config
	same_text "${messages//image\/etc/product\/image\/etc}" messages < <(sed -n 's/^    \(product.image.*error: .*\)/\1/p' "$docs")
}
