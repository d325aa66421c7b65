/* The line of a kernel log that says why the kernel panicked. */
#pragma once

#include "base/arena.h"

/* The last one in @text, without its time, in @a: only where it begins a message of the log, else
 * it may be a program's name. Further lines of a message are indented where @indents says so, as
 * kdump_log_write() and makedumpfile do; else they have the message's time again. NULL where there
 * is none, or memory is short. */
char *panic_line(struct arena *a, const char *text, bool indents) _must_check_;

/* Whether that line (may be NULL) tells of a shortage of memory. */
bool panic_is_oom(const char *panic);

/* Whether @text, which nobody vouches for, ends with a panic: nothing follows that is not part of
 * it, and what is before it shows that the line is no part of another message. */
bool panic_ends(const char *text);
