/* Two processes: a worker that guards, and a supervisor that ends a worker which does not answer,
 * so that the kernel lets the waiting execs go, and starts the next. */
#pragma once

#include "guard/worker.h"

struct supervise {
	worker_main work;
	/* Called in the supervisor once the first worker is ready. */
	void (*ready)(void *user);
	/* Called every .beat_ms, for a service manager that watches us; 0: never. */
	void (*beat)(void *user);
	int beat_ms;
	int profiles; /* watch_open() on the profiles' directories: a change reloads; or -1 */
	void *user;
};

/* Runs until SIGTERM or SIGINT, or until the worker ends by itself (0: another guard took over).
 * SIGHUP starts a new worker, which takes over from the old one if it gets ready. */
int supervise_run(const struct supervise *s) _must_check_;
