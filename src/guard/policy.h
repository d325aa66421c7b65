/* What is decided about a process, and the writing of it. The sources (gate, proc events, scan)
 * only say that something happened. */
#pragma once

#include "guard/family.h"
#include "guard/procevent.h"

struct policy {
	const struct root *procfs;
	struct rules rules;
	struct family family;
	bool gated; /* there is an exec gate: events pin only what it cannot */
	int64_t released, drifted, leashed, failed, overflow;
};

/* Monotonic milliseconds. */
int64_t policy_now(void);

/* An exec of a marked program is waiting. */
void policy_gate(struct policy *p, pid_t pid, const struct file_id *program);

/* A fork, exec or exit has happened. */
void policy_event(struct policy *p, const struct procevent *e);

/* Checks that are due: that what was pinned at the gate did become the program, and that children
 * which restore an inherited score do not keep it. Returns the milliseconds until the next one, or
 * -1 when there is none. */
int policy_check_due(struct policy *p);

/* Whether any rule needs every exec to be told. */
bool policy_needs_all_execs(const struct policy *p);
