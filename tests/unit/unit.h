/* A unit test is a program: a table of named functions, its result as TAP. */
#pragma once

#include <stdarg.h>
#include <stdio.h>

struct unit {
	const char *name; /* the behaviour, as a sentence */
	void (*run)(void);
};

static unsigned unit_failures; /* of the function that runs */

static void unit_check(bool good, const char *file, int line, const char *text)
{
	if (good)
		return;
	unit_failures++;
	printf("# %s:%d: not so: %s\n", file, line, text);
}

#define CHECK(condition) unit_check(condition, __FILE__, __LINE__, #condition)

static int unit_main(const struct unit *units, size_t n)
{
	unsigned failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		unit_failures = 0;
		units[i].run();
		printf("%s %zu - %s\n", unit_failures ? "not ok" : "ok", i + 1, units[i].name);
		failed += unit_failures > 0;
	}
	return failed ? 1 : 0;
}

#define UNIT_MAIN(...)                                                                             \
	int main(void)                                                                             \
	{                                                                                          \
		static const struct unit units[] = { __VA_ARGS__ };                                \
                                                                                                   \
		return unit_main(units, ARRAY_SIZE(units));                                        \
	}
