/* Lines of a kernel log without what dmesg, journal, syslog, pstore and /dev/kmsg put in front. */
#pragma once

#include "base/text.h"

/* How long a line is, with what stands in front of the message and without; 0 where what follows in
 * the message became lines of their own. */
struct logwidth {
	size_t line, message;
};

struct logline {
	const char *text;    /* the kernel's message, ended by a NUL */
	struct slice time;   /* as the log has it; empty where it has none */
	struct slice uptime; /* the kernel's own, behind another one; or empty */
	struct slice host;   /* empty where none is named */
	struct slice caller; /* "T123", "C0": who printed it (CONFIG_PRINTK_CALLER); or empty */
	struct slice stamp; /* what the kernel put in front of each line of the message; or empty */
	bool kmsg;          /* of /dev/kmsg: .time is in microseconds since boot, .text escaped */
	bool prefixed;      /* something was taken off: else it may continue the line before */
	bool further;       /* it continues the message before (struct loglines) */
	bool again;         /* it has the stamp of the line before: it may continue that */
	bool others;        /* a program's: of another facility than the kernel's */
	bool unnamed;       /* it does not say that it is the kernel's, as others of its form do */
	bool lost;          /* lines before it were lost, it says */
	bool cut;           /* without its end: its last name may be half a name */
	struct logwidth width;
};

/* Walks the lines of a text. Initialise with loglines_begin(). */
struct loglines {
	char *next;
	bool cut;               /* at its end */
	struct logwidth narrow; /* lines that are as long as this are cut; zeros: none is */
	const char *line, *message, *end; /* as the log has it, with the breaks in the message */
	bool begun;                       /* there was a line */
	bool numbered;                    /* the first was, by cat -n */
	bool all_prefixed; /* the first had a prefix: what has none is a message's further line */
	bool prefixed; /* any line had: what has none, and begins with a blank, is such a line */
	bool escaped;  /* the breaks in its messages are, and so no line goes on */
	struct slice stamp, stamp_host; /* of the last line with one */
	enum { HOSTS_UNKNOWN, HOSTS_NAMED, HOSTS_NONE } bracket_hosts;
};

/* Copies @size bytes of @text, which may be the journal's export or JSON, into @a; NULs become
 * blanks. A last line without its end loses its last word unless it is plainly whole: half a number
 * would be a wrong number. 0 or -ENOMEM. */
int loglines_begin(struct loglines *l, struct arena *a, const char *text, size_t size) _must_check_;

/* The next line, which lives in the arena; false at the end. */
bool loglines_next(struct loglines *l, struct logline *ret_line);

/* Takes the prefixes off @l, whose .text is the whole line, in the order in which they can stand;
 * each may be missing. In dmesg's form a name may look like a host: whether hosts follow there, as
 * in the journal's, the log's first line of that form tells (logline.c). */
void logline_strip(struct loglines *log, struct logline *l);

/* In place: NULs become blanks; carriage returns at the ends of lines, colours, and the blanks or
 * marks of quotation that all lines begin with, go. The size that is left (logclean.c). */
size_t logline_clean(char *text, size_t size);
