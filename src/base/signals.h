/* Signals as something to read, among whatever else a program waits for. */
#pragma once

#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>

/* Blocks the @n signals of @list and opens a descriptor that polls readable, and gives a struct
 * signalfd_siginfo, when one has come; or -errno. */
int signals_open(const int *list, size_t n);
