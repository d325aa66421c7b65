#include "base/text.h"

#include <ctype.h>

#define MAX_WORD 48U

/* Optimal string alignment: insertions, deletions, replacements, neighbours swapped. */
static unsigned edit_distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned d[3][MAX_WORD + 1];
	unsigned *before = d[0], *last = d[1], *row = d[2];

	if (n > MAX_WORD || m > MAX_WORD)
		return UINT32_MAX;
	for (size_t j = 0; j <= m; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *spare = before;

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[m];
}

void nearest_offer(struct nearest *n, const char *candidate)
{
	unsigned distance = edit_distance(n->word, candidate);
	size_t len = strlen(n->word);

	if (distance > len / 3 + 1 || distance >= strlen(candidate) || distance > 4)
		return;
	if (!n->best || distance < n->distance) {
		n->best = candidate;
		n->distance = distance;
	}
}

/* strtoll() without its leniency: no blanks, no plus sign, no octal. */
static int parse_number(const char *text, const char **ret_end, int64_t *ret_value)
{
	const char *digits = text + (*text == '-');
	bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
	char *end;
	long long v;

	if (hex ? !isxdigit((unsigned char)digits[2]) : !isdigit((unsigned char)digits[0]))
		return -EINVAL;
	errno = 0;
	v = strtoll(text, &end, hex ? 16 : 10);
	if (errno)
		return -errno;
	*ret_end = end;
	*ret_value = v;
	return 0;
}

int text_to_int(const char *text, int64_t *ret_value)
{
	const char *end;
	int64_t v;
	int ret = parse_number(text, &end, &v);

	if (ret < 0)
		return ret;
	if (*end)
		return -EINVAL;
	*ret_value = v;
	return 0;
}

int text_to_size(const char *text, int64_t unit, int64_t *ret_value)
{
	static const char suffixes[] = "KMG";
	const char *end, *suffix;
	int64_t v;
	int ret = parse_number(text, &end, &v);

	if (ret < 0)
		return ret;
	if (*end) {
		suffix = strchr(suffixes, *end);
		if (!suffix || end[1])
			return -EINVAL;
		if (__builtin_mul_overflow(v, INT64_C(1024) << (10 * (suffix - suffixes)), &v))
			return -ERANGE;
		v /= unit;
	}
	*ret_value = v;
	return 0;
}

static bool same_word(const char *a, size_t n, const char *b, size_t m)
{
	char x[32], y[32];
	char *x_end, *y_end;

	if (n == m && strncmp(a, b, n) == 0)
		return true;
	if (n >= sizeof(x) || m >= sizeof(y) || n == 0 || m == 0)
		return false;
	memcpy(x, a, n);
	memcpy(y, b, m);
	x[n] = y[m] = '\0';
	for (char *w = x; w; w = w == x ? y : NULL)
		if (streq(w, "Y") || streq(w, "N"))
			*w = *w == 'Y' ? '1' : '0';
	/* The kernel reads numbers in C's notation and prints them in decimal. */
	errno = 0;
	if (strtoll(x, &x_end, 0) != strtoll(y, &y_end, 0) || errno)
		return false;
	return !*x_end && !*y_end;
}

bool text_same_value(const char *a, const char *b)
{
	static const char blank[] = " \t\r\n";

	for (;;) {
		size_t n, m;

		a += strspn(a, blank);
		b += strspn(b, blank);
		n = strcspn(a, blank);
		m = strcspn(b, blank);
		if (n == 0 || m == 0)
			return n == m;
		if (!same_word(a, n, b, m))
			return false;
		a += n;
		b += m;
	}
}

int memstream_end(FILE *f, char **text)
{
	bool whole = !ferror(f);

	if (fclose(f) == 0 && whole && *text)
		return 0;
	free(*text);
	*text = NULL;
	return -ENOMEM;
}
