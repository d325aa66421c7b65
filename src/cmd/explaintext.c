#include "cmd/explaintext.h"

#include <inttypes.h>

#include "cmd/explainpage.h"
#include "insight/gfp.h"

#define TASKS 10U /* shown at most, without --verbose */

static const char *with_pid(struct page *p, const char *command, int64_t pid)
{
	const char *text = oom_known(pid)
				   ? arena_printf(&p->arena, "%s[%" PRId64 "]",
						  page_word(command, "a process"), pid)
				   : arena_strdup(&p->arena, page_word(command, "a process"));

	return text ? text : "";
}

/* --- who asked, and what limit was hit --- */

static void print_asked(struct page *p)
{
	const struct oom_report *r = p->r;
	const char *words = r->gfp_flags ? gfp_words(&p->arena, r->gfp_flags) : "";
	const char *what = "";

	if (!r->invoked) {
		page_line(p, "asked", "the log does not say who asked: its beginning is missing");
		return;
	}
	if (r->order == -1) {
		page_line(p, "asked",
			  "somebody at the keyboard or console, with SysRq f; %s saw to it",
			  with_pid(p, r->command, r->pid));
		return;
	}
	if (r->order == 0)
		what = "one page";
	else if (oom_known(r->order) && r->order > 0 && r->order < 20)
		what = arena_printf(&p->arena, "%lld contiguous pages (order %" PRId64 ")",
				    1LL << r->order, r->order);
	else
		what = "memory, the log does not say how much";
	if (!what || !words) {
		p->error = -ENOMEM;
		return;
	}
	page_line(p, "asked", "%s for %s%s%s%s%s%s", with_pid(p, r->command, r->pid), what,
		  *words ? ": " : "", words, r->gfp_flags ? " (" : "", page_word(r->gfp_flags, ""),
		  r->gfp_flags ? ")" : "");
}

static void print_cgroup_limit(struct page *p, const char *what, const struct oom_limit *l)
{
	char usage[TERM_SIZE], limit[TERM_SIZE];

	if (!oom_known(l->limit_kb))
		return;
	if (l->limit_kb >= INT64_C(1) << 50)
		page_line(p, "", "%s: %s used, no limit", what, page_size(usage, l->usage_kb));
	else
		page_line(p, "", "%s: %s of %s used", what, page_size(usage, l->usage_kb),
			  page_size(limit, l->limit_kb));
}

static void print_limit(struct page *p)
{
	const struct oom_report *r = p->r;

	switch (r->constraint) {
	case OOM_CONSTRAINT_NONE:
		page_line(p, "limit", "the whole machine's memory");
		break;
	case OOM_CONSTRAINT_MEMCG:
		page_line(p, "limit", "of the memory cgroup %s",
			  page_word(r->cgroup, "that the log does not name"));
		print_cgroup_limit(p, "memory", &r->limit);
		print_cgroup_limit(p, "swap", &r->swap_limit);
		print_cgroup_limit(p, "memory and swap", &r->memsw_limit);
		break;
	case OOM_CONSTRAINT_CPUSET:
		page_line(p, "limit", "the memory nodes of cpuset %s", page_word(r->cpuset, "?"));
		break;
	case OOM_CONSTRAINT_MEMPOLICY:
		page_line(p, "limit", "the memory nodes that the task's memory policy allows (%s)",
			  page_word(r->nodemask, "not named"));
		break;
	default:
		page_line(p, "limit", "%s",
			  oom_known(r->memory.free)
				  ? "the machine's memory, or a part of it: the log does not say"
				  : "the log does not say");
	}
}

/* --- the tasks --- */

static int by_memory(const void *a, const void *b, void *report)
{
	int64_t x = oom_task_pages(report, *(struct oom_task *const *)a);
	int64_t y = oom_task_pages(report, *(struct oom_task *const *)b);

	return x > y ? -1 : x < y;
}

/* How a task's row is laid out: on a narrow terminal the bar goes, then the room on the left, then
 * the score. */
struct layout {
	unsigned indent, bar, name; /* name: 0: as long as it is */
	bool has_adj;
};

static struct layout layout_of(const struct term *t)
{
	const unsigned size = 7, adj = 11, gap = 2, killed = 8;
	unsigned columns = t->columns;
	struct layout l = { .indent = PAGE_LABEL, .bar = 30, .has_adj = true };
	unsigned used;

