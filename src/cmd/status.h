/* What `status` has found out. */
#pragma once

#include "cmd/cmd.h"
#include "cmd/unpinned.h"
#include "setting/report.h"

struct status {
	struct context *c;
	struct report applied; /* the report of apply; .profile NULL where there is none */
	struct report now;     /* the settings as they are */
	bool has_report;
	struct arena arena;
	struct guard_status guard;
	struct unpinned *unpinned; /* while the guard runs */
	const char *word;          /* of holdfast= where that forbids changes, or NULL */
	unsigned failures;
};

/* One screen for a person: red only what needs doing, with the command that does it. */
void status_print(const struct status *s, const struct selection *sel);

/* Only what was done, where there is no profile to hold against: @failure is the exit status. */
void status_print_applied(const struct status *s, int failure);
