/* From the text of a log to its lines, and how much of each is there. */
#include <ctype.h>

#include "insight/journal.h"
#include "insight/logline.h"

/* The length of @text, whose last word may be half a word, without it. */
static size_t whole_words(const char *text, size_t len)
{
	if (len > 0 && !strchr("B)]", text[len - 1])) /* which end units and names */
		while (len > 0 && !isspace((unsigned char)text[len - 1]))
			len--;
	return len;
}

int loglines_begin(struct loglines *l, struct arena *a, const char *text, size_t size)
{
	_cleanup_free_ char *lines = NULL;
	size_t n;
	int ret = journal_lines(text, size, &lines, &n);
	char *copy;

	if (ret < 0)
		return ret;
	if (lines) {
		text = lines;
		size = n;
	}
	copy = arena_strndup(a, text, size);
	if (!copy)
		return -ENOMEM;
	n = logline_clean(copy, size);
	*l = (struct loglines){ .next = copy,
				.cut = n > 0 && copy[n - 1] != '\n',
				.escaped = lines };
	copy[whole_words(copy, n)] = '\0';
	return 0;
}

/* Whether it is "name:1" or "name 1" and breaks throughout, as far as it goes; a program's name has
 * other words behind it. */
static bool is_counters(const char *p)
{
	if (!after_prefix(p, "active_anon:") && !after_prefix(p, "anon "))
		return false;
	for (;;) {
		size_t name, digits;

		p += strspn(p, " ");
		name = strspn(p, "abcdefghijklmnopqrstuvwxyz_0123456789");
		p += name;
		if (!*p)
			return true;
		if (name == 0 || !strchr(": ", *p++))
			return false;
		digits = strspn(p, "0123456789");
		p += digits;
		if (*p && (digits == 0 || !strchr(" #\\", *p)))
			return false;
		if (*p && *p != ' ')
			p += strnlen(p, 4); /* the break */
	}
}

/* /dev/kmsg (@kmsg) writes the line breaks inside a message as \x0a, rsyslog as #012. Only these
 * messages have any that tell something; what follows a break becomes a further line, which no
 * prefix can be taken off, since it begins with a blank. Whether there was one. */
static bool break_lines(char *rest, const char *text, bool kmsg)
{
	static const char *const escapes[] = { "\\x0a", "#012" };
	bool broken = false;

	if (!is_counters(text) && !after_prefix(text, "Memory cgroup stats for "))
		return false;
	for (size_t i = 0; i < (kmsg ? 1 : ARRAY_SIZE(escapes)); i++)
		for (char *p = rest; (p = strstr(p, escapes[i])); p += 4) {
			p[0] = '\n';
			p[1] = p[2] = p[3] = ' ';
			broken = true;
		}
	return broken;
}

/* In place: "\x1b" becomes that byte. A break of a line stays inside its message. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *p = text; *p;) {
		char digits[3] = { 0 };

		if (p[0] == '\\' && p[1] == 'x' && isxdigit((unsigned char)p[2]) &&
		    isxdigit((unsigned char)p[3])) {
			memcpy(digits, p + 2, 2);
			*to = (char)strtoul(digits, NULL, 16);
			*to = *to ? *to : ' ';
			to++;
			p += 4;
		} else {
			*to++ = *p++;
		}
	}
	*to = '\0';
}

/* In a log of narrow lines, a line as long as these is cut. What names each of its parts tells by
 * itself which of them are whole. */
static void measure(struct loglines *l, struct logline *line)
{
	const struct logwidth *narrow = &l->narrow;
	size_t len = strlen(line->text);
	char *text = (char *)(uintptr_t)line->text, *end = text + len;

	if (end != l->end)
		return;
	line->width = (struct logwidth){ .line = (size_t)(end - l->line),
					 .message = (size_t)(end - l->message) };
	if (narrow->line == 0 || line->cut ||
	    (line->width.line < narrow->line && line->width.message < narrow->message))
		return;
	line->cut = true;
	if (!after_prefix(line->text, "oom-kill:"))
		text[whole_words(text, len)] = '\0';
}

bool loglines_next(struct loglines *l, struct logline *ret_line)
{
	char *start = l->next, *end = strchr(start, '\n');
	struct logline line = { .text = start, .cut = l->cut && !end };

	if (!*start)
		return false;
	if (end)
		*end = '\0';
	logline_strip(l, &line);
	if (start > l->end) {
		l->line = start;
		l->message = line.text;
		l->end = end ? end : start + strlen(start);
	}
	if (break_lines(start, line.text, line.kmsg || l->escaped)) {
		if (end)
			*end = '\n';
		end = strchr(start, '\n');
	}
	if (end)
		*end = '\0';
	l->next = end ? end + 1 : start + strlen(start);
	measure(l, &line);
	if (line.kmsg || l->escaped)
		unescape((char *)(uintptr_t)line.text);
	*ret_line = line;
	return true;
}
