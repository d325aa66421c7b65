/* Entries of a journal on their way to plain lines; used by journal.c alone. */
#pragma once

#include "base/util.h"

enum journal_field {
	FIELD_MESSAGE,
	FIELD_HOST,
	FIELD_REALTIME,
	FIELD_UPTIME,
	FIELD_TRANSPORT,
	FIELD_IDENTIFIER,
	FIELD_FACILITY,
	FIELD_PID,
	FIELD_DATE,
	FIELD_DMESG,
	FIELD_SECONDS,
	FIELD_DMESG_FACILITY,
	FIELD_DMESG_PRIORITY,
	N_FIELDS,
};

struct journal_entry {
	char *value[N_FIELDS]; /* owned; NULL: not there */
};

struct journal_reader {
	const char *at, *end;
	FILE *out;
	struct journal_entry entry;
	bool failed; /* without memory */
};

/* Notes a field of the entry that is being read; the last value counts. */
void journal_set(struct journal_reader *r, const char *name, size_t len, const char *value,
		 size_t size);

/* Writes the entry as a line, if it is the kernel's, and begins another. */
void journal_end_entry(struct journal_reader *r);

void journal_entry_clear(struct journal_entry *e);
