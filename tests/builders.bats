#!/usr/bin/env bats
# The examples for builders of images: Buildroot, Yocto and mkosi. None of the three is here to build a whole image, but what the examples
# say is read by their rules and done, on an image made of a few files.
# shellcheck disable=SC2154 # output and messages are set by expect

load lib

TOP=$TESTS/..
HOOKS=$TOP/initramfs-hooks

# A checkout that is built, to build and install from.
setup_file() {
	mkdir -p "$BATS_FILE_TMPDIR/source/build"
	(cd "$TOP" && cp -a Makefile LICENSE src docs profiles initramfs-hooks "$BATS_FILE_TMPDIR/source/" &&
		cp -a build/release "$BATS_FILE_TMPDIR/source/build/")
}

setup_machine() {
	source=$BATS_FILE_TMPDIR/source
	mkdir -p image/{boot,etc,usr/{bin,sbin,lib/systemd/system}}
	ln -s usr/lib image/lib
	: >image/usr/lib/systemd/systemd
	printf '[Service]\n' >image/usr/lib/systemd/system/systemd-udevd.service
	printf 'root:x:0:0::/:/bin/sh\n' >image/etc/passwd
	printf '#!/bin/sh\n' >image/usr/lib/systemd/systemd-udevd
	chmod 755 image/usr/lib/systemd/systemd-udevd
	cp "$HOOKS/mkosi/profiles/eg200.yaml" .
}

# as_root COMMAND...: as root of a namespace, where we are nobody's root, like a builder's fakeroot.
as_root() {
	if [[ $(id -u) == 0 ]]; then
		"$@"
	else
		unshare --map-root-user "$@"
	fi
}

# --- mkosi ---

@test "mkosi: its configuration is read, its last step installs, checks, and fails with a profile that cannot work" {
	cp -r "$HOOKS/mkosi" mkosi
	make -s -C "$source" install DESTDIR="$PWD/mkosi/holdfast" INSTALL_STRIP= >/dev/null
	(cd mkosi && mkosi summary) >said 2>&1
	grep -E '^ *Distribution: debian' said
	grep -E '^ *Finalize Script: .*mkosi.finalize' said
	BUILDROOT=$PWD/image expect 0 as_root mkosi/mkosi.finalize final
	[[ -e image/etc/holdfast/profiles/eg200.yaml && -L image/etc/systemd/system/sysinit.target.wants/holdfast.service ]]
	rm image/usr/lib/systemd/systemd-udevd
	BUILDROOT=$PWD/image expect 3 as_root mkosi/mkosi.finalize final
	messages_have 'there is no such program'
}

# --- Buildroot ---

# buildroot_kconfig [SYMBOL=VALUE...]: reads the package's Config.in below symbols as Buildroot has them, and prints the configuration.
buildroot_kconfig() {
	{
		printf 'config BR2_%s\n\tbool\n\tdefault y\n' TOOLCHAIN_USES_GLIBC
		printf 'config BR2_%s\n\tbool\n' TOOLCHAIN_USES_MUSL STATIC_LIBS PACKAGE_KMOD PACKAGE_LIBYAML PACKAGE_UTIL_LINUX PACKAGE_UTIL_LINUX_LIBMOUNT
		# shellcheck disable=SC2016 # Kconfig's own notation
		echo 'source "$BR2_EXTERNAL_HOLDFAST_PATH/Config.in"'
	} >Kconfig
	BR2_EXTERNAL_HOLDFAST_PATH=$HOOKS/buildroot CONFIG_='' /usr/bin/python3 - "$@" <<-'END'
		import sys, kconfiglib
		k = kconfiglib.Kconfig("Kconfig", warn=True)
		for word in sys.argv[1:]:
		    name, value = word.split("=", 1)
		    assert k.syms[name].set_value(value), word
		for s in k.unique_defined_syms:
		    print(s.config_string, end="")
		assert not k.warnings, k.warnings
	END
}

