/* Who died, or why the kernel panicked instead. */
#include "insight/oomparse.h"

void oomkill_forget(struct oom_victim *v)
{
	const size_t start = offsetof(struct oom_victim, pid);

	*v = (struct oom_victim){ .said = v->said };
	oom_forget((char *)v + start, sizeof(*v) - start);
}

static void read_victim(struct oom_parser *p, struct oom_victim *v, const char *text)
{
	const char *end, *uid, *rest;
	int64_t pid;

	v->said = true;
	if (!oom_number(&text, &pid) || !after_prefix(text, " ("))
		return;
	v->pid = pid; /* which may be a thread of the chosen one */
	/* A name may hold either itself. */
	end = oom_last(text, ") total-vm:");
	uid = oom_last(text, "), UID ");
	if (uid && (!end || uid > end))
		end = uid;
	rest = end ? end : "";
	if (!end && !p->line.cut)
		end = oom_last(text, ")");
	if (end && end > text + 1)
		oom_note_text(p, &v->command, text + 2, (size_t)(end - text - 2));
	oom_note_field(&v->total_vm_kb, rest, "total-vm:");
	oom_note_field(&v->anon_rss_kb, rest, "anon-rss:");
	oom_note_field(&v->file_rss_kb, rest, "file-rss:");
	oom_note_field(&v->shmem_rss_kb, rest, "shmem-rss:");
	oom_note_field(&v->pgtables_kb, rest, "pgtables:");
	oom_note_field(&v->oom_score_adj, rest, "oom_score_adj:");
	oom_note_field(&v->uid, rest, "UID:");
	oom_note_field(&v->uid, rest, "UID ");
}

/* Another one after the end: of the same group, or of a report that the kernel did not print
 * (it prints ten in five seconds at most). */
static void take_next_victim(struct oom_parser *p, const char *text)
{
	struct oom_victim *v, *last = p->current->last_victim;

	if (!p->report->group) {
		if (!oomparse_open(p))
			return;
		p->current->proven = p->current->ended = true;
		read_victim(p, &p->report->victim, text);
		return;
	}
	v = arena_alloc(p->arena, sizeof(*v));
	if (!v) {
		p->error = -ENOMEM;
		return;
	}
	oomkill_forget(v);
	read_victim(p, v, text);
	if (v->pid == p->report->victim.pid) /* it is named once more with its group */
		return;
	last = last ? last : &p->report->victim;
	last->next = p->current->last_victim = v;
}

static void note_choice(struct oom_report *r, const char *text)
{
	const char *score = oom_last(text, ") score ");
	int64_t pid;

	if (oom_number(&text, &pid) && *text == ' ')
		oom_note(&r->chosen, pid);
	if (score)
		oom_note_field(&r->victim.score, score, "score ");
}

/* Whether a report as whole as this one would have announced the line: a kill follows the choice,
 * and only kernels before 5.2 print the choice as "Kill process". Else it is another report's. */
static bool is_announced(const struct oom_source *s, bool killed)
{
	const struct oom_report *r = s->report;

	if (!killed)
		return oom_kernel_since(r, 5, 2) != 1 && r->chosen == OOM_UNKNOWN;
	return !r->invoked || s->announced || r->chosen != OOM_UNKNOWN;
}

/* The report that the line belongs to, opened if need be; NULL without memory. */
static struct oom_report *report_of_kill(struct oom_parser *p, bool killed)
{
	struct oom_source *s = p->current;

	if (s && ((!s->proven && !s->report->rows) || !is_announced(s, killed)))
		p->current = NULL;
	return oomparse_need_proven(p) ? p->report : NULL;
}

/* "Out of memory: Kill process 1 (x) score 9 or sacrifice child" (before 5.2), then "Killed process
 * 1 (x) total-vm:..", behind "Out of memory: " or "Memory cgroup out of memory: " since 5.2. */
