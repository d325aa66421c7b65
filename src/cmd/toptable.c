#include "cmd/toptable.h"

#include <inttypes.h>

static const struct {
	const char *name;
	char key;
	unsigned details; /* what sorting by it needs of every process */
} sorts[N_SORTS] = {
	[SORT_SCORE] = { "score", 's', PROC_SCORE },
	[SORT_ADJ] = { "adj", 'a', PROC_ADJ },
	[SORT_RSS] = { "rss", 'r', 0 },
	[SORT_SWAP] = { "swap", 'w', 0 },
	[SORT_PID] = { "pid", 'p', 0 },
	[SORT_USER] = { "user", 'u', 0 },
	[SORT_UNIT] = { "unit", 'n', PROC_CGROUP },
	[SORT_COMMAND] = { "command", 'c', 0 },
};

enum top_sort top_sort_named(const char *name)
{
	unsigned i = 0;

	while (i < N_SORTS && !streq(sorts[i].name, name))
		i++;
	return (enum top_sort)i;
}

enum top_sort top_sort_of_key(int key)
{
	unsigned i = 0;

	while (i < N_SORTS && sorts[i].key != key)
		i++;
	return (enum top_sort)i;
}

/* --- reading --- */

static int64_t order(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

/* Largest first, names in their order; then by memory, then by PID. */
static int compare(const void *a, const void *b, void *data)
{
	const struct proc *x = a, *y = b;
	const struct top *t = data;
	char one[16], two[16];
	int64_t by = 0;

	switch (t->sort) {
	case SORT_ADJ:
		by = order(y->adj, x->adj);
		break;
	case SORT_SWAP:
		by = order(y->swap_kb, x->swap_kb);
		break;
	case SORT_PID:
		by = order(x->pid, y->pid);
		break;
	case SORT_USER:
		by = strcmp(users_name(&t->users, x->uid, one), users_name(&t->users, y->uid, two));
		break;
	case SORT_UNIT:
		by = strcmp(x->unit, y->unit);
		break;
	case SORT_COMMAND:
		by = strcmp(x->name, y->name);
		break;
	case SORT_SCORE:
		by = order(y->score, x->score);
		break;
	default:
		break;
	}
	by = by ? by
		: order(y->rss_kb + (t->sort == SORT_RSS ? 0 : y->swap_kb),
			x->rss_kb + (t->sort == SORT_RSS ? 0 : x->swap_kb));
	by = by ? by : order(x->pid, y->pid);
	return (int)by;
}

static void mark_protected(const struct top *t, struct proc *p)
{
	p->is_protected = p->adj == -1000;
	for (const struct guard_pin *pin = t->guard.pins; pin && !p->is_protected; pin = pin->next)
		p->is_protected = pin->pid == p->pid;
}

/* Not everything of everybody: a file more of ten thousand processes costs 30 ms. */
int top_read(struct top *t, size_t rows)
{
	const unsigned all = PROC_SCORE | PROC_ADJ | PROC_CGROUP;
	const unsigned first = rows == 0 ? all : sorts[t->sort].details;
	const struct root *procfs = &t->c->machine.procfs;
	int ret;

	procs_free(&t->procs);
	arena_free(&t->arena);
	ret = procs_read(procfs, first, &t->procs);
	if (ret < 0)
		return ret;
	if (meminfo_read(procfs, &t->memory) < 0)
		t->memory = (struct meminfo){ -1, -1, -1, -1, -1 };
	ret = guard_status_read(&t->c->machine, &t->arena, &t->guard);
	if (t->procs.n > 0)
		qsort_r(t->procs.list, t->procs.n, sizeof(*t->procs.list), compare, t);
	if (rows == 0 || rows > t->procs.n)
		rows = t->procs.n;
	for (size_t i = 0; ret >= 0 && i < rows; i++) {
		if (all & ~first)
			ret = procs_detail(procfs, &t->procs, &t->procs.list[i], all & ~first);
		mark_protected(t, &t->procs.list[i]);
	}
	return ret;
}

void top_free(struct top *t)
{
	procs_free(&t->procs);
	users_free(&t->users);
	arena_free(&t->arena);
}

/* --- printing --- */

#define HEADING 2U /* lines above the processes */

size_t top_rows(const struct top *t, size_t lines)
{
	size_t n = t->procs.n;

	if (t->lines && t->lines < n)
		n = t->lines;
	if (lines && n > (lines > HEADING ? lines - HEADING : 1))
		n = lines > HEADING ? lines - HEADING : 1;
	return n;
}

/* What the columns of no fixed width get of the line. */
struct widths {
	unsigned bar, user, unit, command; /* 0: as long as it is */
};

static struct widths widths_for(const struct top *t, size_t rows)
{
	struct widths w = { .bar = 6, .user = 8 };
	unsigned fixed = 50, rest, longest = 4;

	if (t->term.columns >= 100)
		w.bar = t->term.columns >= 160 ? 20 : 12;
	for (size_t i = 0; i < rows; i++) {
		size_t n = t->procs.list[i].unit ? strlen(t->procs.list[i].unit) : 0;

		longest = n > longest ? (unsigned)(n < 200 ? n : 200) : longest;
	}
	w.unit = longest;
	if (!t->term.columns)
		return w;
	fixed += w.bar;
	rest = t->term.columns > fixed + 16 ? t->term.columns - fixed : 16;
	if (longest > rest / 2)
		w.unit = rest / 2;
	w.command = rest - w.unit;
	return w;
}

static void print_number(const struct term *t, int value, int width)
{
	if (value < 0 && width == 5) /* a score that could not be read */
		fprintf(t->out, "%*s ", width, "?");
	else
		fprintf(t->out, "%*d ", width, value);
}

static void print_row(const struct top *t, const struct proc *p, const struct widths *w,
		      const char *eol)
{
	char rss[TERM_SIZE], swap[TERM_SIZE], user[16];
	const struct term *term = &t->term;
	FILE *out = term->out;

	fprintf(out, "%s%s", p->is_protected ? term_on(term, TERM_GREEN) : "",
		p->is_protected ? "* " : "  ");
	print_number(term, p->score, 5);
	fprintf(out, "%5d %3d %6s %6s ", p->adj, proc_legacy_adj(p->adj), term_size(rss, p->rss_kb),
		term_size(swap, p->swap_kb));
	term_bar(term, p->rss_kb, t->memory.total, w->bar);
	fprintf(out, " %7d ", (int)p->pid);
	term_text(term, users_name(&t->users, p->uid, user), w->user, true);
	fputc(' ', out);
	term_text(term, p->unit ? p->unit : "", w->unit, true);
	fputc(' ', out);
	term_text(term, p->name, w->command, false);
	fprintf(out, "%s%s", p->is_protected ? term_off(term) : "", eol);
}

static void print_summary(const struct top *t, const char *eol)
{
	char a[TERM_SIZE], b[TERM_SIZE], c[TERM_SIZE], d[TERM_SIZE], line[160];
	const struct meminfo *m = &t->memory;

	if (m->total < 0)
		snprintf(line, sizeof(line), "%zu processes", t->procs.n);
	else
		snprintf(
			line, sizeof(line), "%zu processes; %s of %s available, swap %s of %s free",
			t->procs.n, m->available < 0 ? "?" : term_size(a, m->available),
			term_size(b, m->total), m->swap_free < 0 ? "?" : term_size(c, m->swap_free),
			m->swap_total < 0 ? "?" : term_size(d, m->swap_total));
	term_text(&t->term, line, t->term.columns, false);
	fputs(eol, t->term.out);
}

void top_print(const struct top *t, size_t rows, const char *eol)
{
	const struct widths w = widths_for(t, rows);
	const struct term *term = &t->term;
	char line[512];

	print_summary(t, eol);
	snprintf(line, sizeof(line),
		 "  SCORE   ADJ OLD    RSS   SWAP %-*s     PID %-*s %-*s COMMAND", (int)w.bar,
		 "MEM", (int)w.user, "USER", (int)w.unit, "UNIT");
	fputs(term_on(term, TERM_BOLD), term->out);
	term_text(term, line, term->columns, false);
	fprintf(term->out, "%s%s", term_off(term), eol);
	for (size_t i = 0; i < rows; i++)
		print_row(t, &t->procs.list[i], &w, eol);
}