@test "Buildroot: the menu" {
	expect 0 buildroot_kconfig BR2_PACKAGE_HOLDFAST=y
	output_has 'BR2_PACKAGE_LIBYAML=y'
	output_has 'BR2_PACKAGE_UTIL_LINUX_LIBMOUNT=y'
	output_has 'BR2_PACKAGE_HOLDFAST_PROFILES=""'
	expect 0 buildroot_kconfig
	output_has '# BR2_PACKAGE_HOLDFAST is not set'
	[[ $output != *BR2_PACKAGE_HOLDFAST_PROFILES* ]]
	grep -qx 'name: HOLDFAST' "$HOOKS/buildroot/external.desc"
}

# buildroot_make TARGET...: the package's commands, in a frame like Buildroot's.
buildroot_make() {
	cat >frame.mk <<-'END'
		.RECIPEPREFIX = >
		qstrip = $(strip $(subst ",,$(1)))
		BR2_PACKAGE_HOLDFAST = y
		INSTALL = install
		include $(BR2_EXTERNAL_HOLDFAST_PATH)/external.mk
		HOLDFAST_DIR = $(SOURCE)
		.PHONY: host target finalize check
		host: $(SOURCE)/.host
		target: $(SOURCE)/.target
		$(SOURCE)/.host:
		> $(HOST_HOLDFAST_BUILD_CMDS)
		> $(HOST_HOLDFAST_INSTALL_CMDS)
		$(SOURCE)/.target:
		> $(HOLDFAST_BUILD_CMDS)
		> $(HOLDFAST_INSTALL_TARGET_CMDS)
		finalize:
		> $(foreach hook,$(HOLDFAST_TARGET_FINALIZE_HOOKS),$(call $(hook)))
		check:
		> $(foreach hook,$(ROOTFS_PRE_CMD_HOOKS),$(call $(hook)))
	END
	# shellcheck disable=SC2016 # a dollar sign, to make
	make -s -f frame.mk BR2_EXTERNAL_HOLDFAST_PATH="$HOOKS/buildroot" SOURCE="$source" BR2_PACKAGE_HOLDFAST_SOURCE="\"$source\"" \
		BR2_PACKAGE_HOLDFAST_PROFILES="\"$PWD/eg200.yaml\"" BR2_PACKAGE_HOLDFAST_CMDLINE='"quiet memmap=1M$$0x20000000"' \
		BR2_LINUX_KERNEL=y LINUX_DIR="$PWD/linux" \
		TARGET_DIR="$PWD/image" HOST_DIR="$PWD/host" "$@"
}

@test "Buildroot: the package builds, installs into the target, and checks it" {
	# Packages are made by their names: systemd comes later.
	rm image/usr/lib/systemd/systemd
	expect 0 buildroot_make host target
	: >image/usr/lib/systemd/systemd
	expect 0 buildroot_make finalize
	[[ -x host/sbin/holdfast && -x image/usr/sbin/holdfast ]]
	[[ -L image/etc/systemd/system/sysinit.target.wants/holdfast-guard.service ]]
	[[ $(ls image/etc/holdfast/profiles) == eg200.yaml ]]
	mkdir linux
	printf 'CONFIG_%s=y\n' X86_64 SYSCTL CGROUPS FANOTIFY_ACCESS_PERMISSIONS PROC_EVENTS PSTORE >linux/.config
	echo CONFIG_PSTORE_RAM=m >>linux/.config
	echo 'last_boot: { ramoops: { mem_address: 0x20000000, mem_size: 1M } }' >>image/etc/holdfast/profiles/eg200.yaml
	expect 0 as_root bash -c "$(declare -f buildroot_make); HOOKS=$HOOKS source=$source buildroot_make check"
	output_has '0 errors, 1 warning'
	messages_have 'the image has no kernel modules below /lib/modules to check'
	rm image/usr/lib/systemd/systemd-udevd
	expect 2 as_root bash -c "$(declare -f buildroot_make); HOOKS=$HOOKS source=$source buildroot_make check"
	messages_have 'there is no such program'
}

# --- Yocto ---

LAYER=$HOOKS/yocto
RECIPE=$LAYER/recipes-core/holdfast/holdfast_0.1.0.bb

@test "Yocto: every line is one of BitBake's, functions are shell, the licence is the one named" {
	local file
	for file in "$RECIPE" "$LAYER/classes/holdfast-image.bbclass" "$LAYER/conf/layer.conf"; do
		awk '
			inside { if ($0 == "}") inside = 0; else if ($0 !~ /^(\t|$)/) bad = 1 }
			!inside && !/^(#|$|\}$|inherit [a-z .-]+$|[A-Za-z_]+(:[a-z${}A-Z-]+)*\(\) \{$)/ &&
				!/^[A-Za-z_]+(:[a-z${}A-Z-]+)*(\[[a-z]+\])? *(\?\?=|\?=|:=|\+=|=\+|\.=|=) *".*"$/ { print FILENAME ":" FNR ": " $0; bad = 1 }
			/\(\) \{$/ { inside = 1 }
			END { exit bad || inside }' "$file"
		functions_of "$file" | sh -n
	done
	grep -qF "md5=$(md5sum <"$TOP/LICENSE" | cut -d' ' -f1)\"" "$RECIPE"
	[[ $RECIPE == *_$("$HOLDFAST" --version | cut -d' ' -f2).bb ]]
}

# functions_of FILE: its functions as shell; what is appended to one has a name of its own.
functions_of() {
	sed -n '/() {$/,/^}/p' "$1" | sed 's/^\([a-z_]*\):append:class-target()/\1_append()/'
}

# recipe FUNCTION...: runs the recipe's functions with BitBake's variables.
recipe() {
	{
		cat <<-END
			set -e
			oe_runmake() { make -s -C "$source" VERSION=0.1.0 YAML_LIBS=-lyaml INSTALL_STRIP= "\$@"; }
			D=$PWD/package sysconfdir=/etc prefix=/usr nonarch_libdir=/usr/lib WORKDIR=$PWD HOLDFAST_PROFILES=eg200.yaml
			holdfast() { "$HOLDFAST" "\$@"; }
			IMAGE_ROOTFS=$PWD/image HOLDFAST_KERNEL_CONFIG=$PWD/none
		END
		functions_of "$RECIPE"
		# BitBake puts this variable's value into the text.
		# shellcheck disable=SC2016 # both dollars are meant
		functions_of "$LAYER/classes/holdfast-image.bbclass" | sed "s/\${HOLDFAST_CMDLINE}/${cmdline-quiet memmap=1M\$0x20000000}/"
		printf '%s\n' "$@"
	} >recipe.sh
	sh recipe.sh
}

@test "Yocto: the recipe builds, installs the product's profiles only, and fails with a bad one; the class checks the image" {
	# Behind depmod, which BitBake runs after ROOTFS_POSTPROCESS_COMMAND.
	grep -qx 'IMAGE_PREPROCESS_COMMAND:append = " holdfast_check_image;"' "$LAYER/classes/holdfast-image.bbclass"
	expect 0 recipe do_compile do_install do_install_append
	[[ $(ls package/etc/holdfast/profiles) == eg200.yaml && -x package/usr/sbin/holdfast ]]
	cp -a package/. image/
	echo 'last_boot: { ramoops: { mem_address: 0x20000000, mem_size: 1M } }' >>image/etc/holdfast/profiles/eg200.yaml
	expect 0 as_root bash -c "$(declare -f recipe functions_of); source=$source RECIPE=$RECIPE LAYER=$LAYER recipe holdfast_check_image"
	# BitBake leaves what is not set as it is written: then there is no command line to look at, and none in the image.
	# shellcheck disable=SC2016 # the dollar is meant
	for cmdline in '' '${APPEND}'; do
		expect 0 as_root bash -c "$(declare -f recipe functions_of); source=$source RECIPE=$RECIPE LAYER=$LAYER cmdline='$cmdline' recipe holdfast_check_image"
		messages_have 'warning: the image has no boot loader entry'
	done
	sed -i 's/overcommit_ratio: 80/overcommit_ratio: lots/' eg200.yaml
	expect 3 recipe do_install do_install_append
	messages_have "eg200.yaml:8:21: error: "
	rm image/usr/lib/systemd/systemd-udevd
	expect 3 as_root bash -c "$(declare -f recipe functions_of); source=$source RECIPE=$RECIPE LAYER=$LAYER recipe holdfast_check_image"
	messages_have 'there is no such program'
}
