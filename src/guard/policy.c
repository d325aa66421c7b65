#include "guard/policy.h"

#include "base/log.h"
#include "guard/lineage.h"
#include "guard/pin.h"
#include "guard/release.h"

/* After an exec was let go: when to look whether it succeeded, and when to give up. */
#define CONFIRM_LIMIT_MS 10000
#define CONFIRM_AGAIN_MS 200

int policy_open(struct policy *p, const struct root *procfs, struct rules *rules,
		struct family *family)
{
	struct process self;
	int ret = process_open(procfs, getpid(), &self);

	if (ret < 0)
		return ret;
	ret = process_user_namespace(&self, &p->user_namespace);
	process_close(&self);
	if (ret < 0)
		return ret;
	p->procfs = procfs;
	p->family = family;
	p->rules = *rules;
	*rules = (struct rules){ 0 };
	return 0;
}

int64_t policy_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* Whether the member runs what came to the gate, also if something else has its name by now, or
 * else the rule's program: 1, 0 or -errno. Of a script just begun only the interpreter tells: its
 * path is relative to where it was called, and it may have gone elsewhere. */
static int runs_service(const struct member *m, struct process *proc)
{
	struct file_id exe;
	int ret = process_exe(proc, &exe);

	if (ret < 0)
		return ret;
	if (file_id_equal(&exe, &m->program))
		return 1;
	if (m->rule->script_at && !m->confirmed && rule_could_run(m->rule, &exe))
		return 1;
	/* What env(1) has found on a path of its own is not known, but it came to the gate. */
	return m->rule->command_at ? rule_is_named(m->rule, proc) : rule_runs(m->rule, proc, &exe);
}

/* Whether it is in the program still, as far as is known: word of what it has executed since may be
 * on its way. */
static bool is_in_program(struct policy *p, const struct member *m)
{
	struct process proc;
	int runs = -ESRCH;

	if (m->in_program && m->program.ino && process_open(p->procfs, m->pid, &proc) >= 0) {
		runs = runs_service(m, &proc);
		process_close(&proc);
	}
	return m->in_program && runs != 0;
}

/* A process of the service's own that execs the program again: sshd does so for each connection.
 * One that ran something else in between, a login shell say, starts the service like anybody. */
static bool is_child_exec(struct policy *p, struct process *proc, const struct rule *rule,
			  const struct member *m)
{
	if (!m)
		m = pin_parent(p, proc);
	else if (m->kind == MEMBER_PINNED)
		return false;
	return m && m->rule == rule && m->kind != MEMBER_LEASHED && is_in_program(p, m);
}

static void gate_rule(struct policy *p, struct process *proc, const struct rule *rule,
		      const struct file_id *program)
{
	struct member *m = pin_find(p, proc);

	if (m && m->kind == MEMBER_PINNED && m->rule == rule) {
		int ret = process_set_score(proc, rule->score, NULL); /* it executes itself anew */

		m->program = *program;
		if (ret < 0)
			pin_failed(p, proc->pid, rule, ret);
		return;
	}
	if (is_child_exec(p, proc, rule, m) && !pin_keeps_program(rule)) {
		release_score(p, proc, rule);
		release_watch(p, proc, rule, CHILD_PROGRAM);
		return;
	}
	m = pin_process(p, proc, rule, HOW_EXEC);
	if (m)
		m->gated = true;
	if (m && p->joined)
		p->joined(p->joined_data);
}

void policy_gate(struct policy *p, pid_t pid, const struct file_id *program)
{
	struct process proc;
	int opened = process_open(p->procfs, pid, &proc), fits = 0;

	for (unsigned i = 0; i < p->rules.n && fits == 0; i++) {
		const struct rule *rule = &p->rules.list[i];

		if (!rule->resolved || !file_id_equal(&rule->program, program))
			continue;
		fits = opened < 0 ? opened : rule_fits(rule, &proc, p->user_namespace, false);
		if (fits > 0)
			gate_rule(p, &proc, rule, program);
		else if (fits < 0)
			pin_failed(p, pid, rule, fits);
	}
	process_close(&proc);
}

/* What was pinned at the gate did become the program. */
static void confirm(struct policy *p, struct member *m)
{
	m->confirmed = true;
	m->due = 0;
	if (m->how == HOW_EXEC && m->checks++ == 0)
		pin_say(p, m, "pinned before its first instruction", m->rule->score);
}

static void on_missed_child(struct policy *p, pid_t parent, pid_t pid)
{
	if (!family_find(p->family, pid))
		lineage_fork(p, parent, pid);
}

/* The program of a member has changed, or was started anew. */
static void on_member_exec(struct policy *p, struct member *m, struct process *proc)
{
	const struct rule *rule = m->rule;
	int runs = runs_service(m, proc);

	if (runs < 0) { /* or it has ended */
		pin_unseen(p, m->pid, runs);
		return;
	}
	m->forked = false;
	if (runs && m->kind == MEMBER_PINNED) {
		confirm(p, m);
		return;
	}
	if (rule->children == CHILDREN_INHERIT || (runs && pin_keeps_program(rule)))
		return;
	release_and_watch(p, proc, rule, runs ? CHILD_PROGRAM : CHILD_DEPARTED);
}

/* It may have executed something else before its events were let through. Of a pinned one it must
 * have been seen that it came so far as to execute the program. */
