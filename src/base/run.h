/* Another program, run to its end. */
#pragma once

#include "base/util.h"

/* Runs @argv[0] (a path) with our environment and standard files; an @out or @err that is not
 * negative becomes its standard output or error. Its exit status (128 and the signal's number where
 * one ended it), or -errno. */
int run_program(char *const argv[], int out, int err);

/* Runs @fn in a child, for a library that may crash: what it returns (0 to 100), -EBADMSG where it
 * does not come back from it, or -errno. What it is to leave behind has to be in shared memory. */
int run_in_child(int (*fn)(void *data), void *data) _must_check_;

/* Runs @fn in a child with limits on time (also of waiting) and memory, for a library that cannot
 * be trusted with its input. As above. */
int run_apart(int (*fn)(void *data), void *data);
