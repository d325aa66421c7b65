/* A writer for one JSON document; commas, indentation and escapes are its business. */
#pragma once

#include "base/util.h"

struct json {
	FILE *out;
	unsigned depth;
	bool empty; /* nothing written yet inside the innermost bracket */
};

#define JSON_WRITER(file)                                                                          \
	{                                                                                          \
		.out = (file), .empty = true                                                       \
	}

/* @key is NULL inside an array and for the document itself. */
void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);

/* A NULL @value becomes null. Bytes that are not UTF-8 become U+FFFD. */
void json_string(struct json *j, const char *key, const char *value);
void json_int(struct json *j, const char *key, int64_t value);
void json_bool(struct json *j, const char *key, bool value);

/* The same of what may not be known: a negative @value becomes null. */
void json_bool_known(struct json *j, const char *key, int value);

/* The same escapes for any use of a double-quoted string, the quotes included: JSON's are also
 * valid in YAML. */
void json_quote(FILE *out, const char *text);
