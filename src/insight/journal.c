#include "insight/journal.h"

#include <ctype.h>
#include <inttypes.h>
#include <time.h>

enum field {
	FIELD_MESSAGE,
	FIELD_HOST,
	FIELD_REALTIME,
	FIELD_UPTIME,
	FIELD_TRANSPORT,
	FIELD_IDENTIFIER,
	N_FIELDS,
};

static const char *const fields[N_FIELDS] = {
	[FIELD_MESSAGE] = "MESSAGE",
	[FIELD_HOST] = "_HOSTNAME",
	[FIELD_REALTIME] = "__REALTIME_TIMESTAMP",
	[FIELD_UPTIME] = "_SOURCE_MONOTONIC_TIMESTAMP",
	[FIELD_TRANSPORT] = "_TRANSPORT",
	[FIELD_IDENTIFIER] = "SYSLOG_IDENTIFIER",
};

struct entry {
	char *value[N_FIELDS]; /* owned; NULL: not there */
};

struct reader {
	const char *at, *end;
	FILE *out;
	struct entry entry;
	bool failed; /* without memory */
};

static void entry_clear(struct entry *e)
{
	for (size_t i = 0; i < N_FIELDS; i++)
		free(e->value[i]);
	*e = (struct entry){ 0 };
}

static char **field_of(struct entry *e, const char *name, size_t len)
{
	for (size_t i = 0; i < N_FIELDS; i++)
		if (strlen(fields[i]) == len && memcmp(fields[i], name, len) == 0)
			return &e->value[i];
	return NULL;
}

/* The last value of a field counts. NULs, which end a string here, become blanks. */
static void set(struct reader *r, const char *name, size_t len, const char *value, size_t size)
{
	char **field = field_of(&r->entry, name, len), *copy;

	if (!field)
		return;
	copy = malloc(size + 1);
	if (!copy) {
		r->failed = true;
		return;
	}
	memcpy(copy, value, size);
	copy[size] = '\0';
	for (size_t i = 0; i < size; i++)
		copy[i] = copy[i] ? copy[i] : ' ';
	free(*field);
	*field = copy;
}

/* --- writing --- */

/* What others log does not count, but that journald has missed something of the kernel. */
static const char *source_of(const struct entry *e)
{
	const char *transport = e->value[FIELD_TRANSPORT], *name = e->value[FIELD_IDENTIFIER];

	if (transport ? streq(transport, "kernel") : !name || streq(name, "kernel"))
		return "kernel";
	return streq_null(name, "systemd-journald") ? name : NULL;
}

static void write_entry(struct reader *r)
{
	const struct entry *e = &r->entry;
	const char *source = source_of(e);
	const char *realtime = e->value[FIELD_REALTIME], *uptime = e->value[FIELD_UPTIME];
	int64_t us = realtime ? strtoll(realtime, NULL, 10) : 0;
	time_t seconds = (time_t)(us / 1000000);
	char date[32] = "1970-01-01T00:00:00", host[65] = "-";
	struct tm tm;

	if (!e->value[FIELD_MESSAGE] || !source)
		return;
	if (gmtime_r(&seconds, &tm))
		strftime(date, sizeof(date), "%FT%T", &tm);
	if (e->value[FIELD_HOST])
		snprintf(host, sizeof(host), "%.*s", (int)strcspn(e->value[FIELD_HOST], " \n"),
			 e->value[FIELD_HOST]);
	fprintf(r->out, "%.19s.%06" PRId64 "+00:00 %s %s: ", date, us % 1000000, host, source);
	if (uptime) {
		us = strtoll(uptime, NULL, 10);
		fprintf(r->out, "[%5" PRId64 ".%06" PRId64 "] ", us / 1000000, us % 1000000);
	}
	fprintf(r->out, "%s\n", e->value[FIELD_MESSAGE]);
}

static void end_entry(struct reader *r)
{
	write_entry(r);
	entry_clear(&r->entry);
}

/* --- export: NAME=VALUE, or NAME, a size of eight bytes and the value; entries end with an empty
 * line --- */

static void read_export(struct reader *r)
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
			end_entry(r);
		} else if (equals) {
			set(r, name, (size_t)(equals - name), equals + 1,
			    (size_t)(end - equals - 1));
		} else {
			for (int i = 7; i >= 0 && r->end - r->at >= 8; i--)
				size = size << 8 | (unsigned char)r->at[i];
			if (r->end - r->at < 8 || (uint64_t)(r->end - r->at - 8) <= size)
				return;
			set(r, name, (size_t)(end - name), r->at + 8, (size_t)size);
			r->at += 8 + size + 1;
		}
	}
	end_entry(r);
}

/* --- JSON: objects one after the other; a value is a string, null, an array of bytes, or of values
 * where the field is there more than once --- */

static bool skip(struct reader *r, char c)
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

static bool read_escape(struct reader *r, FILE *out)
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
static bool read_string(struct reader *r, FILE *out)
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
static bool read_value(struct reader *r, FILE *out)
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
	while (r->at < r->end && (isalnum((unsigned char)*r->at) || strchr("+-.", *r->at)))
		r->at++; /* null, or a number */
	return true;
}

/* One string or value as text of its own; false where the object is cut off or is none. */
static bool read_text(struct reader *r, bool (*read)(struct reader *, FILE *), char **ret_text,
		      size_t *ret_size)
{
	FILE *out = open_memstream(ret_text, ret_size);
	bool good;

	if (!out) {
		r->failed = true;
		return false;
	}
	good = read(r, out);
	if (fclose(out) == EOF)
		r->failed = true;
	return good && !r->failed;
}

static bool read_member(struct reader *r)
{
	_cleanup_free_ char *name = NULL, *value = NULL;
	size_t name_len, size;

	if (!skip(r, '"') || !read_text(r, read_string, &name, &name_len) || !skip(r, ':') ||
	    !read_text(r, read_value, &value, &size))
		return false;
	set(r, name, name_len, value, size);
	return true;
}

static void read_json(struct reader *r)
{
	while (skip(r, '{')) {
		bool good = true;

		while (good && !skip(r, '}')) {
			good = read_member(r);
			skip(r, ',');
		}
		if (!good)
			return;
		end_entry(r);
		skip(r, ','); /* between the objects of an array, for what jq has made of it */
	}
}

/* --- which of the two --- */

static bool begins(const struct reader *r, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(r->end - r->at) >= n && memcmp(r->at, word, n) == 0;
}

static bool is_json(struct reader r)
{
	static const char field[] = "__REALTIME_TIMESTAMP";

	skip(&r, '[');
	if (!skip(&r, '{'))
		return false;
	return memmem(r.at, (size_t)(r.end - r.at), "\"MESSAGE\"", 9) &&
	       memmem(r.at, (size_t)(r.end - r.at), field, sizeof(field) - 1);
}

int journal_lines(const char *text, size_t size, char **ret_lines, size_t *ret_size)
{
	struct reader r = { .at = text, .end = text + size };
	bool export = begins(&r, "__CURSOR=") || begins(&r, "__REALTIME_TIMESTAMP=");
	char *lines = NULL;
	size_t n = 0;

	*ret_lines = NULL;
	if (!export && !is_json(r))
		return 0;
	r.out = open_memstream(&lines, &n);
	if (!r.out)
		return -ENOMEM;
	if (export) {
		read_export(&r);
	} else {
		skip(&r, '[');
		read_json(&r);
	}
	entry_clear(&r.entry);
	if (fclose(r.out) == EOF || r.failed) {
		free(lines);
		return -ENOMEM;
	}
	*ret_lines = lines;
	*ret_size = n;
	return 0;
}
