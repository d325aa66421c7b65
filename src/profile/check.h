/* Checks across keys: what each value alone does not show. */
#pragma once

#include "profile/profile.h"

/* Holds the composed profile against itself: errors where it cannot work, warnings where it is
 * unwise. */
void check_profile(const struct profile *p, struct findings *f);

/* Everything there is to say of a profile: check_profile() if it could be composed at all. */
int check_composed(const struct library *l, struct profile *p, struct findings *f) _must_check_;
