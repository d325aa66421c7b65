/* What is wrong with profiles: collected, ordered by place, printed by the commands. */
#pragma once

#include "profile/node.h"

enum severity {
	SEVERITY_ERROR,
	SEVERITY_WARNING,
};

struct finding {
	struct finding *next;
	enum severity severity;
	struct place at;
	const char *message;
	const char *hint; /* the way out, or NULL */
};

/* Zero-initialise; release with findings_free(). */
struct findings {
	struct arena arena;
	struct finding *first;
	unsigned errors, warnings;
	unsigned raised; /* errors, again for each profile that inherits them */
};

/* Adds one; @hint may be NULL and is copied, like the place's file. Without memory it is still
 * counted. */
void finding_add(struct findings *f, enum severity severity, const struct place *at,
		 const char *hint, const char *fmt, ...) _printf_(5, 6);

#define finding_error(f, at, hint, ...) finding_add(f, SEVERITY_ERROR, at, hint, __VA_ARGS__)
#define finding_warning(f, at, hint, ...) finding_add(f, SEVERITY_WARNING, at, hint, __VA_ARGS__)

/* "FILE:LINE:COLUMN: error: MESSAGE (HINT)". The caller frees; NULL without memory. */
char *finding_text(const struct finding *finding);

/* "error" or "warning" */
const char *finding_severity(const struct finding *finding);

/* Makes every warning an error. */
void findings_make_errors(struct findings *f);

/* Logs each at its severity. */
void findings_log(const struct findings *f);

void findings_free(struct findings *f);
