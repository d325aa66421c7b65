/* The process that guards, as the supervisor sees it. */
#pragma once

#include "guard/guard.h"

struct worker {
	pid_t pid; /* 0: none */
	int pidfd;
	int gate;     /* our own descriptor of its gate, to see whether execs wait; or -1 */
	int alarm;    /* polls readable when it has been awake for long; or -1 */
	int progress; /* a pipe: 'o' once its gate is open, 'r' once it is ready; or -1 */
	bool ready;
	unsigned long rounds; /* at the last alarm */
	bool alarmed;         /* execs waited then */
	struct guard_progress *shared;
};

#define WORKER_NONE ((struct worker){ .pidfd = -1, .gate = -1, .alarm = -1, .progress = -1 })

/* What a new process does; the return value ends it. @calls are to be handed to guard_run(). */
typedef int (*worker_main)(const struct guard_calls *calls, struct guard_progress *shared,
			   void *user);

/* Forks one: 0 in the supervisor. In the worker it returns when @main has: 1, with the status in
 * *@ret_status. @inherited are descriptors that the worker must not keep. -errno: there is none. */
int worker_start(worker_main main, void *user, const int *inherited, size_t n_inherited,
		 struct worker *ret_worker, int *ret_status) _must_check_;

/* Reads what the worker said: its gate is open, it is ready. -EPIPE: it has ended. */
int worker_listen(struct worker *w) _must_check_;

/* The alarm went off. Whether execs have waited since it went off before, and not one of them was
 * let go; else it is set again. */
bool worker_is_stuck(struct worker *w);

/* Sets a stopped worker going again; whether it was stopped. */
bool worker_continue(const struct worker *w);

/* Waits for its end and forgets it: its wait(2) status. */
int worker_reap(struct worker *w);

/* Ends it, by SIGTERM if it obeys within @grace_ms, and forgets it. No worker is no error. */
void worker_end(struct worker *w, int grace_ms);
