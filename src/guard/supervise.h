/* Two processes: a worker that guards, and a supervisor that ends a worker which does not answer,
 * so that the kernel lets the waiting execs go, and starts the next. */
#pragma once

#include "guard/worker.h"

struct supervise {
	/* Reads the rules as they are now: 0, or what to end with if there are none yet. */
	int (*load)(struct rules *ret_rules, void *user);
	/* Guards by @rules: guard_run(). */
	int (*work)(struct rules *rules, int gate, const struct guard_calls *calls,
		    struct guard_shared *shared, void *user);
	/* Called in the supervisor once the first worker is ready. */
	void (*ready)(void *user);
	/* Called every .beat_ms, for a service manager that watches us; 0: never. */
	void (*beat)(void *user);
	int beat_ms;
	int profiles; /* watch_open() on directories, or -1: a change reloads, if it is of a name */
	bool (*concerns)(const char *name, void *user); /* that concerns the rules */
	void *user;
};

/* Runs until SIGTERM or SIGINT, or until the worker ends by itself (0: another guard took over).
 * SIGHUP reads the rules anew: a new worker takes over from the old one if they can be used and it
 * gets ready. A worker that dies is replaced by one with the rules and the knowledge that it had.
 */
int supervise_run(const struct supervise *s) _must_check_;