static void look_for_missed_exec(struct policy *p, struct member *m, struct process *proc)
{
	bool came = m->kind == MEMBER_PINNED ? m->confirmed : m->kind == MEMBER_CHILD;

	if (came && m->in_program && runs_service(m, proc) == 0)
		on_member_exec(p, m, proc);
}

/* Of those that the gate let in everything is told, their end, too. */
static void catch_up(struct policy *p, struct member *m)
{
	struct process_stat st;
	struct process proc;
	bool is_there = process_open(p->procfs, m->pid, &proc) == 0 && pin_is_same(m, &proc);

	m->fresh = false;
	if (is_there && !m->start_time && process_stat(&proc, &st) == 0)
		m->start_time = st.start_time;
	if (is_there && !m->gated) {
		release_each_child(p, &proc, on_missed_child);
		look_for_missed_exec(p, m, &proc);
	}
	m->unseen = !m->gated && !(is_there && process_lives(&proc));
	process_close(&proc);
}

bool policy_catch_up(struct policy *p, bool all)
{
	bool unseen = false;

	family_foreach(m, p->family)
	{
		m->gated &= !all;
		if (m->fresh || all)
			catch_up(p, m);
		unseen |= m->unseen;
	}
	return unseen;
}

bool policy_missed_ends(struct policy *p)
{
	bool missed = false;

	family_foreach(m, p->family)
	{
		if (!m->unseen)
			continue;
		lineage_missed_end(p, m);
		missed = true;
	}
	return missed;
}

/* Where the gate cannot tell: rules with arguments, and kernels without it. */
static void on_other_exec(struct policy *p, struct process *proc)
{
	struct file_id exe;
	int ret = process_exe(proc, &exe);

	if (ret < 0) {
		pin_unseen(p, proc->pid, ret);
		return;
	}
	for (unsigned i = 0; i < p->rules.n; i++) {
		const struct rule *rule = &p->rules.list[i];
		struct member *m;

		if ((p->gated && !rule->args) || !pin_is_rules(p, proc, rule, &exe))
			continue;
		if (is_child_exec(p, proc, rule, NULL) && !pin_keeps_program(rule)) {
			release_and_watch(p, proc, rule, CHILD_PROGRAM);
			return;
		}
		m = pin_process(p, proc, rule, HOW_EVENT);
		if (m)
			pin_say(p, m, "pinned after exec", rule->score);
		return;
	}
}

static void on_exec(struct policy *p, const struct procevent *e)
{
	struct process proc;
	struct member *m;
	int ret;

	if (!family_find(p->family, e->pid) && !policy_needs_all_execs(p))
		return;
	ret = process_open(p->procfs, e->pid, &proc);
	if (ret < 0) {
		pin_unseen(p, e->pid, ret);
		m = family_find(p->family, e->pid);
		if (m && m->kind == MEMBER_PINNED && !m->confirmed)
			confirm(p, m); /* and has ended since */
		return;
	}
	m = pin_find(p, &proc);
	if (m && m->kind != MEMBER_LEASHED)
		on_member_exec(p, m, &proc);
	else if (!m)
		on_other_exec(p, &proc);
	process_close(&proc);
}

void policy_event(struct policy *p, const struct procevent *e)
{
	switch (e->kind) {
	case PROCEVENT_FORK:
		lineage_fork(p, e->parent, e->pid);
		break;
	case PROCEVENT_EXEC:
		on_exec(p, e);
		break;
	case PROCEVENT_EXIT:
		lineage_end(p, e);
		break;
	}
}

static void undo_pin(struct policy *p, struct member *m, struct process *proc)
{
	if (process_set_score(proc, m->before, NULL) < 0)
		p->failed++;
	pin_say(p, m, "did not become the program; put back", m->before);
	family_remove(p->family, m);
}

/* Did the exec that was let go through succeed? */
static void check_pinned(struct policy *p, struct member *m, struct process *proc)
{
	int runs = runs_service(m, proc);

	if (runs < 0) {
		pin_schedule(m, PIN_THREADS_MS);
		return;
	}
	if (runs) {
		confirm(p, m);
		return;
	}
	if (policy_now() - m->pinned_at > CONFIRM_LIMIT_MS)
		undo_pin(p, m, proc);
	else
		pin_schedule(m, CONFIRM_AGAIN_MS);
}

static void check_child(struct policy *p, struct member *m, struct process *proc)
{
	release_score(p, proc, m->rule);
	release_descendants(p, proc, m->rule, 0);
	m->due = 0;
	if (++m->checks < n_release_checks)
		pin_schedule(m, release_checks_ms[m->checks]);
	else if (!m->in_program)
		family_remove(p->family, m); /* a stranger by now, and released for good */
}

static void check_member(struct policy *p, struct member *m)
{
	struct process proc;

	if (process_open(p->procfs, m->pid, &proc) < 0 || !pin_is_same(m, &proc) ||
	    !process_lives(&proc)) {
		m->due = 0;
		m->gated = false;
		m->fresh = true; /* that it has ended may be about to be told */
	} else if (m->kind == MEMBER_PINNED)
		check_pinned(p, m, &proc);
	else if (m->kind == MEMBER_CHILD)
		check_child(p, m, &proc);
	process_close(&proc);
}

int policy_check_due(struct policy *p)
{
	int64_t now = policy_now(), next = INT64_MAX;

	family_foreach(m, p->family) if (m->due && m->due <= now) check_member(p, m);
	family_foreach(m, p->family) if (m->fresh) next = 0;
	family_foreach(m, p->family) if (m->due && m->due < next) next = m->due;
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
