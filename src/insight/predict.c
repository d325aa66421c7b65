#include "insight/predict.h"

#include "setting/kdump.h"

#define INITIAL_PID_NAMESPACE "pid:[4026531836]" /* PROC_PID_INIT_INO */

/* 0: off; what is below it is on as 1 is. -1: cannot be read. */
static int read_sysctl(const struct root *procfs, const char *path)
{
	_cleanup_free_ char *text = NULL;
	int value;

	if (root_read_text(procfs, path, 32, &text) < 0)
		return -1;
	value = atoi(text);
	return value < 0 ? 1 : value;
}

/* 5009 for "5.9.0-1-amd64"; 0 for what is no release. */
static int read_release(const struct root *procfs)
{
	_cleanup_free_ char *text = NULL;
	int major, minor;

	if (root_read_text(procfs, "sys/kernel/osrelease", 256, &text) < 0 ||
	    sscanf(text, "%4d.%3d", &major, &minor) != 2)
		return 0;
	return major * 1000 + minor;
}

static bool is_nested(const struct root *procfs)
{
	char namespace[64] = "";

	return readlinkat(procfs->fd, "self/ns/pid", namespace, sizeof(namespace) - 1) > 0 &&
	       !streq(namespace, INITIAL_PID_NAMESPACE);
}

int predict_rules_read(const struct machine *m, const struct memcg *memcg,
		       struct predict_rules *ret_rules)
{
	struct predict_rules r = {
		.panic_on_oom = read_sysctl(&m->procfs, "sys/vm/panic_on_oom"),
		.kill_allocating = read_sysctl(&m->procfs, "sys/vm/oom_kill_allocating_task"),
		.kdump_armed = kdump_armed(m),
		.memcg = memcg,
	};
	struct meminfo info;
	int ret = meminfo_read(&m->procfs, &info);

	if (ret < 0)
		return ret;
	if (info.total < 0)
		return -EBADMSG;
	r.badness.nested = is_nested(&m->procfs);
	r.badness.release = read_release(&m->procfs);
	r.badness.total = memcg ? memcg->total_pages
				: badness_pages(info.total) +
					  badness_pages(info.swap_total > 0 ? info.swap_total : 0);
	*ret_rules = r;
	return 0;
}

static int by_badness(const void *a, const void *b, void *rules)
{
	const struct predict_candidate *x = a, *y = b;

	return badness_order(rules, x->proc, &x->badness, y->proc, &y->badness);
}

static int collect(struct arena *a, const struct predict_rules *rules, const struct procs *procs,
		   struct prediction *p)
{
	p->list = arena_alloc(a, (procs->n + 1) * sizeof(*p->list));
	if (!p->list)
		return -ENOMEM;
	for (size_t i = 0; i < procs->n; i++) {
		const struct proc *proc = &procs->list[i];
		struct predict_candidate *c = &p->list[p->n];

		if (rules->memcg && !memcg_holds(rules->memcg->path, proc->cgroup))
			continue;
		c->proc = proc;
		c->badness = badness_of(&rules->badness, proc);
		p->killable += c->badness.killable;
		p->n++;
	}
	if (p->n > 0)
		qsort_r(p->list, p->n, sizeof(*p->list), by_badness,
			(void *)(uintptr_t)&rules->badness);
	return 0;
}

/* check_panic_on_oom(): 1 spares what is confined to a cgroup, 2 spares nothing. */
static bool panics(const struct predict_rules *rules)
{
	return rules->panic_on_oom == 2 || (rules->panic_on_oom > 0 && !rules->memcg);
}

static const struct predict_candidate *find(const struct prediction *p, pid_t pid)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].proc->pid == pid)
			return &p->list[i];
	return NULL;
}

/* Not in a cgroup; a task that cannot be killed is passed over, but not one in vfork. */
static bool kills_asking(const struct predict_rules *rules, struct prediction *p)
{
	const struct predict_candidate *asking = find(p, rules->asking);

	if (rules->kill_allocating < 1 || rules->memcg)
		return false;
	if (asking && !asking->badness.killable && !asking->proc->in_vfork)
		return false;
	p->victim = asking;
	return true;
}

