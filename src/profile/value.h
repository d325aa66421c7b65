/* A scalar's text to its canonical value, by the type of its row. */
#pragma once

#include "profile/finding.h"

/* Checks scalar @n against @n->row and makes its value canonical; otherwise complains into @f and
 * marks it broken. -ENOMEM or 0. */
int value_apply(struct arena *a, struct node *n, struct findings *f) _must_check_;

/* Checks the name of a key of a free map (row "*") and makes it canonical, in the same way. */
int value_apply_name(struct arena *a, struct node *n, struct findings *f) _must_check_;

/* What the row's type is called in messages and documentation, with an article: "a size". */
const char *value_noun(const struct key *k);
