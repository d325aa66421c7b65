#include "base/arena.h"

#include <stdalign.h>

#define BLOCK_SIZE 16384U

struct arena_block {
	struct arena_block *next;
	alignas(max_align_t) char data[];
};

static int arena_grow(struct arena *a, size_t size)
{
	size_t want = size > BLOCK_SIZE ? size : BLOCK_SIZE;
	struct arena_block *b = malloc(sizeof(*b) + want);

	if (!b)
		return -ENOMEM;
	b->next = a->blocks;
	a->blocks = b;
	a->used = 0;
	a->size = want;
	return 0;
}

void *arena_alloc(struct arena *a, size_t size)
{
	const size_t align = alignof(max_align_t);
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size ? size + align - 1 : align) / align * align;
	if (a->size - a->used < size && arena_grow(a, size) < 0)
		return NULL;
	p = a->blocks->data + a->used;
	a->used += size;
	return memset(p, 0, size);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *p = arena_alloc(a, n + 1);

	if (p)
		memcpy(p, s, n);
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	char *p;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		return NULL;
	p = arena_alloc(a, (size_t)n + 1);
	if (p)
		vsnprintf(p, (size_t)n + 1, fmt, ap);
	return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	p = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return p;
}

void arena_adopt(struct arena *a, struct arena *from)
{
	struct arena_block **tail = &a->blocks;

	while (*tail)
		tail = &(*tail)->next;
	*tail = from->blocks;
	if (tail == &a->blocks) { /* the first block is the one in use */
		a->used = from->used;
		a->size = from->size;
	}
	*from = (struct arena){ 0 };
}

void arena_free(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *b = a->blocks;

		a->blocks = b->next;
		free(b);
	}
	*a = (struct arena){ 0 };
}
