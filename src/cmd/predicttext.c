#include "cmd/predicttext.h"

#include <inttypes.h>
#include <stdarg.h>

#include "setting/kdump.h"

#define LABEL 12U
#define RUNNERS_UP 10U /* candidates shown, without --verbose */

const char *predict_decision_name(enum predict_decision decision)
{
	static const char *const names[] = {
		[PREDICT_KILL] = "kill",   [PREDICT_KILL_ASKING] = "kill-allocating-task",
		[PREDICT_PANIC] = "panic", [PREDICT_UNKNOWN] = "unknown",
		[PREDICT_NOBODY] = "none",
	};

	return names[decision];
}

static void line(const struct term *t, const char *label, const char *fmt, ...) _printf_(3, 4);

static void line(const struct term *t, const char *label, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	fprintf(t->out, "  %s%-*s%s", term_on(t, TERM_BOLD), (int)LABEL - 2, label, term_off(t));
	term_wrap(t, text ? text : "?", LABEL, LABEL);
}

/* --- the steps --- */

static void print_total(const struct term *t, const struct scene *s, const char *wanted)
{
	const struct memcg *m = s->rules.memcg;
	char size[TERM_SIZE], limit[TERM_SIZE];

	if (m && wanted && !streq(m->path, wanted))
		line(t, "limit", "%s has %s: that of %s", wanted,
		     m->own_kb < 0 ? "none of its own" : "a higher one", m->path);
	if (m)
		line(t, "limit", "%s of cgroup %s; with the swap it may use %" PRId64 " pages",
		     term_size(limit, m->limit_kb), m->path, s->rules.badness.total);
	else
		line(t, "memory", "%s of RAM and swap, %" PRId64 " pages",
		     term_size(size, s->rules.badness.total * (sysconf(_SC_PAGESIZE) / 1024)),
		     s->rules.badness.total);
	line(t, "", "one point of oom_score_adj is worth %" PRId64 " pages",
	     s->rules.badness.total / 1000);
}

static void print_panic(const struct term *t, const struct scene *s)
{
	const struct predict_rules *r = &s->rules;

	if (s->prediction.decision != PREDICT_PANIC && r->panic_on_oom < 0) {
		line(t, "1 panic", "unknown: vm.panic_on_oom cannot be read");
		return;
	}
	if (s->prediction.decision != PREDICT_PANIC) {
		line(t, "1 panic", "no: vm.panic_on_oom is %d%s", r->panic_on_oom,
		     r->panic_on_oom == 1   ? ", and this is a cgroup's memory"
		     : r->panic_on_oom == 2 ? ", and memory.oom_control comes before it"
					    : "");
		return;
	}
	line(t, "1 panic", "yes: %s", s->prediction.why);
	line(t, "", "%s",
	     r->kdump_armed > 0 ? "kdump is armed, and would keep the memory for a look at it"
	     : r->kdump_armed < 0
		     ? "whether kdump is armed cannot be read"
		     : "kdump is not armed: nothing would be kept ('holdfast kdump status' "
		       "says why)");
}

static void print_asking(const struct term *t, const struct scene *s)
{
	const struct predict_rules *r = &s->rules;

	if (r->kill_allocating < 0)
		line(t, "2 asking", "unknown: vm.oom_kill_allocating_task cannot be read");
	else if (!r->kill_allocating)
		line(t, "2 asking", "not killed for it: vm.oom_kill_allocating_task is off");
	else if (r->memcg)
		line(t, "2 asking",
		     "not killed for it: vm.oom_kill_allocating_task does not count "
		     "in a cgroup");
	else if (s->prediction.decision == PREDICT_KILL_ASKING)
		line(t, "2 asking", "whoever asks is killed: vm.oom_kill_allocating_task is on");
	else
		line(t, "2 asking", "process %d cannot be killed", (int)r->asking);
}

#define ADJ_SIZE 12

static const char *adj_text(char buffer[ADJ_SIZE], int adj)
{
	if (adj == PROC_ADJ_UNKNOWN)
		return "?";
	snprintf(buffer, ADJ_SIZE, "%d", adj);
	return buffer;
}

/* Columns for all of the numbers; for a row without what they are made of; and below that there is
 * only room for the sum. */
#define WIDE 76U
#define NARROW 36U

