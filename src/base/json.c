#include "base/json.h"

#include <inttypes.h>

#include "base/utf8.h"

static void new_line(const struct json *j)
{
	fputc('\n', j->out);
	for (unsigned i = 0; i < j->depth; i++)
		fputs("  ", j->out);
}

static void json_begin(struct json *j, const char *key)
{
	if (!j->empty)
		fputc(',', j->out);
	if (j->depth > 0)
		new_line(j);
	if (key) {
		json_quote(j->out, key);
		fputs(": ", j->out);
	}
	j->empty = false;
}

void json_open(struct json *j, const char *key, char bracket)
{
	json_begin(j, key);
	fputc(bracket, j->out);
	j->depth++;
	j->empty = true;
}

void json_close(struct json *j, char bracket)
{
	j->depth--;
	if (!j->empty)
		new_line(j);
	fputc(bracket, j->out);
	j->empty = false;
	if (j->depth == 0)
		fputc('\n', j->out);
}

/* What YAML calls a line break, a control character or no character must be escaped too: our
 * documents are read as YAML. */
static bool is_special(const char *text, size_t len)
{
	const unsigned char *u = (const unsigned char *)text;

	if (len == 2)
		return u[0] == 0xc2 && u[1] < 0xa0;
	if (len != 3)
		return len == 1 && (*u < 0x20 || strchr("\"\\\x7f", *u));
	return (u[0] == 0xe2 && u[1] == 0x80 && (u[2] == 0xa8 || u[2] == 0xa9)) ||
	       (u[0] == 0xef && u[1] == 0xbb && u[2] == 0xbf) ||
	       (u[0] == 0xef && u[1] == 0xbf && u[2] >= 0xbe);
}

/* The length of the longest beginning of @text that needs no escape. */
static size_t plain_length(const char *text, size_t left)
{
	size_t n = 0, len;

	while (n < left && (len = utf8_sequence(text + n, left - n)) > 0 &&
	       !is_special(text + n, len))
		n += len;
	return n;
}

/* Writes the escape of what begins @text; returns its length there. */
static size_t escape(FILE *out, const char *text, size_t left)
{
	static const char short_escape[] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
					     ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\' };
	const unsigned char *u = (const unsigned char *)text;
	size_t len = utf8_sequence(text, left);
	unsigned code = *u;

	if (len == 0) {
		fputs("\\ufffd", out);
		return 1;
	}
	if (len == 1 && *u < sizeof(short_escape) && short_escape[*u]) {
		fprintf(out, "\\%c", short_escape[*u]);
		return 1;
	}
	if (len == 2)
		code = (u[0] & 0x1fU) << 6 | (u[1] & 0x3fU);
	else if (len == 3)
		code = (u[0] & 0x0fU) << 12 | (u[1] & 0x3fU) << 6 | (u[2] & 0x3fU);
	fprintf(out, "\\u%04x", code);
	return len;
}

void json_quote(FILE *out, const char *text)
{
	size_t left = strlen(text);

	fputc('"', out);
	while (left > 0) {
		size_t n = plain_length(text, left);

		fwrite(text, 1, n, out);
		if (n < left)
			n += escape(out, text + n, left - n);
		text += n;
		left -= n;
	}
	fputc('"', out);
}

void json_string(struct json *j, const char *key, const char *value)
{
	json_begin(j, key);
	if (value)
		json_quote(j->out, value);
	else
		fputs("null", j->out);
}

void json_int(struct json *j, const char *key, int64_t value)
{
	json_begin(j, key);
	fprintf(j->out, "%" PRId64, value);
}

void json_bool(struct json *j, const char *key, bool value)
{
	json_begin(j, key);
	fputs(value ? "true" : "false", j->out);
}

void json_bool_known(struct json *j, const char *key, int value)
{
	if (value < 0)
		json_string(j, key, NULL);
	else
		json_bool(j, key, value);
}
