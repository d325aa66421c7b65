#include "insight/logline.h"

#include <ctype.h>

#include "base/kmsg.h"

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

/* The facility is what is above the lowest three bits; the kernel's is 0. */
static void note_priority(struct logline *l, const char *number)
{
	l->others |= strtoul(number, NULL, 10) > 7;
}

static void take_priority(struct logline *l)
{
	const char *end = shape(l->text, "<+>");

	if (!end)
		return;
	note_priority(l, l->text + 1);
	take(l, end);
}

/* What cat -n puts in front of all lines; and the version of RFC 5424. */
static void take_number(struct loglines *log, struct logline *l)
{
	const char *end = shape(skip_blanks(l->text), "+\t");

	if (!log->begun)
		log->numbered = end;
	if (end && log->numbered)
		l->text = end;
	end = shape(l->text, "+ 9999-99-99T") ? shape(l->text, "+ ") : NULL;
	if (end)
		take(l, end);
}

/* /dev/kmsg: PRIORITY,SEQUENCE,MICROSECONDS,FLAGS[,...];MESSAGE. The flags of a piece of a message
 * are 'c' and, up to 4.8 from the second piece on, '+'. Where another message came between, it may
 * begin with a name. */
static void take_kmsg(struct logline *l)
{
	const char *time = shape(l->text, "+,+,"), *end = time ? shape(time, "+,") : NULL;
	const char *message = end ? strchr(end, ';') : NULL, *caller;

	if (!message)
		return;
	note_priority(l, l->text);
	l->time = slice_between(time, end - 1);
	l->kmsg = true;
	l->further = *end == 'c' || *end == '+';
	caller = strstr(end, ",caller=");
	if (caller && caller < message)
		l->caller = slice_between(caller + 8, caller + 8 + strcspn(caller + 8, ",;"));
	take(l, message + 1);
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
	if (*p != ' ')
		return;
	l->others |= !after_prefix(l->text, "kern ") && !after_prefix(l->text, "kern:");
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
	if (shape(start, "+.999999]"))
		l->stamp = kmsg_prefix(l->text);
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

/* What RFC 5424 has behind the kernel's name: no PID, no identifier, and data in brackets, or none.
 */
static const char *end_of_data(const char *p)
{
	const char *end = shape(p, " - - ");
	bool quoted = false;

	if (!end)
		end = shape(p, " 0 - ");
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

static const char *next_word(const char *p)
{
	return skip_blanks(p + strcspn(p, " "));
}

/* Behind "kernel: ". With a PID it is a program that calls itself so. */
static const char *end_of_kernel(const char *p)
{
	const char *name = after_prefix(p, "kernel"), *end = name ? shape(name, ": ") : NULL;

	return name && !end ? end_of_data(name) : end;
}

/* "kernel: ", "HOST kernel: ", "HOST kern.warn kernel: "; a program can be called "HOST: kernel: "
 * and "HOST PROGRAM kernel: ". */
static bool take_host(struct logline *l)
{
	const char *host = l->text + (*l->text == ' '), *end = end_of_kernel(host);
	size_t len = strcspn(host, " ");

	if (!end && len > 0 && host[len] == ' ' && host[len - 1] != ':') {
		const char *p = next_word(host);

		end = end_of_kernel(after_prefix(p, "kern.") ? next_word(p) : p);
		if (end)
			l->host = slice_between(host, host + len);
	}
	if (end)
		take(l, end);
	return end;
}

/* Unknown prefixes, as of grep and of log collectors, stand in front of a known one. A line that
 * begins with a bracket or a blank may be a task's, whose name may look like anything. What has the
 * time of day must name the kernel, unless the kernel's own time follows at once. */
static void take_foreign(struct logline *l)
{
	const char *text = l->text, *clock = NULL, *stop = text + strnlen(text, 128);

	if (l->prefixed || *text == '[' || *text == ' ')
		return;
	for (const char *p = text; p < stop && !clock; p++)
		clock = shape(p, "99:99:99");
	if (clock) {
		l->text = end_of_time(clock) ?: clock;
		if (take_host(l))
			return;
		l->text = text;
	}
	for (const char *p = strchr(text, '['); p && p < stop; p = strchr(p + 1, '[')) {
		const char *end = shape(skip_blanks(p + 1), "+.999999]");

		if (!end)
			continue;
		if (clock && p > clock && memmem(clock, (size_t)(p - clock), ": ", 2))
			return;
		l->time = slice_between(skip_blanks(p + 1), end - 1);
		l->stamp = kmsg_prefix(p);
		take(l, end);
		return;
	}
}

/* What the console writes in place of lines, or in front of the next; and kmsg_read(). */
static bool says_dropped(const char *text)
{
	const char *count = after_prefix(text, "** ");

	return count && after_prefix(skip_blanks(skip_digits(count)), "printk messages dropped **");
}

/* What journald and rsyslog write in place of lines: "HOST systemd-journald[1]: Missed 2 kernel
 * messages", "HOST rsyslogd: imjournal: 2 messages lost due to rate-limiting". */
static bool says_missed(const char *text)
{
	const char *said = *text == ' ' ? NULL : strstr(text, ": ");
	size_t len = said ? (size_t)(said - text) : 0;

	return (memmem(text, len, "journal", 7) && shape(said, ": Missed + kernel messages")) ||
	       (memmem(text, len, "rsyslogd", 8) && shape(said, ": imjournal: + messages lost "));
}

/* Whether lines before it were lost. A user's words stand behind others in the kernel's messages,
 * or on a further line, or are a program's name. */
static bool says_lost(const char *line, const struct logline *l)
{
	bool message = !l->kmsg && !l->others && !l->again;

	return says_dropped(line) || (message && says_dropped(l->text)) ||
	       ((!l->prefixed || l->unnamed) && says_missed(l->text));
}

/* Whether it may continue the line before. */
static void note_stamp(struct loglines *log, struct logline *l)
{
	if (l->stamp.len == 0)
		return;
	l->again = !log->escaped && slice_equal(&l->stamp, &log->stamp) &&
		   slice_equal(&l->host, &log->stamp_host);
	log->stamp = l->stamp;
	log->stamp_host = l->host;
}

/* All that is not /dev/kmsg's; what follows the kernel's own time is its message. */
static void take_text(struct loglines *log, struct logline *l)
{
	bool dated, named = false;

	take_facility(l);
	take_date(l);
	dated = l->time.len > 0;
	take_bracket(l);
	if (dated || (l->time.len > 0 && log->bracket_hosts != HOSTS_NONE))
		named = take_host(l);
	if (!dated && l->time.len > 0 && log->bracket_hosts == HOSTS_UNKNOWN)
		log->bracket_hosts = named ? HOSTS_NAMED : HOSTS_NONE;
	l->unnamed = !named && (dated || log->bracket_hosts == HOSTS_NAMED);
	if (dated || named) {
		take_priority(l);
		take_bracket(l);
	}
	take_foreign(l);
	if (l->prefixed)
		take_caller(l);
}

void logline_strip(struct loglines *log, struct logline *l)
{
	const char *line = l->text;

	take_priority(l);
	take_number(log, l);
	take_kmsg(l);
	if (!l->kmsg)
		take_text(log, l);
	note_stamp(log, l);
	if (l->prefixed && !l->kmsg && *l->text == ' ')
		l->text++;
	if (!log->begun)
		log->all_prefixed = l->prefixed;
	l->further |= !l->prefixed && (log->all_prefixed || (log->prefixed && *l->text == ' '));
	l->lost = says_lost(line, l);
	log->prefixed |= l->prefixed;
	/* journalctl may have a heading. */
	log->begun |= *l->text && !after_prefix(l->text, "-- ");
}
