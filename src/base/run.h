/* Another program, run to its end. */
#pragma once

#include "base/util.h"

/* Runs @argv[0] (a path) with our environment and standard files; an @out that is not negative
 * becomes its standard output. Its exit status (128 and the signal's number where one ended it),
 * or -errno. */
int run_program(char *const argv[], int out);
