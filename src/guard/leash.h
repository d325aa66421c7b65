/* The leash: a protected service that grows past its max_rss loses its protection. */
#pragma once

#include "guard/pin.h"

/* Takes the protection from the pinned that have outgrown their leash, where monotonic @at (ms) has
 * come; there it puts the next time, for those that grow while there is memory enough. Returns the
 * milliseconds until then; -1: nobody has a leash. */
int leash_check(struct policy *p, int64_t *at);

/* A descriptor that polls POLLPRI when tasks waited for memory 5 ms in half a second (150 ms in 2
 * s where we lack the privilege), or -errno where the kernel cannot tell. */
int leash_open(const struct root *procfs) _must_check_;
