/* Inside the parser of OOM reports: what its parts share. */
#pragma once

#include "insight/logtime.h"
#include "insight/oomlog.h"

#define OOM_COMM_MAX 15  /* the kernel's TASK_COMM_LEN - 1 */
#define OOM_MAX_OPEN 64U /* reports at a time: hosts, and tasks that print between one another */

/* A report and where its lines come from. */
struct oom_source {
	struct oom_source *next;
	struct slice host, caller;
	struct oom_report *report;
	struct oom_victim *last_victim; /* of those killed with the first; NULL: there is none */
	bool proven;                    /* there was a line that only an OOM report has */
	bool announced;                 /* "oom-kill:" was there, which precedes the kill */
	bool ended;                     /* all has been said but what happens after the kill */
	bool broken;                    /* what follows is not known to belong to it */
	struct logtime first, last;     /* of its first line, and the last that was understood */
	struct oom_source *bucket;      /* another one with this hash */
	bool machine, cgroup;           /* Mem-Info, or a cgroup's usage and limit, was there */
	bool memory_ends;               /* and all of Mem-Info */
	bool in_stats;                  /* memory.stat lines follow */
	bool memory_mixed;              /* whose memory follows is not known */
	bool warned; /* a warning of a failed allocation came between, with a Mem-Info of its own */
};

struct oom_parser {
	struct arena *arena;
	struct logline line;
	struct logtime time;        /* the line's */
	struct oom_source *sources; /* latest first */
	struct oom_source *current; /* that the line belongs to, or NULL */
	struct oom_report *report;  /* the current one's, or NULL */
	struct oom_source *taken;   /* what the line before told of, or NULL */
	bool of_memory;             /* the last that told of anything told of memory */
	struct slice warning_host;
	struct logtime warning; /* of a warning whose Mem-Info has not ended yet */
	bool warns;
	int error; /* -ENOMEM */
};

/* --- oomsame.c --- */

/* Whether the current line is the one before once more, whose time was @time. */
bool oomsame_line(const struct oom_parser *p, const struct logline *before,
		  const struct logtime *time);

/* Takes back .proven of those that an earlier one is the same as, in every number. */
void oomsame_drop(struct oom_parser *p);

/* --- oomlog.c: opening --- */

/* Begins a report with the current line. False without memory, and where the line may be a further
 * one of a message. */
bool oomparse_open(struct oom_parser *p) _must_check_;

/* For a line of a report whose beginning may be lost; then one is opened. False as above. */
bool oomparse_need_open(struct oom_parser *p);

/* The same for a line that only OOM reports have. */
bool oomparse_need_proven(struct oom_parser *p);

/* --- oomcut.c --- */

/* Whether the kernel would have written more. Of lines that may be whole, and of others, false. */
bool oomcut_is(const char *text);

/* --- oomorder.c: whether a line can follow in the current report, which else is left --- */

enum oom_step {
	OOM_STEP_MACHINE,      /* Mem-Info */
	OOM_STEP_MACHINE_LINE, /* a line below it */
	OOM_STEP_CGROUP,       /* a cgroup's usage and limit */
	OOM_STEP_CGROUP_LINE,
	OOM_STEP_HEADING, /* of the task table */
	OOM_STEP_ROW,
};

/* For each line before it is read: lines were lost in between, or too much time has passed. */
void oomorder_line(struct oom_parser *p);

/* For a warning of a failed allocation, and the end of a Mem-Info that may have been its. */
bool oomorder_warning(struct oom_parser *p);
void oomorder_memory_ends(struct oom_parser *p);

/* True where the report had that part already: whose it is now, and whose was the first, cannot be
 * told. */
bool oomorder_step(struct oom_parser *p, enum oom_step step);

/* For the choice or the death of @pid (or OOM_UNKNOWN); @of: what ran out, OOM_CONSTRAINT_NONE for
 * anything but a cgroup. */
void oomorder_victim(struct oom_parser *p, enum oom_constraint of, int64_t pid);

/* --- oomwho.c, oomkill.c: lines that are known by their text; whether this was one --- */

bool oomwho_invoked(struct oom_parser *p);
bool oomwho_cpuset(struct oom_parser *p);
bool oomwho_cpu(struct oom_parser *p);
bool oomwho_summary(struct oom_parser *p);
bool oomwho_limit(struct oom_parser *p);
bool oomkill_kill(struct oom_parser *p);
bool oomkill_panic(struct oom_parser *p);
bool oomkill_aftermath(struct oom_parser *p);

/* Makes every number of it unknown. */
void oomkill_forget(struct oom_victim *v);

/* --- oommem.c: lines of an open report; whether this was one --- */

bool oommem_machine_line(struct oom_parser *p, const char *text);
bool oommem_cgroup_line(struct oom_parser *p, const char *text);

/* --- oomtask.c --- */

bool oomtask_is_heading(const char *text);
bool oomtask_is_row(const char *text);

/* Keeps a heading or a row; whether it was one. */
bool oomtask_line(struct oom_parser *p, const char *text);

/* Something that follows the table was seen. */
void oomtask_end(struct oom_report *r);

/* Whether the table names @pid, as a process or as the thread that stands for it. */
bool oomtask_knows(const struct oom_report *r, int64_t pid);

/* Whether @pid is a thread that stands for the chosen process, whose main thread has ended. */
bool oomtask_is_thread(const struct oom_report *r, int64_t pid);

/* Reads the rows, now that all are there. */
void oomtask_finish(struct oom_parser *p);

/* --- oomvalue.c --- */

/* Notes a number: two different ones make it OOM_MIXED. */
void oom_note(int64_t *number, int64_t value);

/* The same for the number behind @name in @text, if there is one. */
void oom_note_field(int64_t *number, const char *text, const char *name);

/* The same for words: two different ones make it "". */
void oom_note_text(struct oom_parser *p, const char **word, const char *start, size_t len);

/* A decimal number at *@p, with a sign; moves *@p behind it. False where there is none, or it does
 * not fit. */
bool oom_number(const char **p, int64_t *ret_value);

/* The number behind "@name" in @text where no other word runs into the name. */
bool oom_field(const char *text, const char *name, int64_t *ret_value);

/* Whether it is nodes of memory and nothing else, "0-1,3". */
static inline bool is_node_list(const char *text)
{
	return !text[strspn(text, "0123456789-,")];
}

/* A copy in the arena; NULL without memory, which the parser remembers. */
char *oom_copy(struct oom_parser *p, const char *start, size_t len);

/* The last place of @part in @text, or NULL. */
const char *oom_last(const char *text, const char *part);

static inline void oom_forget(void *numbers, size_t size)
{
	int64_t *n = numbers;

	for (size_t i = 0; i < size / sizeof(*n); i++)
		n[i] = OOM_UNKNOWN;
}
