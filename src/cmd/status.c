#include "base/text.h"
#include "cmd/cmdreport.h"
#include "cmd/status.h"
#include "guard/control.h"
#include "setting/plan.h"

static void unpinned_json(const struct unpinned *u, struct json *j)
{
	json_open(j, "unpinned", '[');
	for (; u; u = u->next) {
		json_open(j, NULL, '{');
		json_string(j, "service", u->service);
		if (u->pid)
			json_int(j, "pid", u->pid);
		else
			json_string(j, "pid", NULL);
		json_string(j, "why", u->why);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void guard_json(const struct status *s, struct json *j)
{
	const struct guard_status *g = &s->guard;

	json_open(j, "guard", '{');
	json_bool_known(j, "running", g->forbidden ? -1 : g->running);
	if (g->running)
		json_int(j, "pid", g->pid);
	json_bool(j, "gate", g->gated);
	json_open(j, "pinned", '[');
	for (const struct guard_pin *pin = g->pins; pin; pin = pin->next) {
		json_open(j, NULL, '{');
		json_string(j, "service", pin->service);
		json_int(j, "pid", pin->pid);
		json_string(j, "exe", pin->exe);
		json_int(j, "oom_score_adj", pin->oom_score_adj);
		json_string(j, "how", pin->how);
		json_int(j, "since", pin->since);
		json_close(j, '}');
	}
	json_close(j, ']');
	unpinned_json(s->unpinned, j);
	json_int(j, "released", g->released);
	json_int(j, "lost_events", g->lost_events);
	json_int(j, "rescans", g->rescans);
	json_int(j, "leashed", g->leashed);
	json_int(j, "drifted", g->drifted);
	json_int(j, "failed", g->failed);
	json_close(j, '}');
}

static void print_json(struct status *s)
{
	struct json j = JSON_WRITER(stdout);

	if (s->has_report)
		report_absorb(&s->now, &s->applied);
	json_open(&j, NULL, '{');
	report_json(&s->now, &s->c->machine, &j);
	guard_json(s, &j);
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

/* holdfast= on the kernel command line, where it forbids changes. */
static const char *forbidden(struct context *c)
{
	const char *word = identity_cmdline(&c->identity, "holdfast");

	if (word && streq(word, "off"))
		return "off";
	if (context_only_plans(c))
		return "plan";
	return NULL;
}

/* Without a profile to hold against there is still what was done, and why nothing can be said. */
static int print_failure(struct status *s, const struct findings *f, int status)
{
	int ret = cmdreport_errors(&s->now, s->c, f);

	if (ret < 0)
		return ret;
	print_json(s);
	return status;
}

static int show_status(struct status *s, const struct selection *sel)
{
	int ret;

	s->now.profile = sel->profile.name;
	s->now.reason = select_reason_name(sel->reason);
	ret = plan_run(&s->c->machine, sel->profile.tree, PLAN_VERIFY, STAGE_ALL, &s->now);
	if (ret >= 0 && s->guard.running)
		ret = unpinned_find(&s->c->machine, sel->profile.tree, &s->guard, &s->arena,
				    &s->unpinned);
	if (ret < 0)
		return ret;
	for (const struct outcome *o = s->now.settings; o; o = o->next)
		s->failures += outcome_fails(o);
	if (s->c->opt[OPT_JSON])
		print_json(s);
	else
		status_print(s, sel);
	return s->failures ? EXIT_NOT_DONE : EXIT_OK;
}

static int print_why(struct context *c)
{
	_cleanup_free_ char *answer = NULL;
	char request[32];
	int64_t pid;
	int ret;

	if (text_to_int(c->opt[OPT_WHY], &pid) < 0 || pid < 1 || pid > INT32_MAX) {
		log_error("'%s' is no PID", c->opt[OPT_WHY]);
		return EXIT_USAGE;
	}
	snprintf(request, sizeof(request), "why %d\n", (int)pid);
	ret = control_ask(&c->machine, request, &answer);
	if (ret < 0) {
		log_error("the guard does not answer: %s", strerror(-ret));
		return EXIT_NOT_DONE;
	}
	fputs(answer, stdout);
	return EXIT_OK;
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
	if (c->opt[OPT_WHY])
		return print_why(c);
	ret = load(&s);
	if (ret >= 0)
		ret = guard_status_read(&c->machine, &s.arena, &s.guard);
	if (ret < 0)
		return ret;
	/* The running system has to name the same profile as the boot did. */
	ret = context_choose(c, NULL, &f, &sel);
	if (ret == EXIT_OK)
		ret = show_status(&s, &sel);
	else if (ret > 0 && c->opt[OPT_JSON])
		ret = print_failure(&s, &f, ret);
	else if (ret > 0)
		status_print_applied(&s, ret);
	report_free(&s.applied);
	report_free(&s.now);
	arena_free(&s.arena);
	return ret;
}

const struct cmd cmd_status = {
	.name = "status",
	.summary = "Show the profile, what was done and what holds now",
	.help = "Exit status 1 if something does not hold. With --verbose every setting is listed.",
	.options = { OPT_WHY },
	.run = run_status,
};
