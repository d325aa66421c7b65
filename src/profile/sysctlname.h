/* Names of sysctls, as sysctl.d(5) takes them and as paths below /proc/sys. */
#pragma once

#include "base/util.h"

/* To a path: dots and slashes change places if a dot comes first. False where the name is empty,
 * leaves the directory, or has wildcards. @ret_path has room for strlen(@name) + 1. */
bool sysctlname_to_path(const char *name, char *ret_path);

/* Whether a path's components are all there and stay below their directory. */
bool sysctlname_is_path(const char *path);

/* A path to the dotted form, or a dotted form to a path, in place. */
void sysctlname_swap(char *name);

/* As sysctlname_to_path() in place, and for patterns too: only the separators are looked at. */
void sysctlname_normalise(char *name);
