#include "guard/rescan.h"

#include "guard/policy.h"

/* After processes ended unobserved: floods of short-lived ones must not mean floods of scans. */
#define APART_MS 2000
/* Without a wakeup of its own: at the next event after this long. */
#define SELDOM_MS (10 * 60 * 1000)

bool rescan_begin(struct rescan *r)
{
	bool missed = r->wanted || !r->planned;

	r->wanted = false;
	r->planned = r->began == 0;
	r->began = policy_now();
	if (r->retry_ms < SELDOM_MS)
		r->retry_ms *= 2;
	return missed;
}

int rescan_due(struct rescan *r, bool fails)
{
	int64_t left;

	if (!fails || !r->retry_ms)
		r->retry_ms = APART_MS;
	if (!r->wanted && !r->planned && !fails)
		return -1;
	left = r->began + (r->wanted || r->planned ? APART_MS : r->retry_ms) - policy_now();
	return left > 0 ? (int)left : 0;
}

bool rescan_is_overdue(const struct rescan *r)
{
	return policy_now() - r->began > SELDOM_MS;
}
