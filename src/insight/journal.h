/* journalctl -o export, json and json-pretty: each entry is a set of fields. */
#pragma once

#include "base/util.h"

/* Turns @text, if it is one of these, into lines as of syslog, of the kernel's messages only:
 * "2024-01-15T10:23:45.123456+00:00 HOST kernel: [   12.345678] MESSAGE". *@ret_lines is NULL for
 * any other text; the caller frees it. 0 or -ENOMEM. */
int journal_lines(const char *text, size_t size, char **ret_lines, size_t *ret_size) _must_check_;
