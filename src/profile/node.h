/* A profile as a tree: what YAML says, then what the table makes of it. */
#pragma once

#include "base/arena.h"
#include "profile/key.h"

struct place {
	const char *file;      /* as a person would name it */
	unsigned line, column; /* from 1, in characters; 1:1 also for the file as a whole */
};

enum node_kind {
	NODE_SCALAR,
	NODE_MAP,
	NODE_LIST,
	NODE_BROKEN, /* already complained of */
};

/* Nodes and their strings belong to one arena; they are never freed one by one. */
struct node {
	enum node_kind kind;
	const struct key *row; /* set by schema_apply() */
	const char *name;      /* the key in a map, else NULL; sysctls: as a path, with slashes */
	const char *value;     /* of a scalar: the text, canonical after schema_apply() */
	bool plain;            /* of a scalar: written without quotes */
	bool is_pattern;       /* of a pattern: has wildcards */
	struct node *first, *next;
	struct place at;      /* of the value */
	struct place name_at; /* of the key; the value's own where there is none */
};

static inline struct node *node_first(const struct node *parent)
{
	return parent ? parent->first : NULL;
}

#define node_foreach(child, parent)                                                                \
	for (struct node *child = node_first(parent); child; child = (child)->next)

/* The child called @name, or NULL; a NULL map has none. */
struct node *node_child(const struct node *map, const char *name);

/* Walks the children in the table's order (those of one row, as in a list, stay in theirs): give
 * NULL first, then the last result; NULL at the end. */
struct node *node_next(const struct node *parent, const struct node *last);

/* Follows a dotted path of map keys, as in the table. */
struct node *node_find(const struct node *map, const char *path);

/* The child's text, or NULL where it is missing or no scalar. */
const char *node_text(const struct node *map, const char *name);

/* As node_text(), with the default of the table's row for @name below @map's row. */
const char *node_setting(const struct node *map, const char *name);

/* The text of the item's identity key (service, name, where). */
const char *node_identity(const struct node *item);

/* The item with that identity, or NULL. */
struct node *node_item(const struct node *list, const char *identity);
