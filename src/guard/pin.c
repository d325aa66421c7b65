#include "guard/pin.h"

#include "base/log.h"

/* After an exec was let go: when to look whether it succeeded. */
#define CONFIRM_MS 20
/* A line may have to be written to a serial console before we can go on. */
#define SAY_MS 5000
#define SAY_BURST 10

static bool may_say(struct policy *p)
{
	int64_t now = policy_now();

	if (now - p->said.since > SAY_MS) {
		if (p->said.left_out)
			log_info("guard: %u changes were not logged one by one", p->said.left_out);
		p->said = (struct said){ .since = now };
	}
	if (p->said.lines++ >= SAY_BURST) {
		p->said.left_out++;
		return false;
	}
	return true;
}

void pin_say(struct policy *p, const struct member *m, const char *what, int score)
{
	if (may_say(p))
		log_info("guard: %s[%d]: %s, oom_score_adj %d", m->rule->service, (int)m->pid, what,
			 score);
}

void pin_say_failure(struct policy *p)
{
	const struct rule *rule = p->failure.rule;
	int error = p->failure.error;

	p->failure.error = 0;
	if (!error || !may_say(p))
		return;
	if (rule)
		log_warning("guard: %s[%d]: not pinned: %s", rule->service, (int)p->failure.pid,
			    error == -ENOSPC ? "there are too many to remember" : strerror(-error));
	else
		log_warning("guard: process %d cannot be looked at: %s", (int)p->failure.pid,
			    strerror(-error));
}

void pin_schedule(struct member *m, int64_t in_ms)
{
	m->due = policy_now() + in_ms;
}

struct member *pin_remember(struct policy *p, struct process *proc, const struct rule *rule,
			    enum member_kind kind)
{
	struct process_ids ids;
	struct member *m = family_add(p->family, proc->pid, kind);

	if (!m) {
		p->failed++;
		return NULL;
	}
	m->rule = rule;
	m->program = rule->program;
	m->in_program = true;
	m->since = time(NULL);
	if (process_ids(proc, &ids) == 0) {
		m->parent = ids.ppid;
		m->session = ids.session;
	}
	return m;
}

void pin_failed(struct policy *p, pid_t pid, const struct rule *rule, int error)
{
	if (error == -ESRCH || error == -ENOENT)
		return;
	p->failed += error != -ENOSPC; /* counted */
	p->unseen |= fails_for_now(error);
	p->starved |= is_shortage(error);
	p->failure.rule = rule;
	p->failure.pid = pid;
	p->failure.error = error;
}

void pin_unseen(struct policy *p, pid_t pid, int error)
{
	if (fails_for_now(error))
		pin_failed(p, pid, NULL, error);
}

bool pin_is_rules(struct policy *p, struct process *proc, const struct rule *rule,
		  const struct file_id *exe)
{
	int fits = rule_could_run(rule, exe) ? rule_fits(rule, proc, p->user_namespace, true) : 0;

	if (fits > 0)
		fits = rule_runs(rule, proc, exe);
	if (fits < 0)
		pin_failed(p, proc->pid, rule, fits);
	return fits > 0;
}

/* Gives @proc the rule's score; @how tells the source. NULL where it could not be had. */
struct member *pin_process(struct policy *p, struct process *proc, const struct rule *rule,
			   enum how how)
{
	struct member *m;
	int before, ret;

	ret = process_set_score(proc, rule->score, &before);
	m = ret < 0 ? NULL : pin_remember(p, proc, rule, MEMBER_PINNED);
	if (ret >= 0 && !m) { /* its children would keep what nobody remembers */
		ret = process_set_score(proc, before, NULL);
		ret = ret < 0 ? ret : -ENOSPC;
	}
	if (!m) {
		pin_failed(p, proc->pid, rule, ret);
		return NULL;
	}
	m->how = how;
	m->before = before;
	m->pinned_at = policy_now();
	m->confirmed = how != HOW_EXEC;
	if (!m->confirmed)
		pin_schedule(m, CONFIRM_MS);
	return m;
}

/* Whether the member is still the process that it was. */
bool pin_is_same(const struct member *m, struct process *proc)
{
	struct process_stat st;

	return process_stat(proc, &st) == 0 && (st.start_time == m->start_time || !m->start_time);
}

struct member *pin_find(struct policy *p, struct process *proc)
{
	struct member *m = family_find(p->family, proc->pid);
	struct process_stat st;

	if (!m || !m->start_time || process_stat(proc, &st) < 0 || st.start_time == m->start_time)
		return m; /* also one that has ended just now, which is about to be told */
	family_remove(p->family, m); /* the PID was used again */
	return NULL;
}

/* The pinned or watched process that @proc descends from directly, or NULL. */
struct member *pin_parent(struct policy *p, struct process *proc)
{
	struct process_ids ids;
	struct process parent;
	struct member *m;

	if (process_ids(proc, &ids) < 0 || ids.ppid <= 1 || !family_find(p->family, ids.ppid))
		return NULL;
	if (process_open(p->procfs, ids.ppid, &parent) < 0)
		return NULL;
	m = pin_find(p, &parent);
	process_close(&parent);
	return m;
}

bool pin_keeps_program(const struct rule *r)
{
	return r->children != CHILDREN_RELEASE;
}
