/* The task table. Its heading names the columns, which changed with the kernels; the rows are
 *
 *     [  pid] uid tgid total_vm rss ... swapents         oom_score_adj name
 */
#include "insight/oomparse.h"

#define MAX_COLUMNS 12

/* A row as it is in the log, until all are there. */
struct oom_row {
	struct oom_row *next;
	const char *text;
};

static const struct column {
	const char *name;
	size_t offset;
	bool needed;
} columns[] = {
	{ "pid", offsetof(struct oom_task, pid), true },
	{ "uid", offsetof(struct oom_task, uid), true },
	{ "tgid", offsetof(struct oom_task, tgid), true },
	{ "total_vm", offsetof(struct oom_task, total_vm), true },
	{ "rss", offsetof(struct oom_task, rss), true },
	{ "rss_anon", offsetof(struct oom_task, rss_anon), false },
	{ "rss_file", offsetof(struct oom_task, rss_file), false },
	{ "rss_shmem", offsetof(struct oom_task, rss_shmem), false },
	{ "pgtables_bytes", offsetof(struct oom_task, pgtables_bytes), false },
	{ "nr_ptes", offsetof(struct oom_task, nr_ptes), false },
	{ "nr_pmds", offsetof(struct oom_task, nr_pmds), false },
	{ "nr_puds", offsetof(struct oom_task, nr_puds), false },
	{ "swapents", offsetof(struct oom_task, swapents), true },
	{ "oom_score_adj", offsetof(struct oom_task, oom_score_adj), true },
};

/* The columns before the name, in their order. */
struct layout {
	const struct column *column[MAX_COLUMNS];
	unsigned n;
};

/* Each column can be there once. */
static bool add_column(struct layout *l, const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		if (strlen(columns[i].name) != len || strncmp(name, columns[i].name, len) != 0)
			continue;
		for (unsigned n = 0; n < l->n; n++)
			if (l->column[n] == &columns[i])
				return false;
		if (l->n == MAX_COLUMNS)
			return false;
		l->column[l->n++] = &columns[i];
		return true;
	}
	return false;
}

/* The columns that all kernels have, and the last one where the gap is. */
static bool is_whole(const struct layout *l)
{
	unsigned needed = 0;

	for (unsigned i = 0; i < l->n; i++)
		needed += l->column[i]->needed;
	return needed == 7 && streq(l->column[0]->name, "pid") &&
	       streq(l->column[l->n - 1]->name, "oom_score_adj");
}

/* Reads a heading, "[ pid ] uid tgid ... name". False where a column is unknown, or it is cut. */
static bool read_heading(const char *text, struct layout *ret_layout)
{
	struct layout l = { 0 };

	for (const char *p = text; *p;) {
		size_t n;

		p += strspn(p, " []");
		n = strcspn(p, " []");
		if (n == 4 && strncmp(p, "name", 4) == 0) {
			*ret_layout = l;
			return is_whole(&l);
		}
		if (!add_column(&l, p, n))
			return false;
		p += n;
	}
	return false;
}

/* Longer than a program's name, with which a line may begin. */
bool oomtask_is_heading(const char *text)
{
	static const char *const words[] = { "[ ", "pid ", "] ", "uid ", "tgid " };
	size_t i = 0;

	for (; i < ARRAY_SIZE(words) && (text = after_prefix(text, words[i])); i++)
		text += strspn(text, " ");
	return i == ARRAY_SIZE(words);
}

/* Reads up to @n numbers of a row; *@ret_gaps has bit i set where nine blanks or more stand in
 * front of the number i (from 0), as in front of oom_score_adj. Returns how many there are;
 * *@ret_rest is what follows. */
static unsigned read_numbers(const char *text, unsigned n, int64_t *ret_numbers, unsigned *ret_gaps,
			     const char **ret_rest)
{
	const char *p = text + 1;
	unsigned got = 0;

	*ret_gaps = 0;
	while (got < n) {
		size_t blanks = strspn(p, " ");
		const char *start = p;

		p += blanks;
		if ((got > 0 && blanks == 0) || !oom_number(&p, &ret_numbers[got]) ||
		    (got == 0 ? *p++ != ']' : *p != ' ')) {
			p = start;
			break;
		}
		*ret_gaps |= blanks >= 9 ? 1U << got : 0;
		got++;
	}
	*ret_rest = p;
	return got;
}

/* More numbers than a program's name can hold, with which a line may begin; fewer where it is cut.
 */
bool oomtask_is_row(const char *text)
{
	int64_t numbers[MAX_COLUMNS];
	const char *rest;
	unsigned gaps;

	if (*text != '[' || read_numbers(text, MAX_COLUMNS, numbers, &gaps, &rest) == 0)
		return false;
	return rest - text > OOM_COMM_MAX || !rest[strspn(rest, " -0123456789")];
}

bool oomtask_line(struct oom_parser *p, const char *text)
{
	struct oom_report *r = p->report;
	struct oom_row *row;

	if (oomtask_is_heading(text)) {
		r->heading = text;
		return true;
	}
	if (!oomtask_is_row(text))
		return false;
	if (p->line.cut) {
		r->table_damaged = true;
		return true;
	}
	row = arena_alloc(p->arena, sizeof(*row));
	if (!row) {
		p->error = -ENOMEM;
		return true;
	}
	row->text = text;
	if (r->last_row)
		r->last_row->next = row;
	else
		r->rows = row;
	r->last_row = row;
	return true;
}

