#include "insight/oomjudge.h"

/* A cgroup's swap without a limit reads as a number beyond any machine's. */
#define ENDLESS_PAGES (INT64_C(1) << 40)

/* Before 4.17 a process with CAP_SYS_ADMIN was spared a little: who had it, the log does not say.
 */
enum bonus {
	BONUS_NONE,
	BONUS_OF_TOTAL, /* until 3.13: 3 % of the whole memory */
	BONUS_OF_OWN,   /* until 4.16: 3 % of its own */
	BONUSES,
};

int64_t oom_task_pages(const struct oom_report *r, const struct oom_task *t)
{
	int64_t pages;

	if (!oom_known(t->rss) || !oom_known(t->swapents))
		return OOM_UNKNOWN;
	if (oom_known(t->pgtables_bytes)) {
		if (!oom_known(r->memory.page_kb))
			return OOM_UNKNOWN;
		pages = t->pgtables_bytes / (r->memory.page_kb * 1024);
	} else if (oom_known(t->nr_ptes)) {
		pages = t->nr_ptes;
		if ((oom_known(t->nr_pmds) && __builtin_add_overflow(pages, t->nr_pmds, &pages)) ||
		    (oom_known(t->nr_puds) && __builtin_add_overflow(pages, t->nr_puds, &pages)))
			return OOM_UNKNOWN;
	} else {
		return OOM_UNKNOWN;
	}
	if (__builtin_add_overflow(pages, t->rss, &pages) ||
	    __builtin_add_overflow(pages, t->swapents, &pages) || pages < 0)
		return OOM_UNKNOWN;
	return pages;
}

static bool machine_pages(const struct oom_report *r, int64_t *ret_pages)
{
	const struct oom_memory *m = &r->memory;

	if (!oom_known(m->ram) || !oom_known(m->reserved) || !oom_known(m->swap_total_kb) ||
	    !oom_known(m->page_kb))
		return false;
	return !__builtin_sub_overflow(m->ram, m->reserved, ret_pages) && *ret_pages > 0 &&
	       !__builtin_add_overflow(*ret_pages, m->swap_total_kb / m->page_kb, ret_pages);
}

static bool cgroup_pages(const struct oom_report *r, int64_t *ret_low, int64_t *ret_high)
{
	int64_t page_kb = r->memory.page_kb, low, swap = 0;

	if (!oom_known(page_kb) || !oom_known(r->limit.limit_kb) || r->limit.limit_kb < 0)
		return false;
	low = r->limit.limit_kb / page_kb;
	if (oom_known(r->swap_limit.limit_kb))
		swap = r->swap_limit.limit_kb / page_kb;
	else if (oom_known(r->memsw_limit.limit_kb))
		swap = r->memsw_limit.limit_kb / page_kb - low;
	else
		swap = ENDLESS_PAGES;
	if (low > ENDLESS_PAGES)
		return false;
	*ret_low = low;
	*ret_high = low + (swap < 0 ? 0 : swap > ENDLESS_PAGES ? ENDLESS_PAGES : swap);
	return true;
}

bool oom_total_pages(const struct oom_report *r, int64_t *ret_low, int64_t *ret_high)
{
	int64_t all;

	if (r->constraint == OOM_CONSTRAINT_MEMCG)
		return cgroup_pages(r, ret_low, ret_high);
	if (!machine_pages(r, &all) || all > ENDLESS_PAGES)
		return false;
	*ret_high = all;
	*ret_low = r->constraint == OOM_CONSTRAINT_NONE ? all : 0;
	return true;
}

/* One of the ways in which the kernel may have counted. */
struct counting {
	int64_t total; /* pages that oom_score_adj is a share of */
	enum bonus bonus;
	bool floor; /* at least 1, before 5.9 */
};

/* As oom_badness() of mm/oom_kill.c. False for a task that cannot be chosen. */
static bool badness(const struct oom_report *r, const struct oom_task *t, const struct counting *c,
		    int64_t *ret_points)
{
	int64_t points = oom_task_pages(r, t), adj = t->oom_score_adj;

	if (!oom_known(points) || adj < -999 || adj > 1000 || points > 2 * ENDLESS_PAGES)
		return false;
	if (t->uid == 0 && c->bonus == BONUS_OF_OWN)
		points -= points * 3 / 100;
	if (t->uid == 0 && c->bonus == BONUS_OF_TOTAL)
		adj -= 30;
	points += adj * (c->total / 1000);
	*ret_points = c->floor && points < 1 ? 1 : points;
	return true;
}

