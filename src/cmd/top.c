#include "base/text.h"
#include "cmd/toptable.h"

static void json_number(struct json *j, const char *key, int value, bool known)
{
	if (known)
		json_int(j, key, value);
	else
		json_string(j, key, NULL);
}

static void print_json(const struct top *t)
{
	struct json j = context_json();
	char user[16];

	json_open(&j, "processes", '[');
	for (size_t i = 0; i < top_rows(t, 0); i++) {
		const struct proc *p = &t->procs.list[i];
		bool has_adj = p->adj != PROC_ADJ_UNKNOWN;

		json_open(&j, NULL, '{');
		json_int(&j, "pid", p->pid);
		json_string(&j, "user", users_name(&t->users, p->uid, user));
		json_number(&j, "oom_score", p->score, p->score >= 0);
		json_number(&j, "oom_score_adj", p->adj, has_adj);
		json_number(&j, "oom_adj", has_adj ? badness_legacy_adj(p->adj) : 0, has_adj);
		json_int(&j, "rss_kb", p->rss_kb);
		json_int(&j, "swap_kb", p->swap_kb);
		json_string(&j, "unit", p->unit && *p->unit ? p->unit : NULL);
		json_string(&j, "command", p->name);
		json_bool(&j, "protected", p->is_protected);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
}

static int once(struct top *t)
{
	bool json = t->c->opt[OPT_JSON] != NULL;
	/* The shell's prompt takes a line, too. */
	size_t lines = t->term.rows > 1 && !t->lines && !json ? t->term.rows - 1 : 0;
	int ret = top_read(t, lines ? lines : t->lines);

	if (ret < 0)
		return ret;
	if (t->procs.n == 0) {
		log_error("%s shows no processes", t->c->machine.procfs.path);
		return EXIT_NOT_DONE;
	}
	if (json)
		print_json(t);
	else
		top_print(t, top_rows(t, lines), "\n");
	return EXIT_OK;
}

static int read_options(struct top *t)
{
	const char *lines = t->c->opt[OPT_LINES], *sort = t->c->opt[OPT_SORT];
	int64_t n;

	if (lines && (text_to_int(lines, &n) < 0 || n < 0)) {
		log_error("'%s' is no number of lines", lines);
		return EXIT_USAGE;
	}
	t->lines = lines ? (size_t)n : 0;
	t->sort = sort ? top_sort_named(sort) : SORT_SCORE;
	if (t->sort == N_SORTS) {
		log_error("there is no column '%s': score, adj, rss, swap, pid, user, unit or "
			  "command",
			  sort);
		return EXIT_USAGE;
	}
	if (t->c->opt[OPT_WATCH] &&
	    (t->c->opt[OPT_JSON] || !t->term.tty || !isatty(STDIN_FILENO))) {
		log_error("--watch needs a terminal");
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

static int run_top(struct context *c, int argc, char **argv)
{
	struct top t = { .c = c, .term = term_of(stdout) };
	int ret = read_options(&t);

	(void)argc;
	(void)argv;
	if (ret != EXIT_OK)
		return ret;
	ret = users_read(&c->machine.root, &t.users);
	if (ret >= 0)
		ret = c->opt[OPT_WATCH] ? top_watch(&t) : once(&t);
	top_free(&t);
	return ret;
}

const struct cmd cmd_top = {
	.name = "top",
	.summary = "Show the processes by OOM score",
	.help = "The one with the highest score is the first to be killed; '*' marks what is "
		"protected.\nMEM is the share of RAM. With --watch the keys s, a, r, w, p, u, n "
		"and c sort by score,\nadj, rss, swap, pid, user, unit and command; q ends it.",
	.options = { OPT_LINES, OPT_SORT, OPT_WATCH },
	.run = run_top,
};
