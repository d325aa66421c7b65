/* The kernel log of the kernel that crashed. */
#pragma once

#include "base/util.h"

/* Writes the log found in @vmcore (as /proc/vmcore, 64 bits) to @out, each record with its time as
 * dmesg(1) shows it, further lines of it indented. -EBADMSG: there is no such log in it;
 * -EOPNOTSUPP: of another kind of kernel.
 *
 * The layout is the kernel's own business; it tells what is needed in the note VMCOREINFO. */
int kdump_log_write(int vmcore, FILE *out) _must_check_;
