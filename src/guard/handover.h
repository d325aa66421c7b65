/* What one guard tells the next, and `status`. */
#pragma once

#include "guard/policy.h"

/* Lines for guard_status_read(). */
void handover_status(struct policy *p, FILE *out);

/* The family, a line each, and what was counted so far. */
void handover_state(struct policy *p, FILE *out);

/* Takes one such line of another guard over; a member only if its rule is one of ours. */
void handover_adopt(struct policy *p, const char *line);