static void print_candidate(const struct term *t, const struct predict_candidate *c, bool victim)
{
	bool wide = !t->columns || t->columns >= WIDE, narrow = t->columns && t->columns < NARROW;
	unsigned used = wide ? 65 : narrow ? 0 : 29;
	char adj[ADJ_SIZE], points[24], name[PROC_NAME_MAX + 16];

	snprintf(points, sizeof(points), "%" PRId64, c->badness.points);
	fprintf(t->out, "%s%2s", victim ? term_on(t, TERM_RED) : "", victim ? ">" : "");
	if (narrow) {
		snprintf(name, sizeof(name), "%s[%d]", c->proc->name, (int)c->proc->pid);
		fprintf(t->out, "%9s ", c->badness.killable ? points : "never");
		term_text(t, name, t->columns - 12, false);
		fprintf(t->out, "%s\n", victim ? term_off(t) : "");
		return;
	}
	fprintf(t->out, "%9d ", (int)c->proc->pid);
	if (wide)
		fprintf(t->out, "%8" PRId64 " %8" PRId64 " %7" PRId64 " ", c->badness.rss,
			c->badness.swap, c->badness.pgtables);
	fprintf(t->out, "%5s ", adj_text(adj, c->proc->adj));
	if (wide)
		fprintf(t->out, "%9" PRId64 " ", c->badness.adj);
	fprintf(t->out, "%9s  ", c->badness.killable ? points : "never");
	term_text(t, c->proc->name, t->columns ? t->columns - used : 0, false);
	fprintf(t->out, "%s\n", victim ? term_off(t) : "");
}

static void print_candidates(const struct term *t, const struct prediction *p, bool all)
{
	size_t shown = all || p->n < RUNNERS_UP ? p->n : RUNNERS_UP;

	line(t, "3 worst", "of %zu processes %zu can be killed; in pages:", p->n, p->killable);
	fputs(!t->columns || t->columns >= WIDE
		      ? "        PID      RSS     SWAP  TABLES  OOM_SCORE_ADJ   BADNESS  COMMAND\n"
	      : t->columns >= NARROW ? "        PID   ADJ   BADNESS  COMMAND\n"
				     : "    BADNESS COMMAND\n",
	      t->out);
	for (size_t i = 0; i < shown; i++)
		print_candidate(t, &p->list[i], &p->list[i] == p->victim);
	if (shown < p->n)
		fprintf(t->out, "%*s%zu more\n", (int)LABEL, "", p->n - shown);
}

static void print_end(const struct term *t, const struct scene *s)
{
	const struct prediction *p = &s->prediction;
	char rss[TERM_SIZE], swap[TERM_SIZE];

	if (p->victim)
		line(t, "killed", "%s[%d]: %s", p->victim->proc->name, (int)p->victim->proc->pid,
		     p->why);
	else if (p->decision == PREDICT_KILL_ASKING)
		line(t, "killed", "whoever asks; 'holdfast predict --pid PID' supposes one");
	else if (p->decision == PREDICT_UNKNOWN)
		line(t, "killed", "not known: %s", p->why);
	else
		line(t, "killed", "nobody%s%s", p->decision == PREDICT_PANIC ? "" : ": ",
		     p->decision == PREDICT_PANIC ? "" : p->why);
	if (p->instead_of)
		line(t, "", "chosen is %s[%d]", p->instead_of->proc->name,
		     (int)p->instead_of->proc->pid);
	if (p->group && p->victim)
		line(t, "", "with all of %s (memory.oom.group)", p->group);
	if (!p->victim)
		return;
	line(t, "freed", "at most %s of RAM and %s of swap", term_size(rss, p->freed_rss_kb),
	     term_size(swap, p->freed_swap_kb));
	if (p->left > 0)
		line(t, "then", "%" PRId64 " more could be killed", p->left);
	else
		line(t, "then", "nothing can be killed any more: the next time %s",
		     s->rules.memcg ? "whoever asks is refused or waits" : "the kernel panics");
}

static void print_one(const struct term *t, const struct scene *s, const char *wanted, bool all)
{
	char title[64];

	snprintf(title, sizeof(title), "If memory ran out %s", s->title);
	fputs(term_on(t, TERM_BOLD), t->out);
	term_wrap(t, title, 0, 2);
	fputs(term_off(t), t->out);
	print_total(t, s, wanted);
	print_panic(t, s);
	if (s->prediction.decision != PREDICT_PANIC)
		print_asking(t, s);
	print_candidates(t, &s->prediction, all);
	print_end(t, s);
}

/* --- side by side --- */

static void cell(const struct term *t, unsigned width, bool end, const char *fmt, ...)
	_printf_(4, 5);

static void cell(const struct term *t, unsigned width, bool end, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	term_text(t, text, width, !end);
	fputs(end ? "\n" : "  ", t->out);
}

static void killed_cell(const struct term *t, unsigned width, bool end, const struct prediction *p)
{
	const struct proc *victim = p->victim ? p->victim->proc : NULL;

	if (victim)
		cell(t, width, end, "%s[%d]%s%s", victim->name, (int)victim->pid,
		     p->group ? ", all of " : "", p->group ? p->group : "");
	else
		cell(t, width, end, "%s",
		     p->decision == PREDICT_PANIC         ? "nobody: the kernel panics"
		     : p->decision == PREDICT_UNKNOWN     ? "not known"
		     : p->decision == PREDICT_KILL_ASKING ? "whoever asks"
							  : "nobody");
}

