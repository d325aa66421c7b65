#include "insight/journalentry.h"

#include <inttypes.h>
#include <time.h>

static const char *const fields[N_FIELDS] = {
	[FIELD_MESSAGE] = "MESSAGE",
	[FIELD_HOST] = "_HOSTNAME",
	[FIELD_REALTIME] = "__REALTIME_TIMESTAMP",
	[FIELD_UPTIME] = "_SOURCE_MONOTONIC_TIMESTAMP",
	[FIELD_TRANSPORT] = "_TRANSPORT",
	[FIELD_IDENTIFIER] = "SYSLOG_IDENTIFIER",
	[FIELD_FACILITY] = "SYSLOG_FACILITY",
	[FIELD_PID] = "_PID",
	[FIELD_DATE] = "",     /* not in a field, but above them: journalctl -o verbose */
	[FIELD_DMESG] = "msg", /* dmesg -J */
	[FIELD_SECONDS] = "time",
	[FIELD_DMESG_FACILITY] = "fac",
	[FIELD_DMESG_PRIORITY] = "pri",
};

void journal_entry_clear(struct journal_entry *e)
{
	for (size_t i = 0; i < N_FIELDS; i++)
		free(e->value[i]);
	*e = (struct journal_entry){ 0 };
}

static char **field_of(struct journal_entry *e, const char *name, size_t len)
{
	for (size_t i = 0; i < N_FIELDS; i++)
		if (strlen(fields[i]) == len && memcmp(fields[i], name, len) == 0)
			return &e->value[i];
	return NULL;
}

/* NULs, which end a string here, become blanks. */
void journal_set(struct journal_reader *r, const char *name, size_t len, const char *value,
		 size_t size)
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

/* What others log does not count, also by way of /dev/kmsg, but that journald has missed something
 * of the kernel. Of a journal without some of the fields, what is there must be the kernel's. */
static const char *source_of(const struct journal_entry *e)
{
	const char *transport = e->value[FIELD_TRANSPORT], *name = e->value[FIELD_IDENTIFIER];

	if ((!transport || streq(transport, "kernel")) && (!name || streq(name, "kernel")) &&
	    !e->value[FIELD_PID] &&
	    (!e->value[FIELD_FACILITY] || streq(e->value[FIELD_FACILITY], "0")))
		return "kernel";
	if (transport ? streq(transport, "driver") : streq_null(name, "systemd-journald"))
		return "systemd-journald";
	return NULL;
}

static bool is_dmesg_kernel(const struct journal_entry *e)
{
	const char *facility = e->value[FIELD_DMESG_FACILITY];
	const char *priority = e->value[FIELD_DMESG_PRIORITY];

	return (!facility || streq(facility, "kern")) &&
	       (!priority || strtoul(priority, NULL, 10) <= 7);
}

/* As /dev/kmsg has it: a message stays one line. */
static void write_message(FILE *out, const char *message)
{
	for (; *message; message++)
		if (*message == '\n' || *message == '\\')
			fprintf(out, "\\x%02x", *message);
		else
			fputc(*message, out);
	fputc('\n', out);
}

static void write_date(FILE *out, const struct journal_entry *e)
{
	const char *realtime = e->value[FIELD_REALTIME];
	int64_t us = realtime ? strtoll(realtime, NULL, 10) : 0;
	time_t seconds = (time_t)(us / 1000000);
	char date[32] = "1970-01-01T00:00:00";
	struct tm tm;

	if (e->value[FIELD_DATE]) {
		fputs(e->value[FIELD_DATE], out);
		return;
	}
	if (gmtime_r(&seconds, &tm))
		strftime(date, sizeof(date), "%FT%T", &tm);
	fprintf(out, "%.19s.%06" PRId64 "+00:00", date, us % 1000000);
}

static void write_entry(struct journal_reader *r)
{
	const struct journal_entry *e = &r->entry;
	const char *source = source_of(e), *host = e->value[FIELD_HOST];
	const char *uptime = e->value[FIELD_UPTIME];
	int64_t us = uptime ? strtoll(uptime, NULL, 10) : 0;

	if (e->value[FIELD_DMESG] && is_dmesg_kernel(e)) {
		fprintf(r->out, "[%s] ", e->value[FIELD_SECONDS] ?: "");
		write_message(r->out, e->value[FIELD_DMESG]);
	}
	if (!e->value[FIELD_MESSAGE] || !source)
		return;
	write_date(r->out, e);
	fprintf(r->out, " %.*s %s: ", host ? (int)strcspn(host, " \n") : 1, host ?: "-", source);
	if (uptime)
		fprintf(r->out, "[%5" PRId64 ".%06" PRId64 "] ", us / 1000000, us % 1000000);
	write_message(r->out, e->value[FIELD_MESSAGE]);
}

void journal_end_entry(struct journal_reader *r)
{
	write_entry(r);
	journal_entry_clear(&r->entry);
}
