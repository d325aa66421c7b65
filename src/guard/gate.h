/* The exec gate: the kernel asks us before it runs a marked program (fanotify permission events,
 * Linux 5.0, CONFIG_FANOTIFY_ACCESS_PERMISSIONS), and the exec waits for the answer. */
#pragma once

#include "guard/process.h"

/* Opens the gate, without marks. A descriptor to poll, or -errno where the kernel has none. */
int gate_open(void) _must_check_;

/* Marks the inode of open file @fd: each exec of it, under any name, comes to the gate. */
int gate_mark(int gate, int fd) _must_check_;

/* Takes the events that wait, calls @decide for each, and lets every exec go. @decide must not
 * wait for anybody. Returns the number of events, or -errno. */
typedef void (*gate_decide)(pid_t pid, const struct file_id *program, void *data);
int gate_dispatch(int gate, gate_decide decide, void *data) _must_check_;