	if (columns && columns < 100)
		l.bar = columns >= 71 ? 16 : 0;
	if (columns && columns < 60)
		l.indent = 2;
	l.has_adj = !columns || columns >= 40;
	used = l.indent + l.bar + size + (l.has_adj ? adj : 0) + gap + killed;
	l.name = !columns ? 0 : columns > used ? columns - used : 1;
	return l;
}

static void print_task(struct page *p, const struct oom_task *t, int64_t most)
{
	const struct layout l = layout_of(p->t);
	int64_t pages = oom_task_pages(p->r, t);
	bool victim = t->pid == p->r->victim.pid;
	char text[TERM_SIZE];

	fprintf(p->t->out, "%*s%s", (int)l.indent, "", victim ? term_on(p->t, TERM_RED) : "");
	term_bar(p->t, pages, most, l.bar);
	fprintf(p->t->out, " %6s", page_size_of(p, text, pages));
	if (l.has_adj)
		fprintf(p->t->out, "  adj %5" PRId64, t->oom_score_adj);
	fputs("  ", p->t->out);
	term_text(p->t, with_pid(p, t->command, t->pid), l.name, false);
	fprintf(p->t->out, "%s%s\n", victim ? "  killed" : "", victim ? term_off(p->t) : "");
}

static void print_tasks(struct page *p, bool all)
{
	const struct oom_report *r = p->r;
	struct oom_task **sorted;
	size_t n = 0, shown;

	if (r->n_tasks == 0)
		return;
	sorted = arena_alloc(&p->arena, r->n_tasks * sizeof(struct oom_task *));
	if (!sorted) {
		p->error = -ENOMEM;
		return;
	}
	for (struct oom_task *t = r->tasks; t; t = t->next)
		sorted[n++] = t;
	qsort_r(sorted, n, sizeof(struct oom_task *), by_memory, (void *)(uintptr_t)r);
	shown = all || n < TASKS ? n : TASKS;
	page_line(p, "tasks", "%zu of %zu in the log%s, by RSS, swap and page tables", shown, n,
		  oom_table_whole(r) ? "" : ", whose table is not whole");
	for (size_t i = 0; i < shown; i++)
		print_task(p, sorted[i], oom_task_pages(r, sorted[0]));
}

/* --- the end --- */

static void print_killed(struct page *p, const struct oom_judgement *j)
{
	const struct oom_victim *v = &p->r->victim;
	char a[TERM_SIZE], b[TERM_SIZE], c[TERM_SIZE];

	if (p->r->panic)
		page_line(p, "panic", "%s", p->r->panic);
	if (!v->said && !oom_known(v->pid)) {
		if (!p->r->panic)
			page_line(p, "killed", "%s",
				  p->r->nobody ? "nobody: nothing killable was left"
					       : "the log does not say who");
		return;
	}
	page_line(p, "killed", "%s: %s anonymous, %s of files, %s shared; oom_score_adj %s",
		  with_pid(p, v->command, v->pid), page_size(a, v->anon_rss_kb),
		  page_size(b, v->file_rss_kb), page_size(c, v->shmem_rss_kb),
		  oom_known(v->oom_score_adj)
			  ? arena_printf(&p->arena, "%" PRId64, v->oom_score_adj)
			  : "not said");
	if (p->r->group)
		page_line(p, "", "with all of %s (memory.oom.group)", p->r->group);
	if (oom_known(p->r->reaped))
		page_line(p, "", "its memory was freed by oom_reaper");
	if (j->verdict == OOM_DIFFERS && j->worst)
		page_line(p, "choice", "%s: %s", j->text,
			  with_pid(p, j->worst->command, j->worst->pid));
	else
		page_line(p, "choice", "%s%s",
			  j->verdict == OOM_FOLLOWS       ? "follows from the scores: "
			  : j->verdict == OOM_CANNOT_TELL ? "cannot be checked: "
							  : "",
			  j->text);
}

