#include "profile/select.h"

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

static int take_best(const struct library *l, struct identity *id, struct findings *f,
		     struct selection *s)
{
	_cleanup_(roster_free) struct roster r = { 0 };
	struct roster_choice choice;
	int ret = roster_read(l, f, &r);

	if (ret < 0)
		return ret;
	choice = roster_choose(&r, id);
	if (choice.tie) {
		s->tie = strdup(choice.tie);
		if (!s->tie)
			return -ENOMEM;
	}
	if (choice.profile) {
		s->profile = *choice.profile;
		*choice.profile = (struct profile){ 0 };
	}
	s->reason = choice.reason;
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
	}
	if (ret < 0)
		return ret;
	*ret_selection = s;
	s = (struct selection){ 0 };
	return 0;
}
