# For an image's recipe, `inherit holdfast-image`: the finished root file system is checked against the profiles in it.
# HOLDFAST_CMDLINE is the kernel command line that the boot loader will give; HOLDFAST_KERNEL_CONFIG the kernel's configuration.
HOLDFAST_CMDLINE ?= "${APPEND}"
HOLDFAST_KERNEL_CONFIG ?= "${STAGING_KERNEL_BUILDDIR}/.config"

DEPENDS += "holdfast-native"
do_image[depends] += "virtual/kernel:do_shared_workdir"
IMAGE_INSTALL:append = " holdfast"
# Not ROOTFS_POSTPROCESS_COMMAND: depmod is run behind those, and without its lists no module can be looked up.
IMAGE_PREPROCESS_COMMAND:append = " holdfast_check_image;"

# As in a fakeroot, where everything is root's. BitBake puts its variables into the text: single quotes leave the dollar of memmap= alone;
# what is not set stays as it is written, and the boot loader's files are asked instead.
holdfast_check_image() {
	set -- --root ${IMAGE_ROOTFS} check --image
	cmdline='${HOLDFAST_CMDLINE}'
	case $cmdline in
	'' | '$'{*) ;;
	*) set -- "$@" --cmdline "$cmdline" ;;
	esac
	if [ -e "${HOLDFAST_KERNEL_CONFIG}" ]; then
		set -- "$@" --kernel-config "${HOLDFAST_KERNEL_CONFIG}"
	fi
	holdfast "$@"
}
