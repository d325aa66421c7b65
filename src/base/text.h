/* Words and numbers as people write them. */
#pragma once

#include "base/arena.h"

/* A part of a text; not ended by a NUL. */
struct slice {
	const char *start;
	size_t len;
};

static inline struct slice slice_between(const char *start, const char *end)
{
	return (struct slice){ .start = start, .len = (size_t)(end - start) };
}

static inline bool slice_equal(const struct slice *a, const struct slice *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->start, b->start, a->len) == 0);
}

/* Finds the candidate nearest to .word: offer each, then read .best (NULL: none is near). */
struct nearest {
	const char *word;
	const char *best;
	unsigned distance;
};

void nearest_offer(struct nearest *n, const char *candidate);

/* The whole of @text as a number, decimal or 0x, with or without a minus sign.
 * 0, -EINVAL, -ERANGE. */
int text_to_int(const char *text, int64_t *ret_value) _must_check_;

/* As text_to_int(), with an optional K, M or G (powers of 1024): a plain number counts @unit bytes
 * each. *@ret_value is in @unit. 0, -EINVAL, -ERANGE. */
int text_to_size(const char *text, int64_t unit, int64_t *ret_value) _must_check_;

/* Whether two values of a kernel file say the same: word by word, numbers as numbers (0x10 is 16),
 * Y as 1 and N as 0. */
bool text_same_value(const char *a, const char *b);

/* The beginning of the line behind @line's, or NULL. */
static inline const char *text_next_line(const char *line)
{
	line = strchr(line, '\n');
	return line ? line + 1 : NULL;
}

/* Closes @f, which open_memstream(3) opened for *@text. -ENOMEM where not all is there, which
 * fclose(3) does not tell (glibc): *@text is then freed, and NULL. */
int memstream_end(FILE *f, char **text) _must_check_;
