/* Mounting for settings of other kinds. */
#pragma once

#include "base/util.h"

/* How long a device that is not required may take to appear at boot, in milliseconds. */
#define MOUNT_WAIT 3000

/* Mounts @what (as in /etc/fstab) on the directory @target, after waiting @wait_ms for the device;
 * @type and @options may be NULL. -errno, -ELIBACC without libmount; the reason in *@ret_why, if
 * there is more to say than the errno, which the caller frees. */
int mount_attach(const char *what, const char *type, const char *options, const char *target,
		 int wait_ms, char **ret_why) _must_check_;
