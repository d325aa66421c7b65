/* base/term.h: text in columns, bars, sizes. */
#include "base/term.h"

#include <locale.h>

#include "unit.h"

/* What @print writes to a terminal of that kind. */
static const char *written(bool utf8, void (*print)(const struct term *t))
{
	static char text[512];
	FILE *out = fmemopen(text, sizeof(text), "w");
	const struct term t = { .out = out, .utf8 = utf8, .columns = 20 };

	setlocale(LC_CTYPE, "C.UTF-8");
	if (!out)
		return "no memory";
	print(&t);
	fclose(out);
	return text;
}

static void print_long(const struct term *t)
{
	term_text(t, "naïve café", 8, true);
}

static void print_short(const struct term *t)
{
	term_text(t, "ab", 4, true);
	fputc('|', t->out);
}

static void print_wide(const struct term *t)
{
	term_text(t, "漢字漢字", 5, true);
	fputc('|', t->out);
}

static void print_hostile(const struct term *t)
{
	term_text(t, "a\033[2J\xff\t\xc2\x9b", 0, false);
}

static void print_wrapped(const struct term *t)
{
	term_wrap(t, "one two three four five six", 2, 4);
}

static void print_half(const struct term *t)
{
	term_bar(t, 1, 2, 5);
	fputc('|', t->out);
}

static void print_odd_bars(const struct term *t)
{
	term_bar(t, 9, 2, 2);
	term_bar(t, -1, 2, 2);
	term_bar(t, 1, 0, 2);
}

static void texts(void)
{
	CHECK(streq(written(true, print_long), "naïve c…"));
	CHECK(streq(written(false, print_long), "na?ve c~"));
	CHECK(streq(written(true, print_short), "ab  |"));
	CHECK(streq(written(true, print_wide), "漢字…|"));
}

static void hostile(void)
{
	CHECK(streq(written(true, print_hostile), "a?[2J???"));
	CHECK(streq(written(false, print_hostile), "a?[2J???"));
}

static void wrapping(void)
{
	CHECK(streq(written(true, print_wrapped), "one two three four\n    five six\n"));
}

static void bars(void)
{
	CHECK(streq(written(true, print_half), "██▌  |"));
	CHECK(streq(written(false, print_half), "###..|"));
	CHECK(streq(written(false, print_odd_bars), "##...."));
}

static bool size_is(int64_t kb, const char *wanted)
{
	char buffer[TERM_SIZE];

	return streq(term_size(buffer, kb), wanted);
}

static void sizes(void)
{
	CHECK(size_is(0, "0K"));
	CHECK(size_is(999, "999K"));
	CHECK(size_is(1000, "1.0M"));
	CHECK(size_is(99 * 1024, "99.0M"));
	CHECK(size_is(100 * 1024, "100M"));
	CHECK(size_is(16 * 1024 * 1024, "16.0G"));
	CHECK(size_is(INT64_MAX / 1024, "8.0E"));
}

UNIT_MAIN({ "text is cut and filled to a number of columns", texts },
	  { "what a terminal would obey becomes a question mark", hostile },
	  { "long lines are wrapped at words", wrapping }, { "bars, in eighths or in ASCII", bars },
	  { "sizes have at most six characters", sizes })
