/* Two processes: a worker that guards, and a supervisor that ends a worker which does not answer,
 * so that the kernel lets the waiting execs go, and starts the next. */
#pragma once

#include "guard/guard.h"

struct supervise {
	/* What the worker does; its status is the process's. */
	int (*work)(struct guard_progress *progress, void (*ready)(void *data), void *data,
		    void *user);
	/* Called in the supervisor once the first worker is ready. */
	void (*ready)(void *user);
	void *user;
};

/* Runs until SIGTERM or SIGINT, or until the worker ends by itself (0: another guard took over).
 * SIGHUP starts a new worker, which takes over from the old one if it gets ready. */
int supervise_run(const struct supervise *s) _must_check_;
