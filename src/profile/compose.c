#include "profile/profile.h"

#include "base/text.h"
#include "profile/parse.h"
#include "profile/schema.h"

/* The length of a name in front of ".yaml", or 0. */
static size_t stem_length(const char *leaf)
{
	return has_suffix(leaf, ".yaml") ? strlen(leaf) - 5 : 0;
}

static const char *leaf_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void check_name(const struct profile *p, struct findings *f)
{
	const struct node *name = node_child(p->tree, "name");

	if (stem_length(leaf_of(p->file)) == 0)
		finding_error(f, &(struct place){ p->file, 1, 1 }, NULL,
			      "a profile's file is called NAME.yaml");
	else if (name && name->kind == NODE_SCALAR && !streq(name->value, p->name))
		finding_error(f, &name->at, NULL,
			      "the name '%s' is not the file's: it must be '%s'", name->value,
			      p->name);
}

static const char *read_problem(int error)
{
	switch (-error) {
	case EISDIR:
		return "is a directory";
	case EINVAL:
	case ENXIO:
		return "is no regular file";
	case EFBIG:
		return "is larger than 256 KiB";
	default:
		return strerror(-error);
	}
}

/* From the text in memory to a tree that is held against the table. */
static int digest(struct profile *p, const char *data, size_t size, struct findings *f)
{
	unsigned raised = f->raised;
	int ret;

	ret = parse_tree(&p->arena, p->file, data, size, PARSE_PROFILE, f, &p->tree);
	if (ret == -EBADMSG)
		return 0;
	if (ret < 0)
		return ret;
	ret = schema_apply(&p->arena, p->tree, f);
	if (ret < 0)
		return ret;
	check_name(p, f);
	p->valid = f->raised == raised;
	return 0;
}

/* @read is what reading the file gave; @p has its names. */
static int finish_read(struct profile *p, int read, const char *data, size_t size,
		       struct findings *f)
{
	if (read == -ENOMEM)
		return read;
	if (read == 0)
		return digest(p, data, size, f);
	finding_error(f, &(struct place){ p->file, 1, 1 }, NULL, "%s", read_problem(read));
	return 0;
}

int profile_read(const struct library *l, const char *name, struct findings *f,
		 struct profile *ret_profile)
{
	_cleanup_(profile_free) struct profile p = { 0 };
	_cleanup_free_ char *data = NULL;
	size_t size = 0;
	int ret;

	p.name = arena_strdup(&p.arena, name);
	if (!p.name)
		return -ENOMEM;
	ret = library_read(l, name, &p.arena, &p.file, &data, &size);
	if (!p.file)
		return ret;
	ret = finish_read(&p, ret, data, size, f);
	if (ret < 0)
		return ret;
	*ret_profile = p;
	p = (struct profile){ 0 };
	return 0;
}

int profile_read_file(const char *path, struct findings *f, struct profile *ret_profile)
{
	_cleanup_(profile_free) struct profile p = { 0 };
	_cleanup_free_ char *data = NULL;
	const char *leaf = leaf_of(path);
	size_t size = 0, stem = stem_length(leaf);
	int ret;

	p.by_path = true;
	p.file = arena_strdup(&p.arena, path);
	p.name = arena_strndup(&p.arena, leaf, stem ? stem : strlen(leaf));
	if (!p.file || !p.name)
		return -ENOMEM;
	ret = library_read_file(path, &data, &size);
	ret = finish_read(&p, ret, data, size, f);
	if (ret < 0)
		return ret;
	*ret_profile = p;
	p = (struct profile){ 0 };
	return 0;
}

void profile_free(struct profile *p)
{
	arena_free(&p->arena);
	*p = (struct profile){ 0 };
}

/* --- extends --- */

#define MAX_PARENTS 16U

static void merge(struct node *parent, struct node *child);

static struct node *last_child(struct node *n)
{
	struct node *last = n->first;

	while (last && last->next)
		last = last->next;
	return last;
}

static void append(struct node *map, struct node *n)
{
	struct node *last = last_child(map);

	n->next = NULL;
	if (last)
		last->next = n;
	else
		map->first = n;
}

/* Takes @n out of the children of @map. */
static void unlink_child(struct node *map, const struct node *n)
{
	struct node **p = &map->first;

	while (*p != n)
		p = &(*p)->next;
	*p = n->next;
}

