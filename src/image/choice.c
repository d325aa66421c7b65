/* Whether the profile can be chosen with the image's kernel command lines, and would then do
 * something. */
#include "image/image.h"
#include "profile/library.h"
#include "profile/match.h"

struct boot {
	struct identity identity; /* of which only the command line is known */
	const struct image_text *line;
	const struct profile *profile;
	struct findings *findings;
};

static bool cmdline_holds(const struct match_condition *c, void *data)
{
	bool *holds = data;

	*holds = !c->parameter || c->holds;
	return *holds;
}

/* Whether what an alternative of match wants of the command line is there. */
static bool may_match(struct boot *c)
{
	const struct node *match = node_child(c->profile->tree, "match");

	node_foreach(alternative, match) {
		bool holds = true;

		match_each(alternative, &c->identity, cmdline_holds, &holds);
		if (holds)
			return true;
	}
	return !match;
}

static bool is_profile(const struct image *image, const char *name)
{
	_cleanup_(arena_free) struct arena a = { 0 };
	_cleanup_free_ char *text = NULL;
	const char *file;
	size_t size;

	return library_read(image->library, name, &a, &file, &text, &size) != -ENOENT;
}

/* What the command line says to holdfast itself. Whether it lets the profile be chosen. */
static bool judge(const struct image *image, struct boot *c)
{
	const char *mode = identity_cmdline(&c->identity, "holdfast");
	const char *name = identity_cmdline(&c->identity, "holdfast.profile");
	const struct place *at = &c->profile->tree->at;

	if (streq_null(mode, "off") || streq_null(mode, "plan"))
		finding_error(c->findings, at, NULL,
			      "the kernel command line of %s has holdfast=%s: nothing would be "
			      "done",
			      c->line->where, mode);
	if (!name)
		return may_match(c);
	if (streq(name, c->profile->name))
		return true;
	if (image->library && !c->profile->by_path && !is_profile(image, name))
		finding_error(c->findings, at, NULL,
			      "the kernel command line of %s has holdfast.profile=%s: there is no "
			      "such profile",
			      c->line->where, name);
	return false;
}

/* One that is there to be extended is not chosen by anything. */
static void say_never(const struct image *image, const struct profile *p, struct findings *f)
{
	const struct node *match = node_child(p->tree, "match");

	if (match && image->cmdlines.n == 1)
		finding_warning(f, &match->name_at, NULL,
				"the kernel command line of %s does not let the profile be chosen",
				image->cmdlines.list[0].where);
	else if (match)
		finding_warning(f, &match->name_at, NULL,
				"none of the %u kernel command lines, of %s and others, lets the "
				"profile be chosen",
				image->cmdlines.n, image->cmdlines.list[0].where);
}

int choice_check(const struct image *image, const struct profile *p, struct findings *f)
{
	bool any = image->cmdlines.n == 0;

	for (unsigned i = 0; i < image->cmdlines.n; i++) {
		struct boot c = { .line = &image->cmdlines.list[i], .profile = p, .findings = f };
		int ret = 0;

		if (c.line->text)
			ret = identity_set(&c.identity, "cmdline", c.line->text);
		if (ret < 0)
			return ret;
		any = !c.line->text || judge(image, &c) || any;
		identity_free(&c.identity);
	}
	if (!any)
		say_never(image, p, f);
	return 0;
}
