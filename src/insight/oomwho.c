/* Who asked, and what limit was hit. */
#include "insight/oomparse.h"

/* Whether a name in front of what the kernel says may rather be a program's host and tag. */
static bool is_tagged(const struct oom_parser *p, const char *text, size_t len)
{
	return p->line.unnamed && memmem(text, len, ": ", 2);
}

/* What the kernel says behind it is "name=value" and nothing else; the end may be cut off. A
 * device's name, too, has the kernel's words behind it. */
static bool is_all_fields(const char *rest)
{
	while (*rest) {
		size_t len = strcspn(rest, " "), next = len + strspn(rest + len, " ");

		if (rest[next] && !memchr(rest, '=', len))
			return false;
		rest += next;
	}
	return true;
}

/* "COMM invoked oom-killer: gfp_mask=0x..(FLAGS), nodemask=.., order=0, oom_score_adj=0" */
bool oomwho_invoked(struct oom_parser *p)
{
	static const char words[] = " invoked oom-killer: ";
	const char *text = p->line.text, *at = oom_last(text, words), *rest, *mask;
	struct oom_report *r;

	if (!at || at - text > OOM_COMM_MAX || is_tagged(p, text, (size_t)(at - text)) ||
	    !is_all_fields(at + strlen(words)))
		return false;
	if (!oomparse_open(p))
		return true;
	p->current->proven = true;
	r = p->report;
	r->invoked = true;
	r->command = oom_copy(p, text, (size_t)(at - text));
	rest = at + strlen(words);
	mask = after_prefix(rest, "gfp_mask=0x");
	if (mask && strspn(mask, "0123456789abcdef") < 15) {
		char *end;

		r->gfp_mask = strtoll(mask, &end, 16);
		if (*end == '(' && strchr(end, ')'))
			r->gfp_flags = oom_copy(p, end + 1, strcspn(end + 1, ")"));
		else if (*end == '\0')
			r->gfp_mask = OOM_UNKNOWN; /* cut off */
	}
	mask = strstr(rest, " nodemask=");
	if (mask) {
		size_t len = strcspn(mask += 10, " ");

		r->nodemask = oom_copy(p, mask, len - (len > 0 && mask[len - 1] == ','));
	}
	oom_note_field(&r->order, rest, "order=");
	oom_note_field(&r->oom_score_adj, rest, "oom_score_adj=");
	return true;
}

/* Whether a line that names @comm is the open report's: the asking task prints it. */
static bool is_invokers(const struct oom_parser *p, const char *comm)
{
	const char *end;

	if (!p->current || p->current->ended || !p->current->report->invoked ||
	    p->current->warned || p->current->machine || p->current->cgroup ||
	    p->current->report->heading)
		return false;
	if (!p->current->report->command)
		return true;
	end = after_prefix(comm, p->current->report->command);
	return end && *end == ' ';
}

/* "COMM cpuset=/ mems_allowed=0-1", before 5.0 */
bool oomwho_cpuset(struct oom_parser *p)
{
	const char *text = p->line.text, *at = strstr(text, " cpuset="),
		   *mems = oom_last(text, " mems_allowed=");

	if (!at || !mems || mems < at || at - text > OOM_COMM_MAX || strchr(text, ',') ||
	    !is_node_list(mems + strlen(" mems_allowed=")))
		return false;
	if (!is_invokers(p, text))
		return true;
	oom_note_text(p, &p->report->cpuset, at + 8, (size_t)(mems - at - 8));
	oom_note_text(p, &p->report->mems_allowed, mems + 14, strlen(mems + 14));
	return true;
}

/* Behind "NAME: NUMBER ", or NULL. */
static const char *skip_id(const char *text, const char *name)
{
	int64_t id;

	text = after_prefix(text, name);
	return text && oom_number(&text, &id) ? after_prefix(text, " ") : NULL;
}

/* Behind "CPU: 3 PID: 473 Comm: ", which is longer than a program's name; "UID: 0 " may come before
 * the PID. */
static const char *skip_ids(const char *text)
{
	const char *rest = skip_id(text, "CPU: ");

	rest = rest ? skip_id(rest, "UID: ") ?: rest : NULL;
	rest = rest ? skip_id(rest, "PID: ") : NULL;
	return rest ? after_prefix(rest, "Comm: ") : NULL;
}

/* "CPU: 3 PID: 473 Comm: doxygen Tainted: G    OE    6.1.1-arch1-1 #1 ..." The release is the first
 * word behind the taint that begins with a digit: flags are letters. */
bool oomwho_cpu(struct oom_parser *p)
{
	const char *text = p->line.text, *comm = skip_ids(text), *taint, *word;
	struct oom_report *r;

	if (!comm)
		return false;
	if (!is_invokers(p, comm))
		return true;
	r = p->report;
	oom_note_field(&r->pid, text, "PID: ");
	taint = oom_last(comm, " Not tainted ");
	word = taint ? taint + 13 : NULL;
	taint = oom_last(comm, " Tainted: ");
	if (taint && (!word || taint > word))
		word = taint + 10;
	while (word && *word && !(*word >= '0' && *word <= '9')) {
		word += strcspn(word, " ");
		word += strspn(word, " ");
	}
	if (word && strchr(word, ' '))
		oom_note_text(p, &r->kernel, word, strcspn(word, " "));
	return true;
}

/* The parts of the line below; NULL where they are not there. */
struct summary {
	struct slice cpuset, cgroup, task_cgroup, command;
	bool limit; /* of a memory cgroup */
	int64_t pid;
};

