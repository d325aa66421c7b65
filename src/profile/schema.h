/* Holds a tree against the table: unknown, missing and duplicate keys, wrong types, bad values. */
#pragma once

#include "profile/finding.h"

/* Gives each node its row and its canonical value, complaining into @f of what does not fit.
 * 0 or -ENOMEM: what is wrong is in the findings. */
int schema_apply(struct arena *a, struct node *root, struct findings *f) _must_check_;

/* The row whose kernel file is sysctl @path (slashes), or NULL: its key is typed. */
const struct key *schema_typed_sysctl(const char *path);
