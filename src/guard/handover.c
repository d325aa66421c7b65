#include "guard/handover.h"

#include <limits.h>
#include <poll.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/text.h"
#include "guard/control.h"
#include "guard/pin.h"

/* The guard before us may be busy; it has a fifth of a second each time. */
#define LEARN_TRIES 20
/* The one that takes over meanwhile: five seconds. */
#define LOCK "guard.lock"
#define LOCK_TRIES 500
#define LOCK_STEP_MS 10

static const char *kind_name(enum member_kind kind)
{
	static const char *const names[] = { "pinned", "child", "leashed" };

	return names[kind];
}

int handover_status(struct policy *p, FILE *out)
{
	int drifted = 0;

	fprintf(out, "guard\t%d\t%d\t%lld\t%lld\t%lld\t%lld\t%lld\t%lld\n", (int)getpid(), p->gated,
		(long long)p->released, (long long)p->lost_events, (long long)p->rescans,
		(long long)p->leashed, (long long)p->drifted, (long long)p->failed);
	for (unsigned i = 0; i < p->rules.n; i++)
		if (p->rules.list[i].problem)
			fprintf(out, "problem\t%s\t%s\n", p->rules.list[i].service,
				p->rules.list[i].problem);
	family_foreach(m, p->family)
	{
		struct process proc;
		int score;

		if (m->kind != MEMBER_PINNED || process_open(p->procfs, m->pid, &proc) < 0)
			continue;
		if (pin_is_same(m, &proc) && process_get_score(&proc, &score) == 0) {
			fprintf(out, "pinned\t%s\t%d\t%d\t%s\t%lld\t%s\n", m->rule->service,
				(int)m->pid, score, how_name(m->how), (long long)m->since,
				m->rule->exe);
			drifted += score != m->rule->score;
		}
		process_close(&proc);
	}
	return drifted;
}

/* One line a member, and one for the counters. */
void handover_state(struct policy *p, FILE *out)
{
	fprintf(out, "counted\t%lld\t%lld\t%lld\t%lld\t%lld\n", (long long)p->released,
		(long long)p->leashed, (long long)p->drifted, (long long)p->lost_events,
		(long long)p->rescans);
	family_foreach(m, p->family)
		fprintf(out, "%d\t%llu\t%s\t%s\t%s\t%lld\t%d\t%d\t%d\t%d\t%d\t%llu\t%llu\t%s\n",
			(int)m->pid, (unsigned long long)m->start_time, m->rule->service,
			kind_name(m->kind), how_name(m->how), (long long)m->since, m->before,
			(int)m->parent, m->in_program, m->forked, m->confirmed,
			(unsigned long long)m->program.dev, (unsigned long long)m->program.ino,
			m->rule->exe);
}

static const struct rule *rule_named(const struct policy *p, const char *service)
{
	for (unsigned i = 0; i < p->rules.n; i++)
		if (streq(p->rules.list[i].service, service))
			return &p->rules.list[i];
	return NULL;
}

/* It was pinned by a rule that is gone. */
static void put_back(struct policy *p, pid_t pid, uint64_t start_time, const char *service,
		     int before)
{
	struct process_stat st;
	struct process proc;
	int now;

	if (process_open(p->procfs, pid, &proc) < 0)
		return;
	if (process_get_score(&proc, &now) == 0 && before == now)
		before = 0; /* another guard's work: nobody knows what it was */
	if (process_stat(&proc, &st) == 0 && st.start_time == start_time &&
	    process_set_score(&proc, before, NULL) == 0)
		log_info("guard: %s[%d]: no longer in the profile; put back, oom_score_adj %d",
			 service, (int)pid, before);
	process_close(&proc);
}

static struct member *adopt_member(struct policy *p, pid_t pid, const char *service,
				   const char *kind_text)
{
	const struct rule *rule = rule_named(p, service);
	enum member_kind kind = MEMBER_CHILD;
	struct member *m;

	for (int i = 0; i <= MEMBER_LEASHED; i++)
		if (streq(kind_text, kind_name((enum member_kind)i)))
			kind = (enum member_kind)i;
	m = rule ? family_add(p->family, pid, kind) : NULL;
	if (m)
		m->rule = rule;
	return m;
}

static bool adopt_counters(struct policy *p, const char *line)
{
	int64_t *const counters[] = { &p->released, &p->leashed, &p->drifted, &p->lost_events,
				      &p->rescans };
	const char *text = after_prefix(line, "counted");
	char *end;

	for (size_t i = 0; text && i < ARRAY_SIZE(counters); i++, text = end) {
		long long counted = strtoll(text, &end, 10);

		if (end == text || __builtin_add_overflow(*counters[i], counted, counters[i]))
			break;
	}
	return text != NULL;
}

static void adopt(struct policy *p, const char *line)
{
	char service[256], kind[16], how[16], exe[PATH_MAX] = "";
	int pid, before, parent, in_program, forked, confirmed;
	unsigned long long start, dev = 0, ino = 0;
	long long since;
	struct member *m;

	if (adopt_counters(p, line) ||
	    sscanf(line,
		   "%d\t%llu\t%255[^\t]\t%15[^\t]\t%15[^\t]\t%lld\t%d\t%d\t%d\t%d\t%d\t%llu\t%llu"
		   "\t%4095[^\n]",
		   &pid, &start, service, kind, how, &since, &before, &parent, &in_program, &forked,
		   &confirmed, &dev, &ino, exe) < 11) /* an older guard says no program */
		return;
	if (!rule_named(p, service) && streq(kind, kind_name(MEMBER_PINNED)))
		put_back(p, pid, start, service, before);
	m = adopt_member(p, pid, service, kind);
	if (!m)
		return;
	m->start_time = start;
	m->since = since;
	m->before = before;
	m->parent = parent;
	m->in_program = in_program;
	/* Another version of the rule's program is one, too; that of another rule is not. */
	if (streq(exe, m->rule->exe))
		m->program = (struct file_id){ .dev = dev, .ino = ino };
	m->forked = forked;
	m->confirmed = confirmed;
	m->checks = 1;
	m->pinned_at = policy_now();
	for (int i = 0; i <= HOW_SCAN; i++)
		if (streq(how, how_name((enum how)i)))
			m->how = (enum how)i;
	if (m->kind == MEMBER_CHILD || !confirmed)
		m->due = policy_now();
}

int handover_lock(const struct machine *m, struct policy *p)
{
	_cleanup_close_ int dir = root_make_dir(&m->run, "holdfast");
	int lock = dir < 0 ? dir : lock_try(dir, LOCK);

	for (int i = 0; i < LOCK_TRIES && lock == -EAGAIN; i++) {
		(void)poll(NULL, 0, LOCK_STEP_MS);
		p->meanwhile(p->meanwhile_data);
		lock = lock_try(dir, LOCK);
	}
	return lock;
}

void handover_learn(const struct machine *m, struct policy *p)
{
	_cleanup_free_ char *state = NULL;
	char *line, *rest;
	int ret = -EAGAIN;

	for (int i = 0; i < LEARN_TRIES && ret != -ENOENT && ret != -ECONNREFUSED && ret < 0; i++) {
		ret = control_ask(m, "state\n", &state);
		p->meanwhile(p->meanwhile_data);
	}
	if (ret < 0)
		return;
	for (line = strtok_r(state, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		adopt(p, line);
}

void handover_dismiss(const struct machine *m)
{
	_cleanup_free_ char *answer = NULL;

	if (control_ask(m, "quit\n", &answer) == 0)
		log_debug("guard: took over from another");
}
