#include "cmd/toptable.h"

static const struct {
	const char *name;
	char key;
	unsigned details; /* what sorting by it needs of every process */
} sorts[N_SORTS] = {
	[SORT_SCORE] = { "score", 's', PROC_SCORE },
	[SORT_ADJ] = { "adj", 'a', PROC_STATUS | PROC_ADJ },
	[SORT_RSS] = { "rss", 'r', PROC_STATUS },
	[SORT_SWAP] = { "swap", 'w', PROC_STATUS },
	[SORT_PID] = { "pid", 'p', PROC_STATUS },
	[SORT_USER] = { "user", 'u', PROC_STATUS },
	[SORT_UNIT] = { "unit", 'n', PROC_STATUS | PROC_CGROUP },
	[SORT_COMMAND] = { "command", 'c', PROC_STATUS },
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

static void sort_rows(struct top *t, size_t first, size_t end)
{
	if (first < end)
		qsort_r(t->procs.list + first, end - first, sizeof(*t->procs.list), compare, t);
}

/* Those with the score of the last row: who of them is shown is decided by memory. */
static int read_equals(struct top *t, size_t rows)
{
	const struct proc *list = t->procs.list;
	const int score = list[rows - 1].score;
	size_t first = rows - 1, end = rows;
	int ret = 0;

	while (first > 0 && list[first - 1].score == score)
		first--;
	while (end < t->procs.n && list[end].score == score)
		end++;
	if (end > rows)
		ret = procs_detail(&t->c->machine.procfs, &t->procs, first, end - first,
				   t->memory.swap_free == t->memory.swap_total ? PROC_RSS
									       : PROC_STATUS);
	sort_rows(t, first, t->procs.n);
	return ret;
}

/* The rest of what is shown of the first rows. In the place of one that has ended comes the next.
 */
static int read_rows(struct top *t, size_t rows, unsigned details)
{
	size_t done = 0;
	int ret = 0;

	while (ret >= 0 && details && done < rows && done < t->procs.n) {
		size_t before = t->procs.n, n = (rows < before ? rows : before) - done;

		ret = procs_detail(&t->c->machine.procfs, &t->procs, done, n, details);
		done += n - (before - t->procs.n);
	}
	return ret;
}

/* Not everything of everybody: a file of ten thousand processes costs 40 ms. */
static int read_processes(struct top *t, size_t rows)
{
	const unsigned all = PROC_STATUS | PROC_SCORE | PROC_ADJ | PROC_CGROUP;
	const unsigned first = rows == 0 ? all : sorts[t->sort].details;
	int ret = procs_read(&t->c->machine.procfs, first, &t->procs);

	if (ret < 0)
		return ret;
	sort_rows(t, 0, t->procs.n);
	if (!(first & PROC_STATUS) && rows < t->procs.n)
		ret = read_equals(t, rows);
	if (ret >= 0)
		ret = read_rows(t, rows, all & ~first);
	sort_rows(t, 0, rows < t->procs.n ? rows : t->procs.n);
	return ret;
}

int top_read(struct top *t, size_t rows)
{
	int ret;

	procs_free(&t->procs);
	arena_free(&t->arena);
	if (meminfo_read(&t->c->machine.procfs, &t->memory) < 0)
		t->memory = (struct meminfo){ -1, -1, -1, -1, -1 };
	ret = read_processes(t, rows);
	if (ret >= 0)
		ret = guard_status_read(&t->c->machine, &t->arena, &t->guard);
	for (size_t i = 0; ret >= 0 && i < t->procs.n && (i < rows || rows == 0); i++)
		mark_protected(t, &t->procs.list[i]);
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

enum column {
	COL_SCORE,
	COL_ADJ,
	COL_OLD,
	COL_RSS,
	COL_SWAP,
	COL_MEM,
	COL_PID,
	COL_USER,
	COL_UNIT,
	COL_COMMAND,
	N_COLUMNS,
};

static const struct {
	const char *heading;
	unsigned width;
	bool right;
} columns[N_COLUMNS] = {
	[COL_SCORE] = { "SCORE", 5, true }, [COL_ADJ] = { "ADJ", 5, true },
	[COL_OLD] = { "OLD", 3, true },     [COL_RSS] = { "RSS", 6, true },
	[COL_SWAP] = { "SWAP", 6, true },   [COL_MEM] = { "MEM", 6, false },
	[COL_PID] = { "PID", 7, true },     [COL_USER] = { "USER", 8, false },
	[COL_UNIT] = { "UNIT", 4, false },  [COL_COMMAND] = { "COMMAND", 0, false },
};

#define MARK 2U        /* columns of the mark in front */
#define MIN_COMMAND 8U /* left for the command, or another column is not shown */

/* The width of each column; 0: not shown, but of the command: as long as it is. */
struct layout {
	unsigned width[N_COLUMNS];
};

static unsigned longest_unit(const struct top *t, size_t rows)
{
	size_t longest = columns[COL_UNIT].width;

	for (size_t i = 0; i < rows; i++) {
		size_t n = t->procs.list[i].unit ? strlen(t->procs.list[i].unit) : 0;

		longest = n > longest ? n : longest;
	}
	return longest < 200 ? (unsigned)longest : 200;
}

/* On a narrow terminal the columns get their room in the order of what one looks for. */
static struct layout layout_for(const struct top *t, size_t rows)
{
	static const enum column wanted[] = { COL_PID,  COL_SCORE, COL_RSS, COL_ADJ,
					      COL_USER, COL_SWAP,  COL_OLD, COL_MEM };
	unsigned left = t->term.columns - MARK, unit = longest_unit(t, rows);
	struct layout l = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		unsigned width = columns[wanted[i]].width;

		if (wanted[i] == COL_MEM && t->term.columns >= 100)
			width = t->term.columns >= 160 ? 20 : 12;
		if (t->term.columns && left < width + 1 + MIN_COMMAND)
			break;
		l.width[wanted[i]] = width;
		left -= width + 1;
	}
	if (!t->term.columns) {
		l.width[COL_UNIT] = unit;
		return l;
	}
	if (left > 2 * MIN_COMMAND) {
		l.width[COL_UNIT] = unit < (left - 1) / 2 ? unit : (left - 1) / 2;
		left -= l.width[COL_UNIT] + 1;
	}
	l.width[COL_COMMAND] = left;
	return l;
}

static const char *number_text(char buffer[TERM_SIZE], int value, int unknown)
{
	if (value == unknown)
		return "?";
	snprintf(buffer, TERM_SIZE, "%d", value);
	return buffer;
}

static const char *cell_text(const struct top *t, const struct proc *p, enum column column,
			     char buffer[TERM_SIZE])
{
	switch (column) {
	case COL_SCORE:
		return number_text(buffer, p->score, -1);
	case COL_ADJ:
		return number_text(buffer, p->adj, PROC_ADJ_UNKNOWN);
	case COL_OLD:
		return p->adj == PROC_ADJ_UNKNOWN
			       ? "?"
			       : number_text(buffer, badness_legacy_adj(p->adj), PROC_ADJ_UNKNOWN);
	case COL_RSS:
		return term_size(buffer, p->rss_kb);
	case COL_SWAP:
		return term_size(buffer, p->swap_kb);
	case COL_PID:
		return number_text(buffer, p->pid, 0);
	case COL_USER:
		return users_name(&t->users, p->uid, buffer);
	case COL_UNIT:
		return p->unit ? p->unit : "";
	default:
		return p->name;
	}
}

/* One cell and the blank behind it; the last is not filled. */
static void print_cell(const struct top *t, const struct layout *l, enum column column,
		       const char *text)
{
	unsigned width = l->width[column];

	if (columns[column].right)
		fprintf(t->term.out, "%*s", (int)width, text);
	else
		term_text(&t->term, text, width, column != COL_COMMAND);
	if (column != COL_COMMAND)
		fputc(' ', t->term.out);
}

static void print_row(const struct top *t, const struct proc *p, const struct layout *l,
		      const char *eol)
{
	const struct term *term = &t->term;
	char buffer[TERM_SIZE];

	fprintf(term->out, "%s%s", p->is_protected ? term_on(term, TERM_GREEN) : "",
		p->is_protected ? "* " : "  ");
	for (enum column c = 0; c < N_COLUMNS; c++) {
		if (c == COL_MEM && l->width[c]) {
			term_bar(term, p->rss_kb, t->memory.total, l->width[c]);
			fputc(' ', term->out);
		} else if (l->width[c] || c == COL_COMMAND) {
			print_cell(t, l, c, cell_text(t, p, c, buffer));
		}
	}
	fprintf(term->out, "%s%s", p->is_protected ? term_off(term) : "", eol);
}

static void print_summary(const struct top *t, const char *eol)
{
	char free_kb[TERM_SIZE], total[TERM_SIZE], swap[64] = "no swap", line[160];
	const struct meminfo *m = &t->memory;

	if (m->swap_total != 0)
		snprintf(swap, sizeof(swap), "swap %s of %s free",
			 m->swap_free < 0 ? "?" : term_size(free_kb, m->swap_free),
			 m->swap_total < 0 ? "?" : term_size(total, m->swap_total));
	if (m->total < 0)
		snprintf(line, sizeof(line), "%zu processes", t->procs.n);
	else
		snprintf(line, sizeof(line), "%zu processes; %s of %s available, %s", t->procs.n,
			 m->available < 0 ? "?" : term_size(free_kb, m->available),
			 term_size(total, m->total), swap);
	term_text(&t->term, line, t->term.columns, false);
	fputs(eol, t->term.out);
}

void top_print(const struct top *t, size_t rows, const char *eol)
{
	const struct layout l = layout_for(t, rows);
	const struct term *term = &t->term;

	print_summary(t, eol);
	fprintf(term->out, "%s  ", term_on(term, TERM_BOLD));
	for (enum column c = 0; c < N_COLUMNS; c++)
		if (l.width[c] || c == COL_COMMAND)
			print_cell(t, &l, c, columns[c].heading);
	fprintf(term->out, "%s%s", term_off(term), eol);
	for (size_t i = 0; i < rows; i++)
		print_row(t, &t->procs.list[i], &l, eol);
}
