/* What one guard tells the next, and `status`. */
#pragma once

#include "base/machine.h"
#include "guard/policy.h"

/* Lines for guard_status_read(), with the scores as they are now; how many have drifted. */
int handover_status(struct policy *p, FILE *out);

/* The family, a line each, and what was counted so far. */
void handover_state(struct policy *p, FILE *out);

/* To be held while one guard takes over from another: of two that start at once one is the later.
 * Negative where that cannot be, or the other does not come to an end. */
int handover_lock(const struct machine *m, struct policy *p);

/* Learns what the guard before us knows, which goes on until we are ready; a member whose rule is
 * not one of ours gets back the score that it had. */
void handover_learn(const struct machine *m, struct policy *p);

/* Tells the guard before us, if there is one, to end. */
void handover_dismiss(const struct machine *m);