static void freed_cell(const struct term *t, unsigned width, bool end, const struct prediction *p)
{
	char rss[TERM_SIZE], swap[TERM_SIZE];

	if (p->victim)
		cell(t, width, end, "%s of RAM, %s of swap", term_size(rss, p->freed_rss_kb),
		     term_size(swap, p->freed_swap_kb));
	else
		cell(t, width, end, "%s",
		     p->decision == PREDICT_UNKNOWN       ? "not known"
		     : p->decision == PREDICT_KILL_ASKING ? "depends on who asks"
							  : "nothing");
}

static void panic_cell(const struct term *t, unsigned width, bool end, const struct scene *s)
{
	if (s->rules.panic_on_oom < 0)
		cell(t, width, end, "unknown: vm.panic_on_oom cannot be read");
	else
		cell(t, width, end, "%s: vm.panic_on_oom is %d",
		     s->prediction.decision == PREDICT_PANIC ? "yes" : "no", s->rules.panic_on_oom);
}

static void kdump_cell(const struct term *t, unsigned width, bool end,
		       const struct predict_rules *r)
{
	if (r->kdump_armed || !r->kdump_why)
		cell(t, width, end, "%s", kdump_armed_text(r->kdump_armed));
	else
		cell(t, width, end, "not armed: %s", r->kdump_why);
}

static const char *asking_text(const struct scene *s)
{
	return s->prediction.decision == PREDICT_PANIC         ? "not any more"
	       : s->rules.kill_allocating < 0                  ? "unknown"
	       : !s->rules.kill_allocating                     ? "not killed for it"
	       : s->rules.memcg                                ? "not killed for it in a cgroup"
	       : s->prediction.decision == PREDICT_KILL_ASKING ? "killed"
							       : "cannot be killed";
}

/* One row of the comparison for one of the two. */
enum aspect {
	TITLE,
	PANIC,
	KDUMP,
	ASKING,
	KILLED,
	FREED,
	LEFT,
};

static void aspect_cell(const struct term *t, unsigned width, bool end, enum aspect aspect,
			const struct scene *s)
{
	const struct prediction *p = &s->prediction;

	switch (aspect) {
	case TITLE:
		cell(t, width, end, "%s", s->title);
		break;
	case PANIC:
		panic_cell(t, width, end, s);
		break;
	case KDUMP:
		kdump_cell(t, width, end, &s->rules);
		break;
	case ASKING:
		cell(t, width, end, "%s", asking_text(s));
		break;
	case KILLED:
		killed_cell(t, width, end, p);
		break;
	case FREED:
		freed_cell(t, width, end, p);
		break;
	case LEFT:
		if (p->decision == PREDICT_PANIC || p->left < 0)
			cell(t, width, end, "%s",
			     p->decision == PREDICT_UNKNOWN ? "not known"
			     : p->left < 0                  ? "depends on who asks"
							    : "nothing runs");
		else
			cell(t, width, end, "%" PRId64 " can be killed", p->left);
		break;
	}
}

static void candidate_cell(const struct term *t, unsigned width, bool end,
			   const struct prediction *p, size_t i)
{
	const struct predict_candidate *c = i < p->n ? &p->list[i] : NULL;
	char points[24], adj[ADJ_SIZE];

	if (!c) {
		cell(t, width, end, "%s", "");
		return;
	}
	snprintf(points, sizeof(points), "%" PRId64, c->badness.points);
	cell(t, width, end, "%8s  adj %5s %s[%d]", c->badness.killable ? points : "never",
	     adj_text(adj, c->proc->adj), c->proc->name, (int)c->proc->pid);
}

static void print_two(const struct term *t, const struct scene *s, const char *wanted, bool all)
{
	static const char *const labels[] = {
		[TITLE] = "",        [PANIC] = "panic", [KDUMP] = "kdump", [ASKING] = "asking",
		[KILLED] = "killed", [FREED] = "freed", [LEFT] = "left",
	};
	unsigned width = t->columns ? (t->columns - LABEL - 2) / 2 : 40;
	size_t most = s[0].prediction.n, shown = all || most < RUNNERS_UP ? most : RUNNERS_UP;

	fprintf(t->out, "%sIf memory ran out%s\n", term_on(t, TERM_BOLD), term_off(t));
	print_total(t, &s[0], wanted);
	for (enum aspect row = TITLE; row <= LEFT; row++) {
		fprintf(t->out, "  %-*s", (int)LABEL - 2, labels[row]);
		aspect_cell(t, width, false, row, &s[0]);
		aspect_cell(t, width, true, row, &s[1]);
	}
	for (size_t i = 0; i < shown; i++) {
		fprintf(t->out, "  %-*s", (int)LABEL - 2, i == 0 ? "worst" : "");
		candidate_cell(t, width, false, &s[0].prediction, i);
		candidate_cell(t, width, true, &s[1].prediction, i);
	}
}

void predict_print(const struct term *t, const struct scene *scenes, unsigned n, const char *wanted,
		   bool all)
{
	if (n == 2)
		print_two(t, scenes, wanted, all);
	else
		print_one(t, scenes, wanted, all);
}
