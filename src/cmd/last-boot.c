#include "base/term.h"
#include "cmd/cmd.h"
#include "insight/lastboot.h"
#include "setting/lastboot.h"

/* Processes choose their names, which stand in the log. */
static void print_lines(const struct term *t, const char *heading,
			const struct last_boot_line *line)
{
	for (; line; line = line->next, heading = "") {
		printf("%-10s ", heading);
		term_text(t, line->text, 0, false);
		printf("\n");
	}
}

/* Who asked, in one line; 'holdfast explain' has the rest. */
static void print_oom(const struct term *t, const struct oom_report *oom, const char *log)
{
	printf("asked by:  ");
	term_text(t, oom->command ? oom->command : "(the log does not say)", 0, false);
	if (oom_known(oom->pid))
		printf("[%lld]", (long long)oom->pid);
	printf("\n");
	if (log)
		printf("           'holdfast explain %s' tells more\n", log);
}

static int print_json(const struct last_boot *l, const struct oom_report *oom)
{
	struct json j = context_json();
	int ret = 0;

	last_boot_json(l, &j);
	if (oom)
		ret = oom_json(oom, "oom", &j);
	json_close(&j, '}');
	return ret;
}

static int show(struct context *c, const struct last_boot *l)
{
	_cleanup_(arena_free) struct arena a = { 0 };
	const struct oom_report *oom = NULL;
	const struct term t = term_of(stdout);
	int ret = lastboot_oom(&c->machine, l, &a, &oom);

	if (ret < 0 && ret != -ENOMEM) { /* logs are root's to read */
		log_warning("%s: %s: who asked is not told", l->log, strerror(-ret));
		ret = 0;
	}
	if (ret >= 0 && c->opt[OPT_JSON])
		ret = print_json(l, oom);
	if (ret < 0 || c->opt[OPT_JSON])
		return ret;
	print_lines(&t, "cause:", &(struct last_boot_line){ .text = l->cause });
	print_lines(&t, "evidence:", l->evidence);
	print_lines(&t, "records:", l->records);
	if (oom)
		print_oom(&t, oom, l->log);
	return EXIT_OK;
}

/* Before a stage of this boot has found it out: what can be seen now, nothing written. */
static int look(struct context *c, struct last_boot *l)
{
	_cleanup_(findings_free) struct findings f = { 0 };
	_cleanup_(selection_free) struct selection s = { 0 };
	const struct node *tree = NULL;
	int ret = context_choose(c, NULL, &f, &s);

	if (ret < 0)
		return ret;
	if (ret == EXIT_OK)
		tree = s.profile.tree;
	l->cause = CAUSE_UNKNOWN;
	ret = last_boot_find(&c->machine, tree, 0, false, l);
	if (ret >= 0 && node_child(tree, "last_boot"))
		ret = last_boot_ask_trace(&c->machine, node_child(tree, "last_boot"), l);
	return ret;
}

static int end_boot(struct context *c)
{
	_cleanup_(findings_free) struct findings f = { 0 };
	_cleanup_(selection_free) struct selection s = { 0 };
	_cleanup_free_ char *why = NULL;
	int ret;

	if (context_stands_back(c) || context_only_plans(c))
		return EXIT_OK;
	ret = context_choose(c, NULL, &f, &s);
	if (ret != EXIT_OK)
		return ret;
	ret = last_boot_end(&c->machine, s.profile.tree, &why);
	if (ret < 0)
		log_error("the end of this boot could not be noted: %s",
			  why ? why : strerror(-ret));
	return ret < 0 ? EXIT_NOT_DONE : EXIT_OK;
}

static int run_last_boot(struct context *c, int argc, char **argv)
{
	_cleanup_(last_boot_free) struct last_boot l = { 0 };
	int ret;

	(void)argc;
	(void)argv;
	if (c->opt[OPT_ENDS])
		return end_boot(c);
	ret = last_boot_load(&c->machine, &l);
	if (ret == -ENOENT)
		ret = look(c, &l);
	return ret < 0 ? ret : show(c, &l);
}

const struct cmd cmd_last_boot = {
	.name = "last-boot",
	.summary = "Why the machine started again",
	.help = "Prints the cause (oom-panic, panic, reboot, power-loss-or-reset, watchdog or "
		"unknown),\nthe evidence for it, and where the records are.",
	.options = { OPT_ENDS },
	.run = run_last_boot,
};
