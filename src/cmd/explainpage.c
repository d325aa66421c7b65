#include "cmd/explainpage.h"

#include <stdarg.h>

void page_line(struct page *p, const char *label, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	text = arena_vprintf(&p->arena, fmt, ap);
	va_end(ap);
	if (!text) {
		p->error = -ENOMEM;
		return;
	}
	fprintf(p->t->out, "  %s%-*s%s", term_on(p->t, TERM_BOLD), (int)PAGE_LABEL - 2, label,
		term_off(p->t));
	term_wrap(p->t, text, PAGE_LABEL, PAGE_LABEL);
}

const char *page_word(const char *text, const char *otherwise)
{
	return text && *text ? text : otherwise;
}

const char *page_size(char buffer[TERM_SIZE], int64_t kb)
{
	return oom_known(kb) ? term_size(buffer, kb) : "?";
}

const char *page_size_of(const struct page *p, char buffer[TERM_SIZE], int64_t pages)
{
	return page_size(buffer, oom_kb(p->r, pages));
}
