#include "guard/handover.h"

static const char *kind_name(enum member_kind kind)
{
	static const char *const names[] = { "pinned", "child", "leashed" };

	return names[kind];
}

void handover_status(struct policy *p, FILE *out)
{
	fprintf(out, "guard\t%d\t%d\t%lld\t%lld\t%lld\t%lld\t%lld\t%lld\n", (int)getpid(), p->gated,
		(long long)p->released, (long long)p->lost_events, (long long)p->rescans,
		(long long)p->leashed, (long long)p->drifted, (long long)p->failed);
	for (unsigned i = 0; i < p->rules.n; i++)
		if (p->rules.list[i].problem)
			fprintf(out, "problem\t%s\t%s\n", p->rules.list[i].service,
				p->rules.list[i].problem);
	family_foreach(m, &p->family) if (m->kind == MEMBER_PINNED)
		fprintf(out, "pinned\t%s\t%d\t%s\t%d\t%s\t%lld\n", m->rule->service, (int)m->pid,
			m->rule->exe, m->rule->score, how_name(m->how), (long long)m->since);
}

/* One line a member, and one for the counters. */
void handover_state(struct policy *p, FILE *out)
{
	fprintf(out, "counted\t%lld\t%lld\t%lld\t%lld\t%lld\n", (long long)p->released,
		(long long)p->leashed, (long long)p->drifted, (long long)p->lost_events,
		(long long)p->rescans);
	family_foreach(m, &p->family)
		fprintf(out, "%d\t%llu\t%s\t%s\t%s\t%lld\t%d\t%d\t%d\t%d\n", (int)m->pid,
			(unsigned long long)m->start_time, m->rule->service, kind_name(m->kind),
			how_name(m->how), (long long)m->since, m->before, (int)m->parent,
			m->in_program, m->forked);
}

static const struct rule *rule_named(const struct policy *p, const char *service)
{
	for (unsigned i = 0; i < p->rules.n; i++)
		if (streq(p->rules.list[i].service, service))
			return &p->rules.list[i];
	return NULL;
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
	m = rule ? family_add(&p->family, pid, kind) : NULL;
	if (m)
		m->rule = rule;
	return m;
}

static bool adopt_counters(struct policy *p, const char *line)
{
	long long released, leashed, drifted, lost, scans;

	if (sscanf(line, "counted\t%lld\t%lld\t%lld\t%lld\t%lld", &released, &leashed, &drifted,
		   &lost, &scans) != 5)
		return false;
	p->released += released;
	p->leashed += leashed;
	p->drifted += drifted;
	p->lost_events += lost;
	p->rescans += scans;
	return true;
}

void handover_adopt(struct policy *p, const char *line)
{
	char service[256], kind[16], how[16];
	int pid, before, parent, in_program, forked;
	unsigned long long start;
	long long since;
	struct member *m;

	if (adopt_counters(p, line) ||
	    sscanf(line, "%d\t%llu\t%255[^\t]\t%15[^\t]\t%15[^\t]\t%lld\t%d\t%d\t%d\t%d", &pid,
		   &start, service, kind, how, &since, &before, &parent, &in_program,
		   &forked) != 10)
		return;
	m = adopt_member(p, pid, service, kind);
	if (!m)
		return;
	m->start_time = start;
	m->since = since;
	m->before = before;
	m->parent = parent;
	m->in_program = in_program;
	m->forked = forked;
	m->confirmed = true;
	m->checks = 1;
	for (int i = 0; i <= HOW_SCAN; i++)
		if (streq(how, how_name((enum how)i)))
			m->how = (enum how)i;
	if (m->kind == MEMBER_CHILD)
		m->due = policy_now();
}
