/* The kernel's arithmetic: oom_badness() and oom_evaluate_task() of mm/oom_kill.c, and what they
 * were before. */
#pragma once

#include "insight/procfs.h"

/* What it depends on beside the process. */
struct badness_rules {
	int64_t total; /* pages that oom_score_adj is a share of */
	bool nested;   /* in a PID namespace below the first: its process 1 is like any other */
	int release;   /* the kernel's, 5009 for 5.9; 0: not known, taken for a new one */
};

/* Of one process, in pages. */
struct badness {
	int64_t rss, swap, pgtables; /* what it would free */
	int64_t adj;    /* oom_score_adj as pages: a share of all, rounded down to its thousandth */
	int64_t points; /* the sum; before 5.9 at least 1, and less for CAP_SYS_ADMIN before 4.17 */
	bool killable;
	const char *why_not; /* constant text */
};

struct badness badness_of(const struct badness_rules *rules, const struct proc *p);

/* The kernel walks the processes from the oldest and takes the last of those with the most, before
 * 5.3 the first: of two equal ones the younger dies, or the elder. For qsort-like use: negative
 * where @a dies before @b. */
int badness_order(const struct badness_rules *rules, const struct proc *a, const struct badness *x,
		  const struct proc *b, const struct badness *y);

/* Pages of KiB, by this machine's page size. */
int64_t badness_pages(int64_t kb);

/* The legacy scale, -17 to 15, as the kernel converts it (fs/proc/base.c). */
int badness_legacy_adj(int adj);
