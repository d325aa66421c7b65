/* The process that guards, as the supervisor sees it. */
#pragma once

#include "guard/guard.h"

struct worker {
	pid_t pid; /* 0: none */
	int pidfd;
	int gate;     /* of gate_open(), which the worker has too; or -1 */
	int progress; /* a pipe: a byte once it is ready; or -1 */
	bool ready;
	struct guard_shared *shared; /* outlives it */

	int64_t look_at; /* monotonic ms: execs came, so look whether they were let go; 0: not yet
			  */
	unsigned long rounds; /* when they came */
};

#define WORKER_NONE ((struct worker){ .pidfd = -1, .gate = -1, .progress = -1 })

/* What a new process does with the gate; the return value ends it. @calls are for guard_run(). */
typedef int (*worker_main)(int gate, const struct guard_calls *calls, struct guard_shared *shared,
			   void *user);

/* Forks one into @w, whose .shared (NULL: new) is kept: 0 in the supervisor. In the worker it
 * returns when @main has: 1, with the status in *@ret_status. @inherited are descriptors that the
 * worker must not keep. -errno: there is none. */
int worker_start(struct worker *w, worker_main main, void *user, const int *inherited,
		 size_t n_inherited, int *ret_status) _must_check_;

/* Reads whether it is ready. */
void worker_listen(struct worker *w);

/* Execs came to the gate, or it is time to look (.look_at): whether those that came first were not
 * let go for as long as WORKER_STUCK_MS. */
#define WORKER_STUCK_MS 500
bool worker_is_stuck(struct worker *w);

/* Sets a stopped worker going again; whether it was stopped. */
bool worker_continue(const struct worker *w);

/* Waits for its end; what it shared stays: its wait(2) status. */
int worker_reap(struct worker *w);

/* Ends it, by SIGTERM if it obeys within @grace_ms, and forgets it. No worker is no error. */
void worker_end(struct worker *w, int grace_ms);
