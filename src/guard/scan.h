/* Looking at every process: at the start, after a loss, under memory pressure. */
#pragma once

#include "guard/pin.h"

/* Pins what runs already, puts right what drifted, and releases the descendants of the pinned. */
void scan_run(struct policy *p);

/* The rule that a running process fits, or NULL. */
const struct rule *scan_rule_of(struct policy *p, struct process *proc);
