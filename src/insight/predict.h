/* What the kernel would do if memory ran out now: out_of_memory() of mm/oom_kill.c, step by step.
 */
#pragma once

#include "base/machine.h"
#include "insight/badness.h"
#include "insight/memcg.h"

enum predict_decision {
	PREDICT_KILL,
	PREDICT_KILL_ASKING, /* whoever asks, by vm.oom_kill_allocating_task */
	PREDICT_PANIC,
	PREDICT_UNKNOWN, /* the processes of other PID namespaces cannot be seen */
	PREDICT_NOBODY,  /* a cgroup without anybody that can be killed: the asking task waits */
};

/* What decides, beside the processes. */
struct predict_rules {
	int panic_on_oom;             /* 0, 1, 2; -1: not known, and taken for 0 */
	int kill_allocating;          /* vm.oom_kill_allocating_task: 0, 1; -1 as before */
	int kdump_armed;              /* as kdump_armed() has it */
	const char *kdump_why;        /* why not, where that was looked for; else NULL */
	const struct memcg *memcg;    /* NULL: the whole machine */
	struct badness_rules badness; /* of RAM and swap, or what the cgroup may use of them */
	pid_t asking;                 /* who asks; 0: anybody */
};

struct predict_candidate {
	const struct proc *proc;
	struct badness badness;
};

struct prediction {
	enum predict_decision decision;
	const char *why;                /* constant text */
	struct predict_candidate *list; /* worst first; those that cannot be killed at the end */
	size_t n, killable;
	const struct predict_candidate *victim;     /* NULL: not known, or nobody */
	const struct predict_candidate *instead_of; /* its parent, which was chosen; or NULL */
	const char *group;                   /* killed as a whole with the victim; NULL: none */
	int64_t freed_rss_kb, freed_swap_kb; /* by the victim, or its group */
	int64_t left;                        /* that can be killed afterwards; -1: not known */
};

/* This machine's rules for @memcg (NULL: the whole machine), without .asking. 0 or -errno. */
int predict_rules_read(const struct machine *m, const struct memcg *memcg,
		       struct predict_rules *ret_rules) _must_check_;

/* Decides among @procs, which must have PROC_ADJ, PROC_CGROUP, PROC_START and their lenders, and
 * outlive the prediction. In @a. 0 or -ENOMEM. */
int predict(const struct root *sysfs, struct arena *a, const struct predict_rules *rules,
	    const struct procs *procs, struct prediction *ret_prediction) _must_check_;
