/* Kernel modules by name or alias, for kernels that do not run. */
#pragma once

#include "base/util.h"

/* Looks module or alias @name up among the modules in @dir (a lib/modules/RELEASE), as modprobe
 * would without configuration. *@ret_path, which the caller frees, is its file, beginning with
 * @dir; NULL: it is built in. -ENOENT: there is none; -ELIBACC: there is no libkmod here. */
int module_find(const char *dir, const char *name, char **ret_path) _must_check_;
