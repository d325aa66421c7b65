/* All profiles in memory, and which of them is a machine's: for one machine or a fleet. */
#pragma once

#include "profile/match.h"
#include "profile/profile.h"

enum select_reason {
	SELECT_NONE,
	SELECT_OPTION,
	SELECT_COMMAND_LINE,
	SELECT_MATCH,
	SELECT_DEFAULT,
};

/* "match", "command-line", "option", "default", or "none" */
const char *select_reason_name(enum select_reason reason);

struct roster {
	struct profile *list; /* in the order of their names */
	size_t n;
};

struct roster_choice {
	enum select_reason reason;
	struct profile *profile; /* in the roster; NULL: none */
	const char *tie;         /* the name of the other one, where two are equally good */
};

/* Reads every profile of the library, without their parents: match is not inherited. What is wrong
 * with one goes to @f. 0 or -ENOMEM. */
int roster_read(const struct library *l, struct findings *f,
		struct roster *ret_roster) _must_check_;
void roster_free(struct roster *r);

/* The profile called @name, or NULL. */
struct profile *roster_find(const struct roster *r, const char *name);

/* The best match, else the profile called "default". */
struct roster_choice roster_choose(const struct roster *r, struct identity *id);
