/* Forks, execs and exits as the kernel's proc connector tells them (CONFIG_PROC_EVENTS), cut down
 * to the processes of interest by a filter in the kernel. */
#pragma once

#include <sys/types.h>

#include "base/util.h"

enum procevent_kind {
	PROCEVENT_FORK,
	PROCEVENT_EXEC,
	PROCEVENT_EXIT,
};

struct procevent {
	enum procevent_kind kind;
	pid_t pid;    /* the child, of a fork */
	pid_t parent; /* of a fork */
	int status;   /* of an exit, as for wait(2) */
};

/* Subscribes. A descriptor to poll, or -errno; works in the initial PID, user and network
 * namespaces only. No event comes before procevent_filter(). */
int procevent_open(void) _must_check_;

/* More than these and every process is let through, to be told apart by the reader: the kernel
 * keeps the old filter beside the new one, and both must fit net.core.optmem_max (20 KiB
 * before 6.7). */
#define PROCEVENT_PIDS 60

/* Lets through forks of new processes, execs and exits of the @n processes @pids, and with
 * @all_execs every exec. */
int procevent_filter(int fd, const pid_t *pids, size_t n, bool all_execs) _must_check_;

/* Lets everything through until the next procevent_filter(): much sooner done than a new filter,
 * which the kernel translates, and interrupts every processor for. */
int procevent_widen(int fd) _must_check_;

/* Reads what waits and calls @each. -ENOBUFS: some were lost. Else the number of events. */
int procevent_read(int fd, void (*each)(const struct procevent *e, void *data),
		   void *data) _must_check_;
