#include "cmd/predictif.h"

#include "guard/rule.h"

/* The walk of rule_resolve() shows what to watch: not here. */
static void look_at_nothing(int fd, bool is_program, void *data)
{
	(void)fd;
	(void)is_program;
	(void)data;
}

static const struct rule *rule_of(const struct machine *m, const struct rules *rules,
				  const struct process *process)
{
	struct file_id exe;

	if (process_exe(process, &exe) < 0)
		return NULL;
	for (unsigned i = 0; i < rules->n; i++)
		if (rule_runs(&rules->list[i], process, &exe) &&
		    rule_fits(&rules->list[i], process, &m->procfs, true))
			return &rules->list[i];
	return NULL;
}

/* A child that runs its parent's program was forked by it: the guard treats it as .children says.
 */
static bool is_forked(const struct machine *m, const struct rules *rules,
		      const struct process *process, const struct rule *rule)
{
	struct process parent;
	struct process_stat st;
	bool forked;

	if (process_stat(process, &st) < 0 || process_open(&m->procfs, st.ppid, &parent) < 0)
		return false;
	forked = rule_of(m, rules, &parent) == rule;
	process_close(&parent);
	return forked;
}

static bool is_pinned(const struct guard_status *guard, pid_t pid)
{
	for (const struct guard_pin *pin = guard->pins; pin; pin = pin->next)
		if (pin->pid == pid)
			return true;
	return false;
}

static void apply_to(const struct machine *m, const struct rules *rules,
		     const struct guard_status *guard, struct proc *p)
{
	struct process process;
	const struct rule *rule;

	if (is_pinned(guard, p->pid))
		p->adj = 0;
	if (process_open(&m->procfs, p->pid, &process) < 0)
		return;
	rule = rule_of(m, rules, &process);
	if (rule)
		p->adj = rule->children == CHILDREN_RELEASE && is_forked(m, rules, &process, rule)
				 ? rule->release_to
				 : rule->score;
	process_close(&process);
}

static void apply_sysctls(const struct node *tree, struct predict_rules *rules)
{
	const struct node *vm = node_child(tree, "vm"), *kdump = node_child(tree, "kdump");
	const char *panic = node_text(vm, "panic_on_oom");
	const char *asking = node_text(vm, "oom_kill_allocating_task");

	if (panic && kdump && !rules->kdump_armed)
		panic = node_setting(kdump, "panic_on_oom_unarmed");
	if (panic)
		rules->panic_on_oom = atoi(panic);
	if (asking)
		rules->kill_allocating = atoi(asking) != 0;
}

int predictif_apply(const struct machine *m, const struct node *tree,
		    const struct guard_status *guard, struct predict_rules *rules,
		    struct procs *procs)
{
	_cleanup_(rules_free) struct rules protect = { 0 };
	int ret = rules_compile(tree, &m->root, &protect);

	if (ret < 0)
		return ret;
	for (unsigned i = 0; i < protect.n; i++)
		rule_resolve(&protect.list[i], &m->root, look_at_nothing, NULL);
	apply_sysctls(tree, rules);
	for (size_t i = 0; i < procs->n; i++)
		apply_to(m, &protect, guard, &procs->list[i]);
	return 0;
}