/* The parent's children first, each merged with the child's own of its name, then what only the
 * child has: a mount stands before those below it. */
static void merge_children(struct node *parent, struct node *child, bool items)
{
	struct node result = { 0 };

	for (struct node *n = parent->first, *next; n; n = next) {
		struct node *own =
			items ? node_item(child, node_identity(n)) : node_child(child, n->name);

		next = n->next;
		if (own) {
			unlink_child(child, own);
			merge(n, own);
			append(&result, own);
		} else if (n->kind != NODE_BROKEN && !(n->row && n->row->flags & KEY_OWN)) {
			append(&result, n);
		}
	}
	for (struct node *n = child->first, *next; n; n = next) {
		next = n->next;
		append(&result, n);
	}
	child->first = result.first;
}

/* @child wins; maps merge key by key, items that have an identity by it, lists are replaced. */
static void merge(struct node *parent, struct node *child)
{
	if (parent->kind != child->kind)
		return;
	if (child->kind == NODE_MAP)
		merge_children(parent, child, false);
	else if (child->kind == NODE_LIST && child->row && child->row->type == KEY_ITEMS)
		merge_children(parent, child, true);
}

/* In the directory of the child's own file if that was given by path, else in the library. */
static int read_parent(const struct library *l, struct findings *f, struct profile *p,
		       const char *name, struct profile *ret_parent)
{
	const char *path;

	if (!p->by_path)
		return profile_read(l, name, f, ret_parent);
	path = arena_printf(&p->arena, "%.*s%s.yaml", (int)(leaf_of(p->file) - p->file), p->file,
			    name);
	if (!path)
		return -ENOMEM;
	if (access(path, F_OK) == 0)
		return profile_read_file(path, f, ret_parent);
	return profile_read(l, name, f, ret_parent);
}

static bool complain_of_cycle(struct findings *f, const struct node *extends,
			      const char *const *chain, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!streq(chain[i], extends->value))
			continue;
		finding_error(f, &extends->at, NULL, "'extends: %s' makes a cycle", extends->value);
		return true;
	}
	if (n < MAX_PARENTS)
		return false;
	finding_error(f, &extends->at, NULL, "more than %u profiles extend each other",
		      MAX_PARENTS);
	return true;
}

static int complain_of_missing(const struct library *l, struct findings *f, struct profile *p,
			       const struct node *extends)
{
	struct nearest near = { .word = extends->value };
	char **names;
	int ret = library_names(l, &p->arena, &names);

	if (ret < 0)
		return ret;
	for (; *names; names++)
		nearest_offer(&near, *names);
	finding_error(f, &extends->at,
		      near.best ? arena_printf(&p->arena, "did you mean '%s'?", near.best) : NULL,
		      "there is no profile '%s' to extend", extends->value);
	return 0;
}

static const struct node *parent_of(const struct node *tree)
{
	const struct node *extends = node_child(tree, "extends");

	return extends && extends->kind == NODE_SCALAR ? extends : NULL;
}

int profile_read_parent(const struct library *l, struct findings *f, struct profile *p,
			struct profile *ret_parent)
{
	const struct node *extends = parent_of(p->tree);

	return extends ? read_parent(l, f, p, extends->value, ret_parent) : -ENOENT;
}

static int merge_chain(const struct library *l, struct findings *f, struct profile *p)
{
	const struct node *extends = parent_of(p->tree);
	const char *chain[MAX_PARENTS] = { p->name };

	for (unsigned n = 1; extends; n++) {
		_cleanup_(profile_free) struct profile parent = { 0 };
		struct node *tree;
		int ret;

		if (complain_of_cycle(f, extends, chain, n))
			return 0;
		chain[n] = extends->value;
		ret = read_parent(l, f, p, extends->value, &parent);
		if (ret == -ENOENT)
			return complain_of_missing(l, f, p, extends);
		if (ret < 0)
			return ret;
		tree = parent.tree;
		if (!tree)
			return 0;
		arena_adopt(&p->arena, &parent.arena);
		extends = parent_of(tree);
		merge(tree, p->tree);
	}
	return 0;
}

int profile_compose(const struct library *l, struct findings *f, struct profile *p)
{
	unsigned raised = f->raised;
	int ret;

	if (!p->tree || p->tree->kind != NODE_MAP)
		return 0;
	ret = merge_chain(l, f, p);
	p->valid = p->valid && f->raised == raised;
	return ret;
}
