#include "profile/schema.h"

#include "base/text.h"
#include "profile/sysctlname.h"
#include "profile/value.h"

struct schema {
	struct arena *arena;
	struct findings *findings;
};

static int apply(struct schema *s, struct node *n);

const struct key *schema_typed_sysctl(const char *path)
{
	for (size_t i = 0; i < n_keys; i++) {
		const char *rest = keys[i].file ? after_prefix(keys[i].file, "sys/") : NULL;

		if (rest && streq(rest, path))
			return &keys[i];
	}
	return NULL;
}

/* Why a key that stands in no row might have been written, and what to write instead. */
static const char *unknown_hint(struct schema *s, const struct key *parent, const char *name)
{
	struct nearest near = { .word = name };
	const struct key *k;

	for (k = key_next_child(parent, NULL); k; k = key_next_child(parent, k))
		nearest_offer(&near, key_name(k));
	if (near.best)
		return arena_printf(s->arena, "did you mean '%s'?", near.best);
	if (!parent && (k = key_find(name)) && strchr(name, '.'))
		return arena_printf(s->arena, "write '%s' below '%.*s'", key_name(k),
				    (int)(strrchr(name, '.') - name), name);
	if (!parent && strpbrk(name, "./"))
		return "sysctls stand below 'sysctl'";
	if (parent && streq(parent->path, "vm"))
		return arena_printf(s->arena, "other sysctls stand below 'sysctl', as vm.%s", name);
	for (size_t i = 0; i < n_keys; i++) {
		const char *dot = strrchr(keys[i].path, '.');

		if (dot && streq(dot + 1, name))
			return arena_printf(s->arena, "it stands below '%.*s'",
					    (int)(dot - keys[i].path), keys[i].path);
		if (!dot && streq(keys[i].path, name))
			return "it stands at the top of the profile";
	}
	return NULL;
}

static void refuse_unknown(struct schema *s, const struct key *parent, const struct node *n)
{
	const char *hint = unknown_hint(s, parent, n->name);

	finding_error(s->findings, &n->name_at, hint, "unknown key '%s'%s%s%s", n->name,
		      parent ? " below '" : "", parent ? parent->path : "", parent ? "'" : "");
}

static const char *shape(const struct node *n)
{
	switch (n->kind) {
	case NODE_MAP:
		return "a map";
	case NODE_LIST:
		return "a list";
	default:
		return n->plain && (!*n->value || streq(n->value, "~")) ? "nothing" : "one value";
	}
}

static void refuse_shape(struct schema *s, struct node *n, const char *wanted)
{
	finding_error(s->findings, &n->at, NULL, "'%s' takes %s, not %s",
		      n->name ? n->name : key_name(n->row), wanted, shape(n));
	n->kind = NODE_BROKEN;
}

/* sysctl: { kernel: { panic: 10 } } is kernel.panic: the children take the place of the map. */
static int flatten(struct schema *s, struct node *map)
{
	struct node **p = &map->first;

	while (*p) {
		struct node *n = *p;
		struct node **tail = &n->first;

		if (n->kind != NODE_MAP) {
			p = &n->next;
			continue;
		}
		if (!n->first)
			finding_error(s->findings, &n->at, NULL, "'%s' holds no key", n->name);
		for (; *tail; tail = &(*tail)->next) {
			struct node *child = *tail;
			bool slashes = strchr(n->name, '/') && !strchr(n->name, '.');

			child->name = arena_printf(s->arena, "%s%c%s", n->name, slashes ? '/' : '.',
						   child->name);
			if (!child->name)
				return -ENOMEM;
		}
		*tail = n->next;
		*p = n->first;
	}
	return 0;
}

/* Names that differ in spelling only show as duplicates once they are canonical. */
static void refuse_duplicate(struct schema *s, const struct node *map, struct node *n)
{
	node_foreach(old, map) {
		if (old == n)
			return;
		char shown[256];

		if (old->kind == NODE_BROKEN || !streq(old->name, n->name))
			continue;
		snprintf(shown, sizeof(shown), "%s", n->name);
		if (n->row->type == KEY_SYSCTL_VALUE)
			sysctlname_swap(shown);
		finding_error(s->findings, &n->name_at, NULL,
			      "duplicate key '%s'; first given in line %u", shown,
			      old->name_at.line);
		n->kind = NODE_BROKEN;
		return;
	}
}

/* The kernel takes - and _ alike; a module's files have the latter. */
static int option_name(struct arena *a, struct node *n)
{
	char *name = arena_strdup(a, n->name);

	if (!name)
		return -ENOMEM;
	for (char *c = name; (c = strchr(c, '-'));)
		*c = '_';
	n->name = name;
	return 0;
}

static int apply_free_key(struct schema *s, const struct node *map, struct node *n)
{
	const struct key *typed;
	int ret;

	ret = value_apply_name(s->arena, n, s->findings);
	if (ret >= 0 && n->row->type == KEY_OPTION)
		ret = option_name(s->arena, n);
	if (ret < 0 || n->kind == NODE_BROKEN)
		return ret;
	refuse_duplicate(s, map, n);
	typed = n->row->kind == SETTING_SYSCTL ? schema_typed_sysctl(n->name) : NULL;
	if (typed) {
		finding_error(s->findings, &n->name_at, NULL,
			      "'%s' is a typed key: it belongs below 'vm', as '%s'", typed->path,
			      key_name(typed));
		n->kind = NODE_BROKEN;
	}
	return n->kind == NODE_BROKEN ? 0 : apply(s, n);
}

