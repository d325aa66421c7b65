/* What became of one setting. */
#pragma once

#include "base/util.h"

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

const char *result_name(enum result result);

/* And back; RESULT_FAILED for anything else. */
enum result result_named(const char *name);

/* Whether the outcome is one that exit status 1 stands for. The only place that says which
 * failures are tolerable. */
bool outcome_fails(const struct outcome *o);

/* Whether it is one that `on_error` is for: not what this version cannot do at all. */
bool outcome_breaks_boot(const struct outcome *o);

/* "KEY: BEFORE → AFTER" and its kin, as a person reads it. The caller frees. */
char *outcome_text(const struct outcome *o);
