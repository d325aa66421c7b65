/* The processes and the rules as another profile would have them. */
#pragma once

#include "guard/client.h"
#include "insight/predict.h"
#include "profile/node.h"

/* Changes @rules and the oom_score_adj of @procs to what profile @tree says: vm.panic_on_oom,
 * vm.oom_kill_allocating_task, kdump and protect. What @guard has pinned and the profile does not
 * protect gets 0. Strings are in @a. 0 or -errno. */
int predictif_apply(const struct machine *m, const struct node *tree,
		    const struct guard_status *guard, struct arena *a, struct predict_rules *rules,
		    struct procs *procs) _must_check_;
