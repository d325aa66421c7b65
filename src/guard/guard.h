/* The guard: sources, policy and control on one loop. */
#pragma once

#include "base/machine.h"
#include "profile/node.h"

/* What the supervisor looks at, in memory that it shares with the worker. */
struct guard_progress {
	volatile unsigned long gate_taken;  /* how often the worker turned to the gate */
	volatile unsigned long gate_rounds; /* how often everything there had been answered */
	volatile int gate_fd;               /* in the worker; -1: there is none */
	volatile bool ready;
};

/* Pins by the rules of @tree whatever runs now, and returns the number of rules that could not be
 * followed, or -errno. */
int guard_once(const struct machine *m, const struct node *tree) _must_check_;

/* Does so until it is told to end (SIGTERM, or another guard takes over): 0, or -errno. @ready is
 * called once everything is marked and scanned. */
int guard_run(const struct machine *m, const struct node *tree, struct guard_progress *progress,
	      void (*ready)(void *data), void *data) _must_check_;
