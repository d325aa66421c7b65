/* The guard: sources, policy and control on one loop. */
#pragma once

#include "base/machine.h"
#include "guard/family.h"

/* In memory that a worker shares with the supervisor, and leaves to the worker after it. */
struct guard_shared {
	volatile unsigned long gate_taken;  /* how often the worker turned to the gate */
	volatile unsigned long gate_rounds; /* how often everything there had been answered */
	struct family family;
};

/* Called on the way. */
struct guard_calls {
	void (*opened)(void *data); /* everything is open that takes privileges */
	void (*ready)(void *data);  /* everything is marked and scanned */
	void *data;
};

/* Pins by @rules, which are taken over, whatever runs now, and returns the number of rules that
 * could not be followed, or -errno. */
int guard_once(const struct machine *m, struct rules *rules) _must_check_;

/* Does so until it is told to end (SIGTERM, or another guard takes over): 0, or -errno. @gate is of
 * gate_open(), or negative: there is none. The family's rules, if it has members, are @rules. */
int guard_run(const struct machine *m, struct rules *rules, int gate,
	      const struct guard_calls *calls, struct guard_shared *shared) _must_check_;
