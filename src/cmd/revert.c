#include "base/signals.h"
#include "cmd/cmd.h"
#include "setting/plan.h"

/* What could not be put back stays in the report, to be tried again. */
static int forget(const struct context *c, struct report *r, const struct report *done)
{
	unsigned left = 0;

	for (struct outcome *o = r->settings; o; o = o->next) {
		const struct outcome *back = report_find(done, o->key);

		if (o->result == RESULT_SET && back && back->result == RESULT_SET)
			o->result = RESULT_DRIFTED;
		left += o->result == RESULT_SET;
	}
	return left ? report_save(r, &c->machine) : report_remove(&c->machine);
}

static int print_all(const struct context *c, const struct report *done, unsigned *ret_failures)
{
	*ret_failures = 0;
	for (const struct outcome *o = done->settings; o; o = o->next) {
		_cleanup_free_ char *text = outcome_text(o);

		if (!text)
			return -ENOMEM;
		if (o->result != RESULT_SET)
			log_error("%s", text);
		else if (!c->opt[OPT_JSON] && !c->opt[OPT_QUIET])
			printf("%s\n", text);
		*ret_failures += o->result != RESULT_SET;
	}
	return 0;
}

static int run_revert(struct context *c, int argc, char **argv)
{
	_cleanup_(report_free) struct report r = { 0 }, done = { 0 };
	_cleanup_close_ int lock = report_lock(&c->machine, false);
	unsigned failures;
	int ret;

	(void)argc;
	(void)argv;
	(void)lock; /* held until we are done */
	ret = report_load(&c->machine, &r);
	if (ret == -ENOENT) {
		log_info("%s/holdfast/report.json: there is no report, so nothing to put back",
			 c->rundir);
		if (c->opt[OPT_JSON])
			report_print(&done, &c->machine, stdout);
		return EXIT_OK;
	}
	if (ret < 0) {
		log_error("%s/holdfast/report.json: %s", c->rundir,
			  ret == -EBADMSG ? "damaged" : strerror(-ret));
		return EXIT_NOT_DONE;
	}
	done.profile = r.profile;
	done.reason = r.reason;
	signals_hold();
	ret = plan_revert(&c->machine, &r, &done);
	if (ret == -EINTR)
		log_error("ended by a signal: what is left is not put back");
	if (ret >= 0 || ret == -EINTR)
		ret = print_all(c, &done, &failures);
	if (ret < 0)
		return ret;
	if (c->opt[OPT_JSON])
		report_print(&done, &c->machine, stdout);
	ret = forget(c, &r, &done);
	if (ret < 0)
		log_error("%s/holdfast/report.json: %s", c->rundir, strerror(-ret));
	return failures || ret < 0 ? EXIT_NOT_DONE : EXIT_OK;
}

const struct cmd cmd_revert = {
	.name = "revert",
	.summary = "Put back what apply changed",
	.help = "Uses the report of apply. A setting that somebody else has changed since is left "
		"alone, and\n"
		"one that the kernel does not let go back is named; exit status 1 says so.",
	.run = run_revert,
};
