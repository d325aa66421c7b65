/* Messages for people: one line each, on stderr and, at boot, in the kernel log as well. */
#pragma once

#include "base/util.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

enum log_target {
	LOG_STDERR,
	LOG_STDERR_AND_KERNEL,
	LOG_KERNEL_ONLY,        /* one descriptor, opened now: the kernel limits its rate */
	LOG_STDERR_UNLESS_BUSY, /* where a reader of stderr must not hold us up */
};

/* Messages above @level are dropped. */
void log_setup(enum log_level level, enum log_target target);

/* The same at a level that is only a record (@level as in the kernel: 3 error, 4 warning, 6 info):
 * written to the kernel log when that is on, and nowhere else. */
void log_kernel(enum log_level level, const char *fmt, ...) _printf_(2, 3);

void log_line(enum log_level level, const char *fmt, ...) _printf_(2, 3);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* For a full stop: says that memory ran out, and gives -ENOMEM. */
int log_oom(void);
