#include "insight/badness.h"

int64_t badness_pages(int64_t kb)
{
	return kb * 1024 / sysconf(_SC_PAGESIZE);
}

struct badness badness_of(const struct proc *p, int64_t total)
{
	struct badness b = {
		.rss = badness_pages(p->rss_kb),
		.swap = badness_pages(p->swap_kb),
		.pgtables = badness_pages(p->pgtables_kb),
		.adj = p->adj * (total / 1000),
		.killable = true,
	};

	b.points = b.rss + b.swap + b.pgtables + b.adj;
	if (p->pid == 1)
		b.why_not = "process 1 is never killed";
	else if (p->adj == -1000)
		b.why_not = "oom_score_adj -1000";
	b.killable = !b.why_not;
	return b;
}

int badness_order(const struct proc *a, const struct badness *x, const struct proc *b,
		  const struct badness *y)
{
	if (x->killable != y->killable)
		return x->killable ? -1 : 1;
	if (x->points != y->points)
		return x->points > y->points ? -1 : 1;
	if (a->start_time != b->start_time)
		return a->start_time > b->start_time ? -1 : 1;
	return a->pid > b->pid ? -1 : a->pid < b->pid;
}
