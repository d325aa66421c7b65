/* The guard: sources, policy and control on one loop. */
#pragma once

#include "base/machine.h"
#include "guard/rule.h"

/* How long the worker may be awake before the supervisor looks whether execs wait for it, and again
 * before it acts. */
#define GUARD_ALARM_MS 400

/* What the supervisor looks at, in memory that it shares with the worker. */
struct guard_progress {
	volatile unsigned long gate_taken;  /* how often the worker turned to the gate */
	volatile unsigned long gate_rounds; /* how often everything there had been answered */
	volatile int gate_fd;               /* in the worker; negative: there is none */
	int alarm;                          /* timerfd of both: the worker has been awake so long */
};

/* Called on the way. */
struct guard_calls {
	void (*opened)(void *data); /* from here on execs may wait for us; nothing is done yet */
	void (*ready)(void *data);  /* everything is marked and scanned */
	void *data;
};

/* Pins by @rules, which are taken over, whatever runs now, and returns the number of rules that
 * could not be followed, or -errno. */
int guard_once(const struct machine *m, struct rules *rules) _must_check_;

/* Does so until it is told to end (SIGTERM, or another guard takes over): 0, or -errno. */
int guard_run(const struct machine *m, struct rules *rules, const struct guard_calls *calls,
	      struct guard_progress *progress) _must_check_;
