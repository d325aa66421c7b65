/* Whether the next line can belong to the report that is open. The parts of a report come in one
 * order and close together: who asked, the memory, the tasks, the choice, the kill. A line that
 * cannot follow shows that the log is cut, or that another report's lines come between: what is
 * said from there on is not said of the report that was open. */
#include "insight/oomparse.h"

static void leave(struct oom_parser *p)
{
	p->current->broken = true;
	p->current = NULL;
	p->report = NULL;
}

static bool has_memory(const struct oom_source *s)
{
	return s->machine || s->cgroup;
}

static bool has_table(const struct oom_source *s)
{
	return s->report->heading || s->report->rows;
}

/* Whether the end of Mem-Info is missing. */
static bool is_cut(const struct oom_source *s)
{
	return s->machine && !s->memory_ends && !s->warned;
}

/* Where a whole part is missing, only the time shows that the rest is the same report's. */
static bool skips_memory(const struct oom_parser *p, const struct oom_source *s)
{
	return s->report->invoked && !has_memory(s) && (!s->last.kind || !p->time.kind);
}

bool oomorder_step(struct oom_parser *p, enum oom_step step)
{
	struct oom_source *s = p->current;
	bool again = false, astray = false;

	if (!s || s->ended)
		return false;
	if (s->warned && step <= OOM_STEP_MACHINE_LINE)
		return true;
	switch (step) {
	case OOM_STEP_MACHINE:
		again = has_memory(s) || has_table(s);
		break;
	case OOM_STEP_CGROUP:
		again = (s->machine && !s->warned) || has_table(s) ||
			s->report->limit.usage_kb != OOM_UNKNOWN;
		break;
	case OOM_STEP_MACHINE_LINE:
		astray = !s->machine || has_table(s);
		break;
	case OOM_STEP_CGROUP_LINE:
		astray = !s->cgroup || has_table(s);
		break;
	case OOM_STEP_HEADING:
		again = has_table(s);
		s->report->table_mixed |= again;
		astray = is_cut(s) || skips_memory(p, s);
		break;
	case OOM_STEP_ROW:
		astray = !has_table(s) && (s->report->invoked || has_memory(s));
		break;
	}
	if (again || astray)
		leave(p);
	return again;
}

void oomorder_victim(struct oom_parser *p, enum oom_constraint of, int64_t pid)
{
	struct oom_source *s = p->current;
	struct oom_report *r = p->report;
	bool other;

	if (!s || s->ended)
		return;
	/* Another limit than the one whose memory was shown: whose is the table in between? */
	other = of == OOM_CONSTRAINT_MEMCG ? s->machine : s->cgroup && of != OOM_CONSTRAINT_UNKNOWN;
	r->table_mixed |= other;
	if (other || is_cut(s) || skips_memory(p, s) ||
	    (r->heading && !r->table_damaged && oom_known(pid) && !oomtask_knows(r, pid)) ||
	    (oom_known(r->victim.pid) && oom_known(pid) && pid != r->victim.pid &&
	     !oomtask_is_thread(r, pid)))
		leave(p);
}

/* Whether "order:4, mode:0x0(GFP_X), nodemask=(null),cpuset=/,mems_allowed=0", or less of it, is
 * all that the line has. A cpuset's name may hold blanks, but no slash, unless it is the root's. A
 * file's or a device's name has other words behind it, or is a path whose end the kernel has cut.
 */
static bool is_all_warning(const char *rest)
{
	const char *slash = strchr(rest, '/'), *root = strstr(rest, ",cpuset=/");
	const char *mems = oom_last(rest, ",mems_allowed=");

	if (slash && (!root || strchr(root, '/') != slash || !strchr(",", slash[1]) ||
		      strchr(slash + 1, '/')))
		return false;
	if (mems && is_node_list(mems + strlen(",mems_allowed=")))
		return true;
	while (*rest) {
		size_t len = strcspn(rest, " ");

		if (!memchr(rest, ':', len) && !memchr(rest, '=', len))
			return false;
		rest += len + strspn(rest + len, " ");
	}
	return true;
}

/* Whether ": " or " for 10004ms, " is all that it has. */
static bool is_cut_warning(const char *rest)
{
	return !rest[strspn(rest, " :forms,0123456789")];
}

/* "COMM: page allocation failure: order:4, mode:.."; "COMM: page allocation stalls for 10004ms,
 * order:0, mode:.." */
bool oomorder_warning(struct oom_parser *p)
{
	static const char words[] = ": page allocation ";
	const char *text = p->line.text, *at = strstr(text, words), *rest, *order;

	if (!at || at - text > OOM_COMM_MAX)
		return false;
	rest = after_prefix(at + strlen(words), "failure")
		       ?: after_prefix(at + strlen(words), "stalls");
	order = rest ? strstr(rest, " order:") : NULL;
	if (!rest || !(order ? is_all_warning(order + 1) : p->line.cut && is_cut_warning(rest)))
		return false;
	p->warns = true;
	p->warning = p->time;
	p->warning_host = p->line.host;
	if (p->current && !p->current->ended)
		p->current->warned = p->current->memory_mixed = true;
	return true;
}

void oomorder_memory_ends(struct oom_parser *p)
{
	p->current->memory_ends = true;
	if (!p->current->proven)
		p->warns = false;
}

/* "Linux version 6.1", of which a program's name holds all but the point. */
static bool is_boot(const struct logline *l)
{
	const char *release = after_prefix(l->text, "Linux version ");
	int64_t number;

	return release && oom_number(&release, &number) && *release++ == '.' &&
	       oom_number(&release, &number) && !l->others && !l->further;
}

void oomorder_line(struct oom_parser *p)
{
	bool lost = p->line.lost || is_boot(&p->line);
	struct oom_source *s = p->sources;

	p->time = logtime_of(&p->line);
	for (unsigned i = 0; lost && s && i < OOM_MAX_OPEN; i++, s = s->next)
		s->broken = true;
	if (!p->current)
		return;
	if (p->current->broken || logtime_apart(&p->current->last, &p->time))
		leave(p);
}
