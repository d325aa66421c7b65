/* The system's own sysctl configuration, as systemd-sysctl and sysctl --system read it. */
#pragma once

#include "base/arena.h"
#include "base/root.h"

/* Finds the assignment to sysctl @path (slashes) that wins below @root. *@ret_where becomes
 * "FILE:LINE" and *@ret_value what it assigns, both in @a; NULL when no file sets the key.
 * 0 or -errno. */
int sysctld_find(const struct root *root, struct arena *a, const char *path, const char **ret_where,
		 const char **ret_value) _must_check_;
