/* Kernel modules for settings of other kinds, and for kernels that do not run. */
#pragma once

#include "base/machine.h"

/* Looks module or alias @name up among the modules in @dir (a lib/modules/RELEASE), as modprobe
 * would without configuration. *@ret_path, which the caller frees, is its file, beginning with
 * @dir; NULL: it is built in. -ENOENT: there is none; -ELIBACC: there is no libkmod here. */
int module_find(const char *dir, const char *name, char **ret_path) _must_check_;

/* Whether @path, as the lists of modules have them, is that of module @name. */
bool module_is_named(const char *path, const char *name);

/* Whether modules.builtin in @dir, a lib/modules/RELEASE below @root, lists module @name. */
bool module_is_built_in(const struct root *root, const char *dir, const char *name);

/* Whether the running kernel has no module @name, by its lists below the root. */
bool module_is_missing(const struct machine *m, const char *name);

/* Loads module @name with @options ("name=value name=value"), and what it depends on. -errno,
 * -ENOENT: this kernel has no such module, -EPERM: configuration blocks it, -ELIBACC: libkmod is
 * not here; the reason in *@ret_why, if there is more to say, which the caller frees. */
int module_insert(const struct machine *m, const char *name, const char *options,
		  char **ret_why) _must_check_;
