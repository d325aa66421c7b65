/* What happened, in memory and in /run/holdfast/report.json. */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "setting/outcome.h"
#include "setting/setting.h"

/* The report is REPORT in directory REPORT_DIR of /run. */
#define REPORT_DIR "holdfast"
#define REPORT "report.json"
#define REPORT_LOCK "lock"

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

/* Adds the failures among the settings to the errors. */
int report_add_failures(struct report *r) _must_check_;

/* Adds a stage, which takes the errors so far. */
int report_add_stage(struct report *r, const char *name, int64_t duration_us) _must_check_;
int report_add_error(struct report *r, const char *fmt, ...) _printf_(2, 3);

/* Whether another stage, or this one, has the same error before @error of @stage. */
bool report_said_before(const struct report *r, const struct report_stage *stage,
			const struct report_error *error);

/* A copy in the report's arena; NULL for NULL, and without memory. */
const char *report_keep(struct report *r, const char *text);

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

/* Keeps what @print writes as file @name beside the report: whole, or the old one stays. -ENOENT
 * where there is no /run. */
int report_store(const struct machine *m, const char *name,
		 void (*print)(FILE *f, const void *data), const void *data) _must_check_;

/* Writes the report so. */
int report_save(const struct report *r, const struct machine *m) _must_check_;

/* Waits until no other run works on the machine and its report, a minute at most, and keeps others
 * out until the descriptor is closed. The report's directory is made where @make says so. Negative
 * where there is none, or the other run has not ended. */
int report_lock(const struct machine *m, bool make);

/* Removes it. */
int report_remove(const struct machine *m) _must_check_;

void report_free(struct report *r);