static pid_t owner(const struct proc *p)
{
	return p->lender ? p->lender : p->pid;
}

/* Before 5.1 oom_kill_process() kills the worst child that has its own memory, if there is one that
 * can be killed, instead of its parent. The first in the list: of equal ones the elder. */
static void sacrifice_child(const struct predict_rules *rules, struct prediction *p)
{
	if (!p->victim || rules->badness.release <= 0 || rules->badness.release >= 5001)
		return;
	for (size_t i = 0; i < p->n; i++) {
		const struct predict_candidate *c = &p->list[i];

		if (!c->badness.killable || c->proc->ppid != p->victim->proc->pid ||
		    owner(c->proc) == owner(p->victim->proc))
			continue;
		p->instead_of = p->victim;
		p->victim = c;
		p->why = "the worst child of the chosen one: kernels before 5.1 kill it instead";
		return;
	}
}

static void decide(const struct predict_rules *rules, struct prediction *p)
{
	if (rules->memcg && rules->memcg->kill_disabled) {
		p->decision = PREDICT_NOBODY;
		p->why = "memory.oom_control has oom_kill_disable: whoever asks waits";
	} else if (panics(rules)) {
		p->decision = PREDICT_PANIC;
		p->why =
			rules->memcg ? "vm.panic_on_oom is 2: also for a cgroup's limit"
			: rules->panic_on_oom == 2
				? "vm.panic_on_oom is 2: always"
				: "vm.panic_on_oom is 1: the whole machine is out of memory, not a "
				  "part of it";
	} else if (kills_asking(rules, p)) {
		p->decision = PREDICT_KILL_ASKING;
		p->why = "vm.oom_kill_allocating_task is on";
	} else if (rules->badness.nested && (!rules->memcg || p->killable == 0)) {
		p->decision = PREDICT_UNKNOWN;
		p->why = "the processes of other PID namespaces cannot be seen";
	} else if (p->killable > 0) {
		p->decision = PREDICT_KILL;
		p->why = "it has the highest badness";
		p->victim = &p->list[0];
	} else if (rules->memcg) {
		p->decision = PREDICT_NOBODY;
		p->why = "nothing in the cgroup can be killed";
	} else {
		p->decision = PREDICT_PANIC;
		p->why = "nothing can be killed: \"System is deadlocked on memory\"";
	}
}

/* The victim, those that run in its memory, and with memory.oom.group all of the group but those
 * that are never killed. */
static bool dies(const struct prediction *p, bool nested, const struct predict_candidate *c)
{
	if (owner(c->proc) == owner(p->victim->proc))
		return true;
	return p->group && (c->proc->pid != 1 || nested) && c->proc->adj != -1000 &&
	       memcg_holds(p->group, c->proc->cgroup);
}

static void count_losses(const struct root *sysfs, struct arena *a,
			 const struct predict_rules *rules, struct prediction *p)
{
	if (!p->victim) {
		p->left = p->decision == PREDICT_KILL_ASKING || p->decision == PREDICT_UNKNOWN ? -1
			  : p->decision == PREDICT_NOBODY ? (int64_t)p->killable
							  : 0;
		return;
	}
	if (p->victim->proc->cgroup)
		p->group = memcg_group(sysfs, a, p->victim->proc->cgroup,
				       rules->memcg ? rules->memcg->path : "/");
	for (size_t i = 0; i < p->n; i++) {
		const struct predict_candidate *c = &p->list[i];

		if (!dies(p, rules->badness.nested, c)) {
			p->left += c->badness.killable;
		} else if (!c->proc->lender) {
			p->freed_rss_kb += c->proc->rss_kb + c->proc->pgtables_kb;
			p->freed_swap_kb += c->proc->swap_kb;
		}
	}
}

int predict(const struct root *sysfs, struct arena *a, const struct predict_rules *rules,
	    const struct procs *procs, struct prediction *ret_prediction)
{
	struct prediction p = { 0 };
	int ret = collect(a, rules, procs, &p);

	if (ret < 0)
		return ret;
	decide(rules, &p);
	sacrifice_child(rules, &p);
	count_losses(sysfs, a, rules, &p);
	*ret_prediction = p;
	return 0;
}