static const struct oom_task *worst_of(const struct oom_report *r, const struct counting *c,
				       const struct oom_task *preferred)
{
	const struct oom_task *worst = NULL;
	int64_t most = 0, points;

	for (const struct oom_task *t = r->tasks; t; t = t->next) {
		if (t->pid == 1 || !badness(r, t, c, &points))
			continue;
		if (worst && (points < most || (points == most && t != preferred)))
			continue;
		worst = t;
		most = points;
	}
	return worst;
}

/* A vfork child, which is not chosen, has the numbers of its parent. */
static bool has_twin(const struct oom_report *r, const struct oom_task *task)
{
	for (const struct oom_task *t = r->tasks; t; t = t->next)
		if (t != task && t->total_vm == task->total_vm && t->rss == task->rss &&
		    t->swapents == task->swapents && t->pgtables_bytes == task->pgtables_bytes)
			return true;
	return false;
}

/* The numbers that the log leaves open can be at either end, and older kernels may have counted in
 * several ways: the verdict has to be the same in all cases. */
static void weigh(struct oom_judgement *j, const struct oom_report *r, int64_t low, int64_t high)
{
	unsigned bonuses = oom_kernel_since(r, 4, 17) == 1 ? 1 : BONUSES;
	unsigned follows = 0, cases = 4 * bonuses;
	int floor = oom_kernel_since(r, 5, 9); /* 1: none, 0: always, -1: either */
	bool same = true;

	for (unsigned i = 0; i < cases; i++) {
		const struct counting c = {
			.total = i & 1 ? high : low,
			.floor = floor < 0 ? i & 2 : floor == 0,
			.bonus = (enum bonus)(i / 4),
		};
		const struct oom_task *worst = worst_of(r, &c, j->task);

		same &= i == 0 || worst == j->worst;
		j->worst = worst;
		follows += worst == j->task;
	}
	if (follows == cases) {
		j->verdict = OOM_FOLLOWS;
		j->text = "it has the highest badness of the table";
		return;
	}
	if (!same) {
		j->text = "the badness depends on numbers that the log does not say";
	} else if (j->worst && has_twin(r, j->worst)) {
		j->text = "the task with the highest badness has the same numbers as another one: "
			  "a vfork child, which is not chosen, would have";
	} else {
		j->verdict = OOM_DIFFERS;
		j->text = "by the table another task has a higher badness";
		return;
	}
	j->worst = NULL;
}

static const char *why_no_verdict(const struct oom_report *r, const struct oom_judgement *j)
{
	if (!oom_known(r->victim.pid))
		return "the log does not say who was killed";
	if (r->table_mixed)
		return "the task table contradicts itself";
	if (!r->heading && !r->rows)
		return "the log has no task table";
	if (!oom_table_whole(r))
		return "the task table is not whole";
	if (!j->task)
		return "the killed process is not in the task table";
	for (const struct oom_task *t = r->tasks; t; t = t->next)
		if (!oom_known(oom_task_pages(r, t)))
			return "the log does not say how large a page is";
	return NULL;
}

int oom_judge(struct arena *a, const struct oom_report *r, struct oom_judgement *ret_judgement)
{
	struct oom_judgement j = { .verdict = OOM_CANNOT_TELL };
	int64_t low, high, chosen = oom_known(r->chosen) ? r->chosen : r->victim.pid;

	if (oom_known(chosen))
		j.task = oom_find_task(r, chosen);
	j.text = why_no_verdict(r, &j);
	if (!r->victim.said && !oom_known(r->victim.pid) && (r->panic || r->nobody)) {
		j.verdict = OOM_NOBODY_DIED;
		j.text = "nobody was killed";
	} else if (r->allocating_task) {
		j.verdict = OOM_ASKED;
		j.text = "it asked for memory, and vm.oom_kill_allocating_task is on";
	} else if (!j.text) {
		if (oom_total_pages(r, &low, &high))
			weigh(&j, r, low, high);
		else
			j.text = "the log does not say what oom_score_adj is a share of";
	}
	if (j.verdict == OOM_FOLLOWS && chosen != r->victim.pid) {
		j.text = arena_printf(a,
				      "a child of process %lld, which has the highest badness of "
				      "the table, was killed for it",
				      (long long)chosen);
		if (!j.text)
			return -ENOMEM;
	}
	*ret_judgement = j;
	return 0;
}
