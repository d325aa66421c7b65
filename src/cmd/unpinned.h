/* Services of a profile that the guard has not pinned, and what runs in their place. */
#pragma once

#include "guard/client.h"
#include "profile/node.h"

struct unpinned {
	struct unpinned *next;
	const char *service;
	pid_t pid;        /* a process that runs its program; 0: none */
	const char *why;  /* that one is not pinned, in the guard's words; NULL: it does not say */
	const char *unit; /* systemd's, of that process; "": none */
	bool outgrown;    /* its max_rss: it has lost its protection */
};

/* In the order of the profile @tree, in @a. 0 or -errno. */
int unpinned_find(const struct machine *m, const struct node *tree, const struct guard_status *g,
		  struct arena *a, struct unpinned **ret_list) _must_check_;
