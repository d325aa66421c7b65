/* What the kernel left of its log in pstore when it went down. */
#pragma once

#include "base/util.h"

/* All dmesg records of the directory @fd as one text, each crash's parts in the order in which they
 * were printed. -EFBIG beyond @max bytes; -ENOENT where there is none. The caller frees. */
int pstore_read(int fd, size_t max, char **ret_data, size_t *ret_size) _must_check_;
