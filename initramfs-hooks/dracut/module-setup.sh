#!/bin/bash
# Puts holdfast and the profiles into an initramfs of dracut, with or without systemd in it, and only as much else as those profiles
# need. Is left out when there is no profile.
#
# Errors end dracut before it writes its output, so that the initramfs of before stays: better than booting on a profile that is known
# to be wrong. (dracut passes over what a module's install() returns.)

# holdfast_do COMMAND...: one of the functions that the hooks share. In a shell of its own: dracut has functions of these names.
# shellcheck disable=SC2154 # dracutsysrootdir and moddir are dracut's
holdfast_do() (
	sysroot=${dracutsysrootdir-}
	# shellcheck source=initramfs-hooks/initramfs-tools/functions
	. "$sysroot/usr/lib/holdfast/functions"
	"$@"
)

holdfast_fail() {
	dfatal "holdfast: $*"
	exit 1
}

check() {
	[[ -e ${dracutsysrootdir-}/usr/lib/holdfast/functions ]] && holdfast_do wanted
}

depends() {
	return 0
}

installkernel() {
	local what name profile module needs
	needs=$(holdfast_do needs) || holdfast_fail "the profiles cannot be shown"
	while read -r what profile name; do
		case $what in
		module | optional)
			if holdfast_do has_module "$name" "${kernel:?}"; then
				# Whatever is loaded there already counts as wanted here.
				hostonly='' instmods "$name"
			elif [[ $what == module ]]; then
				holdfast_fail "$profile needs the module $name, which kernel $kernel does not have ('required: false' if it can do without)"
			else
				dwarn "holdfast: $profile loads the module $name, which kernel $kernel does not have"
			fi
			;;
		filesystem)
			for module in $(holdfast_do modules_of "$name"); do
				hostonly='' instmods "$module"
			done
			;;
		esac
	done <<<"$needs"
}

install() {
	local what name profile needs file library
	holdfast_do holdfast check >&2 || holdfast_fail "the profiles have errors; no initramfs is made"
	inst_binary /usr/lib/holdfast/holdfast-initramfs /usr/sbin/holdfast || holdfast_fail "cannot copy the program"
	for file in $(holdfast_do profile_files); do
		inst_simple "$file" || holdfast_fail "cannot copy $file"
	done
	needs=$(holdfast_do needs) || holdfast_fail "the profiles cannot be shown"
	while read -r what profile name; do
		case $what in
		library)
			library=$(holdfast_do library_path "$name") || holdfast_fail "$profile needs $name, which is not installed"
			inst_library "$library"
			;;
		capture) dwarn "holdfast: $profile has kdump: no capture image is made with dracut" ;;
		esac
	done <<<"$needs"
	# systemd ends what the initramfs left running when it enters the real root, but spares what is called @...: the guard must live
	# until the system's own has taken over.
	ln -sfn ../../sbin/holdfast "${initdir:?}/usr/lib/holdfast/@holdfast"
	inst_simple /usr/lib/holdfast/holdfast-functions
	# Before udev loads the first driver; when devices are there; when the real root is.
	inst_hook pre-udev 00 "$moddir/holdfast-early.sh"
	inst_hook pre-mount 10 "$moddir/holdfast-devices.sh"
	inst_hook pre-pivot 90 "$moddir/holdfast-root.sh"
}
