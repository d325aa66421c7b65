################################################################################
#
# holdfast
#
################################################################################

HOLDFAST_VERSION = 0.1.0
HOLDFAST_SITE = $(call qstrip,$(BR2_PACKAGE_HOLDFAST_SOURCE))
HOLDFAST_SITE_METHOD = local
# What was built there is the build machine's.
HOLDFAST_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS = --exclude /build
HOST_HOLDFAST_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS = $(HOLDFAST_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS)
HOLDFAST_LICENSE = MIT
HOLDFAST_LICENSE_FILES = LICENSE
# host-holdfast checks the profiles, and puts things into the target.
HOLDFAST_DEPENDENCIES = host-pkgconf host-holdfast libyaml kmod util-linux
HOST_HOLDFAST_DEPENDENCIES = host-pkgconf host-libyaml host-kmod host-util-linux

# Buildroot strips, and links with its own libyaml.
HOLDFAST_MAKE_OPTS = VERSION=$(HOLDFAST_VERSION) YAML_LIBS=-lyaml INSTALL_STRIP=
HOLDFAST_PROFILES = $(call qstrip,$(BR2_PACKAGE_HOLDFAST_PROFILES))
HOLDFAST_CMDLINE = $(call qstrip,$(BR2_PACKAGE_HOLDFAST_CMDLINE))

define HOLDFAST_BUILD_CMDS
	$(TARGET_MAKE_ENV) $(MAKE) -C $(@D) $(TARGET_CONFIGURE_OPTS) $(HOLDFAST_MAKE_OPTS) all
endef

define HOLDFAST_INSTALL_TARGET_CMDS
	$(TARGET_MAKE_ENV) $(MAKE) -C $(@D) $(TARGET_CONFIGURE_OPTS) $(HOLDFAST_MAKE_OPTS) \
		install DESTDIR=$(@D)/root PREFIX=/usr
endef

# Behind all packages: what it enables depends on the init that is there.
define HOLDFAST_INSTALL_INTO_TARGET
	$(HOST_DIR)/sbin/holdfast --root $(TARGET_DIR) image install --from $(HOLDFAST_DIR)/root $(HOLDFAST_PROFILES)
endef
HOLDFAST_TARGET_FINALIZE_HOOKS += HOLDFAST_INSTALL_INTO_TARGET

define HOST_HOLDFAST_BUILD_CMDS
	$(HOST_MAKE_ENV) $(MAKE) -C $(@D) $(HOST_CONFIGURE_OPTS) $(HOLDFAST_MAKE_OPTS) all
endef

define HOST_HOLDFAST_INSTALL_CMDS
	$(INSTALL) -D -m 755 $(@D)/build/release/holdfast $(HOST_DIR)/sbin/holdfast
endef

# Under fakeroot, where everything is root's, and behind the finalizing of the target, which runs depmod.
define HOLDFAST_CHECK_TARGET
	$(HOST_DIR)/sbin/holdfast --root $(TARGET_DIR) check --image \
		$(if $(BR2_LINUX_KERNEL),--kernel-config $(LINUX_DIR)/.config) \
		$(if $(HOLDFAST_CMDLINE),--cmdline '$(HOLDFAST_CMDLINE)')
endef
ifeq ($(BR2_PACKAGE_HOLDFAST),y)
ROOTFS_PRE_CMD_HOOKS += HOLDFAST_CHECK_TARGET
endif

$(eval $(generic-package))
$(eval $(host-generic-package))
