/* A path taken one component after the other, below a directory that stands for the root: as
 * openat2(2) with RESOLVE_IN_ROOT does it, but everywhere (it is not to be had in older kernels,
 * under container managers that do not know it, nor under pseudo(1)), and seeing what lies on the
 * way. No race leads outside: each component is opened without following it, and ".." goes down
 * again from the root. */
#pragma once

#include "base/util.h"

/* Sees each link, and what a component leads to, which is none; @last: the path ends here. Returns
 * 0 to go on, or -errno. */
typedef int (*walk_see)(int fd, bool last, void *data);

/* As many links as the kernel follows. */
#define WALK_LINKS 40

/* Opens @path below directory @root; @flags as for openat(2), but O_CREAT. More links than
 * @max_links are -ELOOP. @see may be NULL, and is not shown the root itself. Returns a descriptor
 * or -errno. */
int walk_open(int root, const char *path, int flags, unsigned max_links, walk_see see,
	      void *data) _must_check_;
