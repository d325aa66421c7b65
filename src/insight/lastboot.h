/* The shortage of memory that the boot before ended with. */
#pragma once

#include "insight/oomlog.h"
#include "setting/lastboot.h"

/* The last OOM report in the kernel log of @l, in @a; NULL unless the cause is an OOM panic and
 * there is a log. -errno: it cannot be read. */
int lastboot_oom(const struct machine *m, const struct last_boot *l, struct arena *a,
		 const struct oom_report **ret_report) _must_check_;