static void print_missing(struct page *p)
{
	const struct oom_report *r = p->r;
	const struct {
		bool missing;
		const char *what;
	} list[] = {
		{ !r->invoked, "who asked" },
		{ !r->kernel || !*r->kernel, "the kernel's version" },
		{ r->constraint == OOM_CONSTRAINT_UNKNOWN, "the limit" },
		{ r->constraint != OOM_CONSTRAINT_MEMCG && !oom_known(r->memory.free),
		  "the free memory" },
		{ r->constraint != OOM_CONSTRAINT_MEMCG && !oom_known(r->memory.swap_total_kb),
		  "the swap" },
		{ r->table_mixed, "the task table (it contradicts itself)" },
		{ !r->table_mixed && !oom_table_whole(r),
		  r->n_tasks > 0 ? "parts of the task table" : "the task table" },
		{ !r->victim.said && !r->panic && !r->nobody, "the kill" },
	};
	const char *text = "";

	for (size_t i = 0; i < ARRAY_SIZE(list) && text; i++)
		if (list[i].missing)
			text = arena_printf(&p->arena, "%s%s%s", text, *text ? ", " : "",
					    list[i].what);
	if (!text)
		p->error = -ENOMEM;
	else if (*text)
		page_line(p, "missing", "%s", text);
	/* DEFAULT_RATELIMIT_BURST in DEFAULT_RATELIMIT_INTERVAL, in oom_kill_process(). */
	if (r->victim.said && !r->invoked && !r->heading && !r->rows &&
	    !oom_known(r->memory.free) && !oom_known(r->limit.usage_kb))
		page_line(p, "",
			  "The kernel reports ten kills in five seconds at most: it may have left "
			  "this report out. In those that it writes, 'vm.oom_dump_tasks: true' "
			  "lists the tasks.");
}

#define NUMBER 6U /* columns of a report's number in the list */

static const char *end_of(const struct oom_report *r)
{
	return oom_known(r->victim.pid) ? "killed"
	       : r->panic               ? "panic"
	       : r->nobody              ? "nobody killed"
					: "the kill is not in the log";
}

void explain_list(const struct term *t, const struct oom_log *log)
{
	size_t i = 0;

	fprintf(t->out, "%zu reports:\n", log->n);
	for (const struct oom_report *r = log->first; r; r = r->next) {
		struct page p = { .t = t, .r = r };
		const char *who = r->victim.command || oom_known(r->victim.pid)
					  ? with_pid(&p, r->victim.command, r->victim.pid)
					  : "";
		const char *text = arena_printf(
			&p.arena, "%-20s %s%s%s%s", page_word(r->time, "no time"), end_of(r),
			*who ? " " : "", who,
			r->constraint == OOM_CONSTRAINT_MEMCG ? ", of a memory cgroup" : "");

		fprintf(t->out, "%4zu  ", ++i);
		term_wrap(t, text ? text : "?", NUMBER, NUMBER);
		arena_free(&p.arena);
	}
	fputc('\n', t->out);
}

/* Of the log, which may hold anything. */
static void print_title(struct page *p, size_t i, size_t n)
{
	static const char what[] = "Out of memory";
	const struct oom_report *r = p->r;
	char of[64] = "";
	const char *text;

	if (n > 1)
		snprintf(of, sizeof(of), " (%zu of %zu)", i, n);
	text = arena_printf(&p->arena, "%s: kernel %s%s%s%s%s", of,
			    page_word(r->kernel, "not named"), r->time ? ", at " : "",
			    r->time ? r->time : "", r->host ? " on " : "", r->host ? r->host : "");
	fprintf(p->t->out, "%s%s%s%s", i > 1 ? "\n" : "", term_on(p->t, TERM_BOLD), what,
		term_off(p->t));
	if (text)
		term_wrap(p->t, text, sizeof(what) - 1, 2);
	else
		p->error = -ENOMEM;
}

int explain_report(const struct term *t, const struct oom_report *r, size_t i, size_t n, bool all)
{
	struct page p = { .t = t, .r = r };
	struct oom_judgement judgement;
	struct oom_advice *advice;
	const char *label = "change";
	int ret = oom_judge(&p.arena, r, &judgement);

	if (ret >= 0)
		ret = oom_advise(&p.arena, r, &advice);
	if (ret >= 0) {
		print_title(&p, i, n);
		print_asked(&p);
		print_limit(&p);
		page_memory(&p);
		print_tasks(&p, all);
		print_killed(&p, &judgement);
		for (; advice; advice = advice->next, label = "")
			page_line(&p, label, "%s", advice->text);
		print_missing(&p);
		ret = p.error;
	}
	arena_free(&p.arena);
	return ret;
}
