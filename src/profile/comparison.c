#include "profile/comparison.h"

const char *comparison_operator(const char *text, size_t *ret_len)
{
	static const char *const operators[][2] = { { ">=", ">=" }, { "<=", "<=" }, { "==", "=" },
						    { ">", ">" },   { "<", "<" },   { "=", "=" } };

	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		if (!after_prefix(text, operators[i][0]))
			continue;
		*ret_len = strlen(operators[i][0]);
		return operators[i][1];
	}
	*ret_len = 0;
	return "=";
}

void comparison_bounds(const char *text, int64_t *ret_min, int64_t *ret_max)
{
	int64_t min = 0, max = INT64_MAX;

	while (*text) {
		size_t len;
		const char *operator= comparison_operator(text, &len);
		int64_t n = strtoll(text + len, NULL, 10);
		int64_t low = *operator== '<' ? 0 : streq(operator, ">") ? n + (n < INT64_MAX) : n;
		int64_t high = *operator== '>' ? INT64_MAX : streq(operator, "<") ? n - 1 : n;

		min = low > min ? low : min;
		max = high < max ? high : max;
		text += strcspn(text, ",");
		text += *text == ',';
	}
	*ret_min = min;
	*ret_max = max;
}

bool comparison_holds(const char *text, int64_t number)
{
	int64_t min, max;

	comparison_bounds(text, &min, &max);
	return number >= min && number <= max;
}
