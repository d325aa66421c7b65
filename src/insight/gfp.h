/* What was asked for: the flags of an allocation, as names and in words. */
#pragma once

#include "base/arena.h"

/* The names of @mask, joined by "|". @old: by the numbers of kernels 3.0 to 4.3, which print the
 * mask only. NULL where they are not known, or without memory. */
const char *gfp_flags_of(struct arena *a, int64_t mask, bool old);

/* "memory of a process, movable; zeroed" for "GFP_HIGHUSER_MOVABLE|__GFP_ZERO"; "" where no name
 * is known. NULL without memory. */
const char *gfp_words(struct arena *a, const char *flags);