void oomtask_end(struct oom_report *r)
{
	r->table_ends |= r->heading || r->rows;
}

/* Without a heading the columns follow from their number, which is known by the gap in front of the
 * last one. Zero where they cannot be told. */
static unsigned count_columns(const struct oom_row *rows)
{
	unsigned possible = ~0U;

	for (const struct oom_row *row = rows; row; row = row->next) {
		int64_t numbers[MAX_COLUMNS];
		const char *rest;
		unsigned gaps;

		read_numbers(row->text, MAX_COLUMNS, numbers, &gaps, &rest);
		possible &= gaps << 1; /* bit n: there may be n columns */
	}
	for (unsigned n = 11; n >= 8; n--)
		if (possible & 1U << n)
			return n;
	return 0;
}

static bool guess_layout(const struct oom_report *r, struct layout *ret_layout)
{
	const char *heading = NULL;

	switch (count_columns(r->rows)) {
	case 8: /* 3.10 to 3.19, 4.15 to 6.8 */
		if (oom_kernel_since(r, 4, 15) < 0)
			break;
		heading = oom_kernel_since(r, 4, 15)
				  ? "pid uid tgid total_vm rss pgtables_bytes swapents "
				    "oom_score_adj name"
				  : "pid uid tgid total_vm rss nr_ptes swapents "
				    "oom_score_adj name";
		break;
	case 9: /* 4.0 to 4.10 */
		heading = "pid uid tgid total_vm rss nr_ptes nr_pmds swapents oom_score_adj name";
		break;
	case 10: /* 4.11 to 4.14 */
		heading = "pid uid tgid total_vm rss nr_ptes nr_pmds nr_puds swapents "
			  "oom_score_adj name";
		break;
	case 11: /* 6.9 */
		heading = "pid uid tgid total_vm rss rss_anon rss_file rss_shmem pgtables_bytes "
			  "swapents oom_score_adj name";
		break;
	}
	return heading && read_heading(heading, ret_layout);
}

/* A row without a name was cut off. */
static struct oom_task *read_row(struct oom_parser *p, const struct layout *l, const char *text)
{
	int64_t numbers[MAX_COLUMNS];
	struct oom_task *t;
	const char *rest;
	unsigned gaps;

	if (read_numbers(text, l->n, numbers, &gaps, &rest) < l->n || *rest++ != ' ' || !*rest)
		return NULL;
	t = arena_alloc(p->arena, sizeof(*t));
	if (!t) {
		p->error = -ENOMEM;
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		*(int64_t *)(void *)((char *)t + columns[i].offset) = OOM_UNKNOWN;
	for (unsigned i = 0; i < l->n; i++)
		*(int64_t *)(void *)((char *)t + l->column[i]->offset) = numbers[i];
	t->command = rest;
	return t;
}

static int by_pid(const void *a, const void *b)
{
	const struct oom_task *x = *(struct oom_task *const *)a, *y = *(struct oom_task *const *)b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* The row whose PID, or with @tgid whose process, is @pid; its other one of the two. */
static bool find_row(const struct oom_report *r, int64_t pid, bool tgid, int64_t *ret_other)
{
	for (const struct oom_row *row = r->rows; row; row = row->next) {
		int64_t numbers[3];
		unsigned gaps;
		const char *rest;

		if (read_numbers(row->text, 3, numbers, &gaps, &rest) == 3 &&
		    numbers[tgid ? 2 : 0] == pid) {
			*ret_other = numbers[tgid ? 0 : 2];
			return true;
		}
	}
	return false;
}

bool oomtask_knows(const struct oom_report *r, int64_t pid)
{
	int64_t other;

	return find_row(r, pid, false, &other) || find_row(r, pid, true, &other);
}

bool oomtask_is_thread(const struct oom_report *r, int64_t pid)
{
	int64_t leader;

	return find_row(r, pid, false, &leader) && leader == r->victim.pid;
}

/* Whether a PID is there twice. */
static bool has_twins(struct oom_parser *p, const struct oom_report *r)
{
	struct oom_task **sorted =
		arena_alloc(p->arena, (r->n_tasks + 1) * sizeof(struct oom_task *));
	size_t n = 0;

	if (!sorted) {
		p->error = -ENOMEM;
		return false;
	}
	for (struct oom_task *t = r->tasks; t; t = t->next)
		sorted[n++] = t;
	if (n > 1)
		qsort(sorted, n, sizeof(struct oom_task *), by_pid);
	for (size_t i = 1; i < n; i++)
		if (sorted[i]->pid == sorted[i - 1]->pid)
			return true;
	return false;
}

static void read_rows(struct oom_parser *p, const struct layout *l)
{
	struct oom_report *r = p->report;
	struct oom_task **tail = &r->tasks;

	for (const struct oom_row *row = r->rows; row && p->error == 0; row = row->next) {
		struct oom_task *t = read_row(p, l, row->text);

		r->table_damaged |= !t;
		if (!t)
			continue;
		*tail = t;
		tail = &t->next;
		r->n_tasks++;
	}
}

void oomtask_finish(struct oom_parser *p)
{
	struct oom_report *r = p->report;
	struct layout l;

	if (r->heading ? !read_heading(r->heading, &l) : !guess_layout(r, &l)) {
		r->table_damaged = r->heading || r->rows;
		return;
	}
	if (r->table_mixed)
		return;
	read_rows(p, &l);
	r->table_mixed = has_twins(p, r);
	if (r->table_mixed) {
		r->tasks = NULL;
		r->n_tasks = 0;
	}
}
