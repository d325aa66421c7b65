#include "insight/journal.h"

#include <ctype.h>

#include "base/text.h"
#include "insight/journalentry.h"

/* --- export: NAME=VALUE, or NAME, a size of eight bytes and the value; entries end with an empty
 * line --- */

static void read_export(struct journal_reader *r)
{
	while (r->at < r->end) {
		const char *name = r->at;
		const char *end = memchr(name, '\n', (size_t)(r->end - name));
		const char *equals = end ? memchr(name, '=', (size_t)(end - name)) : NULL;
		uint64_t size = 0;

		if (!end)
			return; /* cut off */
		r->at = end + 1;
		if (end == name) {
			journal_end_entry(r);
		} else if (equals) {
			journal_set(r, name, (size_t)(equals - name), equals + 1,
				    (size_t)(end - equals - 1));
		} else {
			for (int i = 7; i >= 0 && r->end - r->at >= 8; i--)
				size = size << 8 | (unsigned char)r->at[i];
			if (r->end - r->at < 8 || (uint64_t)(r->end - r->at - 8) <= size)
				return;
			journal_set(r, name, (size_t)(end - name), r->at + 8, (size_t)size);
			r->at += 8 + size + 1;
		}
	}
	journal_end_entry(r);
}

/* --- verbose: a line with the date and the cursor, then "    NAME=VALUE" --- */

#define INDENT 4

static bool is_cursor(const char *line, const char *end)
{
	return line < end && isalpha((unsigned char)*line) &&
	       memmem(line, (size_t)(end - line), " [s=", 4);
}

/* What a message has on further lines stands below its beginning. */
static void read_further(struct journal_reader *r, const char *line, const char *end)
{
	const size_t indent = INDENT + strlen("MESSAGE=");
	_cleanup_free_ char *text = NULL;
	const char *message = r->entry.value[FIELD_MESSAGE];
	size_t n = (size_t)(end - line);
	int len;

	if (n < indent || strspn(line, " ") < indent || !message)
		return;
	len = asprintf(&text, "%s\n%.*s", message, (int)(n - indent), line + indent);
	if (len < 0) {
		text = NULL;
		r->failed = true;
		return;
	}
	journal_set(r, "MESSAGE", strlen("MESSAGE"), text, (size_t)len);
}

static void read_verbose(struct journal_reader *r)
{
	bool message = false;

	while (r->at < r->end) {
		const char *line = r->at, *equals;
		const char *end = memchr(line, '\n', (size_t)(r->end - line));

		if (!end)
			return; /* cut off */
		r->at = end + 1;
		equals = memchr(line, '=', (size_t)(end - line));
		if (is_cursor(line, end)) {
			journal_end_entry(r);
			end = memmem(line, (size_t)(end - line), " [s=", 4);
			journal_set(r, "", 0, line, (size_t)(end - line));
		} else if (end - line > INDENT && line[INDENT] == ' ') {
			if (message)
				read_further(r, line, end);
		} else if (equals && end - line > INDENT && memcmp(line, "    ", INDENT) == 0) {
			line += INDENT;
			message = after_prefix(line, "MESSAGE=");
			journal_set(r, line, (size_t)(equals - line), equals + 1,
				    (size_t)(end - equals - 1));
		}
	}
	journal_end_entry(r);
}

/* --- JSON: objects one after the other; a value is a string, null, an array of bytes, or of values
 * where the field is there more than once --- */

