#include "profile/select.h"

const char *select_reason_name(enum select_reason reason)
{
	static const char *const names[] = {
		[SELECT_NONE] = "none",       [SELECT_OPTION] = "option",
		[SELECT_MATCH] = "match",     [SELECT_COMMAND_LINE] = "command-line",
		[SELECT_DEFAULT] = "default",
	};

	return names[reason];
}

void selection_free(struct selection *s)
{
	profile_free(&s->profile);
	free(s->tie);
	free(s->missing);
	*s = (struct selection){ 0 };
}

/* Reads the profile called @name if a profile can be called that. */
static int read_named(const struct library *l, const char *name, struct findings *f,
		      struct profile *ret_profile)
{
	if (!*name || *name == '.' || strchr(name, '/'))
		return -ENOENT;
	return profile_read(l, name, f, ret_profile);
}

static int take_named(const struct library *l, const char *name, enum select_reason reason,
		      struct findings *f, struct selection *s)
{
	int ret;

	if (reason == SELECT_OPTION && (strchr(name, '/') || has_suffix(name, ".yaml")))
		ret = access(name, F_OK) < 0 && errno == ENOENT
			      ? -ENOENT
			      : profile_read_file(name, f, &s->profile);
	else
		ret = read_named(l, name, f, &s->profile);
	if (ret == -ENOENT) {
		s->missing = strdup(name);
		return s->missing ? 0 : -ENOMEM;
	}
	if (ret == 0)
		s->reason = reason;
	return ret;
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

/* Takes profile @p, whose match holds, if it is better than what @s has. */
static int consider(struct selection *s, struct candidate *best, struct profile *p,
		    const struct candidate *new)
{
	int order = s->reason == SELECT_NONE ? 1 : compare(new, best);

	if (order == 0 && !s->tie) {
		s->tie = strdup(p->name);
		return s->tie ? 0 : -ENOMEM;
	}
	if (order <= 0)
		return 0;
	selection_free(s);
	s->profile = *p;
	*p = (struct profile){ 0 };
	s->reason = SELECT_MATCH;
	*best = *new;
	return 0;
}

static int take_best(const struct library *l, struct identity *id, struct findings *f,
		     struct selection *s)
{
	_cleanup_(arena_free) struct arena names_arena = { 0 };
	struct candidate best = { 0 };
	char **names;
	int ret;

	ret = library_names(l, &names_arena, &names);
	for (; ret >= 0 && *names; names++) {
		_cleanup_(profile_free) struct profile p = { 0 };
		struct candidate new;

		ret = profile_read(l, *names, f, &p);
		if (ret == -ENOENT) { /* went away since */
			ret = 0;
			continue;
		}
		if (ret < 0 || !p.tree || p.tree->kind != NODE_MAP)
			continue;
		new.result = match_profile(node_child(p.tree, "match"), id);
		new.priority = priority_of(p.tree);
		if (new.result.holds)
			ret = consider(s, &best, &p, &new);
	}
	return ret;
}

static int take_default(const struct library *l, struct selection *s)
{
	/* It was read among the candidates, where what is wrong with it was said. */
	_cleanup_(findings_free) struct findings said = { 0 };
	_cleanup_(profile_free) struct profile p = { 0 };
	int ret = profile_read(l, "default", &said, &p);

	if (ret == -ENOENT)
		return 0;
	if (ret < 0)
		return ret;
	s->profile = p;
	p = (struct profile){ 0 };
	s->reason = SELECT_DEFAULT;
	return 0;
}

int select_profile(const struct library *l, struct identity *id, const char *wanted,
		   struct findings *f, struct selection *ret_selection)
{
	_cleanup_(selection_free) struct selection s = { 0 };
	const char *on_cmdline = wanted ? NULL : identity_cmdline(id, "holdfast.profile");
	int ret;

	if (wanted || on_cmdline) {
		ret = take_named(l, wanted ? wanted : on_cmdline,
				 wanted ? SELECT_OPTION : SELECT_COMMAND_LINE, f, &s);
	} else {
		ret = take_best(l, id, f, &s);
		if (ret >= 0 && s.reason == SELECT_NONE)
			ret = take_default(l, &s);
	}
	if (ret < 0)
		return ret;
	*ret_selection = s;
	s = (struct selection){ 0 };
	return 0;
}
