#include <time.h>

#include "base/signals.h"
#include "cmd/apply.h"
#include "cmd/cmdreport.h"
#include "setting/onerror.h"
#include "setting/plan.h"

static const struct {
	const char *name;
	enum stage stage;
} stages[] = {
	{ "early", STAGE_EARLY },   { "devices", STAGE_DEVICES }, { "root", STAGE_ROOT },
	{ "system", STAGE_SYSTEM }, { "all", STAGE_ALL },
};

static int stage_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++)
		if (streq(stages[i].name, name))
			return (int)stages[i].stage;
	log_error("unknown stage '%s': early, devices, root, system or all", name);
	return -EINVAL;
}

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static int print_outcome(const struct outcome *o, const struct context *c)
{
	_cleanup_free_ char *text = outcome_text(o);

	if (!text)
		return -ENOMEM;
	if (outcome_fails(o))
		log_error("%s", text);
	else if (o->later)
		log_debug("%s", text);
	else if (o->result == RESULT_ABSENT || o->result == RESULT_FAILED)
		log_warning("%s", text);
	else if (!c->opt[OPT_JSON] && !c->opt[OPT_QUIET] &&
		 (o->result != RESULT_HOLDS || !c->opt[OPT_STAGE] || c->opt[OPT_VERBOSE]))
		printf("%s\n", text);
	if (o->result == RESULT_SET && o->overridden_by)
		log_kernel(LOG_LEVEL_WARNING, "%s, put right", text);
	return 0;
}

struct tally {
	unsigned n[RESULT_OVERRIDDEN + 1];
	unsigned failures, breaking;
};

/* A failure that an earlier stage had already was answered by on_error then. */
static bool is_news(const struct outcome *o, const struct report *old)
{
	const struct outcome *before = report_find(old, o->key);

	return !before || !outcome_breaks_boot(before) || before->error != o->error;
}

static int print_outcomes(const struct report *r, const struct report *old, const struct context *c,
			  struct tally *t)
{
	for (const struct outcome *o = r->settings; o; o = o->next) {
		int ret = print_outcome(o, c);

		if (ret < 0)
			return ret;
		t->n[o->result]++;
		t->failures += outcome_fails(o);
		t->breaking += outcome_breaks_boot(o) && is_news(o, old);
	}
	return 0;
}

static void save(const struct report *r, const struct context *c)
{
	int ret = report_save(r, &c->machine);

	if (ret < 0)
		log_warning("%s/holdfast/report.json: %s; the report is lost", c->rundir,
			    strerror(-ret));
}

/* What earlier stages did. Without a whole report there is nothing to add to. */
static int load(const struct context *c, struct report *old)
{
	int ret = report_load(&c->machine, old);

	if (ret == -EBADMSG)
		log_warning("%s/holdfast/report.json is damaged and begun anew", c->rundir);
	return ret == -ENOMEM ? ret : 0;
}

/* Prints, and keeps it together with what earlier stages did. */
static void publish(struct report *r, struct report *old, const struct context *c, bool keep)
{
	if (c->opt[OPT_JSON])
		report_print(r, &c->machine, stdout);
	if (!keep)
		return;
	report_absorb(r, old);
	save(r, c);
}

struct run {
	struct context *c;
	const char *stage_name;
	unsigned stages;
	bool boot, dry_run, plan, kdump_only;
};

static void log_summary(const struct run *run, const struct selection *s, const struct tally *t,
			int64_t us)
{
	if (!run->boot)
		return;
	log_kernel(LOG_LEVEL_INFO,
		   "%s: profile %s (%s): %u set, %u hold, %u would be set, %u failed, %lld us%s",
		   run->stage_name, s->profile.name, select_reason_name(s->reason),
		   t->n[RESULT_SET], t->n[RESULT_HOLDS], t->n[RESULT_WOULD_SET], t->failures,
		   (long long)us, run->plan ? " (holdfast=plan: nothing is written)" : "");
}

static int note_signal(struct report *r)
{
	static const char text[] = "ended by a signal: what is left is not done";

	log_error("%s", text);
	return report_add_error(r, "%s", text);
}

