/* What the parts of an explanation are written with. */
#pragma once

#include "base/term.h"
#include "insight/oomlog.h"

#define PAGE_LABEL 12U /* columns of what stands on the left */

struct page {
	const struct term *t;
	const struct oom_report *r;
	struct arena arena;
	int error; /* -ENOMEM */
};

/* A label on the left and a text on the right, wrapped. */
void page_line(struct page *p, const char *label, const char *fmt, ...) _printf_(3, 4);

/* @text, or @otherwise where it is missing or empty. */
const char *page_word(const char *text, const char *otherwise);

/* KiB as a size; "?" where it is not known. */
const char *page_size(char buffer[TERM_SIZE], int64_t kb);

/* The same for pages. */
const char *page_size_of(const struct page *p, char buffer[TERM_SIZE], int64_t pages);

/* The part about the memory (explainmemory.c). */
void page_memory(struct page *p);