static void require_keys(struct schema *s, const struct node *map)
{
	const struct key *parent = map->row;

	for (const struct key *k = key_next_child(parent, NULL); k; k = key_next_child(parent, k))
		if (k->flags & KEY_REQUIRED && !node_child(map, key_name(k)))
			finding_error(s->findings, &map->at,
				      k->example ? arena_printf(s->arena, "for instance '%s: %s'",
								key_name(k), k->example)
						 : NULL,
				      "%s%s%sneeds the key '%s'", parent ? "'" : "the profile ",
				      parent ? parent->path : "", parent ? "' " : "", key_name(k));
}

static int apply_map(struct schema *s, struct node *map)
{
	const struct key *parent = map->row;
	const struct key *any = parent ? key_child(parent, "*") : NULL;
	int ret;

	if (any && any->type == KEY_SYSCTL_VALUE) {
		ret = flatten(s, map);
		if (ret < 0)
			return ret;
	}
	node_foreach(n, map) {
		if (n->kind == NODE_BROKEN)
			continue;
		n->row = key_child(parent, n->name);
		if (!n->row) {
			refuse_unknown(s, parent, n);
			n->kind = NODE_BROKEN;
			continue;
		}
		ret = n->row == any ? apply_free_key(s, map, n) : apply(s, n);
		if (ret < 0)
			return ret;
	}
	require_keys(s, map);
	return 0;
}

static void refuse_same_item(struct schema *s, const struct node *list, const struct node *item)
{
	const char *identity = node_identity(item);
	const struct node *first = identity ? node_item(list, identity) : NULL;

	if (first && first != item)
		finding_error(s->findings, &item->at, NULL,
			      "'%s' lists '%s' twice; first in line %u", list->row->path, identity,
			      first->at.line);
}

/* The legacy scale, as fs/proc/base.c converts it. */
static int convert_legacy_score(struct schema *s, struct node *rule)
{
	struct node *n = node_child(rule, "oom_adj");
	const struct node *given = node_child(rule, "oom_score_adj");
	int adj;

	if (!n || n->kind != NODE_SCALAR)
		return 0;
	if (given) {
		finding_error(s->findings, &n->name_at, "give one of them",
			      "oom_score_adj and the legacy oom_adj are both given");
		n->kind = NODE_BROKEN;
		return 0;
	}
	adj = atoi(n->value);
	n->name = "oom_score_adj";
	n->row = key_child(rule->row, n->name);
	n->value = arena_printf(s->arena, "%d", adj == 15 ? 1000 : adj * 1000 / 17);
	return n->value ? 0 : -ENOMEM;
}

static int apply_items(struct schema *s, struct node *list)
{
	int ret;

	node_foreach(item, list) {
		if (item->kind == NODE_BROKEN)
			continue;
		item->row = list->row;
		if (item->kind != NODE_MAP) {
			refuse_shape(s, item, "a map in each element");
			continue;
		}
		ret = apply_map(s, item);
		if (ret >= 0 && list->row->kind == SETTING_GUARD)
			ret = convert_legacy_score(s, item);
		if (ret < 0)
			return ret;
		refuse_same_item(s, list, item);
	}
	return 0;
}

static int apply_values(struct schema *s, struct node *list)
{
	if (!list->first)
		refuse_shape(s, list, "at least one value");
	node_foreach(n, list) {
		int ret = 0;

		n->row = list->row;
		if (n->kind == NODE_SCALAR)
			ret = value_apply(s->arena, n, s->findings);
		else if (n->kind != NODE_BROKEN)
			refuse_shape(s, n, "one value in each element");
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* Applies @n->row to @n. */
static int apply(struct schema *s, struct node *n)
{
	const struct key *k = n->row;

	if (n->kind == NODE_BROKEN)
		return 0;
	if (k->type == KEY_MAP || k->type == KEY_ITEMS) {
		if (n->kind != (k->type == KEY_MAP ? NODE_MAP : NODE_LIST)) {
			refuse_shape(s, n, value_noun(k));
			return 0;
		}
		return k->type == KEY_MAP ? apply_map(s, n) : apply_items(s, n);
	}
	if (n->kind == NODE_LIST && k->flags & (KEY_LIST | KEY_LISTABLE))
		return apply_values(s, n);
	if (k->flags & KEY_LIST)
		refuse_shape(s, n, "a list");
	else if (n->kind != NODE_SCALAR)
		refuse_shape(s, n,
			     k->flags & KEY_LISTABLE ? "one value or a list of them"
						     : value_noun(k));
	else
		return value_apply(s->arena, n, s->findings);
	return 0;
}

static void check_first_key(struct schema *s, const struct node *root)
{
	const struct node *version = node_child(root, "holdfast");

	if (version && version != root->first)
		finding_error(s->findings, &version->name_at, NULL,
			      "'holdfast: 1' must be the first key");
}

int schema_apply(struct arena *a, struct node *root, struct findings *f)
{
	struct schema s = { .arena = a, .findings = f };

	if (root->kind == NODE_BROKEN)
		return 0;
	if (root->kind != NODE_MAP) {
		finding_error(f, &root->at, "it begins with 'holdfast: 1'",
			      "a profile is a map, not %s", shape(root));
		root->kind = NODE_BROKEN;
		return 0;
	}
	check_first_key(&s, root);
	return apply_map(&s, root);
}