/* Behind "(null)" or "0-1,3". */
static const char *skip_nodes(const char *at)
{
	const char *null = after_prefix(at, "(null)");

	if (null)
		return null;
	at += strspn(at, "0123456789-,");
	return at[-1] == ',' ? at - 1 : at;
}

/* In the kernel's order: users name their cgroups and tasks, and may name them like other parts. */
static struct summary split_summary(const char *at)
{
	struct summary s = { .pid = OOM_UNKNOWN };
	const char *next, *end;

	at += strcspn(at, ",");
	if ((next = after_prefix(at, ",nodemask=")))
		at = skip_nodes(next);
	if ((next = after_prefix(at, ",cpuset=")) && (end = strstr(next, ",mems_allowed="))) {
		s.cpuset = slice_between(next, end);
		at = skip_nodes(end + strlen(",mems_allowed="));
	}
	if ((next = after_prefix(at, ",oom_memcg="))) {
		s.limit = true;
		at = strstr(next, ",task_memcg=");
		if (at)
			s.cgroup = slice_between(next, at);
		at = at ? at : "";
	} else if ((next = after_prefix(at, ",global_oom"))) {
		at = next;
	}
	end = oom_last(at, ",task=");
	if (end && (next = after_prefix(at, ",task_memcg=")) && next <= end)
		s.task_cgroup = slice_between(next, end);
	next = oom_last(at, ",pid=");
	if (next && strstr(next, ",uid=")) {
		oom_note_field(&s.pid, next, "pid=");
		if (end && end < next)
			s.command = slice_between(end + strlen(",task="), next);
	}
	return s;
}

static void note_slice(struct oom_parser *p, const char **word, const struct slice *from)
{
	if (from->start)
		oom_note_text(p, word, from->start, from->len);
}

/* "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,
 * task_memcg=/x,task=COMM,pid=1,uid=0", since 5.0; "oom_memcg=/a" in place of "global_oom". */
bool oomwho_summary(struct oom_parser *p)
{
	static const struct {
		const char *name;
		enum oom_constraint constraint;
	} constraints[] = {
		{ "CONSTRAINT_NONE,", OOM_CONSTRAINT_NONE },
		{ "CONSTRAINT_MEMCG,", OOM_CONSTRAINT_MEMCG },
		{ "CONSTRAINT_CPUSET,", OOM_CONSTRAINT_CPUSET },
		{ "CONSTRAINT_MEMORY_POLICY,", OOM_CONSTRAINT_MEMPOLICY },
	};
	const char *rest = after_prefix(p->line.text, "oom-kill:constraint=");
	enum oom_constraint constraint = OOM_CONSTRAINT_UNKNOWN;
	struct oom_report *r;
	struct summary s;

	if (!rest)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(constraints); i++)
		if (after_prefix(rest, constraints[i].name))
			constraint = constraints[i].constraint;
	s = split_summary(rest);
	if (s.limit) /* which 5.0 to 5.2 call CONSTRAINT_NONE */
		constraint = OOM_CONSTRAINT_MEMCG;
	oomorder_victim(p, constraint, s.pid);
	if (!oomparse_need_proven(p))
		return true;
	p->current->announced = true;
	r = p->report;
	oomtask_end(r);
	r->constraint = constraint;
	note_slice(p, &r->cpuset, &s.cpuset);
	note_slice(p, &r->cgroup, &s.cgroup);
	note_slice(p, &r->task_cgroup, &s.task_cgroup);
	note_slice(p, &r->victim.command, &s.command);
	if (oom_known(s.pid))
		r->victim.pid = s.pid;
	return true;
}

static const char killed_by[] = " killed as a result of limit of /";

/* Whether the limit's cgroup, to the end of the line, is the one from @task up to @end or above. */
static bool is_limit_of(const char *limit, const char *task, const char *end)
{
	const char *rest = after_prefix(task, limit);

	return rest && rest <= end && (rest == end || *rest == '/' || !limit[1]);
}

/* Where these words stand, or NULL: a cgroup may be named like them, and then the limit's tells. */
static const char *find_limit(const char *text)
{
	const char *last = NULL, *found = NULL;
	unsigned n = 0, n_found = 0;

	for (const char *at = text; (at = strstr(at, killed_by)); at++) {
		last = at;
		n++;
		if (is_limit_of(at + strlen(killed_by) - 1, text, at)) {
			found = at;
			n_found++;
		}
	}
	return n == 1 ? last : n_found == 1 ? found : NULL;
}

/* "Task in /a/b killed as a result of limit of /a", before 5.0 */
bool oomwho_limit(struct oom_parser *p)
{
	const char *text = after_prefix(p->line.text, "Task in "), *at;
	struct oom_report *r;

	/* Else a program of that name may have crashed in a library of that name. */
	if (!text || *text != '/' || !strstr(text, killed_by))
		return false;
	oomorder_step(p, OOM_STEP_CGROUP);
	if (!oomparse_need_proven(p))
		return true;
	p->current->cgroup = true;
	r = p->report;
	r->constraint = OOM_CONSTRAINT_MEMCG;
	at = find_limit(text);
	if (!at)
		return true;
	oom_note_text(p, &r->task_cgroup, text, (size_t)(at - text));
	at += strlen(killed_by) - 1;
	if (!p->line.cut)
		oom_note_text(p, &r->cgroup, at, strlen(at));
	return true;
}
