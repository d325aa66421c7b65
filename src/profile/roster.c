#include "profile/roster.h"

const char *select_reason_name(enum select_reason reason)
{
	static const char *const names[] = {
		[SELECT_NONE] = "none",       [SELECT_OPTION] = "option",
		[SELECT_MATCH] = "match",     [SELECT_COMMAND_LINE] = "command-line",
		[SELECT_DEFAULT] = "default",
	};

	return names[reason];
}

static int read_all_named(const struct library *l, char *const *names, struct findings *f,
			  struct roster *r)
{
	for (; *names; names++) {
		int ret = profile_read(l, *names, f, &r->list[r->n]);

		if (ret == -ENOENT) /* went away since */
			continue;
		if (ret < 0)
			return ret;
		r->n++;
	}
	return 0;
}

int roster_read(const struct library *l, struct findings *f, struct roster *ret_roster)
{
	_cleanup_(arena_free) struct arena a = { 0 };
	_cleanup_(roster_free) struct roster r = { 0 };
	char **names;
	size_t n = 0;
	int ret = library_names(l, &a, &names);

	if (ret < 0)
		return ret;
	while (names[n])
		n++;
	r.list = calloc(n + 1, sizeof(*r.list));
	if (!r.list)
		return -ENOMEM;
	ret = read_all_named(l, names, f, &r);
	if (ret < 0)
		return ret;
	*ret_roster = r;
	r = (struct roster){ 0 };
	return 0;
}

void roster_free(struct roster *r)
{
	for (size_t i = 0; i < r->n; i++)
		profile_free(&r->list[i]);
	free(r->list);
	*r = (struct roster){ 0 };
}

struct profile *roster_find(const struct roster *r, const char *name)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, r->list[middle].name);

		if (order == 0)
			return &r->list[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

struct candidate {
	struct match_result result;
	int64_t priority;
};

/* More than 0: @a is better; 0: a tie. */
static int compare(const struct candidate *a, const struct candidate *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority ? 1 : -1;
	if (a->result.conditions != b->result.conditions)
		return a->result.conditions > b->result.conditions ? 1 : -1;
	return (a->result.exact > b->result.exact) - (a->result.exact < b->result.exact);
}

static int64_t priority_of(const struct node *tree)
{
	const struct node *priority = node_child(tree, "priority");
	const char *text = priority && priority->kind == NODE_SCALAR ? priority->value : NULL;

	return text ? strtoll(text, NULL, 10) : 0;
}

struct roster_choice roster_choose(const struct roster *r, struct identity *id)
{
	struct roster_choice choice = { 0 };
	struct candidate best = { 0 };

	for (size_t i = 0; i < r->n; i++) {
		const struct node *tree = r->list[i].tree;
		struct candidate new = { 0 };
		int order;

		if (!tree || tree->kind != NODE_MAP)
			continue;
		new.result = match_profile(node_child(tree, "match"), id);
		if (!new.result.holds)
			continue;
		new.priority = priority_of(tree);
		order = choice.profile ? compare(&new, &best) : 1;
		if (order > 0) {
			choice = (struct roster_choice){ SELECT_MATCH, &r->list[i], NULL };
			best = new;
		} else if (order == 0 && !choice.tie) {
			choice.tie = r->list[i].name;
		}
	}
	if (!choice.profile) {
		choice.profile = roster_find(r, "default");
		choice.reason = choice.profile ? SELECT_DEFAULT : SELECT_NONE;
	}
	return choice;
}
