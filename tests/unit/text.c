/* base/text.h: numbers, sizes, equal values, nearest words. */
#include "base/text.h"

#include "unit.h"

static bool is_int(const char *text, int64_t wanted)
{
	int64_t got = 0;

	return text_to_int(text, &got) == 0 && got == wanted;
}

static int int_error(const char *text)
{
	int64_t got = 4711;
	int ret = text_to_int(text, &got);

	return got == 4711 ? ret : 1; /* untouched on failure */
}

static void numbers(void)
{
	CHECK(is_int("0", 0));
	CHECK(is_int("42", 42));
	CHECK(is_int("-17", -17));
	CHECK(is_int("0x20000000", 0x20000000));
	CHECK(is_int("0X1f", 31));
	CHECK(is_int("-0x10", -16));
	CHECK(is_int("010", 10)); /* decimal: no octal */
	CHECK(is_int("9223372036854775807", INT64_MAX));
	CHECK(is_int("-9223372036854775808", INT64_MIN));
}

static void no_numbers(void)
{
	static const char *const texts[] = { "",    "-",  "+1",  " 1",  "1 ",  "1a",  "0x",
					     "0xg", "x1", "--1", "1.0", "1e3", "ten", "-0x" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		CHECK(int_error(texts[i]) == -EINVAL);
	CHECK(int_error("9223372036854775808") == -ERANGE);
	CHECK(int_error("-9223372036854775809") == -ERANGE);
}

static bool is_size(const char *text, int64_t unit, int64_t wanted)
{
	int64_t got = 0;

	return text_to_size(text, unit, &got) == 0 && got == wanted;
}

static int size_error(const char *text)
{
	int64_t got = 4711;
	int ret = text_to_size(text, 1, &got);

	return got == 4711 ? ret : 1;
}

static void sizes(void)
{
	CHECK(is_size("4096", 1, 4096));
	CHECK(is_size("4K", 1, 4096));
	CHECK(is_size("16M", 1, INT64_C(16) << 20));
	CHECK(is_size("2G", 1, INT64_C(2) << 30));
	CHECK(is_size("0x10M", 1, INT64_C(16) << 20));
	/* in KiB: a plain number counts KiB, a suffix counts bytes */
	CHECK(is_size("500", 1024, 500));
	CHECK(is_size("16M", 1024, 16384));
	CHECK(is_size("1K", 1024, 1));
}

static void no_sizes(void)
{
	static const char *const texts[] = { "", "K", "16MB", "16 M", "1.5G", "16T", "M16", "1k" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		CHECK(size_error(texts[i]) == -EINVAL);
	CHECK(size_error("9223372036854775807G") == -ERANGE);
	CHECK(size_error("8589934592G") == -ERANGE);
}

static void same_values(void)
{
	CHECK(text_same_value("10", "10"));
	CHECK(text_same_value("0x10", "16"));
	CHECK(text_same_value("4 4 1 7", "4\t4\t1\t7"));
	CHECK(text_same_value(" 1 ", "1\n"));
	CHECK(text_same_value("Y", "1"));
	CHECK(text_same_value("N", "0"));
	CHECK(text_same_value("-1", "-1"));
	CHECK(text_same_value("core dump", "core  dump"));
	CHECK(text_same_value("", " "));
	CHECK(text_same_value("18446744073692774399", "18446744073692774399"));
}

static void other_values(void)
{
	CHECK(!text_same_value("10", "1"));
	CHECK(!text_same_value("10", "10 10"));
	CHECK(!text_same_value("", "0"));
	CHECK(!text_same_value("Y", "0"));
	CHECK(!text_same_value("Y", "y"));
	CHECK(!text_same_value("core", "Core"));
	CHECK(!text_same_value("abc", "def"));
	CHECK(!text_same_value("1 2", "12"));
	CHECK(!text_same_value("18446744073692774399", "18446744073692774398"));
}

static const char *nearest(const char *word, const char *const *words, size_t n)
{
	struct nearest near = { .word = word };

	for (size_t i = 0; i < n; i++)
		nearest_offer(&near, words[i]);
	return near.best ? near.best : "none";
}

static void nearest_words(void)
{
	static const char *const words[] = { "panic_on_oom", "overcommit_ratio",
					     "overcommit_kbytes", "oom_dump_tasks" };
	const size_t n = ARRAY_SIZE(words);
	char longest[200];

	CHECK(streq(nearest("panic_on_oon", words, n), "panic_on_oom"));
	CHECK(streq(nearest("panic_no_oom", words, n), "panic_on_oom"));
	CHECK(streq(nearest("overcomit_ratio", words, n), "overcommit_ratio"));
	CHECK(streq(nearest("oom_dump_task", words, n), "oom_dump_tasks"));
	CHECK(streq(nearest("colour", words, n), "none"));
	CHECK(streq(nearest("", words, n), "none"));
	CHECK(streq(nearest("anything", NULL, 0), "none"));
	memset(longest, 'o', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	CHECK(streq(nearest(longest, words, n), "none"));
}

UNIT_MAIN({ "numbers are decimal or 0x, with a sign", numbers },
	  { "what is no number, or too large, is refused", no_numbers },
	  { "sizes take K, M and G, and plain numbers count the unit", sizes },
	  { "what is no size, or too large, is refused", no_sizes },
	  { "values are the same word by word, numbers as numbers", same_values },
	  { "other values are not the same", other_values },
	  { "the nearest word is found by small slips of typing", nearest_words })
