/* A profile as configuration of others, for images that cannot run holdfast. */
#pragma once

#include "image/install.h"
#include "profile/profile.h"

/* Makes sysctl.d, modules-load.d and modprobe.d files and systemd drop-ins of the composed profile.
 * @left_out is called with what these cannot say. -ENOMEM or 0. */
int export_files(const struct profile *p, struct tree_files *files,
		 void (*left_out)(const struct node *n, const char *why, void *data),
		 void *data) _must_check_;