bool oomkill_kill(struct oom_parser *p)
{
	static const char *const messages[] = { "Memory cgroup out of memory: ",
						"Out of memory (oom_kill_allocating_task): ",
						"Out of memory: " };
	const char *text = p->line.text, *rest = NULL, *killed, *chosen, *pid_text;
	struct oom_report *r;
	int64_t pid;
	size_t i = 0;

	while (!rest && i < ARRAY_SIZE(messages))
		rest = after_prefix(text, messages[i++]);
	killed = after_prefix(rest ? rest : text, "Killed process ");
	chosen = rest ? after_prefix(rest, "Kill process ") : NULL;
	if (!killed && !chosen)
		return false;
	pid_text = killed ? killed : chosen;
	if (!oom_number(&pid_text, &pid)) {
		/* These words alone can be a program's name. */
		if (!rest)
			return false;
		pid = OOM_UNKNOWN;
	}
	oomorder_victim(p,
			!rest    ? OOM_CONSTRAINT_UNKNOWN
			: i == 1 ? OOM_CONSTRAINT_MEMCG
				 : OOM_CONSTRAINT_NONE,
			pid);
	if (killed && p->current && p->current->ended) {
		take_next_victim(p, killed);
		return true;
	}
	r = report_of_kill(p, killed != NULL);
	if (!r)
		return true;
	oomtask_end(r);
	if (rest && i == 1)
		r->constraint = OOM_CONSTRAINT_MEMCG;
	r->allocating_task |= rest && i == 2;
	if (chosen)
		note_choice(r, chosen);
	else
		read_victim(p, &r->victim, killed);
	p->current->ended = killed != NULL;
	return true;
}

bool oomkill_panic(struct oom_parser *p)
{
	const char *why = after_prefix(p->line.text, "Kernel panic - not syncing: ");
	bool everywhere;
	struct oom_report *r;

	if (!why)
		return false;
	if (!after_prefix(why, "Out of memory") && !after_prefix(why, "out of memory") &&
	    !after_prefix(why, "System is deadlocked on memory"))
		return true;
	everywhere = strstr(why, "system-wide") || strstr(why, "deadlocked");
	oomorder_victim(p, everywhere ? OOM_CONSTRAINT_NONE : OOM_CONSTRAINT_UNKNOWN, OOM_UNKNOWN);
	if (p->current && !p->current->report->victim.said)
		p->current->proven = true;
	else if (!oomparse_need_proven(p))
		return true;
	r = p->report;
	oomtask_end(r);
	r->panic = oom_copy(p, why, strlen(why));
	if (strstr(why, "system-wide"))
		r->constraint = OOM_CONSTRAINT_NONE;
	r->nobody |= strstr(why, "no killable") != NULL || strstr(why, "deadlocked") != NULL;
	p->current->ended = true;
	return true;
}

/* What is said after the end, too. */
bool oomkill_aftermath(struct oom_parser *p)
{
	static const char words[] = " are going to be killed due to memory.oom.group set";
	const char *text = p->line.text, *rest, *end;
	int64_t pid;

	if (after_prefix(text, "Out of memory and no killable processes")) {
		oomorder_victim(p, OOM_CONSTRAINT_UNKNOWN, OOM_UNKNOWN);
		if (oomparse_need_proven(p)) {
			p->report->nobody = true;
			oomtask_end(p->report);
		}
		return true;
	}
	if ((rest = after_prefix(text, "Tasks in "))) {
		end = *rest == '/' ? oom_last(rest, words) : NULL;
		if (!end || end[strlen(words)])
			return false;
		if (p->current)
			p->report->group = oom_copy(p, rest, (size_t)(end - rest));
		return true;
	}
	/* Printed by another task, the reaper. */
	if ((rest = after_prefix(text, "oom_reaper: reaped process ")) && oom_number(&rest, &pid)) {
		struct oom_source *at = p->sources;

		for (unsigned i = 0; at && i < OOM_MAX_OPEN; at = at->next, i++)
			if (at->report->victim.pid == pid &&
			    slice_equal(&at->host, &p->line.host)) {
				at->report->reaped = pid;
				break;
			}
		return true;
	}
	return false;
}
