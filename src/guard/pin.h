/* Giving a process its rule's score, and remembering it. */
#pragma once

#include "guard/policy.h"

/* One line a change, for the kernel log: it is there when everything else is stuck. A flood of
 * changes is cut to SAY_BURST lines in SAY_MS, and counted. Never call it while an exec waits. */
void pin_say(struct policy *p, const struct member *m, const char *what, int score);

/* Process @pid could not be pinned, to be said and counted; unless it has ended. @rule is NULL
 * where nobody knows which one it is. */
void pin_failed(struct policy *p, pid_t pid, const struct rule *rule, int error);

/* Process @pid, which hardly is a service, could not be looked at: it counts where that fails for
 * now. */
void pin_unseen(struct policy *p, pid_t pid, int error);

/* Whether @proc, which runs @exe, is @rule's; says so where that cannot be known. */
bool pin_is_rules(struct policy *p, struct process *proc, const struct rule *rule,
		  const struct file_id *exe);

/* The last failure to pin a process, if there was one. */
void pin_say_failure(struct policy *p);

/* When a member is looked at whose first thread has ended: nobody tells when the last one does. */
#define PIN_THREADS_MS 10000

/* The member is to be looked at again in @in_ms. */
void pin_schedule(struct member *m, int64_t in_ms);

/* Puts @proc into the family; NULL where it is full. */
struct member *pin_remember(struct policy *p, struct process *proc, const struct rule *rule,
			    enum member_kind kind);

/* Gives @proc the rule's score and remembers it; @how tells the source. NULL where the score could
 * not be had. */
struct member *pin_process(struct policy *p, struct process *proc, const struct rule *rule,
			   enum how how);

/* Whether the member is still the process that it was. */
bool pin_is_same(const struct member *m, struct process *proc);

/* The member that @proc is, or NULL; one whose PID was used again is forgotten. */
struct member *pin_find(struct policy *p, struct process *proc);

/* The member that @proc was forked by, or NULL. */
struct member *pin_parent(struct policy *p, struct process *proc);

/* Whether children that run the rule's program keep the score. */
bool pin_keeps_program(const struct rule *r);
