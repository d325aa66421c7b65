#include "cmd/cmd.h"
#include "setting/plan.h"

struct status {
	struct context *c;
	struct report applied; /* the report of apply; .profile NULL where there is none */
	struct report now;     /* the settings as they are */
	bool has_report;
	const char *word; /* what the kernel command line forbids, or NULL */
	unsigned failures;
};

static void print_applied(const struct status *s)
{
	const char *separator = "";

	printf("applied:   ");
	for (const struct report_stage *stage = s->applied.stages; stage; stage = stage->next) {
		printf("%s%s (%.1f ms)", separator, stage->name, (double)stage->duration_us / 1000);
		separator = ", ";
	}
	printf("%s%s\n", s->applied.stages ? "" : "nothing yet", s->word ? s->word : "");
	for (const struct report_stage *stage = s->applied.stages; stage; stage = stage->next)
		for (const struct report_error *e = stage->errors; e; e = e->next)
			if (!report_said_before(&s->applied, stage, e))
				printf("error:     %s\n", e->text);
}

static void print_settings(const struct status *s)
{
	unsigned n = 0, holding = 0;

	for (const struct outcome *o = s->now.settings; o; o = o->next) {
		n++;
		holding += o->result == RESULT_HOLDS;
	}
	printf("settings:  %u of %u hold\n", holding, n);
	for (const struct outcome *o = s->now.settings; o; o = o->next) {
		_cleanup_free_ char *text = outcome_text(o);

		if (text && (outcome_fails(o) || s->c->opt[OPT_VERBOSE] ||
			     (o->result != RESULT_HOLDS && o->result != RESULT_SET)))
			printf("  %s\n", text);
	}
}

static void print_kdump(const struct status *s)
{
	_cleanup_free_ char *loaded = NULL, *size = NULL;
	const struct root *sysfs = &s->c->machine.sysfs;
	int64_t bytes = 0;

	if (root_read_text(sysfs, "kernel/kexec_crash_loaded", 16, &loaded) < 0)
		loaded = NULL;
	if (root_read_text(sysfs, "kernel/kexec_crash_size", 64, &size) == 0)
		bytes = strtoll(size, NULL, 10);
	printf("kdump:     %s, %lld MiB reserved\n",
	       loaded && streq(loaded, "1") ? "armed" : "not armed", (long long)(bytes >> 20));
}

static void print_text(const struct status *s, const struct selection *sel)
{
	const char *description = node_text(sel->profile.tree, "description");

	printf("profile:   %s (%s)%s%s\n", s->now.profile, s->now.reason, description ? ": " : "",
	       description ? description : "");
	if (s->has_report && s->applied.profile && !streq(s->applied.profile, s->now.profile))
		printf("           but %s was applied\n", s->applied.profile);
	print_applied(s);
	print_settings(s);
	print_kdump(s);
	printf("last boot: unknown\n");
	printf("guard:     not running\n");
}

static void print_json(struct status *s)
{
	struct json j = JSON_WRITER(stdout);

	if (s->has_report)
		report_absorb(&s->now, &s->applied);
	json_open(&j, NULL, '{');
	report_json(&s->now, &s->c->machine, &j);
	json_open(&j, "guard", '{');
	json_bool(&j, "running", false);
	json_open(&j, "pinned", '[');
	json_close(&j, ']');
	json_int(&j, "released", 0);
	json_int(&j, "lost_events", 0);
	json_int(&j, "rescans", 0);
	json_int(&j, "leashed", 0);
	json_close(&j, '}');
	json_close(&j, '}');
}

static int load(struct status *s)
{
	int ret = report_load(&s->c->machine, &s->applied);

	s->has_report = ret >= 0;
	if (ret >= 0 || ret == -ENOENT)
		return 0;
	log_warning("%s/holdfast/report.json: %s", s->c->rundir,
		    ret == -EBADMSG ? "damaged" : strerror(-ret));
	return ret == -ENOMEM ? ret : 0;
}

/* Why little may have been done. */
static const char *forbidden(struct context *c)
{
	const char *word = identity_cmdline(&c->identity, "holdfast");

	if (word && streq(word, "off"))
		return " (holdfast=off on the kernel command line)";
	if (word && streq(word, "plan"))
		return " (planned only: holdfast=plan on the kernel command line)";
	return NULL;
}

static int show_status(struct status *s, const struct selection *sel)
{
	int ret;

	s->now.profile = sel->profile.name;
	s->now.reason = select_reason_name(sel->reason);
	ret = plan_run(&s->c->machine, sel->profile.tree, PLAN_VERIFY, STAGE_ALL, &s->now);
	if (ret < 0)
		return ret;
	for (const struct outcome *o = s->now.settings; o; o = o->next)
		s->failures += outcome_fails(o);
	if (s->c->opt[OPT_JSON])
		print_json(s);
	else
		print_text(s, sel);
	return s->failures ? EXIT_NOT_DONE : EXIT_OK;
}

static int run_status(struct context *c, int argc, char **argv)
{
	_cleanup_(findings_free) struct findings f = { 0 };
	_cleanup_(selection_free) struct selection sel = { 0 };
	struct status s = { .c = c };
	int ret;

	(void)argc;
	(void)argv;
	s.word = forbidden(c);
	ret = load(&s);
	if (ret < 0)
		return ret;
	/* The running system has to name the same profile as the boot did. */
	ret = context_choose(c, NULL, &f, &sel);
	if (ret == EXIT_OK)
		ret = show_status(&s, &sel);
	else if (c->opt[OPT_JSON])
		context_json_failure(c, &f);
	else if (s.has_report)
		print_applied(&s);
	report_free(&s.applied);
	report_free(&s.now);
	return ret;
}

const struct cmd cmd_status = {
	.name = "status",
	.summary = "Show the profile, what was done and what holds now",
	.help = "Exit status 1 if something does not hold. With --verbose every setting is listed.",
	.run = run_status,
};
