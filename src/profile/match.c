#include "profile/match.h"

#include <fnmatch.h>

#include "profile/comparison.h"

static bool pattern_holds(const struct node *pattern, const char *value)
{
	if (pattern->is_pattern)
		return fnmatch(pattern->value, value, FNM_NOESCAPE) == 0;
	return streq(pattern->value, value);
}

/* compatible is a list: any of its strings will do. */
static bool any_word_holds(const struct node *pattern, const char *words)
{
	char word[128];

	while (*words) {
		size_t n = strcspn(words, " ");

		if (n > 0 && n < sizeof(word)) {
			memcpy(word, words, n);
			word[n] = '\0';
			if (pattern_holds(pattern, word))
				return true;
		}
		words += n;
		words += *words == ' ';
	}
	return false;
}

static bool presence(const struct node *pattern)
{
	return pattern->row->type == KEY_CMDLINE && pattern->plain &&
	       (streq(pattern->value, "true") || streq(pattern->value, "false"));
}

/* Whether one pattern of a condition holds for what the machine says (NULL: nothing). */
static bool holds(const struct node *pattern, const struct match_condition *c)
{
	if (presence(pattern))
		return streq(pattern->value, "true") == (c->value != NULL);
	if (!c->value || c->why_not)
		return false;
	if (pattern->row->type == KEY_COMPARISON)
		return comparison_holds(pattern->value, strtoll(c->value, NULL, 10));
	if (streq(c->key, "devicetree.compatible"))
		return any_word_holds(pattern, c->value);
	return pattern_holds(pattern, c->value);
}

static bool exact(const struct node *pattern)
{
	if (pattern->row->type == KEY_COMPARISON)
		return *pattern->value == '=';
	return !pattern->is_pattern && !presence(pattern);
}

static void try_pattern(const struct node *pattern, struct match_condition *c)
{
	bool held = pattern->kind == NODE_SCALAR && holds(pattern, c);

	if (!c->pattern || (held && !(c->holds && c->exact)))
		c->pattern = pattern->value;
	c->exact = (c->exact && c->holds) || (held && exact(pattern));
	c->holds = c->holds || held;
}

static struct match_condition evaluate(const struct node *n, struct identity *id)
{
	struct match_condition c = { .key = n->row->path + strlen("match."), .patterns = n };
	const struct fact *fact = NULL;

	if (n->row->type == KEY_CMDLINE) {
		c.parameter = n->name;
		c.value = identity_cmdline(id, n->name);
	} else {
		fact = identity_fact_of(id, n->row);
		c.value = fact ? fact->value : NULL;
	}
	if (!c.value)
		c.why_not =
			c.parameter ? "not on the kernel command line" : "the machine does not say";
	else if (fact && fact->placeholder)
		c.why_not = "a firmware placeholder";
	if (n->kind == NODE_LIST)
		node_foreach(pattern, n)
			try_pattern(pattern, &c);
	else
		try_pattern(n, &c);
	if (c.holds)
		c.why_not = NULL;
	return c;
}

/* What cannot be understood does not hold. */
static const struct match_condition broken_condition = { .key = "?", .why_not = "invalid" };

static bool try_condition(const struct node *n, struct identity *id,
			  bool (*each)(const struct match_condition *c, void *data), void *data)
{
	struct match_condition c =
		n->kind == NODE_BROKEN || !n->row ? broken_condition : evaluate(n, id);

	return each(&c, data);
}

void match_each(const struct node *alternative, struct identity *id,
		bool (*each)(const struct match_condition *c, void *data), void *data)
{
	node_foreach(group, alternative) {
		if (group->kind != NODE_MAP || !group->row) {
			if (!try_condition(group, id, each, data))
				return;
			continue;
		}
		node_foreach(n, group)
			if (!try_condition(n, id, each, data))
				return;
	}
}

static bool count(const struct match_condition *c, void *data)
{
	struct match_result *r = data;

	r->conditions++;
	r->exact += c->exact;
	r->holds = c->holds;
	return r->holds;
}

static bool better(const struct match_result *a, const struct match_result *b)
{
	if (a->conditions != b->conditions)
		return a->conditions > b->conditions;
	return a->exact > b->exact;
}

struct match_result match_profile(const struct node *match, struct identity *id)
{
	struct match_result best = { 0 };

	node_foreach(alternative, match) {
		struct match_result r = { .holds = alternative->first != NULL };

		match_each(alternative, id, count, &r);
		if (r.holds && (!best.holds || better(&r, &best)))
			best = r;
	}
	return best;
}
