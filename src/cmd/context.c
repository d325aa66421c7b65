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
	return context_open_library(c);
}

int context_open_library(struct context *c)
{
	struct library l;
	int ret = library_open(&c->machine.root, c->profiles[0] ? c->profiles : NULL, &l);

	if (ret < 0)
		return ret;
	library_close(&c->library);
	c->library = l;
	return 0;
}

void context_close(struct context *c)
{
	identity_free(&c->identity);
	library_close(&c->library);
	machine_close(&c->machine);
	free(c->rundir);
	free(c->problem);
}

int context_complain(struct context *c, int status, const char *fmt, ...)
{
	va_list ap;
	int n;

	free(c->problem);
	va_start(ap, fmt);
	n = vasprintf(&c->problem, fmt, ap);
	va_end(ap);
	if (n < 0) {
		c->problem = NULL;
		return -ENOMEM;
	}
	log_error("%s", c->problem);
	return status;
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
	if (!near.best)
		return context_complain(c, EXIT_NO_PROFILE, "there is no profile '%s'", s->missing);
	return context_complain(c, EXIT_NO_PROFILE, "there is no profile '%s' (did you mean '%s'?)",
				s->missing, near.best);
}

static int judge(struct context *c, struct findings *f, struct selection *s)
{
	if (s->missing)
		return say_missing(c, s);
	if (s->tie)
		return context_complain(c, EXIT_NO_PROFILE,
					"profiles '%s' and '%s' match this machine equally well",
					s->profile.name, s->tie);
	if (s->reason == SELECT_NONE)
		return context_complain(
			c, f->errors ? EXIT_INVALID : EXIT_NO_PROFILE,
			"no profile matches this machine, and there is none called 'default'");
	if (s->profile.valid)
		return EXIT_OK;
	log_error("profile '%s' is invalid", s->profile.name); /* the findings say how */
	return EXIT_INVALID;
}

int context_choose(struct context *c, const char *wanted, struct findings *f,
		   struct selection *ret_selection)
{
	int ret;

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
	return judge(c, f, ret_selection);
}

void context_json_errors(const struct context *c, const struct findings *f, struct json *j)
{
	json_open(j, "errors", '[');
	for (const struct finding *finding = f ? f->first : NULL; finding;
	     finding = finding->next) {
		_cleanup_free_ char *text = finding_text(finding);

		if (text && finding->severity == SEVERITY_ERROR)
			json_string(j, NULL, text);
	}
	if (c->problem)
		json_string(j, NULL, c->problem);
	json_close(j, ']');
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
	context_json_errors(c, f, &j);
	json_close(&j, '}');
}

bool context_only_plans(struct context *c)
{
	const char *word = identity_cmdline(&c->identity, "holdfast");

	return word && streq(word, "plan");
}

bool context_stands_back(struct context *c)
{
	const char *word = identity_cmdline(&c->identity, "holdfast");

	if (word && streq(word, "off")) {
		log_info("holdfast=off on the kernel command line: nothing is done");
		return true;
	}
	if (root_exists(&c->machine.procfs, "vmcore") == 0) {
		log_info("this is a capture kernel: nothing is applied");
		return true;
	}
	return false;
}
