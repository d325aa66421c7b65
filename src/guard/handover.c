#include "guard/handover.h"

static const char *kind_name(enum member_kind kind)
{
	static const char *const names[] = { "pinned", "child", "leashed" };

	return names[kind];
}

void handover_status(struct policy *p, int64_t lost_events, int64_t rescans, FILE *out)
{
	fprintf(out, "guard\t%d\t%d\t%lld\t%lld\t%lld\t%lld\t%lld\t%lld\n", (int)getpid(), p->gated,
		(long long)p->released, (long long)lost_events, (long long)rescans,
		(long long)p->leashed, (long long)p->drifted, (long long)p->failed);
	for (unsigned i = 0; i < p->rules.n; i++)
		if (p->rules.list[i].problem)
			fprintf(out, "problem\t%s\t%s\n", p->rules.list[i].service,
				p->rules.list[i].problem);
	family_foreach(m, &p->family) if (m->kind == MEMBER_PINNED)
		fprintf(out, "pinned\t%s\t%d\t%s\t%d\t%s\t%lld\n", m->rule->service, (int)m->pid,
			m->rule->exe, m->rule->score, how_name(m->how), (long long)m->since);
}

void handover_state(struct policy *p, FILE *out)
{
	family_foreach(m, &p->family)
		fprintf(out, "%d\t%llu\t%s\t%s\t%s\t%lld\t%d\n", (int)m->pid,
			(unsigned long long)m->start_time, m->rule->service, kind_name(m->kind),
			how_name(m->how), (long long)m->since, m->before);
}

static const struct rule *rule_named(const struct policy *p, const char *service)
{
	for (unsigned i = 0; i < p->rules.n; i++)
		if (streq(p->rules.list[i].service, service))
			return &p->rules.list[i];
	return NULL;
}

void handover_adopt(struct policy *p, const char *line)
{
	char service[256], kind[16], how[16];
	unsigned long long start;
	const struct rule *rule;
	long long since;
	struct member *m;
	int pid, before;

	if (sscanf(line, "%d\t%llu\t%255[^\t]\t%15[^\t]\t%15[^\t]\t%lld\t%d", &pid, &start, service,
		   kind, how, &since, &before) != 7)
		return;
	rule = rule_named(p, service);
	m = rule ? family_add(&p->family, pid) : NULL;
	if (!m)
		return;
	m->rule = rule;
	m->start_time = start;
	m->since = since;
	m->before = before;
	m->confirmed = true;
	for (int i = 0; i <= MEMBER_LEASHED; i++)
		if (streq(kind, kind_name((enum member_kind)i)))
			m->kind = (enum member_kind)i;
	for (int i = 0; i <= HOW_SCAN; i++)
		if (streq(how, how_name((enum how)i)))
			m->how = (enum how)i;
	m->checks = 1;
	if (m->kind == MEMBER_CHILD)
		m->due = policy_now();
}
