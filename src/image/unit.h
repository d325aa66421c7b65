/* The systemd units of an image. */
#pragma once

#include "profile/profile.h"

/* Whether systemd would find @unit below @root. 0, -ENOENT, -ESTALE: it is masked, -EMLINK: it
 * is another's second name, or -EACCES: we may not look. Instances are their template's; a script
 * of etc/init.d has a service of its name.
 */
int unit_find(const struct root *root, const char *unit) _must_check_;

/* Warns of protected services whose unit below @root has a memory limit: the kernel does not kill
 * a task at -1000 for it, so that the service stands still at the limit instead. A leash (max_rss)
 * below the limit makes it work. -ENOMEM or 0. */
int unit_check_limits(const struct root *root, const struct profile *p,
		      struct findings *f) _must_check_;
