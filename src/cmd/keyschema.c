/* The table of keys as a JSON Schema. */
#include "base/json.h"
#include "cmd/keydoc.h"
#include "profile/value.h"

static void schema_of(const struct key *k, const char *name, struct json *j);

static void string_list(struct json *j, const char *key, const char *const *words)
{
	json_open(j, key, '[');
	for (; *words; words++)
		json_string(j, NULL, *words);
	json_close(j, ']');
}

/* One word may be a number or a boolean to YAML, and a text to us. */
static void any_scalar(struct json *j)
{
	string_list(j, "type", (const char *const[]){ "string", "number", "boolean", NULL });
}

static void choice_schema(const struct key *k, struct json *j)
{
	json_open(j, "enum", '[');
	for (const struct choice *c = k->choices; c->name; c++) {
		json_string(j, NULL, c->name);
		if (!streq(c->name, c->value))
			json_int(j, NULL, strtoll(c->value, NULL, 10));
	}
	json_close(j, ']');
}

static void bool_schema(struct json *j)
{
	static const char *const words[] = { "yes", "no", "on", "off" };

	json_open(j, "enum", '[');
	json_bool(j, NULL, true);
	json_bool(j, NULL, false);
	json_int(j, NULL, 1);
	json_int(j, NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		json_string(j, NULL, words[i]);
	json_close(j, ']');
}

static void range_schema(const struct key *k, struct json *j)
{
	json_string(j, "type", "integer");
	json_int(j, "minimum", k->min);
	if (k->max < INT64_MAX / 1024)
		json_int(j, "maximum", k->max);
}

static void size_schema(const struct key *k, struct json *j)
{
	json_open(j, "anyOf", '[');
	json_open(j, NULL, '{');
	range_schema(k, j);
	json_close(j, '}');
	json_open(j, NULL, '{');
	json_string(j, "type", "string");
	json_string(j, "pattern", "^(0[xX][0-9a-fA-F]+|[0-9]+)[KMG]?$");
	json_close(j, '}');
	json_close(j, ']');
}

static void map_schema(const struct key *parent, struct json *j)
{
	const struct key *any = NULL;

	json_string(j, "type", "object");
	json_open(j, "properties", '{');
	for (const struct key *k = key_next_child(parent, NULL); k; k = key_next_child(parent, k)) {
		if (streq(key_name(k), "*"))
			any = k;
		else
			schema_of(k, key_name(k), j);
	}
	json_close(j, '}');
	json_open(j, "required", '[');
	for (const struct key *k = key_next_child(parent, NULL); k; k = key_next_child(parent, k))
		if (k->flags & KEY_REQUIRED)
			json_string(j, NULL, key_name(k));
	json_close(j, ']');
	if (any)
		schema_of(any, "additionalProperties", j);
	else
		json_bool(j, "additionalProperties", false);
}

static void scalar_schema(const struct key *k, struct json *j)
{
	switch (k->type) {
	case KEY_BOOL:
		bool_schema(j);
		break;
	case KEY_INT:
		range_schema(k, j);
		break;
	case KEY_SIZE:
		size_schema(k, j);
		break;
	case KEY_CHOICE:
		choice_schema(k, j);
		break;
	case KEY_PATH:
		json_string(j, "type", "string");
		json_string(j, "pattern", "^/");
		break;
	case KEY_SYSCTL_VALUE: /* names may be nested */
		string_list(j, "type",
			    (const char *const[]){ "string", "number", "boolean", "object", NULL });
		break;
	default:
		any_scalar(j);
	}
}

static void list_schema(void (*schema)(const struct key *k, struct json *j), const struct key *k,
			struct json *j)
{
	json_string(j, "type", "array");
	json_open(j, "items", '{');
	schema(k, j);
	json_close(j, '}');
}

static void schema_of(const struct key *k, const char *name, struct json *j)
{
	json_open(j, name, '{');
	json_string(j, "description", k->doc);
	if (k->type == KEY_MAP) {
		map_schema(k, j);
	} else if (k->type == KEY_ITEMS) {
		list_schema(map_schema, k, j);
	} else if (k->flags & KEY_LIST) {
		list_schema(scalar_schema, k, j);
	} else if (k->flags & KEY_LISTABLE) {
		json_open(j, "anyOf", '[');
		json_open(j, NULL, '{');
		scalar_schema(k, j);
		json_close(j, '}');
		json_open(j, NULL, '{');
		list_schema(scalar_schema, k, j);
		json_close(j, '}');
		json_close(j, ']');
	} else {
		scalar_schema(k, j);
	}
	json_close(j, '}');
}

void keydoc_schema(FILE *out)
{
	struct json j = JSON_WRITER(out);

	json_open(&j, NULL, '{');
	json_int(&j, "version", 1);
	json_string(&j, "$schema", "https://json-schema.org/draft/2020-12/schema");
	json_string(&j, "title", "holdfast profile");
	map_schema(NULL, &j);
	json_close(&j, '}');
}
