#include "cmd/predictif.h"

#include <sys/stat.h>

#include "guard/rule.h"
#include "setting/kdump.h"

/* The other profile's rules, and whom they are for. */
struct other {
	const struct machine *machine;
	struct rules rules;
	ino_t user_namespace;
};

static const struct rule *rule_of(const struct other *o, struct process *process)
{
	struct file_id exe;

	if (process_exe(process, &exe) < 0)
		return NULL;
	for (unsigned i = 0; i < o->rules.n; i++)
		if (rule_runs(&o->rules.list[i], process, &exe) > 0 &&
		    rule_fits(&o->rules.list[i], process, o->user_namespace, true) > 0)
			return &o->rules.list[i];
	return NULL;
}

/* A child that runs its parent's program was forked by it: the guard treats it as .children says.
 */
static bool is_forked(const struct other *o, struct process *process, const struct rule *rule)
{
	struct process parent;
	struct process_ids ids;
	bool forked;

	if (process_ids(process, &ids) < 0 ||
	    process_open(&o->machine->procfs, ids.ppid, &parent) < 0)
		return false;
	forked = rule_of(o, &parent) == rule;
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

/* A child that the guard releases, or one that has outgrown its leash. */
static bool is_released(const struct other *o, struct process *process, const struct rule *rule,
			const struct proc *p)
{
	return (rule->max_rss && p->rss_kb > rule->max_rss / 1024) ||
	       (rule->children == CHILDREN_RELEASE && is_forked(o, process, rule));
}

static void apply_to(const struct other *o, const struct guard_status *guard, struct proc *p)
{
	struct process process;
	const struct rule *rule;

	if (is_pinned(guard, p->pid))
		p->adj = 0;
	if (process_open(&o->machine->procfs, p->pid, &process) < 0)
		return;
	rule = rule_of(o, &process);
	if (rule)
		p->adj = is_released(o, &process, rule, p) ? rule->release_to : rule->score;
	process_close(&process);
}

/* What is armed stays so, whatever the profile says. */
static int apply_kdump(const struct machine *m, const struct node *tree, struct arena *a,
		       struct predict_rules *rules)
{
	_cleanup_(kdump_free) struct kdump k = KDUMP_NONE;
	int ret;

	if (!node_child(tree, "kdump") || rules->kdump_armed > 0)
		return 0;
	ret = kdump_examine(m, tree, &k);
	if (ret < 0)
		return ret;
	rules->kdump_armed = k.armed < 0 ? k.armed : !k.error;
	rules->kdump_why = k.why ? arena_strdup(a, k.why) : NULL;
	return k.why && !rules->kdump_why ? -ENOMEM : 0;
}

static void apply_sysctls(const struct node *tree, struct predict_rules *rules)
{
	const struct node *vm = node_child(tree, "vm"), *kdump = node_child(tree, "kdump");
	const char *panic = node_text(vm, "panic_on_oom");
	const char *asking = node_text(vm, "oom_kill_allocating_task");

	if (panic && kdump && rules->kdump_armed <= 0)
		panic = node_setting(kdump, "panic_on_oom_unarmed");
	if (panic)
		rules->panic_on_oom = atoi(panic);
	if (asking)
		rules->kill_allocating = atoi(asking) != 0;
}

int predictif_apply(const struct machine *m, const struct node *tree,
		    const struct guard_status *guard, struct arena *a, struct predict_rules *rules,
		    struct procs *procs)
{
	struct other o = { .machine = m };
	struct stat own;
	int ret = rules_compile(tree, &m->root, &o.rules);

	if (ret < 0)
		return ret;
	for (unsigned i = 0; i < o.rules.n; i++)
		rule_resolve(&o.rules.list[i], &m->root, NULL, NULL);
	if (fstatat(m->procfs.fd, "self/ns/user", &own, 0) == 0)
		o.user_namespace = own.st_ino;
	ret = apply_kdump(m, tree, a, rules);
	apply_sysctls(tree, rules);
	for (size_t i = 0; i < procs->n; i++)
		apply_to(&o, guard, &procs->list[i]);
	rules_free(&o.rules);
	return ret;
}
