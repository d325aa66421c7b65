#include "insight/logtime.h"

#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)
#define LONG (10 * SECOND) /* a slow console takes less for the lines of a report */
#define JITTER SECOND      /* CPUs do not agree to the microsecond */

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A number of digits, up to @max of them; moves *@p behind all. */
static int64_t digits(const char **p, const char *end, unsigned max)
{
	int64_t value = 0;

	for (; *p < end && digit(**p); ++*p)
		if (max > 0) {
			value = value * 10 + (**p - '0');
			max--;
		}
	return value;
}

/* Microseconds of "123456" behind a point or a comma; 0 without. */
static int64_t fraction(const char *p, const char *end)
{
	int64_t us = 0;

	if (p == end || (*p != '.' && *p != ','))
		return 0;
	p++;
	for (int i = 0; i < 6; i++)
		us = us * 10 + (p < end && digit(*p) ? *p++ - '0' : 0);
	return us;
}

/* "12.345678" */
static struct logtime seconds_of(const struct slice *s)
{
	const char *p = s->start, *end = p + s->len;
	struct logtime t = { .us = digits(&p, end, 12) * SECOND };

	if (p > s->start && p < end && *p == '.') {
		t.kind = LOGTIME_SECONDS;
		t.us += fraction(p, end);
	}
	return t;
}

/* "Jan 15 10:23:45.678", and all else where hours, minutes and seconds stand somewhere. */
static struct logtime clock_of(const struct slice *s)
{
	const char *end = s->start + s->len;
	struct logtime t = { .kind = LOGTIME_NONE };

	for (const char *p = s->start; p + 8 <= end; p++) {
		const char *h = p, *m = p + 3, *sec = p + 6;

		if (!digit(h[0]) || !digit(h[1]) || h[2] != ':' || !digit(m[0]) || !digit(m[1]) ||
		    m[2] != ':' || !digit(sec[0]) || !digit(sec[1]))
			continue;
		t.kind = LOGTIME_CLOCK;
		t.day = (struct slice){ .start = s->start, .len = (size_t)(p - s->start) };
		t.us = ((digits(&h, end, 2) * 60 + digits(&m, end, 2)) * 60 +
			digits(&sec, end, 2)) *
			       SECOND +
		       fraction(p + 8, end);
		break;
	}
	return t;
}

struct logtime logtime_of(const struct logline *l)
{
	const struct slice *s = l->uptime.len > 0 ? &l->uptime : &l->time;
	const char *p = s->start;
	struct logtime t;

	if (s->len == 0)
		return (struct logtime){ .kind = LOGTIME_NONE };
	if (l->kmsg && s == &l->time)
		return (struct logtime){ .kind = LOGTIME_SECONDS,
					 .us = digits(&p, p + s->len, 18) };
	if (*p == '+') {
		t = seconds_of(&(struct slice){ .start = p + 1, .len = s->len - 1 });
		if (t.kind)
			t.kind = LOGTIME_DELTA;
		return t;
	}
	t = seconds_of(s);
	return t.kind ? t : clock_of(s);
}

bool logtime_apart(const struct logtime *earlier, const struct logtime *later)
{
	int64_t passed = later->us - earlier->us;

	if (later->kind == LOGTIME_DELTA)
		return later->us > LONG;
	if (!earlier->kind || earlier->kind != later->kind)
		return false;
	if (later->kind == LOGTIME_CLOCK && !slice_equal(&earlier->day, &later->day))
		passed += DAY; /* or more: then it is apart all the more, but for midnight */
	return passed > LONG || passed < -JITTER;
}
