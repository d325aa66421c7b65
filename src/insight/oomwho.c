/* Who asked, and what limit was hit. */
#include "insight/oomparse.h"

/* "COMM invoked oom-killer: gfp_mask=0x..(FLAGS), nodemask=.., order=0, oom_score_adj=0" */
bool oomwho_invoked(struct oom_parser *p)
{
	static const char words[] = " invoked oom-killer: ";
	const char *text = p->line.text, *at = oom_last(text, words), *rest, *mask;
	struct oom_report *r;

	if (!at)
		return false;
	oomparse_open(p);
	if (p->error)
		return true;
	p->current->proven = true;
	r = p->report;
	r->invoked = true;
	/* What is longer has an unknown prefix. */
	if (at - text <= OOM_COMM_MAX)
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
	if (mask && oom_last(mask, ", order="))
		r->nodemask =
			oom_copy(p, mask + 10, (size_t)(oom_last(mask, ", order=") - mask - 10));
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

	if (!at || !mems || mems < at || at - text > OOM_COMM_MAX || strchr(text, ','))
		return false;
	if (!is_invokers(p, text))
		return true;
	oom_note_text(p, &p->report->cpuset, at + 8, (size_t)(mems - at - 8));
	oom_note_text(p, &p->report->mems_allowed, mems + 14, strlen(mems + 14));
	return true;
}

/* "CPU: 3 PID: 473 Comm: doxygen Tainted: G    OE    6.1.1-arch1-1 #1 ..." The release is the first
 * word behind the taint that begins with a digit: flags are letters. */
bool oomwho_cpu(struct oom_parser *p)
{
	const char *text = p->line.text, *comm, *taint, *word;
	struct oom_report *r;

	if (!after_prefix(text, "CPU: ") || !strstr(text, " PID: "))
		return false;
	comm = strstr(text, " Comm: ");
	if (!comm || !is_invokers(p, comm + 7))
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

/* "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,
 * task_memcg=/x,task=COMM,pid=1,uid=0", since 5.0. Names may hold commas. */
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
	const char *rest = after_prefix(p->line.text, "oom-kill:constraint="), *at, *end;
	enum oom_constraint constraint = OOM_CONSTRAINT_UNKNOWN;
	int64_t pid = OOM_UNKNOWN;
	struct oom_report *r;

	if (!rest)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(constraints); i++)
		if (after_prefix(rest, constraints[i].name))
			constraint = constraints[i].constraint;
	if (strstr(rest, ",oom_memcg=")) /* which 5.0 to 5.2 call CONSTRAINT_NONE */
		constraint = OOM_CONSTRAINT_MEMCG;
	at = oom_last(rest, ",pid=");
	if (at && strstr(at, ",uid="))
		oom_note_field(&pid, at, "pid=");
	oomorder_victim(p, constraint, pid);
	if (!oomparse_need_proven(p))
		return true;
	r = p->report;
	oomtask_end(r);
	r->constraint = constraint;
	if ((at = strstr(rest, ",cpuset=")) && (end = strstr(at, ",mems_allowed=")))
		oom_note_text(p, &r->cpuset, at + 8, (size_t)(end - at - 8));
	if ((at = strstr(rest, ",oom_memcg=")) && (end = strstr(at, ",task_memcg=")))
		oom_note_text(p, &r->cgroup, at + 11, (size_t)(end - at - 11));
	end = oom_last(rest, ",task=");
	if (end && (at = strstr(rest, ",task_memcg=")) && at < end)
		oom_note_text(p, &r->task_cgroup, at + 12, (size_t)(end - at - 12));
	at = oom_last(rest, ",pid=");
	if (at && strstr(at, ",uid=")) {
		r->victim.pid = pid;
		if (end && end < at)
			oom_note_text(p, &r->victim.command, end + 6, (size_t)(at - end - 6));
	}
	return true;
}

/* "Task in /a/b killed as a result of limit of /a", before 5.0 */
bool oomwho_limit(struct oom_parser *p)
{
	static const char words[] = " killed as a result of limit of ";
	const char *text = after_prefix(p->line.text, "Task in "),
		   *at = text ? oom_last(text, words) : NULL;
	struct oom_report *r;

	if (!at)
		return false;
	oomorder_step(p, OOM_STEP_CGROUP);
	if (!oomparse_need_proven(p))
		return true;
	p->current->cgroup = true;
	r = p->report;
	r->constraint = OOM_CONSTRAINT_MEMCG;
	oom_note_text(p, &r->task_cgroup, text, (size_t)(at - text));
	at += strlen(words);
	oom_note_text(p, &r->cgroup, at, strlen(at));
	return true;
}
