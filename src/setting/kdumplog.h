/* The kernel log of the kernel that crashed. */
#pragma once

#include "base/util.h"

/* Writes the log found in @vmcore (as /proc/vmcore, 64 bits) to @out, one line a record, each with
 * its time as dmesg(1) shows it. *@ret_last_ns is the time of the last record since that kernel
 * began. -EBADMSG: there is no such log in it; -EOPNOTSUPP: of another kind of kernel.
 *
 * The layout is the kernel's own business; it tells what is needed in the note VMCOREINFO. */
int kdump_log_write(int vmcore, FILE *out, uint64_t *ret_last_ns) _must_check_;
