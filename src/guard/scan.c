#include "guard/scan.h"

#include <fcntl.h>

#include "guard/release.h"

#define YOUNG_S 1
#define ORPHAN_S 10

void scan_each(struct policy *p, void (*visit)(struct policy *p, struct process *proc))
{
	_cleanup_closedir_ DIR *d = NULL;
	int fd = root_openat(p->procfs, ".", O_RDONLY | O_DIRECTORY);

	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		pin_failed(p, 0, NULL, fd < 0 ? fd : -errno);
		close_p(&fd);
		return;
	}
	for (const struct dirent *e; (e = readdir(d));) {
		struct process proc;
		int pid = atoi(e->d_name), ret;

		if (pid <= 0)
			continue;
		ret = process_open(p->procfs, pid, &proc);
		if (ret < 0) {
			pin_unseen(p, pid, ret);
			continue;
		}
		visit(p, &proc);
		process_close(&proc);
		if (p->meanwhile)
			p->meanwhile(p->meanwhile_data);
	}
}

const struct rule *scan_rule_of(struct policy *p, struct process *proc)
{
	struct file_id exe;
	int ret = process_exe(proc, &exe);

	if (ret < 0)
		pin_unseen(p, proc->pid, ret);
	for (unsigned i = 0; ret >= 0 && i < p->rules.n; i++)
		if (pin_is_rules(p, proc, &p->rules.list[i], &exe))
			return &p->rules.list[i];
	return NULL;
}

/* Whether its parent runs the rule's program too, or may do so and cannot be looked at: then it is
 * the parent that is the service. */
static bool parent_runs(struct policy *p, struct process *proc, const struct rule *rule)
{
	int64_t failed = p->failed;
	struct process_stat st;
	struct process parent;
	bool same = false;
	int ret = process_stat(proc, &st);

	if (ret < 0) {
		pin_unseen(p, proc->pid, ret);
	} else if (st.ppid > 1) {
		ret = process_open(p->procfs, st.ppid, &parent);
		if (ret < 0)
			pin_unseen(p, st.ppid, ret);
		same = ret >= 0 && scan_rule_of(p, &parent) == rule;
		process_close(&parent);
	}
	return same || p->failed != failed;
}

static void put_right(struct policy *p, struct member *m, struct process *proc)
{
	int score;

	if (process_get_score(proc, &score) < 0 || score == m->rule->score)
		return;
	p->drifted++;
	if (process_set_score(proc, m->rule->score, NULL) == 0)
		pin_say(p, m, "had drifted; put right", m->rule->score);
	else
		p->failed++;
}

/* Word of what was started so lately may be on its way, or of whom it was left behind by. A limit,
 * so that those who leave children behind all the time keep nobody unpinned. */
static bool is_unsure(struct policy *p, struct process *proc, const struct rule *rule)
{
	unsigned seconds = family_has_unripe(p->family, rule, p->looked_at) ? ORPHAN_S : YOUNG_S;
	struct process_stat st;

	return p->watching && process_stat(proc, &st) == 0 &&
	       st.start_time + seconds * (uint64_t)sysconf(_SC_CLK_TCK) >= process_ticks();
}

static void scan_service(struct policy *p, struct process *proc)
{
	const struct rule *rule = scan_rule_of(p, proc);
	struct member *m;

	if (!rule)
		return;
	m = pin_find(p, proc);
	if (m && m->kind == MEMBER_PINNED)
		put_right(p, m, proc);
	if (m)
		return;
	if (!pin_keeps_program(rule) && parent_runs(p, proc, rule))
		return;
	if (is_unsure(p, proc, rule)) {
		p->unsure = true;
		return;
	}
	m = pin_process(p, proc, rule, HOW_SCAN);
	if (m)
		pin_say(p, m, "found running; pinned", rule->score);
}

/* The pinned process that @proc descends from, or NULL. */
static const struct member *pinned_ancestor(struct policy *p, struct process *proc)
{
	struct process_stat st;
	int depth = 0;

	if (process_stat(proc, &st) < 0)
		return NULL;
	while (st.ppid > 1 && depth++ < 64) {
		const struct member *m = family_find(p->family, st.ppid);
		struct process ancestor;
		int ret;

		if (m && m->kind == MEMBER_PINNED)
			return m;
		if (process_open(p->procfs, st.ppid, &ancestor) < 0)
			return NULL;
		ret = process_stat(&ancestor, &st);
		process_close(&ancestor);
		if (ret < 0)
			return NULL;
	}
	return NULL;
}

static bool is_some_rules(const struct policy *p, int score)
{
	for (unsigned i = 0; i < p->rules.n; i++)
		if (p->rules.list[i].score == score)
			return true;
	return false;
}

/* What inherited a score while nobody looked. */
static void scan_descendant(struct policy *p, struct process *proc)
{
	const struct member *self, *ancestor;
	int score, ret = process_get_score(proc, &score);

	if (ret < 0)
		pin_unseen(p, proc->pid, ret);
	/* The score first: a look at everybody's ancestors would take most of the time. */
	if (ret < 0 || !is_some_rules(p, score))
		return;
	self = pin_find(p, proc);
	if (self && self->kind == MEMBER_PINNED)
		return;
	ancestor = pinned_ancestor(p, proc);
	if (!ancestor || ancestor->rule->children == CHILDREN_INHERIT ||
	    score != ancestor->rule->score)
		return;
	if (ancestor->rule->children == CHILDREN_SAME_PROGRAM &&
	    scan_rule_of(p, proc) == ancestor->rule)
		return;
	release_score(p, proc, ancestor->rule);
}

void scan_run(struct policy *p)
{
	scan_each(p, scan_service);
	scan_each(p, scan_descendant);
}
