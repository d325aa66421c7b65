#include "base/text.h"
#include "cmd/cmd.h"

int context_open(struct context *c)
{
	const char *root = c->opt[OPT_ROOT] ? c->opt[OPT_ROOT] : "/";
	int ret;

	if (c->opt[OPT_RUNDIR])
		c->rundir = strdup(c->opt[OPT_RUNDIR]);
	else if (asprintf(&c->rundir, "%s/run", streq(root, "/") ? "" : root) < 0)
		c->rundir = NULL;
	if (!c->rundir)
		return -ENOMEM;
	ret = machine_open(c->opt[OPT_PROCFS], c->opt[OPT_SYSFS], c->opt[OPT_ROOT], c->rundir,
			   !c->opt[OPT_RUNDIR], &c->machine);
	if (ret < 0)
		return ret;
	c->identity.procfs = &c->machine.procfs;
	c->identity.sysfs = &c->machine.sysfs;
	return library_open(&c->machine.root, c->profiles[0] ? c->profiles : NULL, &c->library);
}

void context_close(struct context *c)
{
	identity_free(&c->identity);
	library_close(&c->library);
	machine_close(&c->machine);
	free(c->rundir);
}

static int say_missing(struct context *c, const struct selection *s)
{
	_cleanup_(arena_free) struct arena a = { 0 };
	struct nearest near = { .word = s->missing };
	char **names;
	int ret = library_names(&c->library, &a, &names);

	if (ret < 0)
		return ret;
	for (; *names; names++)
		nearest_offer(&near, *names);
	log_error("there is no profile '%s'%s%s%s", s->missing, near.best ? " (did you mean '" : "",
		  near.best ? near.best : "", near.best ? "'?)" : "");
	return EXIT_NO_PROFILE;
}

static int judge(struct context *c, struct findings *f, struct selection *s)
{
	if (s->missing)
		return say_missing(c, s);
	if (s->tie) {
		log_error("profiles '%s' and '%s' match this machine equally well", s->profile.name,
			  s->tie);
		return EXIT_NO_PROFILE;
	}
	if (s->reason == SELECT_NONE) {
		log_error("no profile matches this machine, and there is none called 'default'");
		return f->errors ? EXIT_INVALID : EXIT_NO_PROFILE;
	}
	return EXIT_OK;
}

int context_choose(struct context *c, const char *wanted, struct findings *f,
		   struct selection *ret_selection)
{
	int status, ret;

	ret = select_profile(&c->library, &c->identity, wanted ? wanted : c->opt[OPT_PROFILE], f,
			     ret_selection);
	if (ret < 0)
		return ret;
	if (ret_selection->reason != SELECT_NONE && !ret_selection->tie) {
		ret = check_composed(&c->library, &ret_selection->profile, f);
		if (ret < 0)
			return ret;
	}
	findings_log(f);
	status = judge(c, f, ret_selection);
	if (status == EXIT_OK && !ret_selection->profile.valid) {
		log_error("profile '%s' is invalid", ret_selection->profile.name);
		return EXIT_INVALID;
	}
	return status;
}

struct json context_json(void)
{
	struct json j = JSON_WRITER(stdout);

	json_open(&j, NULL, '{');
	json_int(&j, "version", 1);
	return j;
}

void context_json_failure(const struct context *c, const struct findings *f)
{
	struct json j;

	if (!c->opt[OPT_JSON])
		return;
	j = context_json();
	json_string(&j, "profile", NULL);
	json_string(&j, "reason", NULL);
	json_open(&j, "errors", '[');
	for (const struct finding *finding = f->first; finding; finding = finding->next) {
		_cleanup_free_ char *text = finding_text(finding);

		if (text && finding->severity == SEVERITY_ERROR)
			json_string(&j, NULL, text);
	}
	json_close(&j, ']');
	json_close(&j, '}');
}
