/* What a person reads: on a terminal with its width and colours, or plain. */
#pragma once

#include "base/util.h"

struct term {
	FILE *out;
	bool tty;
	bool colour;      /* a terminal, without NO_COLOR */
	bool utf8;        /* else ASCII only */
	unsigned columns; /* 0: no limit; else at least 20 */
	unsigned rows;    /* 0: no limit */
};

enum term_style {
	TERM_BOLD,
	TERM_DIM,
	TERM_RED,
	TERM_GREEN,
	TERM_YELLOW,
	TERM_REVERSE,
};

/* Looks at @out and the environment: the terminal's size (else $COLUMNS), NO_COLOR, TERM, and the
 * locale's characters. */
struct term term_of(FILE *out);

/* The escape that begins a style, or ends all of them; "" without colours. */
const char *term_on(const struct term *t, enum term_style style);
const char *term_off(const struct term *t);

/* Prints @text in @width columns: cut, with a mark, where it is longer; filled with blanks where it
 * is shorter and @pad says so. Control characters, which a process may have in its name, and what
 * the terminal cannot show become '?'. Width 0: as long as it is. */
void term_text(const struct term *t, const char *text, unsigned width, bool pad);

/* Prints a bar of @width columns, of which @part of @whole is filled. */
void term_bar(const struct term *t, int64_t part, int64_t whole, unsigned width);

/* Prints @text from column @column on, wrapped at the width; the lines after the first are indented
 * by @indent. Ends with a newline. */
void term_wrap(const struct term *t, const char *text, unsigned column, unsigned indent);

#define TERM_SIZE 16

/* A size for people, "9.4M", of at most 6 characters; returns @buffer. */
const char *term_size(char buffer[TERM_SIZE], int64_t kb);
