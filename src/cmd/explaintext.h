/* An OOM report as a person reads it. */
#pragma once

#include "base/term.h"
#include "insight/oomjudge.h"

/* The list of several reports, a line each. */
void explain_list(const struct term *t, const struct oom_log *log);

/* Report @i of @n; @all: with every task. 0 or -ENOMEM. */
int explain_report(const struct term *t, const struct oom_report *r, size_t i, size_t n,
		   bool all) _must_check_;