static bool skip(struct journal_reader *r, char c)
{
	while (r->at < r->end && (isspace((unsigned char)*r->at) || *r->at == '\x1e'))
		r->at++;
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

static void put_utf8(FILE *out, unsigned c)
{
	if (c < 0x80) {
		fputc((int)c, out);
	} else if (c < 0x800) {
		fputc((int)(0xc0 | c >> 6), out);
		fputc((int)(0x80 | (c & 0x3f)), out);
	} else {
		fputc((int)(0xe0 | c >> 12), out);
		fputc((int)(0x80 | (c >> 6 & 0x3f)), out);
		fputc((int)(0x80 | (c & 0x3f)), out);
	}
}

static bool read_escape(struct journal_reader *r, FILE *out)
{
	static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
	const char *letter;
	unsigned c = 0;

	if (r->at == r->end)
		return false;
	if (*r->at != 'u') {
		letter = *r->at ? strchr(letters, *r->at) : NULL;
		fputc(letter ? meant[letter - letters] : *r->at, out);
		r->at++;
		return true;
	}
	if (r->end - r->at < 5)
		return false;
	for (int i = 1; i <= 4; i++) {
		unsigned char digit = (unsigned char)r->at[i];

		if (!isxdigit(digit))
			return false;
		c = c << 4 | (unsigned)(isdigit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10);
	}
	r->at += 5;
	put_utf8(out, c);
	return true;
}

/* Behind the first quote. */
static bool read_string(struct journal_reader *r, FILE *out)
{
	while (r->at < r->end && *r->at != '"') {
		if (*r->at != '\\') {
			fputc(*r->at++, out);
			continue;
		}
		r->at++;
		if (!read_escape(r, out))
			return false;
	}
	return skip(r, '"');
}

/* Numbers of an array are bytes; of several strings the last counts. */
static bool read_value(struct journal_reader *r, FILE *out)
{
	if (skip(r, '"'))
		return read_string(r, out);
	if (skip(r, '[')) {
		do {
			if (skip(r, '"')) {
				rewind(out);
				if (!read_string(r, out))
					return false;
			} else {
				int byte = 0;

				while (r->at < r->end && (isalnum((unsigned char)*r->at) ||
							  isspace((unsigned char)*r->at))) {
					if (isdigit((unsigned char)*r->at))
						byte = (byte * 10 + *r->at - '0') & 0xff;
					r->at++;
				}
				fputc(byte, out);
			}
		} while (skip(r, ','));
		return skip(r, ']');
	}
	for (; r->at < r->end && (isalnum((unsigned char)*r->at) || strchr("+-.", *r->at)); r->at++)
		if (!isalpha((unsigned char)*r->at)) /* a number, or null */
			fputc(*r->at, out);
	return true;
}

/* One string or value as text of its own; false where the object is cut off or is none. */
static bool read_text(struct journal_reader *r, bool (*read)(struct journal_reader *, FILE *),
		      char **ret_text, size_t *ret_size)
{
	FILE *out = open_memstream(ret_text, ret_size);
	bool good;

	if (!out) {
		r->failed = true;
		return false;
	}
	good = read(r, out);
	if (memstream_end(out, ret_text) < 0)
		r->failed = true;
	return good && !r->failed;
}

static bool read_member(struct journal_reader *r)
{
	_cleanup_free_ char *name = NULL, *value = NULL;
	size_t name_len, size;

	if (!skip(r, '"') || !read_text(r, read_string, &name, &name_len) || !skip(r, ':') ||
	    !read_text(r, read_value, &value, &size))
		return false;
	journal_set(r, name, name_len, value, size);
	return true;
}

static void read_json(struct journal_reader *r)
{
	while (skip(r, '{')) {
		bool good = true;

		while (good && !skip(r, '}')) {
			good = read_member(r);
			skip(r, ',');
		}
		if (!good)
			return;
		journal_end_entry(r);
		skip(r, ','); /* between the objects of an array, for what jq has made of it */
	}
}

/* --- which of them --- */

static bool begins(const struct journal_reader *r, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(r->end - r->at) >= n && memcmp(r->at, word, n) == 0;
}

static bool has(const struct journal_reader *r, const char *word)
{
	return memmem(r->at, (size_t)(r->end - r->at), word, strlen(word));
}

/* Behind what stands in front of the objects. dmesg's are members of one. */
static bool begin_json(struct journal_reader *r)
{
	struct journal_reader inside;

	skip(r, '[');
	inside = *r;
	if (!skip(&inside, '{'))
		return false;
	if (skip(&inside, '"') && begins(&inside, "dmesg\"")) {
		inside.at += strlen("dmesg\"");
		if (skip(&inside, ':') && skip(&inside, '[')) {
			*r = inside;
			return true;
		}
	}
	return has(r, "\"MESSAGE\"") && has(r, "\"__REALTIME_TIMESTAMP\"");
}

static void (*format_of(struct journal_reader *r))(struct journal_reader *)
{
	const char *end = memchr(r->at, '\n', (size_t)(r->end - r->at));

	if (begins(r, "__CURSOR=") || begins(r, "__REALTIME_TIMESTAMP="))
		return read_export;
	if (end && is_cursor(r->at, end) && has(r, "\n    _TRANSPORT="))
		return read_verbose;
	return begin_json(r) ? read_json : NULL;
}

int journal_lines(const char *text, size_t size, char **ret_lines, size_t *ret_size)
{
	struct journal_reader r = { .at = text, .end = text + size };
	void (*read)(struct journal_reader *) = format_of(&r);
	char *lines = NULL;
	size_t n = 0;

	*ret_lines = NULL;
	if (!read)
		return 0;
	r.out = open_memstream(&lines, &n);
	if (!r.out)
		return -ENOMEM;
	read(&r);
	journal_entry_clear(&r.entry);
	if (memstream_end(r.out, &lines) < 0 || r.failed) {
		free(lines);
		return -ENOMEM;
	}
	*ret_lines = lines;
	*ret_size = n;
	return 0;
}
