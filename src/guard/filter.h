/* Which process events reach us: the kernel drops what concerns no member, so that the forks and
 * execs of others wake nobody. */
#pragma once

#include "guard/policy.h"

struct filter {
	bool wide;     /* off for now */
	bool overfull; /* there are more members than it holds */
};

/* Lets through on @fd, a process event socket, what concerns members; does nothing where it is up
 * to date, or @fd negative. */
void filter_refresh(struct filter *filter, int fd, struct policy *p);

/* Lets everything through, before a new member runs: what it forks first must be told. */
void filter_widen(struct filter *filter, int fd, struct policy *p);
