/* The table of processes by OOM score. */
#pragma once

#include "base/term.h"
#include "cmd/cmd.h"
#include "guard/client.h"
#include "insight/badness.h"

enum top_sort {
	SORT_SCORE,
	SORT_ADJ,
	SORT_RSS,
	SORT_SWAP,
	SORT_PID,
	SORT_USER,
	SORT_UNIT,
	SORT_COMMAND,
	N_SORTS,
};

struct top {
	struct context *c;
	struct term term;
	enum top_sort sort;
	size_t lines; /* 0: all */
	struct procs procs;
	struct users users;
	struct meminfo memory;
	struct arena arena; /* of .guard */
	struct guard_status guard;
};

/* The column with that name, or N_SORTS. */
enum top_sort top_sort_named(const char *name);
/* The column that a key of --watch sorts by, or N_SORTS. */
enum top_sort top_sort_of_key(int key);

/* Reads and sorts the processes, worst first, and of the first @rows (0: all) everything that is
 * shown. What an earlier call has read is freed. 0 or -errno. */
int top_read(struct top *t, size_t rows) _must_check_;

/* How many of them are to be shown in so many lines of a terminal (0: no limit). */
size_t top_rows(const struct top *t, size_t lines);

/* Prints the heading and so many rows; each line ends with @eol. */
void top_print(const struct top *t, size_t rows, const char *eol);

void top_free(struct top *t);

/* Draws until q is pressed. 0 or -errno. */
int top_watch(struct top *t) _must_check_;
