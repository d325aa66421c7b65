#include "guard/policy.h"

#include <sys/wait.h>

#include "base/log.h"
#include "guard/pin.h"
#include "guard/release.h"

/* After an exec was let go: when to look whether it succeeded, and when to give up. */
#define CONFIRM_MS 20
#define CONFIRM_LIMIT_MS 1000
/* A daemon's first process ends soon after it has forked the real one. */
#define DAEMONISE_MS 10000

int64_t policy_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* A child of a pinned process that execs the rule's program: sshd does so for each connection. */
static bool is_child_exec(struct policy *p, const struct process *proc, const struct rule *rule,
			  const struct member *m)
{
	const struct member *parent;

	if (m && m->kind == MEMBER_CHILD && m->rule == rule)
		return true;
	if (m)
		return false;
	parent = pin_parent(p, proc);
	return parent && parent->rule == rule && parent->kind != MEMBER_LEASHED;
}

static void gate_rule(struct policy *p, const struct process *proc, const struct rule *rule)
{
	struct member *m = pin_find(p, proc);

	if (m && m->kind == MEMBER_PINNED && m->rule == rule) {
		if (process_set_score(proc, rule->score) < 0) /* it executes itself anew */
			p->failed++;
		return;
	}
	if (is_child_exec(p, proc, rule, m) && !pin_keeps_program(rule)) {
		release_score(p, proc, rule);
		if (!m)
			release_watch(p, proc, rule, false);
		else
			m->forked = false;
		return;
	}
	pin_process(p, proc, rule, HOW_EXEC);
}

void policy_gate(struct policy *p, pid_t pid, const struct file_id *program)
{
	struct process proc;

	if (process_open(p->procfs, pid, &proc) < 0)
		return;
	for (unsigned i = 0; i < p->rules.n; i++) {
		const struct rule *rule = &p->rules.list[i];

		if (!rule->resolved || !file_id_equal(&rule->program, program) ||
		    !rule_fits(rule, &proc, p->procfs, false))
			continue;
		gate_rule(p, &proc, rule);
		break;
	}
	process_close(&proc);
}

static void on_fork(struct policy *p, const struct procevent *e)
{
	const struct member *parent = family_find(&p->family, e->parent);
	struct process child;

	if (!parent || parent->kind == MEMBER_LEASHED || parent->rule->children == CHILDREN_INHERIT)
		return;
	if (process_open(p->procfs, e->pid, &child) < 0)
		return;
	if (pin_keeps_program(parent->rule))
		release_watch(p, &child, parent->rule, true);
	else
		release_and_watch(p, &child, parent->rule, true);
	process_close(&child);
}

/* The program of a member has changed, or was started anew. */
static void on_member_exec(struct policy *p, struct member *m, const struct process *proc)
{
	const struct rule *rule = m->rule;
	struct file_id exe;
	bool runs = process_exe(proc, &exe) == 0 && rule_runs(rule, proc, &exe);

	m->forked = false;
	if (runs && m->kind == MEMBER_PINNED) {
		m->confirmed = true;
		m->due = 0;
		if (m->how == HOW_EXEC && m->checks++ == 0)
			pin_say(m, "pinned before its first instruction", rule->score);
		return;
	}
	if (runs && pin_keeps_program(rule))
		return;
	if (m->kind == MEMBER_PINNED)
		family_remove(&p->family, m);
	release_and_watch(p, proc, rule, false);
}

/* Where the gate cannot tell: rules with arguments, and kernels without it. */
static void on_other_exec(struct policy *p, const struct process *proc)
{
	struct file_id exe;

	if (process_exe(proc, &exe) < 0)
		return;
	for (unsigned i = 0; i < p->rules.n; i++) {
		const struct rule *rule = &p->rules.list[i];
		struct member *m;

		if ((p->gated && !rule->args) || !rule_runs(rule, proc, &exe) ||
		    !rule_fits(rule, proc, p->procfs, true))
			continue;
		if (is_child_exec(p, proc, rule, NULL) && !pin_keeps_program(rule)) {
			release_and_watch(p, proc, rule, false);
			return;
		}
		m = pin_process(p, proc, rule, HOW_EVENT);
		if (m)
			pin_say(m, "pinned after exec", rule->score);
		return;
	}
}

