/* The file system for dumps: mounted at a place of its own for as long as it is looked at. */
#pragma once

#include "base/machine.h"
#include "profile/node.h"

struct kdump_target {
	struct root root; /* the directory for dumps: root's own, links in it are not followed */
	char *mounted_at; /* NULL: not mounted */
};

#define KDUMP_TARGET_NONE ((struct kdump_target){ .root = ROOT_NONE })

/* Mounts it, waiting @wait_ms for the device, and opens the directory, which is made where @write
 * says so. Without @write nothing is written to the disk, as long as devices are waited for.
 * @capture is section kdump.capture. -ENOENT: the profile names none, it did not appear, or
 * (without @write) it has no such directory; -EPERM, -ELOOP: others than root could have made what
 * is there; -EOPNOTSUPP: the machine is made up. The reason in *@ret_why, which may stay NULL; the
 * caller frees it. */
int kdump_target_open(const struct machine *m, const struct node *capture, bool write, int wait_ms,
		      struct kdump_target *ret_target, char **ret_why) _must_check_;

/* Unmounts it: what was written is on the disk then. 0 or -errno. */
int kdump_target_close(struct kdump_target *t);
