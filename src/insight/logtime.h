/* When a line of a kernel log was written, as far as two lines can be compared. */
#pragma once

#include "insight/logline.h"

struct logtime {
	enum {
		LOGTIME_NONE,
		LOGTIME_SECONDS, /* .us since boot, or since 1970 */
		LOGTIME_CLOCK,   /* .us since midnight of .day */
		LOGTIME_DELTA,   /* .us since the line before */
	} kind;
	int64_t us;
	struct slice day; /* as in the log */
};

/* The kernel's own time where the line has it, else the log's. */
struct logtime logtime_of(const struct logline *l);

/* Whether @later was written so long after @earlier, or before it, that one event cannot have
 * written both without a line in between. False where that cannot be told. */
bool logtime_apart(const struct logtime *earlier, const struct logtime *later);
