/* What happened, in memory and in /run/holdfast/report.json. */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "setting/setting.h"

enum result {
	RESULT_HOLDS,
	RESULT_SET,
	RESULT_WOULD_SET,
	RESULT_ABSENT,
	RESULT_FAILED,
	RESULT_DRIFTED,
	RESULT_OVERRIDDEN,
};

/* One setting's fate. Strings belong to the report's arena or outlive it; NULL where unknown. */
struct outcome {
	struct outcome *next;
	const char *kind, *key, *path, *file, *wanted, *before, *after, *source;
	const char *undo_path, *undo_value; /* to write instead of .before when it is taken back */
	const char *overridden_by;          /* FILE:LINE of the system's own configuration */
	const char *text;                   /* what the values do not say */
	enum result result;
	int error;     /* negative errno, or 0 */
	bool required; /* else a failure is only noted */
	bool later;    /* absent now, but a later stage tries again */
};

struct report_error {
	struct report_error *next;
	const char *text;
};

struct report_stage {
	struct report_stage *next;
	const char *name;
	int64_t duration_us;
	struct report_error *errors;
};

/* Zero-initialise; release with report_free(). */
struct report {
	struct arena arena;
	const char *profile, *reason;
	struct report_stage *stages;
	struct outcome *settings;
	struct report_error *errors; /* not yet a stage's */
};

const char *result_name(enum result result);

/* Whether the outcome is one that exit status 1 stands for. The only place that says which
 * failures are tolerable. */
bool outcome_fails(const struct outcome *o);

/* Whether it is one that `on_error` is for: not what this version cannot do at all. */
bool outcome_breaks_boot(const struct outcome *o);

/* "KEY: BEFORE → AFTER" and its kin, as a person reads it. The caller frees. */
char *outcome_text(const struct outcome *o);

/* Adds the failures among the settings to the errors. */
int report_add_failures(struct report *r) _must_check_;

/* Adds a stage, which takes the errors so far. */
int report_add_stage(struct report *r, const char *name, int64_t duration_us) _must_check_;
int report_add_error(struct report *r, const char *fmt, ...) _printf_(2, 3);

/* Whether another stage, or this one, has the same error before @error of @stage. */
bool report_said_before(const struct report *r, const struct report_stage *stage,
			const struct report_error *error);

/* Puts @o at the end. The report's arena must own or outlive what it points to. */
void report_add(struct report *r, struct outcome *o);

/* The setting called @key, or NULL. */
struct outcome *report_find(const struct report *r, const char *key);

/* Adds to @r what an earlier stage or run did and this one did not: what it set stays to be taken
 * back, unless @r knows better. @old is empty afterwards. */
void report_absorb(struct report *r, struct report *old);

/* Writes the document. */
void report_print(const struct report *r, const struct machine *m, FILE *out);

/* Its fields only, into an open object. */
void report_json(const struct report *r, const struct machine *m, struct json *j);

/* Reads the report. -ENOENT: there is none; -EBADMSG: it is damaged. */
int report_load(const struct machine *m, struct report *ret_report) _must_check_;

/* Writes it whole, or leaves the old one. -ENOENT where there is no /run. */
int report_save(const struct report *r, const struct machine *m) _must_check_;

/* Removes it. */
int report_remove(const struct machine *m) _must_check_;

void report_free(struct report *r);
