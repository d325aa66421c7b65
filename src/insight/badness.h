/* The kernel's arithmetic: oom_badness() of mm/oom_kill.c, kernel 4.17 and later. */
#pragma once

#include "insight/procfs.h"

/* Of one process, in pages. */
struct badness {
	int64_t rss, swap, pgtables; /* what it would free */
	int64_t adj;    /* oom_score_adj as pages: a share of all, rounded down to its thousandth */
	int64_t points; /* the sum */
	bool killable;
	const char *why_not; /* constant text */
};

/* @total: pages that oom_score_adj is a share of. */
struct badness badness_of(const struct proc *p, int64_t total);

/* The kernel walks the processes from the oldest and takes the last of those with the most: of two
 * equal ones the one that was started later dies. For qsort-like use: negative where @a dies
 * before @b. */
int badness_order(const struct proc *a, const struct badness *x, const struct proc *b,
		  const struct badness *y);

/* Pages of KiB, by this machine's page size. */
int64_t badness_pages(int64_t kb);
