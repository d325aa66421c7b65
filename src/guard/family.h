/* Who is pinned, and whose children are watched. A fixed table: nothing is allocated while an
 * exec waits. */
#pragma once

#include <time.h>

#include "guard/rule.h"

#define FAMILY_MAX 1024U
/* Room that only the pinned may take: a service's children must not crowd out services. */
#define FAMILY_RESERVED 256U

enum how {
	HOW_EXEC,  /* before its first instruction, at the exec gate */
	HOW_EVENT, /* as soon as its exec was told */
	HOW_SCAN,  /* found running */
};

enum member_kind {
	MEMBER_PINNED,
	MEMBER_CHILD,   /* of a pinned one; not (or no longer) pinned */
	MEMBER_LEASHED, /* lost its protection by growing too large */
};

struct member {
	pid_t pid;           /* 0: free */
	uint64_t start_time; /* 0: not read yet, policy_catch_up() does */
	const struct rule *rule;
	struct file_id program; /* that it was started as; none: not known */
	enum member_kind kind;
	enum how how;
	pid_t session;     /* 0: not known */
	time_t since;      /* wall clock */
	int before;        /* the score it had */
	bool confirmed;    /* its program was seen to be the rule's since */
	bool fresh;        /* its events may have been missed so far */
	bool unseen;       /* it ended before that was known */
	bool in_program;   /* it runs the rule's program: what it forks is to be looked at too */
	bool forked;       /* a child without an exec since the fork */
	bool gated;        /* came to the gate: everything that it has done since was told */
	unsigned checks;   /* done so far */
	int64_t due;       /* monotonic ms of the next check; 0: none */
	int64_t pinned_at; /* monotonic ms */
	pid_t parent;      /* or the one whose place its parent would have taken */
};

/* One that had ended before it was looked at. What it forked meanwhile has the service's score, and
 * is nobody's child. */
struct ghost {
	pid_t pid;      /* 0: none */
	pid_t place;    /* the member whose child it was */
	pid_t session;  /* of that member */
	uint64_t ended; /* or was found to have: process_ticks() */
	const struct rule *rule;
	struct file_id program; /* that member's */
	bool found;             /* something that it left behind */
	bool vacant; /* whose place is free, as a daemon's first process leaves it; what it was: */
	enum how how;
	int64_t pinned_at;
};

#define GHOSTS 32U
/* Of what it forked before it ended word may still be on its way: process_ticks(). */
#define GHOST_RIPE_TICKS 3

struct family {
	struct member members[FAMILY_MAX];
	unsigned n; /* highest used + 1 */
	bool grown; /* there are new PIDs, since the flag was cleared */
	struct ghost ghosts[GHOSTS];
	unsigned n_ghosts; /* were added so far */
};

/* The member with that PID, or NULL. */
struct member *family_find(struct family *f, pid_t pid);

/* A fresh member of @kind, replacing one of the same PID; NULL where there is no room. */
struct member *family_add(struct family *f, pid_t pid, enum member_kind kind);
void family_remove(struct family *f, struct member *m);

/* Where there are too many the oldest goes. */
void family_add_ghost(struct family *f, const struct ghost *g);

/* Whether one of @rule was not ripe when all were @looked_at: who runs the program may be what it
 * has left behind. */
bool family_has_unripe(const struct family *f, const struct rule *rule, uint64_t looked_at);

/* Forgets those that have ended up to @ticks. */
void family_lay_ghosts(struct family *f, uint64_t ticks);

#define family_foreach(m, f)                                                                       \
	for (struct member *m = (f)->members; m < (f)->members + (f)->n; m++)                      \
		if (m->pid)

const char *how_name(enum how how);
