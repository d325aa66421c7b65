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

/* The length of the longest beginning of @text that needs no escape. */
static size_t plain_length(const char *text, size_t left)
{
	size_t n = 0, len;

	while (n < left && (len = utf8_sequence(text + n, left - n)) > 0 &&
	       (unsigned char)text[n] >= 0x20 && !strchr("\"\\\x7f", text[n]))
		n += len;
	return n;
}

static void escape(FILE *out, const char *text, size_t left)
{
	static const char short_escape[] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
					     ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\' };
	unsigned char c = (unsigned char)*text;

	if (utf8_sequence(text, left) == 0)
		fputs("\\ufffd", out);
	else if (c < sizeof(short_escape) && short_escape[c])
		fprintf(out, "\\%c", short_escape[c]);
	else
		fprintf(out, "\\u%04x", c);
}

void json_quote(FILE *out, const char *text)
{
	size_t left = strlen(text);

	fputc('"', out);
	while (left > 0) {
		size_t n = plain_length(text, left);

		fwrite(text, 1, n, out);
		if (n < left)
			escape(out, text + n, left - n);
		n += n < left;
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
