/* What a running guard says of itself. */
#pragma once

#include "base/arena.h"
#include "base/machine.h"

struct guard_pin {
	struct guard_pin *next;
	const char *service, *exe, *how;
	int64_t pid, oom_score_adj, since;
};

struct guard_problem {
	struct guard_problem *next;
	const char *service, *text;
};

struct guard_status {
	bool running, gated;
	bool forbidden; /* only root may ask whether one runs */
	int64_t pid, released, lost_events, rescans, leashed, drifted, failed;
	struct guard_pin *pins;
	struct guard_problem *problems;
};

/* Asks it. Where none runs, or we may not ask, .running is false. Strings are in @a. */
int guard_status_read(const struct machine *m, struct arena *a,
		      struct guard_status *ret_status) _must_check_;
