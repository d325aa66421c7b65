SUMMARY = "Brings a machine to the profile of its product, from the initramfs on"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://LICENSE;md5=ad2947f9b357879ee7ae5c7c969df239"

# The checkout that this layer is part of. Name your repository instead, and the product's profiles in a .bbappend:
#     FILESEXTRAPATHS:prepend := "${THISDIR}/files:"
#     SRC_URI += "file://eg200.yaml"
#     HOLDFAST_PROFILES = "eg200.yaml"
inherit externalsrc pkgconfig systemd update-rc.d
EXTERNALSRC = "${THISDIR}/../../../.."
HOLDFAST_PROFILES ?= ""

DEPENDS = "libyaml kmod util-linux"
DEPENDS:append:class-target = " holdfast-native"
RRECOMMENDS:${PN}:class-target = "kmod util-linux-libmount"

B = "${WORKDIR}/build"
EXTRA_OEMAKE = "-C ${S} B=${B} VERSION=${PV} YAML_LIBS=-lyaml INSTALL_STRIP="

SYSTEMD_SERVICE:${PN} = "holdfast.service holdfast-guard.service"
# Without systemd. One package has one script.
PACKAGES =+ "${PN}-guard-init"
FILES:${PN}-guard-init = "${sysconfdir}/init.d/holdfast-guard"
ALLOW_EMPTY:${PN}-guard-init = "1"
RDEPENDS:${PN}:class-target = "${PN}-guard-init"
INITSCRIPT_PACKAGES = "${PN} ${PN}-guard-init"
INITSCRIPT_NAME:${PN} = "holdfast"
INITSCRIPT_PARAMS:${PN} = "start 12 S . stop 01 0 6 ."
INITSCRIPT_NAME:${PN}-guard-init = "holdfast-guard"
INITSCRIPT_PARAMS:${PN}-guard-init = "start 12 S . stop 01 0 6 ."
FILES:${PN} += "${nonarch_libdir}/holdfast ${nonarch_libdir}/dracut ${nonarch_libdir}/initcpio ${systemd_system_unitdir} ${datadir}"
CONFFILES:${PN} = "${sysconfdir}/init.d/holdfast"
CONFFILES:${PN}-guard-init = "${sysconfdir}/init.d/holdfast-guard"

do_compile() {
	oe_runmake all
}

do_install() {
	oe_runmake install DESTDIR=${D} PREFIX=${prefix}
	# The examples are no product's.
	rm -f ${D}${nonarch_libdir}/holdfast/profiles/*.yaml
	for profile in ${HOLDFAST_PROFILES}; do
		install -m 0644 ${WORKDIR}/$profile ${D}${sysconfdir}/holdfast/profiles/
	done
}

# A profile with errors fails the package, not the boot.
do_install:append:class-target() {
	if [ -n "${HOLDFAST_PROFILES}" ]; then
		holdfast --profiles ${D}${sysconfdir}/holdfast/profiles check
	fi
}

BBCLASSEXTEND = "native"
