#include "profile/node.h"

struct node *node_child(const struct node *map, const char *name)
{
	node_foreach(n, map)
		if (n->name && streq(n->name, name))
			return n;
	return NULL;
}

struct node *node_next(const struct node *parent, const struct node *last)
{
	struct node *best = NULL;
	bool passed = !last;

	node_foreach(n, parent) {
		if (n == last) {
			passed = true;
			continue;
		}
		if (last && (n->row < last->row || (n->row == last->row && !passed)))
			continue;
		if (!best || n->row < best->row)
			best = n;
	}
	return best;
}

struct node *node_find(const struct node *map, const char *path)
{
	char part[64];

	for (;;) {
		size_t n = strcspn(path, ".");
		struct node *child;

		if (n >= sizeof(part))
			return NULL;
		memcpy(part, path, n);
		part[n] = '\0';
		child = node_child(map, part);
		if (!child || !path[n])
			return child;
		map = child;
		path += n + 1;
	}
}

const char *node_text(const struct node *map, const char *name)
{
	const struct node *n = node_child(map, name);

	return n && n->kind == NODE_SCALAR ? n->value : NULL;
}

const char *node_setting(const struct node *map, const char *name)
{
	const char *text = node_text(map, name);
	const struct key *row;

	if (text || !map)
		return text;
	row = key_child(map->row, name);
	return row ? row->fallback : NULL;
}

const char *node_identity(const struct node *item)
{
	node_foreach(n, item)
		if (n->row && n->row->flags & KEY_IDENTITY)
			return n->value;
	return NULL;
}

struct node *node_item(const struct node *list, const char *identity)
{
	node_foreach(item, list)
		if (streq_null(node_identity(item), identity))
			return item;
	return NULL;
}
