/* Profiles that change while a guard runs, or appear in directories that were not there. */
#pragma once

#include "profile/library.h"

/* Adds the library's directories to @watch (watch_open(), or negative), and those in which one of
 * them may appear or be replaced; again after each change. What cannot be watched is logged. */
void profiles_watch(int watch, const struct library *l);

/* Whether something that happened to @name (see watch_drain()) may have changed a profile. */
bool profiles_concern(const struct library *l, const char *name);
