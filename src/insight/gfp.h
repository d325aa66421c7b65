/* What was asked for: the flags of an allocation, as names and in words. */
#pragma once

#include "base/arena.h"

/* The names of @mask, joined by "|", for kernels that print the mask only: 3.0 to 4.3, or 4.4 and
 * 4.5. NULL where they are not known, or without memory. */
const char *gfp_flags_of(struct arena *a, int64_t mask, bool since_4_4);

/* "memory of a process, movable; zeroed" for "GFP_HIGHUSER_MOVABLE|__GFP_ZERO"; "" where no name
 * is known. NULL without memory. */
const char *gfp_words(struct arena *a, const char *flags);
