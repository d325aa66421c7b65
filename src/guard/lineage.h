/* Who descends from whom: forks and ends of services, and what they leave behind. */
#pragma once

#include "guard/policy.h"

/* @parent has forked @pid. */
void lineage_fork(struct policy *p, pid_t parent, pid_t pid);

/* A process has ended, or its first thread has. */
void lineage_end(struct policy *p, const struct procevent *e);

/* Member @m had ended before its events were let through. */
void lineage_missed_end(struct policy *p, struct member *m);

/* Looks for what processes have left behind that nobody saw alive, by score and session: before a
 * scan, to which they look like services. All that has been told is to be heard before: whose fork
 * is known was not left behind. */
void lineage_look(struct policy *p);

/* The milliseconds until that is wanted, not too often, or -1. */
int lineage_due(const struct policy *p);
