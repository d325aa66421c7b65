/* Whether the victim of an OOM report is the one that the scores name, and what to change. */
#pragma once

#include "insight/oomlog.h"

enum oom_verdict {
	OOM_FOLLOWS,     /* it has the highest badness */
	OOM_DIFFERS,     /* another task has a higher one */
	OOM_ASKED,       /* it died because it asked (vm.oom_kill_allocating_task) */
	OOM_CANNOT_TELL, /* the log has too little; .text says what */
	OOM_NOBODY_DIED,
};

struct oom_judgement {
	enum oom_verdict verdict;
	const char *text;             /* a sentence; in the arena or constant */
	const struct oom_task *task;  /* the victim's row, or NULL */
	const struct oom_task *worst; /* the task with the highest badness, or NULL */
};

/* 0 or -ENOMEM. */
int oom_judge(struct arena *a, const struct oom_report *r,
	      struct oom_judgement *ret_judgement) _must_check_;

/* The task's memory as the kernel counts it for badness: RSS, swap and page tables, in pages;
 * OOM_UNKNOWN where a number is missing. */
int64_t oom_task_pages(const struct oom_report *r, const struct oom_task *t);

/* The pages that oom_score_adj is a share of, at least and at most: RAM and swap, or the cgroup's
 * limit with the swap it may use. False where the log does not say. */
bool oom_total_pages(const struct oom_report *r, int64_t *ret_low, int64_t *ret_high);

/* Why reclaim could not help, a part of a sentence; "" where the numbers do not show it. In @a or
 * constant; NULL without memory. */
const char *oom_reclaim(struct arena *a, const struct oom_report *r);

struct oom_advice {
	struct oom_advice *next;
	const char *text;
};

/* What a profile, or somebody, could change; the most likely help first. 0 or -ENOMEM. */
int oom_advise(struct arena *a, const struct oom_report *r,
	       struct oom_advice **ret_advice) _must_check_;
