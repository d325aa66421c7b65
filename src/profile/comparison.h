/* Comparisons of sizes: ">=512M,<2G". Canonical: operators and numbers, separated by commas. */
#pragma once

#include "base/util.h"

/* The operator that begins @text, "=" where there is none, and its length there. */
const char *comparison_operator(const char *text, size_t *ret_len);

/* Whether canonical comparison @text holds for @number. */
bool comparison_holds(const char *text, int64_t number);

/* The smallest and the largest number for which it holds; the smallest is the larger one if it
 * holds for none. */
void comparison_bounds(const char *text, int64_t *ret_min, int64_t *ret_max);
