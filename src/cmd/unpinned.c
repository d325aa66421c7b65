#include "cmd/unpinned.h"

#include "guard/control.h"
#include "guard/rule.h"
#include "insight/procfs.h"

static bool is_pinned(const struct guard_status *g, const char *service)
{
	for (const struct guard_pin *pin = g->pins; pin; pin = pin->next)
		if (streq_null(pin->service, service))
			return true;
	return false;
}

/* The line of the guard's answer that is about the service. */
static int ask_why(const struct machine *m, struct arena *a, struct unpinned *u, pid_t pid)
{
	_cleanup_free_ char *answer = NULL;
	char request[32], *rest;

	snprintf(request, sizeof(request), "why %d\n", (int)pid);
	if (control_ask(m, request, &answer) < 0)
		return 0;
	for (char *line = strtok_r(answer, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		const char *negated = after_prefix(line, "not ");
		const char *text = after_prefix(negated ? negated : line, u->service);

		if (!text || (negated ? *text != ':' : *text != ' '))
			continue;
		u->outgrown = !negated;
		u->why = arena_strdup(a, text + 1 + strspn(text + 1, " "));
		return u->why ? 0 : -ENOMEM;
	}
	return 0;
}

/* The one that outgrew its leash, or else the first. */
static int note_process(const struct machine *m, struct proc *p, struct unpinned *u,
			struct arena *a)
{
	struct unpinned found = *u;
	int ret;

	if (u->outgrown)
		return 0;
	found.pid = p->pid;
	ret = proc_read(&m->procfs, a, p, PROC_CGROUP);
	if (ret >= 0)
		ret = ask_why(m, a, &found, p->pid);
	if (ret >= 0 && (!u->pid || found.outgrown)) {
		*u = found;
		u->unit = p->unit;
	}
	return ret;
}

static int look_at(const struct machine *m, struct proc *p, const struct rules *rules,
		   struct unpinned *list, struct arena *a)
{
	struct process process;
	struct file_id exe;
	int ret = 0;

	if (process_open(&m->procfs, p->pid, &process) < 0)
		return 0;
	for (struct unpinned *u = list; u && process_exe(&process, &exe) >= 0; u = u->next)
		for (unsigned i = 0; i < rules->n && ret >= 0; i++)
			if (streq(rules->list[i].service, u->service) &&
			    rule_runs(&rules->list[i], &process, &exe) > 0)
				ret = note_process(m, p, u, a);
	process_close(&process);
	return ret;
}

static int look_for(const struct machine *m, const struct node *tree, struct unpinned *list,
		    struct arena *a)
{
	struct procs procs = { 0 };
	struct rules rules;
	int ret = rules_compile(tree, &m->root, &rules);

	if (ret < 0)
		return ret;
	for (unsigned i = 0; i < rules.n; i++)
		rule_resolve(&rules.list[i], &m->root, NULL, NULL);
	ret = procs_read(&m->procfs, 0, &procs);
	for (size_t i = 0; ret >= 0 && i < procs.n; i++)
		ret = look_at(m, &procs.list[i], &rules, list, a);
	procs_free(&procs);
	rules_free(&rules);
	return ret;
}

int unpinned_find(const struct machine *m, const struct node *tree, const struct guard_status *g,
		  struct arena *a, struct unpinned **ret_list)
{
	struct unpinned *list = NULL, **tail = &list;
	int ret = 0;

	node_foreach(item, node_child(tree, "protect")) {
		if (is_pinned(g, node_identity(item)))
			continue;
		*tail = arena_alloc(a, sizeof(**tail));
		if (!*tail)
			return -ENOMEM;
		(*tail)->service = node_identity(item);
		(*tail)->unit = "";
		tail = &(*tail)->next;
	}
	if (list)
		ret = look_for(m, tree, list, a);
	if (ret >= 0)
		*ret_list = list;
	return ret;
}
