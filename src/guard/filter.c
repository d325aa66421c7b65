#include "guard/filter.h"

#include "base/log.h"

/* The PID of one that has ended does no harm in it. */
void filter_refresh(struct filter *filter, int fd, struct policy *p)
{
	struct family *f = p->family;
	bool fewer = filter->overfull && f->n <= PROCEVENT_PIDS;
	pid_t pids[FAMILY_MAX];
	size_t n = 0;
	int ret;

	if (!f->grown && !fewer && !filter->wide)
		return;
	family_foreach(m, f) pids[n++] = m->pid;
	f->grown = false;
	*filter = (struct filter){ .overfull = n > PROCEVENT_PIDS };
	if (fd < 0)
		return;
	ret = procevent_filter(fd, pids, n, policy_needs_all_execs(p));
	if (ret < 0) /* a filter that lets everything through is the smallest */
		ret = procevent_filter(fd, pids, SIZE_MAX, true);
	if (ret < 0)
		log_error("guard: process events: filter: %s", strerror(-ret));
}

void filter_widen(struct filter *filter, int fd, struct policy *p)
{
	if (filter->wide || fd < 0)
		return;
	filter->wide = procevent_widen(fd) >= 0;
	if (!filter->wide)
		filter_refresh(filter, fd, p);
}
