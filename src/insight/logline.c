#include "insight/logline.h"

#include <ctype.h>

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *p)
{
	while (digit(*p))
		p++;
	return p;
}

static const char *skip_blanks(const char *p)
{
	while (*p == ' ')
		p++;
	return p;
}

/* @p behind what @pattern describes, or NULL: 9 is a digit, * any digits, + one or more of them,
 * a a letter, _ one or more blanks; other characters are themselves. */
static const char *shape(const char *p, const char *pattern)
{
	for (; *pattern; pattern++) {
		const char *end;

		switch (*pattern) {
		case '9':
			end = digit(*p) ? p + 1 : NULL;
			break;
		case 'a':
			end = isalpha((unsigned char)*p) ? p + 1 : NULL;
			break;
		case '+':
		case '*':
			end = skip_digits(p);
			if (end == p && *pattern == '+')
				end = NULL;
			break;
		case '_':
			end = *p == ' ' ? skip_blanks(p) : NULL;
			break;
		default:
			end = *p == *pattern ? p + 1 : NULL;
		}
		if (!end)
			return NULL;
		p = end;
	}
	return p;
}

/* Where the message begins so far. */
static void take(struct logline *l, const char *end)
{
	l->text = end;
	l->prefixed = true;
}

static void take_priority(struct logline *l)
{
	const char *end = shape(l->text, "<+>");

	if (end)
		take(l, end);
}

/* What cat -n puts in front, and the version of RFC 5424. */
static void take_number(struct logline *l)
{
	const char *end = shape(skip_blanks(l->text), "+\t");

	if (!end && shape(l->text, "+ 9999-99-99T"))
		end = shape(l->text, "+ ");
	if (end)
		take(l, end);
}

/* /dev/kmsg: PRIORITY,SEQUENCE,MICROSECONDS,FLAGS[,...];MESSAGE */
static void take_kmsg(struct logline *l)
{
	const char *time = shape(l->text, "+,+,"), *end = time ? shape(time, "+,") : NULL;

	if (!end)
		return;
	l->time = slice_between(time, end - 1);
	l->microseconds = true;
	end = strchr(end, ';');
	if (end)
		take(l, end + 1);
}

/* dmesg -x: "kern  :warn  : " */
static void take_facility(struct logline *l)
{
	const char *p = l->text;

	for (int i = 0; i < 2; i++) {
		const char *word = p;

		while (islower((unsigned char)*p))
			p++;
		if (p == word)
			return;
		p = skip_blanks(p);
		if (*p++ != ':')
			return;
	}
	if (*p == ' ')
		take(l, p + 1);
}

/* Behind a fraction of seconds, a time zone and a blank. */
static const char *end_of_time(const char *p)
{
	const char *end;

	if (*p == '.' || *p == ',')
		p = skip_digits(p + 1);
	if (*p == 'Z') {
		p++;
	} else if (*p == '+' || *p == '-') {
		end = shape(p + 1, "99:99");
		p = end ? end : skip_digits(p + 1);
	}
	return *p == ' ' ? p : NULL;
}

/* Behind the time zone of journalctl -o short-full: "UTC", "CET", "+0530"; @p where there is none.
 */
static const char *skip_zone(const char *p)
{
	const char *end = p + 1;

	if (*end == '+' || *end == '-')
		end = skip_digits(end + 1);
	else
		while (isupper((unsigned char)*end))
			end++;
	return end - p > 2 && *end == ' ' ? end : p;
}

/* The times of syslog, of the journal and of dmesg, in this order. */
static void take_date(struct logline *l)
{
	static const char *const shapes[] = {
		"aaa_*_99:99:99",
		"9999-99-99T99:99:99",
		"9999-99-99 99:99:99",
		"aaa 9999-99-99 99:99:99",
		"+.999999",
	};
	const char *end = NULL;
	size_t i = 0;

	while (!end && i < ARRAY_SIZE(shapes))
		end = shape(l->text, shapes[i++]);
	end = end ? end_of_time(end) : NULL;
	if (!end)
		return;
	if (after_prefix(end, " UTC ") || after_prefix(shapes[i - 1], "aaa 9999"))
		end = skip_zone(end);
	l->time = slice_between(l->text, end);
	take(l, skip_blanks(end));
}

/* "[   12.345678]", "[Mon Jan 15 10:23:45 2024]", "[Jan15 10:23]", "[  +0.000004]": what has
 * neither a point nor a colon is no time, but a task's PID or an address. */
