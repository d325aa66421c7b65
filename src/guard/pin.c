#include "guard/pin.h"

#include "base/log.h"

/* After an exec was let go: when to look whether it succeeded. */
#define CONFIRM_MS 20

void pin_say(const struct member *m, const char *what, int score)
{
	log_info("guard: %s[%d]: %s, oom_score_adj %d", m->rule->service, (int)m->pid, what, score);
}

void pin_schedule(struct member *m, int64_t in_ms)
{
	m->due = policy_now() + in_ms;
}

struct member *pin_remember(struct policy *p, const struct process *proc, const struct rule *rule,
			    enum member_kind kind)
{
	struct process_stat st = { 0 };
	struct member *m = family_add(&p->family, proc->pid);

	if (!m) {
		p->overflow++;
		return NULL;
	}
	if (process_stat(proc, &st) < 0)
		st = (struct process_stat){ 0 };
	m->rule = rule;
	m->kind = kind;
	m->since = time(NULL);
	m->start_time = st.start_time;
	m->parent = st.ppid;
	return m;
}

/* Gives @proc the rule's score; @how tells the source. NULL where it could not be had. */
struct member *pin_process(struct policy *p, const struct process *proc, const struct rule *rule,
			   enum how how)
{
	struct member *m;
	int before = 0;

	if (process_get_score(proc, &before) < 0)
		return NULL;
	if (process_set_score(proc, rule->score) < 0) {
		p->failed++;
		return NULL;
	}
	m = pin_remember(p, proc, rule, MEMBER_PINNED);
	if (!m)
		return NULL;
	m->how = how;
	m->before = before;
	m->pinned_at = policy_now();
	m->confirmed = how != HOW_EXEC;
	if (!m->confirmed)
		pin_schedule(m, CONFIRM_MS);
	return m;
}

/* Whether the member is still the process that it was. */
bool pin_is_same(const struct member *m, const struct process *proc)
{
	struct process_stat st;

	return process_stat(proc, &st) == 0 && st.start_time == m->start_time;
}

struct member *pin_find(struct policy *p, const struct process *proc)
{
	struct member *m = family_find(&p->family, proc->pid);

	if (m && !pin_is_same(m, proc)) { /* the PID was used again */
		family_remove(&p->family, m);
		return NULL;
	}
	return m;
}

/* The pinned or watched process that @proc descends from directly, or NULL. */
struct member *pin_parent(struct policy *p, const struct process *proc)
{
	struct process_stat st;

	if (process_stat(proc, &st) < 0 || st.ppid <= 1)
		return NULL;
	return family_find(&p->family, st.ppid);
}

bool pin_keeps_program(const struct rule *r)
{
	return r->children != CHILDREN_RELEASE;
}
