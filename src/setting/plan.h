/* A profile's settings in the order of doing, and the doing. */
#pragma once

#include "setting/report.h"

enum plan_mode {
	PLAN_APPLY,
	PLAN_DRY_RUN,
	PLAN_VERIFY,
};

/* Brings the machine to the settings of @tree (a valid composed profile) that belong to @stages
 * (STAGE_ bits), or says what that would change, or only compares; each outcome goes to @r. What
 * fails is an outcome, and the rest still runs. 0, -ENOMEM, or -EINTR: a signal that was held
 * (signals_hold()) has come, and what was left then was not begun. */
int plan_run(const struct machine *m, const struct node *tree, enum plan_mode mode, unsigned stages,
	     struct report *r) _must_check_;

/* The same for the crash kernel only, with what depends on it: vm.panic_on_oom and kdump.lock. The
 * row of crashes is taken for ended. */
int plan_run_kdump(const struct machine *m, const struct node *tree, enum plan_mode mode,
		   struct report *r) _must_check_;

/* Makes @o one that failed with @error, and says why: @why, or what the error stands for. */
void plan_fail(struct report *r, struct outcome *o, const struct setting *s, int error,
	       const char *why);

/* Puts back what @r says was set, last first. Outcomes go to @done: set for what was put back.
 * Returns as plan_run() does. */
int plan_revert(const struct machine *m, const struct report *r, struct report *done) _must_check_;
