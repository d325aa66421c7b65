/* base/arena.h: memory that is freed together. A leak is the sanitizers' finding. */
#include "base/arena.h"

#include "unit.h"

static void many_sizes(void)
{
	struct arena a = { 0 };
	char *last = NULL;

	for (size_t size = 0; size < 40000; size += 377) {
		char *p = arena_alloc(&a, size);

		CHECK(p != NULL);
		CHECK((uintptr_t)p % _Alignof(max_align_t) == 0);
		CHECK(p != last);
		for (size_t i = 0; i < size; i++)
			if (p[i])
				CHECK(!"zeroed");
		memset(p, 'x', size); /* beyond its end would hit the next one */
		last = p;
	}
	CHECK(arena_alloc(&a, SIZE_MAX) == NULL);
	CHECK(arena_alloc(&a, SIZE_MAX / 2 + 1) == NULL);
	arena_free(&a);
	CHECK(!a.blocks);
	arena_free(&a);
}

static void texts(void)
{
	struct arena a = { 0 };
	const char *s = arena_strndup(&a, "holdfast", 4);

	CHECK(streq(s, "hold"));
	CHECK(streq(arena_strdup(&a, ""), ""));
	CHECK(streq(arena_printf(&a, "%s-%d", "eg", 200), "eg-200"));
	CHECK(strlen(arena_printf(&a, "%50000d", 1)) == 50000);
	CHECK(streq(s, "hold"));
	arena_free(&a);
}

static void adopted(void)
{
	struct arena a = { 0 }, b = { 0 }, empty = { 0 };
	const char *s = arena_strdup(&b, "of b"), *t;

	arena_adopt(&a, &b); /* into an empty one: its block goes on being filled */
	CHECK(!b.blocks);
	t = arena_strdup(&a, "of a");
	b.blocks = NULL;
	CHECK(arena_strdup(&b, "again") != NULL);
	arena_adopt(&a, &b);
	arena_adopt(&a, &empty);
	arena_free(&b);
	CHECK(streq(arena_strdup(&a, "more"), "more"));
	CHECK(streq(s, "of b"));
	CHECK(streq(t, "of a"));
	arena_free(&a);
}

UNIT_MAIN({ "allocations of any size are zeroed, aligned and apart", many_sizes },
	  { "texts are copied and formatted", texts },
	  { "what another arena owned is kept by the one that adopts it", adopted })
