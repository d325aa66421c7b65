#include "cmd/cmd.h"
#include "cmd/cmdreport.h"
#include "setting/plan.h"

static int print_drift(const struct context *c, const struct report *r, unsigned *ret_failures)
{
	unsigned n = 0, holding = 0, failures = 0;

	for (const struct outcome *o = r->settings; o; o = o->next) {
		_cleanup_free_ char *text = outcome_text(o);

		if (!text)
			return -ENOMEM;
		n++;
		holding += o->result == RESULT_HOLDS;
		failures += outcome_fails(o);
		if (!c->opt[OPT_JSON] &&
		    (o->result != RESULT_HOLDS || outcome_fails(o) || c->opt[OPT_VERBOSE]))
			printf("%s\n", text);
	}
	if (!c->opt[OPT_JSON] && !c->opt[OPT_QUIET])
		printf("%s: %u of %u settings hold\n", r->profile, holding, n);
	*ret_failures = failures;
	return 0;
}

static int run_verify(struct context *c, int argc, char **argv)
{
	_cleanup_(findings_free) struct findings f = { 0 };
	_cleanup_(selection_free) struct selection s = { 0 };
	_cleanup_(report_free) struct report r = { 0 };
	int status = context_choose(c, NULL, &f, &s), ret;
	unsigned failures;

	(void)argc;
	(void)argv;
	if (status < 0)
		return status;
	ret = cmdreport_errors(&r, c, &f);
	if (ret >= 0 && status != EXIT_OK) {
		if (c->opt[OPT_JSON])
			report_print(&r, &c->machine, stdout);
		return status;
	}
	if (ret < 0)
		return ret;
	r.profile = s.profile.name;
	r.reason = select_reason_name(s.reason);
	ret = plan_run(&c->machine, s.profile.tree, PLAN_VERIFY, STAGE_ALL, &r);
	if (ret >= 0)
		ret = report_add_failures(&r);
	if (ret >= 0)
		ret = print_drift(c, &r, &failures);
	if (ret < 0)
		return ret;
	if (c->opt[OPT_JSON])
		report_print(&r, &c->machine, stdout);
	return failures ? EXIT_NOT_DONE : EXIT_OK;
}

const struct cmd cmd_verify = {
	.name = "verify",
	.summary = "Compare the machine with its profile",
	.help = "Prints what differs, and the sysctl.d file that overrides it where one does.\n"
		"With --verbose also what holds. Writes nothing.",
	.run = run_verify,
};
