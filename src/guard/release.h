/* Taking an inherited score from the children of the pinned. */
#pragma once

#include "guard/pin.h"

/* When to look at a child again, in ms: programs such as sshd restore the score they were started
 * with right after the fork. */
extern const int release_checks_ms[];
extern const unsigned n_release_checks;

/* Raises @proc's score to release_to if it is lower: a child that made itself easier to kill stays
 * so. */
void release_score(struct policy *p, struct process *proc, const struct rule *rule);

/* The same for what @proc has forked before it was released itself. */
void release_descendants(struct policy *p, struct process *proc, const struct rule *rule,
			 unsigned depth);

/* Calls @visit for each child that @proc has now. */
void release_each_child(struct policy *p, struct process *proc,
			void (*visit)(struct policy *p, pid_t parent, pid_t pid));

/* Why a child is remembered. */
enum child_state {
	CHILD_FORKED,   /* it runs what its parent runs */
	CHILD_PROGRAM,  /* it executed the rule's program anew */
	CHILD_DEPARTED, /* it runs something else */
};

/* Remembers a child, to be looked at again. */
void release_watch(struct policy *p, struct process *proc, const struct rule *rule,
		   enum child_state state);

/* All of it. */
void release_and_watch(struct policy *p, struct process *proc, const struct rule *rule,
		       enum child_state state);
