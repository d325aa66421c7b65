/* Sysctls: files below /proc/sys. */
#pragma once

#include "setting/setting.h"

#define SYSCTL_MAX 65536U

/* Why sysctl @path (slashes) cannot be taken back from @value, or NULL. */
const char *sysctl_one_way(const char *path, const char *value);

/* The key as people write it, of a path below /proc/sys: "kernel.panic". In @a. */
const char *sysctl_key(struct arena *a, const char *path);
