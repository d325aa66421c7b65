/* The kernel's log: its records, and what stands in front of its lines. */
#pragma once

#include "base/text.h"

/* All records of /dev/kmsg that @fd, opened with O_NONBLOCK, has now, as the kernel writes them:
 * "PRIORITY,SEQUENCE,MICROSECONDS,FLAGS;MESSAGE", what breaks a line in it escaped as \x0a. Where
 * some were overwritten, a line says so. Ends at @max bytes. 0 or -errno. The caller frees. */
int kmsg_read(int fd, size_t max, char **ret_data, size_t *ret_size) _must_check_;

/* What the kernel puts in front of each line of a message where its log is plain text, as
 * "<4>[   12.345678][    T1]": priority, time and caller, without a blank between; empty where
 * there is none. Hardly any two messages have the same, so a line with that of the line before is
 * taken for a further one of its message, which a program's name may have made. */
struct slice kmsg_prefix(const char *line);
