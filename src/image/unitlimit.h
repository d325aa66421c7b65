/* Memory limits in the systemd units of an image. */
#pragma once

#include "profile/profile.h"

/* Warns of protected services whose unit below @root has a memory limit: the kernel does not kill
 * a task at -1000 for it, so that the service stands still at the limit instead. A leash (max_rss)
 * below the limit makes it work. -ENOMEM or 0. */
int unitlimit_check(const struct root *root, const struct profile *p,
		    struct findings *f) _must_check_;
