/* The leash: a protected service that grows past its max_rss loses its protection. */
#pragma once

#include "guard/pin.h"

/* Takes the protection from the pinned that have outgrown their leash. */
void leash_check(struct policy *p);

/* Whether any rule has one. */
bool leash_needed(const struct rules *r);

/* A descriptor that polls POLLPRI when tasks waited for memory 5 ms in half a second (150 ms in 2
 * s where we lack the privilege), or -errno where the kernel cannot tell. */
int leash_open(const struct root *procfs) _must_check_;
