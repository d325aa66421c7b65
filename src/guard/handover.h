/* What one guard tells the next, and `status`. */
#pragma once

#include "base/machine.h"
#include "guard/policy.h"

/* Lines for guard_status_read(), with the scores as they are now; how many have drifted. */
int handover_status(struct policy *p, FILE *out);

/* The family, a line each, and what was counted so far. */
void handover_state(struct policy *p, FILE *out);

/* Learns what the guard before us knows, which goes on until we are ready; a member whose rule is
 * not one of ours gets back the score that it had. False: there is none. */
bool handover_learn(const struct machine *m, struct policy *p);
