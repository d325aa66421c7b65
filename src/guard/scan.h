/* Looking at every process: at the start, after a loss, under memory pressure. */
#pragma once

#include "guard/pin.h"

/* Pins what runs already, puts right what drifted, and releases the descendants of the pinned. With
 * policy.watching, what has just started is left for the next scan (policy.unsure): word of a fork
 * may be on its way, and an orphan looks like a service. */
void scan_run(struct policy *p);

/* Calls @visit for each process. Others are served in between (policy.meanwhile). */
void scan_each(struct policy *p, void (*visit)(struct policy *p, struct process *proc));

/* The rule that a running process fits, or NULL. */
const struct rule *scan_rule_of(struct policy *p, struct process *proc);
