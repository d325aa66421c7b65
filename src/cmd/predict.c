#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/predictif.h"
#include "cmd/predicttext.h"

struct predicting {
	struct context *c;
	struct arena arena;
	struct memcg memcg;
	const char *wanted; /* the cgroup's path, or NULL */
	struct guard_status guard;
	struct scene scenes[2];
	unsigned n;
};

/* --- JSON --- */

static void candidate_json(struct json *j, const char *key, const struct predict_candidate *c)
{
	if (!c) {
		json_string(j, key, NULL);
		return;
	}
	json_open(j, key, '{');
	json_int(j, "pid", c->proc->pid);
	json_string(j, "command", c->proc->name);
	json_int(j, "badness_pages", c->badness.points);
	json_int(j, "rss_pages", c->badness.rss);
	json_int(j, "swap_pages", c->badness.swap);
	json_int(j, "pgtables_pages", c->badness.pgtables);
	if (c->proc->adj == PROC_ADJ_UNKNOWN)
		json_string(j, "oom_score_adj", NULL);
	else
		json_int(j, "oom_score_adj", c->proc->adj);
	json_int(j, "adj_pages", c->badness.adj);
	json_bool(j, "killable", c->badness.killable);
	json_string(j, "why_not", c->badness.why_not);
	json_close(j, '}');
}

static void scene_json(struct json *j, const struct scene *s)
{
	const struct prediction *p = &s->prediction;

	json_string(j, "decision", predict_decision_name(p->decision));
	json_string(j, "reason", p->why);
	json_string(j, "constraint", s->rules.memcg ? "memcg" : "none");
	json_string(j, "cgroup", s->rules.memcg ? s->rules.memcg->path : NULL);
	if (s->rules.panic_on_oom < 0)
		json_string(j, "panic_on_oom", NULL);
	else
		json_int(j, "panic_on_oom", s->rules.panic_on_oom);
	json_bool_known(j, "oom_kill_allocating_task", s->rules.kill_allocating);
	json_bool_known(j, "kdump_armed", s->rules.kdump_armed);
	if (s->rules.kdump_why)
		json_string(j, "kdump_why", s->rules.kdump_why);
	json_int(j, "total_pages", s->rules.badness.total);
	json_int(j, "page_kb", sysconf(_SC_PAGESIZE) / 1024);
	candidate_json(j, "victim", p->victim);
	if (p->instead_of)
		json_int(j, "instead_of_pid", p->instead_of->proc->pid);
	json_string(j, "killed_group", p->group);
	json_int(j, "freed_rss_kb", p->freed_rss_kb);
	json_int(j, "freed_swap_kb", p->freed_swap_kb);
	json_int(j, "killable", (int64_t)p->killable);
	if (p->left < 0)
		json_string(j, "killable_left", NULL);
	else
		json_int(j, "killable_left", p->left);
	json_open(j, "candidates", '[');
	for (size_t i = 0; i < p->n; i++)
		candidate_json(j, NULL, &p->list[i]);
	json_close(j, ']');
}

static void print_json(const struct predicting *p)
{
	struct json j = context_json();

	scene_json(&j, &p->scenes[0]);
	if (p->n > 1) {
		json_open(&j, "if", '{');
		json_string(&j, "profile", p->c->opt[OPT_IF]);
		scene_json(&j, &p->scenes[1]);
		json_close(&j, '}');
	}
	json_close(&j, '}');
}

/* --- reading --- */

/* The cgroup whose limit would be hit; a path that only the machine limits is the machine. */
static int read_cgroup(struct predicting *p)
{
	const struct machine *m = &p->c->machine;
	const char *path = p->c->opt[OPT_CGROUP];
	int ret;

	if (!path)
		return EXIT_OK;
	ret = memcg_find(&m->procfs, &m->sysfs, &p->arena, path, &p->memcg);
	if (ret == -ENOENT) {
		log_error("there is no memory cgroup '%s'", path);
		return EXIT_USAGE;
	}
	if (ret < 0)
		return ret;
	if (streq(p->memcg.path, "/"))
		log_warning("%s: neither it nor a cgroup above it has a limit below the machine's "
			    "memory: only that can run out",
			    path);
	p->wanted = p->memcg.asked;
	return EXIT_OK;
}

