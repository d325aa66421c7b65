/* When all processes are looked at again. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rescan {
	bool wanted;   /* something was missed */
	int64_t began; /* the last one, monotonic ms */
	int64_t retry_ms;
};

/* One begins. */
void rescan_begin(struct rescan *r);

/* The milliseconds until the next one, 0 where it is due, or -1 where nobody wants one. @fails:
 * something that was to be looked at fails for now. That is tried again, ever more rarely. */
int rescan_due(struct rescan *r, bool fails);

/* Whether the last one is so long ago that another is wanted for its own sake. */
bool rescan_is_overdue(const struct rescan *r);
