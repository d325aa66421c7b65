/* Which profile is this machine's. */
#pragma once

#include "profile/roster.h"

struct selection {
	enum select_reason reason;
	struct profile profile; /* as read: not composed */
	char *tie;              /* the name of the other one, where two are equally good; owned */
	char *missing;          /* the name asked for, where there is no such profile; owned */
};

/* Chooses by the contract's order: @wanted (a name, or a path: it has a slash or ends in .yaml),
 * holdfast.profile= on the command line, the best match, "default". What is wrong with any profile
 * looked at goes to @f. An invalid one can be chosen, by its name or by conditions that are valid
 * themselves: a machine must not get another product's profile because its own is broken.
 * 0 (look at .reason, .tie, .missing) or -errno. */
int select_profile(const struct library *l, struct identity *id, const char *wanted,
		   struct findings *f, struct selection *ret_selection) _must_check_;

void selection_free(struct selection *s);
