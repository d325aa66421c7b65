/* What is decided about a process, and the writing of it. The sources (gate, proc events, scan)
 * only say that something happened. */
#pragma once

#include "guard/family.h"
#include "guard/procevent.h"

/* How much was logged of late. */
struct said {
	int64_t since; /* monotonic ms */
	unsigned lines, left_out;
};

struct policy {
	const struct root *procfs;
	ino_t user_namespace; /* the inode of our own */
	struct rules rules;
	struct family *family;
	/* Called when somebody joined while an exec waits: its events must come from now on. */
	void (*joined)(void *data);
	void *joined_data;
	bool gated; /* there is an exec gate: events pin only what it cannot */
	/* Called by what takes long, between two processes: execs may wait at the gate. */
	void (*meanwhile)(void *data);
	void *meanwhile_data;
	int64_t released, drifted, leashed, failed, lost_events, rescans;
	uint64_t looked_at; /* for orphans, process_ticks() */
	bool watching;      /* all that starts from now on is told */
	bool unsure;        /* a scan has left something for the next */
	bool unseen;        /* something failed for now, so that the next may find it */
	bool starved;       /* there were no descriptors, or no memory, for who waits at the gate */
	struct said said;
	struct {
		const struct rule *rule; /* NULL: nobody knows whose it is */
		pid_t pid;
		int error; /* 0: none */
	} failure;         /* the last to give a score, not logged yet */
};

/* Before anything else; @rules are taken over. With @family, members of before are known: -errno
 * where our own process cannot be looked at. */
int policy_open(struct policy *p, const struct root *procfs, struct rules *rules,
		struct family *family) _must_check_;

/* Monotonic milliseconds. */
int64_t policy_now(void);

/* An exec of a marked program is waiting. Sets @p->starved. */
void policy_gate(struct policy *p, pid_t pid, const struct file_id *program);

/* Looks after members that joined before their events were let through, or @all, where events were
 * lost: what they have forked by now. Whether one has ended already: its end may still be told,
 * with news of children before. */
bool policy_catch_up(struct policy *p, bool all);

/* Of which nothing was told. Whether there were any: only a scan can find what they left behind. */
bool policy_missed_ends(struct policy *p);

/* A fork, exec or exit has happened. */
void policy_event(struct policy *p, const struct procevent *e);

/* Checks that are due: that what was pinned at the gate did become the program, and that children
 * which restore an inherited score do not keep it. Returns the milliseconds until the next one, or
 * -1 when there is none. */
int policy_check_due(struct policy *p);

/* Whether any rule needs every exec to be told. */
bool policy_needs_all_execs(const struct policy *p);
