/* select --fleet: who gets what, for machines on paper. */
#include "base/term.h"
#include "cmd/cmd.h"
#include "image/fleet.h"

struct run {
	struct context *c;
	struct roster roster;
	struct json json; /* with --json */
	struct term term;
	unsigned machines, different, ties, without;
	unsigned bad; /* that could not be read */
};

/* Nothing is done there, whatever the profile. */
static bool is_off(struct identity *id)
{
	return streq_null(identity_cmdline(id, "holdfast"), "off");
}

static struct roster_choice choose(const struct run *r, struct identity *id)
{
	const char *name = identity_cmdline(id, "holdfast.profile");
	struct profile *p;

	if (is_off(id))
		return (struct roster_choice){ 0 };
	if (!name)
		return roster_choose(&r->roster, id);
	p = roster_find(&r->roster, name);
	return (struct roster_choice){ p ? SELECT_COMMAND_LINE : SELECT_NONE, p, NULL };
}

/* "FILE:LINE", or the machine's directory. */
static char *place_of(const struct run *r, const struct fleet_machine *m)
{
	const char *file = r->c->opt[OPT_FLEET];
	char *place;
	int n = m->name ? asprintf(&place, "%s/%s", file, m->name)
			: asprintf(&place, "%s:%u", file, m->line);

	return n < 0 ? NULL : place;
}

/* Counts what is wrong with the choice and says it; true where all is well. */
static bool judge(struct run *r, struct fleet_machine *m, const struct roster_choice *choice)
{
	const char *got = choice->profile ? choice->profile->name : "-";
	_cleanup_free_ char *place = place_of(r, m);

	if (choice->tie) {
		r->ties++;
		log_error("%s: profiles '%s' and '%s' match equally well", place, got, choice->tie);
		return false;
	}
	if (m->expect && !streq(m->expect, got)) {
		r->different++;
		log_error("%s: gets %s, expected %s%s", place, got, m->expect,
			  streq(m->expect, "-") || roster_find(&r->roster, m->expect)
				  ? ""
				  : ", which is no profile's name");
		return false;
	}
	if (!m->expect && !choice->profile) {
		r->without++;
		log_error(is_off(&m->identity) ? "%s: holdfast=off: it gets no profile"
					       : "%s: no profile matches",
			  place);
		return false;
	}
	return true;
}

static void print_machine(struct run *r, struct fleet_machine *m,
			  const struct roster_choice *choice, bool ok)
{
	bool chosen = choice->profile && !choice->tie;
	const char *reason = choice->tie            ? "tie"
			     : is_off(&m->identity) ? "off"
						    : select_reason_name(choice->reason);
	struct json *j = &r->json;

	if (!r->c->opt[OPT_JSON]) {
		if (m->name)
			term_text(&r->term, m->name, 0, false);
		else
			printf("%u", m->line);
		printf("\t%s\t%s\n", chosen ? choice->profile->name : "-", reason);
		return;
	}
	json_open(j, NULL, '{');
	if (m->name)
		json_string(j, "machine", m->name);
	else
		json_int(j, "line", m->line);
	json_string(j, "profile", chosen ? choice->profile->name : NULL);
	json_string(j, "reason", reason);
	if (choice->tie) {
		json_open(j, "tie", '[');
		json_string(j, NULL, choice->profile->name);
		json_string(j, NULL, choice->tie);
		json_close(j, ']');
	}
	json_string(j, "expect", m->expect);
	json_bool(j, "ok", ok);
	json_close(j, '}');
}

static int visit(struct fleet_machine *m, void *data)
{
	struct run *r = data;
	struct roster_choice choice = choose(r, &m->identity);
	bool ok = judge(r, m, &choice);

	r->machines++;
	print_machine(r, m, &choice, ok);
	return 0;
}

/* Every profile is checked as it would be at boot, its parents included. */
static int read_profiles(struct run *r, struct findings *f)
{
	int ret = roster_read(&r->c->library, f, &r->roster);

	for (size_t i = 0; ret >= 0 && i < r->roster.n; i++)
		ret = check_composed(&r->c->library, &r->roster.list[i], f);
	if (ret >= 0)
		findings_log(f);
	return ret;
}

static int summarise(const struct run *r, const struct findings *f)
{
	log_info("%u machine%s, %zu profile%s: %u not as expected, %u tied, %u without a profile",
		 r->machines, r->machines == 1 ? "" : "s", r->roster.n, r->roster.n == 1 ? "" : "s",
		 r->different, r->ties, r->without);
	if (r->bad) {
		log_error("%s: %u machine%s not read: what is wrong was told above",
			  r->c->opt[OPT_FLEET], r->bad, r->bad == 1 ? "" : "s");
		return EXIT_USAGE;
	}
	if (f->errors)
		return EXIT_INVALID;
	if (r->machines == 0) {
		log_error("%s: no machine", r->c->opt[OPT_FLEET]);
		return EXIT_NOT_DONE;
	}
	return r->different || r->ties || r->without ? EXIT_NOT_DONE : EXIT_OK;
}

static int run_machines(struct run *r, struct findings *f)
{
	bool as_json = r->c->opt[OPT_JSON];
	int ret = read_profiles(r, f);

	if (ret < 0)
		return ret;
	if (as_json) {
		r->json = context_json();
		json_open(&r->json, "machines", '[');
	}
	ret = fleet_read(r->c->opt[OPT_FLEET], visit, r, &r->bad);
	if (as_json) {
		json_close(&r->json, ']');
		json_int(&r->json, "unread", r->bad);
		context_json_errors(r->c, f, &r->json);
		json_close(&r->json, '}');
	}
	if (ret == -EINVAL)
		return EXIT_USAGE;
	return ret < 0 ? ret : summarise(r, f);
}

static int run_select(struct context *c, int argc, char **argv)
{
	_cleanup_(findings_free) struct findings f = { 0 };
	struct run r = { .c = c, .term = term_of(stdout) };
	int ret;

	if (!c->opt[OPT_FLEET])
		return cmd_select_one.run(c, argc, argv);
	if (c->opt[OPT_PROFILE] || c->opt[OPT_EXPLAIN]) {
		log_error("--fleet cannot be together with --profile or --explain");
		return EXIT_USAGE;
	}
	ret = run_machines(&r, &f);
	roster_free(&r.roster);
	return ret;
}

const struct cmd cmd_select = {
	.name = "select",
	.summary = "Print the name of the machine's profile",
	.help = "The order: --profile; holdfast.profile= on the kernel command line; the best "
		"match by\n"
		"priority, then number of conditions, then exact ones; the profile called "
		"'default'.\n\n"
		"With --fleet, of many machines: FILE is a table, or a directory with one for each "
		"machine.\n"
		"Exit status 1 if one does not get what its column 'expect' says, or (without it) "
		"no\n"
		"profile, or if two profiles are equally good.",
	.options = { OPT_EXPLAIN, OPT_FLEET },
	.run = run_select,
};