static void take_bracket(struct logline *l)
{
	const char *p = l->text + 1, *start = skip_blanks(p);
	bool time = false;

	if (*l->text != '[')
		return;
	for (p = start; isalnum((unsigned char)*p) || (*p && strchr(" :.+<>", *p)); p++)
		time |= *p == '.' || (*p == ':' && digit(p[1]));
	if (*p != ']' || !time ||
	    (!digit(*start) && *start != '+' && !isupper((unsigned char)*start)))
		return;
	if (l->time.len == 0)
		l->time = slice_between(start, p);
	else if (l->uptime.len == 0 && digit(*start))
		l->uptime = slice_between(start, p);
	take(l, p + 1);
}

/* CONFIG_PRINTK_CALLER: "[ T1234]" of a task, "[    C0]" of an interrupt. */
static void take_caller(struct logline *l)
{
	const char *p = skip_blanks(l->text), *start, *end;

	if (*p != '[')
		return;
	start = skip_blanks(p + 1);
	end = shape(start, "T+]");
	if (!end)
		end = shape(start, "C+]");
	if (!end)
		return;
	l->caller = slice_between(start, end - 1);
	take(l, end);
}

/* What RFC 5424 has behind the program's name: a PID, none, and data in brackets, or none. */
static const char *end_of_data(const char *p)
{
	const char *end = shape(p, " - - ");
	bool quoted = false;

	if (!end)
		end = shape(p, " + - ");
	if (!end || *end != '[')
		return end ? shape(end, "- ") : NULL;
	for (; *end && (quoted || *end != ' ' || end[-1] != ']'); end++) {
		if (*end == '\\' && end[1])
			end++;
		else if (*end == '"')
			quoted = !quoted;
	}
	return *end ? end + 1 : NULL;
}

/* "HOST kernel: ", "HOST kern.warn kernel: ", "kernel: "; "HOST COMMAND: kernel: " is none. */
static void take_host(struct logline *l)
{
	const char *start = l->text + (*l->text == ' '), *p = start;

	for (int words = 0; words < 3; words++) {
		const char *name = after_prefix(p, "kernel");
		const char *end = name ? shape(name, "[+]: ") : NULL;

		if (!end && name)
			end = shape(name, ": ");
		if (!end && name)
			end = end_of_data(name);
		if (end) {
			if (words > 0)
				l->host = slice_between(start, start + strcspn(start, " "));
			take(l, end);
			return;
		}
		end = p + strcspn(p, " ");
		if (end > p && end[-1] == ':')
			return;
		p = skip_blanks(end);
	}
}

/* Unknown prefixes, as of grep and of log collectors, stand in front of a known one. A line that
 * begins with a bracket or a blank may be a task's, whose name may look like anything. */
static void take_foreign(struct logline *l)
{
	const char *kernel, *p = l->text;

	if (l->prefixed || *p == '[' || *p == ' ')
		return;
	for (p = strchr(p, '['); p && p - l->text < 128; p = strchr(p + 1, '[')) {
		const char *end = shape(skip_blanks(p + 1), "+.999999]");

		if (end) {
			l->time = slice_between(skip_blanks(p + 1), end - 1);
			take(l, end);
			return;
		}
	}
	kernel = strstr(l->text, " kernel: ");
	if (kernel && kernel - l->text < 128)
		take(l, kernel + 9);
}

/* What the console, journald and rsyslog write in place of lines; the first in front of the next.
 */
static bool says_lost(const char *text)
{
	const char *missed = strstr(text, ": Missed ");

	return strstr(text, "printk messages dropped") || strstr(text, " messages lost due to") ||
	       (missed && strstr(missed, " kernel messages"));
}

void logline_strip(struct loglines *log, struct logline *l)
{
	bool dated;

	l->lost = says_lost(l->text);
	take_priority(l);
	take_number(l);
	take_kmsg(l);
	take_facility(l);
	take_date(l);
	dated = l->time.len > 0 && !l->microseconds;
	take_bracket(l);
	if (dated || (l->time.len > 0 && log->bracket_hosts != HOSTS_NONE))
		take_host(l);
	if (!dated && l->time.len > 0 && log->bracket_hosts == HOSTS_UNKNOWN)
		log->bracket_hosts = l->host.len > 0 ? HOSTS_NAMED : HOSTS_NONE;
	take_priority(l);
	take_bracket(l);
	take_foreign(l);
	if (l->prefixed) {
		take_caller(l);
		if (*l->text == ' ')
			l->text++;
	}
	l->further = log->prefixed && !l->prefixed;
	log->prefixed |= l->prefixed;
}
