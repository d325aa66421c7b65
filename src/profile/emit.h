/* A composed profile back to text. */
#pragma once

#include "base/json.h"
#include "profile/node.h"

/* Writes YAML that loads again, in the table's order; extends is gone, being carried out. */
void emit_yaml(const struct node *tree, FILE *out);

/* Writes the same as a JSON object called @key. */
void emit_json(const struct node *tree, const char *key, struct json *j);

/* Writes @text as a YAML scalar, quoted where it must be. */
void emit_scalar(const char *text, FILE *out);
