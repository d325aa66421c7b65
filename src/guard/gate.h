/* The exec gate: the kernel asks us before it runs a marked program (fanotify permission events,
 * Linux 5.0, CONFIG_FANOTIFY_ACCESS_PERMISSIONS), and the exec waits for the answer. */
#pragma once

#include "guard/process.h"

struct gate {
	int fd;    /* to poll; negative: there is no gate */
	int spare; /* given up for each event's own: where none can be had the kernel denies the
		    * exec. The lowest there is, so that no limit set later takes it from us. */
};

#define GATE_NONE ((struct gate){ -EBADF, -EBADF })

/* Opens the gate, without marks: a descriptor. -ENOSYS, -EINVAL or -EPERM where the kernel has none
 * for us. */
int gate_open(void) _must_check_;

/* Prepares @fd of gate_open() for taking events from it. */
int gate_take(int fd, struct gate *ret_gate) _must_check_;
void gate_close(struct gate *g);

/* Marks the inode of open file @fd: each exec of it, under any name, comes to the gate. */
int gate_mark(const struct gate *g, int fd) _must_check_;

/* Takes one event, if any waits, calls @decide for it, and lets its exec go. @decide must not wait
 * for anybody; its @program is NULL where that cannot be looked at, for errno; false: the program
 * need not come here any more. -errno: nobody should hold the gate any longer, since execs may be
 * denied. */
typedef bool (*gate_decide)(pid_t pid, const struct file_id *program, void *data);
int gate_dispatch(struct gate *g, gate_decide decide, void *data) _must_check_;
