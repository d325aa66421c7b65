/* Signals as something to read, among whatever else a program waits for, or to ask for where it
 * must not end halfway. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/signalfd.h>

/* Blocks the @n signals of @list and opens a descriptor that polls readable, and gives a struct
 * signalfd_siginfo, when one has come; or -errno. */
int signals_open(const int *list, size_t n);

/* From here on SIGHUP, SIGINT and SIGTERM, unless they are ignored, do not end the program before
 * signals_release(); a system call that waits fails with EINTR. */
void signals_hold(void);

/* Whether one has come since: nothing more should be begun. */
bool signals_came(void);

/* Lets the one that came end the program. */
void signals_release(void);
