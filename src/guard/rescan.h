/* When all processes are looked at again. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rescan {
	bool wanted;   /* something was missed */
	bool planned;  /* behind the first one, when execs may have been under way */
	int64_t began; /* the last one, monotonic ms; 0: none */
	int64_t retry_ms;
};

/* One begins. Whether that is because something was missed, or could not be looked at. */
bool rescan_begin(struct rescan *r);

/* The milliseconds until the next one, 0 where it is due, or -1 where nobody wants one. @fails:
 * something that was to be looked at fails for now. That is tried again, ever more rarely. */
int rescan_due(struct rescan *r, bool fails);

/* Whether the last one is so long ago that another is wanted for its own sake: the kernel may lose
 * events without a word. */
bool rescan_is_overdue(const struct rescan *r);
