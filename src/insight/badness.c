#include "insight/badness.h"

int64_t badness_pages(int64_t kb)
{
	return kb * 1024 / sysconf(_SC_PAGESIZE);
}

static bool is_before(const struct badness_rules *rules, int release)
{
	return rules->release > 0 && rules->release < release;
}

static const char *why_not(const struct badness_rules *rules, const struct proc *p)
{
	if (p->pid == 1 && !rules->nested)
		return "process 1 is never killed";
	if (p->adj == -1000)
		return "oom_score_adj -1000";
	if (p->adj == PROC_ADJ_UNKNOWN)
		return "its oom_score_adj cannot be read";
	if (p->in_vfork)
		return "it runs in its parent's memory (vfork)";
	return NULL;
}

struct badness badness_of(const struct badness_rules *rules, const struct proc *p)
{
	int64_t adj = p->adj == PROC_ADJ_UNKNOWN ? 0 : p->adj;
	struct badness b = {
		.rss = badness_pages(p->rss_kb),
		.swap = badness_pages(p->swap_kb),
		.pgtables = badness_pages(p->pgtables_kb),
		.adj = adj * (rules->total / 1000),
		.why_not = why_not(rules, p),
	};

	b.killable = !b.why_not;
	b.points = b.rss + b.swap + b.pgtables;
	if (p->is_admin && is_before(rules, 3014))
		b.points -= 30 * (rules->total / 1000);
	else if (p->is_admin && is_before(rules, 4017))
		b.points -= b.points * 3 / 100;
	b.points += b.adj;
	if (b.points < 1 && is_before(rules, 5009))
		b.points = 1;
	return b;
}

int badness_order(const struct badness_rules *rules, const struct proc *a, const struct badness *x,
		  const struct proc *b, const struct badness *y)
{
	int younger = a->start_time != b->start_time ? (a->start_time > b->start_time ? -1 : 1)
		      : a->pid > b->pid              ? -1
						     : a->pid < b->pid;

	if (x->killable != y->killable)
		return x->killable ? -1 : 1;
	if (x->points != y->points)
		return x->points > y->points ? -1 : 1;
	return is_before(rules, 5003) ? -younger : younger;
}

int badness_legacy_adj(int adj)
{
	int old = adj * 17 / 1000;

	return old > 15 ? 15 : old;
}
