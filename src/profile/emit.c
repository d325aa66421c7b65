#include "profile/emit.h"

#include <ctype.h>
#include <strings.h>

#include "profile/sysctlname.h"

static bool is_word_with_meaning(const char *text)
{
	static const char *const words[] = { "true", "false", "yes", "no",   "on",
					     "off",  "y",     "n",   "null", "~" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

void emit_scalar(const char *text, FILE *out)
{
	const char *first = text + (text[0] == '-' && isdigit((unsigned char)text[1]));
	bool plain = isalnum((unsigned char)*first) || *first == '/' || *first == '_';

	for (const char *t = text; *t && plain; t++)
		plain = isalnum((unsigned char)*t) || strchr("_./-+=@", *t) || (*t == ' ' && t[1]);
	if (plain && !is_word_with_meaning(text))
		fputs(text, out);
	else
		json_quote(out, text);
}

/* Presence of a parameter is the one value whose quotes have a meaning. */
static void emit_value(const struct node *n, FILE *out)
{
	if (n->row && n->row->type == KEY_CMDLINE && n->plain)
		fputs(n->value, out);
	else if (n->row && n->row->type == KEY_BOOL)
		fputs(streq(n->value, "1") ? "true" : "false", out);
	else
		emit_scalar(n->value, out);
}

/* In @buffer where the name must be turned round. */
static const char *shown_name(const struct node *n, char *buffer, size_t size)
{
	if (!n->row || n->row->type != KEY_SYSCTL_VALUE || strlen(n->name) >= size)
		return n->name;
	strcpy(buffer, n->name);
	sysctlname_swap(buffer);
	return buffer;
}

static bool is_shown(const struct node *n)
{
	return n->kind != NODE_BROKEN && !(n->row && streq(n->row->path, "extends"));
}

static void emit_map(const struct node *map, unsigned depth, bool after_dash, FILE *out);

static void emit_list(const struct node *list, unsigned depth, FILE *out)
{
	const char *separator = "[ ";

	if (!list->first || list->first->kind == NODE_SCALAR) {
		if (!list->first)
			fputs(" [", out);
		else
			fputc(' ', out);
		node_foreach(n, list) {
			fputs(separator, out);
			emit_value(n, out);
			separator = ", ";
		}
		fputs(list->first ? " ]\n" : "]\n", out);
		return;
	}
	fputc('\n', out);
	node_foreach(n, list) {
		fprintf(out, "%*s- ", (int)depth * 2, "");
		emit_map(n, depth + 1, true, out);
	}
}

static void emit_entry(const struct node *n, unsigned depth, bool inline_first, FILE *out)
{
	char buffer[512];

	if (!inline_first)
		fprintf(out, "%*s", (int)depth * 2, "");
	emit_scalar(shown_name(n, buffer, sizeof(buffer)), out);
	fputc(':', out);
	if (n->kind == NODE_SCALAR) {
		fputc(' ', out);
		emit_value(n, out);
		fputc('\n', out);
	} else if (n->kind == NODE_LIST) {
		emit_list(n, depth + 1, out);
	} else if (n->first) {
		fputc('\n', out);
		emit_map(n, depth + 1, false, out);
	} else {
		fputs(" {}\n", out);
	}
}

static void emit_map(const struct node *map, unsigned depth, bool after_dash, FILE *out)
{
	if (after_dash && !map->first)
		fputs("{}\n", out);
	for (const struct node *n = node_next(map, NULL); n; n = node_next(map, n)) {
		if (!is_shown(n))
			continue;
		emit_entry(n, depth, after_dash, out);
		after_dash = false;
	}
}

void emit_yaml(const struct node *tree, FILE *out)
{
	emit_map(tree, 0, false, out);
}

static void emit_json_value(const struct node *n, const char *key, struct json *j)
{
	char buffer[512];

	if (n->kind == NODE_SCALAR) {
		if (n->row && n->row->type == KEY_BOOL)
			json_bool(j, key, streq(n->value, "1"));
		else if (n->row && (n->row->type == KEY_INT || n->row->type == KEY_SIZE))
			json_int(j, key, strtoll(n->value, NULL, 10));
		else
			json_string(j, key, n->value);
		return;
	}
	json_open(j, key, n->kind == NODE_MAP ? '{' : '[');
	for (const struct node *c = node_next(n, NULL); c; c = node_next(n, c))
		if (is_shown(c))
			emit_json_value(c, c->name ? shown_name(c, buffer, sizeof(buffer)) : NULL,
					j);
	json_close(j, n->kind == NODE_MAP ? '}' : ']');
}

void emit_json(const struct node *tree, const char *key, struct json *j)
{
	emit_json_value(tree, key, j);
}
