/* The table of keys as documentation. */
#pragma once

#include <stdio.h>

#include "profile/key.h"

/* One paragraph a key, as plain text. */
void keydoc_text(FILE *out);

/* The manual page holdfast-profile(5). */
void keydoc_man(FILE *out);

/* A JSON Schema (2020-12) of the profile language. */
void keydoc_schema(FILE *out);

/* What a value of @k may be, in words: "0|never, 1|unconstrained, 2|always", "a size, 0 to 8". The
 * caller frees; NULL without memory. */
char *keydoc_values(const struct key *k);