static void on_exec(struct policy *p, const struct procevent *e)
{
	struct process proc;
	struct member *m;

	if (process_open(p->procfs, e->pid, &proc) < 0)
		return;
	m = pin_find(p, &proc);
	if (m && m->kind != MEMBER_LEASHED)
		on_member_exec(p, m, &proc);
	else if (!m)
		on_other_exec(p, &proc);
	process_close(&proc);
}

/* A daemon's first process forks the real one and ends well: the fork takes its place. */
static void promote_daemon(struct policy *p, const struct member *gone)
{
	const struct rule *rule = gone->rule;
	struct process proc;

	family_foreach(m, &p->family)
	{
		struct member *pinned;

		if (m->kind != MEMBER_CHILD || m->parent != gone->pid || !m->forked ||
		    process_open(p->procfs, m->pid, &proc) < 0)
			continue;
		pinned = pin_is_same(m, &proc) && rule_fits(rule, &proc, p->procfs, true)
				 ? pin_process(p, &proc, rule, gone->how)
				 : NULL;
		if (pinned) {
			pinned->confirmed = true;
			pinned->due = 0;
			pinned->pinned_at = gone->pinned_at;
			pin_say(pinned, "took over from its parent", rule->score);
		}
		process_close(&proc);
		if (pinned)
			return;
	}
}

static void on_end(struct policy *p, const struct procevent *e)
{
	struct member *m = family_find(&p->family, e->pid);
	struct member gone;

	if (!m)
		return;
	gone = *m;
	family_remove(&p->family, m);
	if ((gone.kind == MEMBER_PINNED || gone.forked) && WIFEXITED(e->status) &&
	    WEXITSTATUS(e->status) == 0 && policy_now() - gone.pinned_at <= DAEMONISE_MS)
		promote_daemon(p, &gone);
}

void policy_event(struct policy *p, const struct procevent *e)
{
	switch (e->kind) {
	case PROCEVENT_FORK:
		on_fork(p, e);
		break;
	case PROCEVENT_EXEC:
		on_exec(p, e);
		break;
	case PROCEVENT_EXIT:
		on_end(p, e);
		break;
	}
}

static void undo_pin(struct policy *p, struct member *m, const struct process *proc)
{
	if (process_set_score(proc, m->before) < 0)
		p->failed++;
	pin_say(m, "did not become the program; put back", m->before);
	family_remove(&p->family, m);
}

/* Did the exec that was let go through succeed? */
static void check_pinned(struct policy *p, struct member *m, const struct process *proc)
{
	struct file_id exe;

	if (process_exe(proc, &exe) == 0 && rule_runs(m->rule, proc, &exe)) {
		m->confirmed = true;
		m->due = 0;
		if (m->checks++ == 0)
			pin_say(m, "pinned before its first instruction", m->rule->score);
		return;
	}
	if (policy_now() - m->pinned_at > CONFIRM_LIMIT_MS)
		undo_pin(p, m, proc);
	else
		pin_schedule(m, CONFIRM_MS);
}

static void check_child(struct policy *p, struct member *m, const struct process *proc)
{
	release_score(p, proc, m->rule);
	release_descendants(p, proc, m->rule, 0);
	m->due = 0;
	if (++m->checks < n_release_checks)
		pin_schedule(m, release_checks_ms[m->checks]);
}

static void check_member(struct policy *p, struct member *m)
{
	struct process proc;

	if (process_open(p->procfs, m->pid, &proc) < 0) {
		family_remove(&p->family, m);
		return;
	}
	if (!pin_is_same(m, &proc))
		family_remove(&p->family, m);
	else if (m->kind == MEMBER_PINNED)
		check_pinned(p, m, &proc);
	else if (m->kind == MEMBER_CHILD)
		check_child(p, m, &proc);
	process_close(&proc);
}

int policy_check_due(struct policy *p)
{
	int64_t now = policy_now(), next = INT64_MAX;

	family_foreach(m, &p->family) if (m->due && m->due <= now) check_member(p, m);
	family_foreach(m, &p->family) if (m->due && m->due < next) next = m->due;
	if (next == INT64_MAX)
		return -1;
	now = policy_now();
	return next <= now ? 0 : (int)(next - now);
}

bool policy_needs_all_execs(const struct policy *p)
{
	for (unsigned i = 0; i < p->rules.n; i++)
		if (!p->gated || p->rules.list[i].args)
			return true;
	return false;
}