static int read_asking(const struct predicting *p, const struct procs *procs, pid_t *ret_pid)
{
	const struct machine *m = &p->c->machine;
	const char *word = p->c->opt[OPT_PID];
	_cleanup_free_ char *path = NULL;
	int64_t pid = 0;

	if (!word)
		return EXIT_OK;
	if (text_to_int(word, &pid) < 0 || pid < 1 || pid > INT32_MAX) {
		log_error("'%s' is no PID", word);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < procs->n; i++)
		if (procs->list[i].pid == pid) {
			*ret_pid = (pid_t)pid;
			return EXIT_OK;
		}
	if (asprintf(&path, "%d", (int)pid) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	log_error(root_exists(&m->procfs, path) == 0
			  ? "process %s has no memory of its own: a kernel thread, or it has ended"
			  : "there is no process %s",
		  path);
	return EXIT_USAGE;
}

/* The kernel sees all processes, wherever it is asked from. */
static void warn_of_unseen(const struct predict_rules *rules, const struct procs *procs)
{
	bool first = false;

	for (size_t i = 0; i < procs->n && !first; i++)
		first = procs->list[i].pid == 1;
	if (rules->badness.nested)
		log_warning("only the processes of this PID namespace can be seen: another one of "
			    "the machine may be chosen");
	else if (!first)
		log_warning("process 1 cannot be seen (hidepid=?), so others may not be either, "
			    "and one of them may be chosen");
}

static void warn_of_unknown(const struct predict_rules *rules, enum predict_decision decision)
{
	static const char text[] = "%s cannot be read: what follows holds if it is 0";

	if (rules->panic_on_oom < 0)
		log_warning(text, "vm.panic_on_oom");
	if (rules->kill_allocating < 0 && decision != PREDICT_PANIC && !rules->memcg)
		log_warning(text, "vm.oom_kill_allocating_task");
}

static int read_now(struct predicting *p)
{
	const unsigned details = PROC_STATUS | PROC_ADJ | PROC_CGROUP | PROC_START;
	const struct machine *m = &p->c->machine;
	bool whole = !p->memcg.path || streq(p->memcg.path, "/");
	struct scene *s = &p->scenes[p->n++];
	int ret;

	s->title = "now";
	ret = predict_rules_read(m, whole ? NULL : &p->memcg, &s->rules);
	if (ret < 0 && ret != -ENOMEM) {
		log_error("%s/meminfo: %s", m->procfs.path, strerror(-ret));
		return EXIT_NOT_DONE;
	}
	if (ret == EXIT_OK)
		ret = procs_read(&m->procfs, details, &s->procs);
	if (ret == EXIT_OK && s->procs.n == 0) {
		log_error("%s shows no processes", m->procfs.path);
		return EXIT_NOT_DONE;
	}
	if (ret == EXIT_OK)
		ret = read_asking(p, &s->procs, &s->rules.asking);
	if (ret == EXIT_OK) {
		warn_of_unseen(&s->rules, &s->procs);
		procs_find_lenders(&m->procfs, &s->procs);
	}
	if (ret == EXIT_OK)
		ret = predict(&m->sysfs, &p->arena, &s->rules, &s->procs, &s->prediction);
	if (ret == EXIT_OK)
		warn_of_unknown(&s->rules, s->prediction.decision);
	return ret;
}

/* The same processes under the profile of --if. The strings stay the first scene's. */
static int read_if(struct predicting *p)
{
	_cleanup_(findings_free) struct findings f = { 0 };
	_cleanup_(selection_free) struct selection sel = { 0 };
	const struct scene *now = &p->scenes[0];
	struct scene *s = &p->scenes[1];
	int ret;

	if (!p->c->opt[OPT_IF])
		return EXIT_OK;
	ret = context_choose(p->c, p->c->opt[OPT_IF], &f, &sel);
	if (ret == EXIT_OK)
		ret = guard_status_read(&p->c->machine, &p->arena, &p->guard);
	if (ret != EXIT_OK)
		return ret;
	p->n++;
	s->rules = now->rules;
	s->title = arena_printf(&p->arena, "with %s", p->c->opt[OPT_IF]);
	s->procs.list = calloc(now->procs.n + 1, sizeof(*s->procs.list));
	if (!s->title || !s->procs.list)
		return -ENOMEM;
	memcpy(s->procs.list, now->procs.list, now->procs.n * sizeof(*s->procs.list));
	s->procs.n = now->procs.n;
	ret = predictif_apply(&p->c->machine, sel.profile.tree, &p->guard, &p->arena, &s->rules,
			      &s->procs);
	if (ret >= 0)
		ret = predict(&p->c->machine.sysfs, &p->arena, &s->rules, &s->procs,
			      &s->prediction);
	return ret;
}

static int run_predict(struct context *c, int argc, char **argv)
{
	struct predicting p = { .c = c };
	int ret = read_cgroup(&p);

	(void)argc;
	(void)argv;
	if (ret == EXIT_OK)
		ret = read_now(&p);
	if (ret == EXIT_OK)
		ret = read_if(&p);
	if (ret == EXIT_OK && c->opt[OPT_JSON])
		print_json(&p);
	else if (ret == EXIT_OK) {
		const struct term t = term_of(stdout);

		predict_print(&t, p.scenes, p.n, p.wanted, c->opt[OPT_VERBOSE] != NULL);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(p.scenes); i++)
		procs_free(&p.scenes[i].procs);
	arena_free(&p.arena);
	return ret;
}

const struct cmd cmd_predict = {
	.name = "predict",
	.summary = "Show what the kernel would do if memory ran out now",
	.help = "Step by step with this machine's values: panic, the asking task, or the process "
		"with the\nhighest badness, as the kernel adds it up. With --verbose every process "
		"is listed.",
	.options = { OPT_CGROUP, OPT_IF, OPT_PID },
	.run = run_predict,
};
