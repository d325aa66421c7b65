/* Directories on the way to protected programs, and to profiles: told when something in them
 * changes.
 */
#pragma once

#include "base/util.h"

/* A descriptor to poll, or -errno. */
int watch_open(void) _must_check_;

/* Adds the directory behind @dir_fd (O_PATH will do). Changes the working directory: there is no
 * other way to name a directory by its descriptor once /proc is out of reach. */
int watch_add(int watch, int dir_fd) _must_check_;

/* Reads what waits, and calls @each for it with the name that something has happened to (empty: to
 * the directory itself, or what is not known), and whether that is a new file; whether there was
 * anything. */
bool watch_drain(int watch, void (*each)(const char *name, bool appeared, void *data), void *data);
