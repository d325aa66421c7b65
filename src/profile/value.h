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

/* Whether canonical comparison @text (KEY_COMPARISON) holds for @number. */
bool value_compare(const char *text, int64_t number);

/* The smallest and the largest number for which it holds; the smallest is the larger one if it
 * holds for none. */
void value_compare_bounds(const char *text, int64_t *ret_min, int64_t *ret_max);

/* A sysctl's name as sysctl.d(5) takes it, to its path below /proc/sys: dots and slashes change
 * places if a dot comes first. NULL where the name is empty, leaves the directory, or has
 * wildcards. @ret_path has room for strlen(@name) + 1. */
bool value_sysctl_path(const char *name, char *ret_path);

/* And back, to the dotted form. In place. */
void value_sysctl_dotted(char *path);