/* A profile that was chosen and is valid. */
static int carry_out(const struct run *run, const struct selection *s, struct report *r)
{
	const struct node *tree = s->profile.tree;
	int64_t start = now_us(), us;
	_cleanup_(report_free) struct report old = { 0 };
	struct tally t = { 0 };
	int ret;

	signals_hold();
	if (run->kdump_only)
		ret = plan_run_kdump(&run->c->machine, tree, PLAN_APPLY, r);
	else
		ret = plan_run(&run->c->machine, tree, run->dry_run ? PLAN_DRY_RUN : PLAN_APPLY,
			       run->stages, r);
	us = now_us() - start;
	if (ret == -EINTR)
		ret = note_signal(r);
	if (ret >= 0)
		ret = report_add_failures(r);
	if (ret >= 0)
		ret = report_add_stage(r, run->stage_name, us);
	if (ret >= 0)
		ret = load(run->c, &old);
	if (ret >= 0)
		ret = print_outcomes(r, &old, run->c, &t);
	if (ret < 0)
		return ret;
	log_summary(run, s, &t, us);
	publish(r, &old, run->c, !run->c->opt[OPT_DRY_RUN]);
	/* Trees made for a test, or an image, are no reason to reboot this machine. */
	if (t.breaking && !signals_came() && run->boot && !run->dry_run &&
	    !run->c->opt[OPT_PROCFS] && !machine_is_image(&run->c->machine))
		onerror_run(&run->c->machine, node_setting(tree, "on_error"),
			    run->stages == STAGE_SYSTEM);
	return t.failures ? EXIT_NOT_DONE : EXIT_OK;
}

static int name_profile(struct report *r, const struct context *c, const struct selection *s,
			const struct findings *f)
{
	r->reason = select_reason_name(s->reason);
	r->profile = s->profile.name;
	return cmdreport_errors(r, c, f);
}

static int choose_and_carry_out(const struct run *run)
{
	_cleanup_close_ int lock =
		run->c->opt[OPT_DRY_RUN] ? -EBADF : report_lock(&run->c->machine, true);
	_cleanup_(findings_free) struct findings f = { 0 };
	_cleanup_(selection_free) struct selection s = { 0 };
	_cleanup_(report_free) struct report r = { 0 }, old = { 0 };
	int status = context_choose(run->c, NULL, &f, &s), ret;

	(void)lock; /* held until we are done */

	if (status < 0)
		return status;
	ret = name_profile(&r, run->c, &s, &f);
	if (ret < 0)
		return ret;
	if (status == EXIT_OK)
		return carry_out(run, &s, &r);
	r.profile = r.reason = NULL;
	ret = report_add_stage(&r, run->stage_name, 0);
	if (ret >= 0)
		ret = load(run->c, &old);
	if (ret < 0)
		return ret;
	/* At boot the running system must be able to see why nothing was done. */
	if (run->boot || run->c->opt[OPT_JSON])
		publish(&r, &old, run->c, run->boot && !run->c->opt[OPT_DRY_RUN]);
	return status;
}

static int run_apply(struct context *c, int argc, char **argv)
{
	struct run run = { .c = c, .stage_name = c->opt[OPT_STAGE] ? c->opt[OPT_STAGE] : "all" };
	int stage = stage_named(run.stage_name);

	(void)argc;
	(void)argv;
	if (stage < 0)
		return EXIT_USAGE;
	run.stages = (unsigned)stage;
	run.boot = stage != STAGE_ALL;
	c->machine.wait = run.boot && !(stage & STAGE_SYSTEM); /* udev is at work */
	c->machine.entering = stage == STAGE_ROOT;
	if (run.boot && !c->opt[OPT_PROCFS])
		log_setup(c->opt[OPT_QUIET] ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO,
			  LOG_STDERR_AND_KERNEL);
	if (context_stands_back(c)) {
		if (c->opt[OPT_JSON])
			report_print(&(struct report){ 0 }, &c->machine, stdout);
		return EXIT_OK;
	}
	run.plan = context_only_plans(c);
	run.dry_run = run.plan || c->opt[OPT_DRY_RUN];
	return choose_and_carry_out(&run);
}

int apply_kdump(struct context *c, const struct selection *s, const struct findings *f)
{
	const struct run run = {
		.c = c, .stage_name = "kdump", .stages = STAGE_ALL, .kdump_only = true
	};
	_cleanup_close_ int lock = report_lock(&c->machine, true);
	_cleanup_(report_free) struct report r = { 0 };
	int ret = name_profile(&r, c, s, f);

	(void)lock; /* held until we are done */
	return ret < 0 ? ret : carry_out(&run, s, &r);
}

const struct cmd cmd_apply = {
	.name = "apply",
	.summary = "Bring the machine to its profile",
	.help = "Prints one line a setting, old → new. What holds already is not written again; "
		"what was\n"
		"written is read back. The report is kept in ROOT/run/holdfast/report.json.",
	.options = { OPT_DRY_RUN, OPT_STAGE },
	.run = run_apply,
};
