/* Memory that lives and dies together: everything a profile is made of. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "base/util.h"

struct arena_block;

/* Zero-initialise; release with arena_free(). */
struct arena {
	struct arena_block *blocks;
	size_t used, size;
};

/* @size zeroed bytes, aligned for any type, or NULL without memory. */
void *arena_alloc(struct arena *a, size_t size);

/* A copy of @n bytes of @s, ended by a NUL; NULL without memory. */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) _printf_(2, 3);
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) _printf_(2, 0);

/* Moves all that @from holds into @a, and with it the duty to free it. */
void arena_adopt(struct arena *a, struct arena *from);

void arena_free(struct arena *a);
