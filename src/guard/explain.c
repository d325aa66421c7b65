#include "guard/explain.h"

static const char *why_not(struct policy *p, struct process *proc, const struct rule *rule)
{
	struct process_ids ids;
	ino_t namespace;
	struct file_id exe;
	int ret;

	if (!rule->resolved)
		return rule->problem;
	ret = process_exe(proc, &exe);
	if (ret == 0 && rule_could_run(rule, &exe))
		ret = rule_fits(rule, proc, p->user_namespace, true);
	if (ret < 0 && ret != -ENOENT) /* kernel threads run no file */
		return "it cannot be looked at";
	if (ret < 0 || !rule_could_run(rule, &exe))
		return "it runs another file";
	if (process_ids(proc, &ids) < 0 || !ids.one_user || ids.uid != rule->uid)
		return "another user runs it";
	if (ids.nested || process_user_namespace(proc, &namespace) < 0 ||
	    namespace != p->user_namespace)
		return "it is in another user or PID namespace";
	if (rule_runs(rule, proc, &exe) <= 0)
		return "it runs another file";
	if (rule->unit && process_in_unit(proc, rule->unit) <= 0)
		return "it is not in the rule's unit";
	if (ret == 0)
		return "its arguments are not the rule's";
	return "it is a child of the service";
}

void explain_process(struct policy *p, pid_t pid, char *buffer, size_t size)
{
	struct member *m;
	struct process proc;
	size_t used = 0;

	*buffer = '\0';
	if (process_open(p->procfs, pid, &proc) < 0) {
		snprintf(buffer, size, "there is no process %d\n", (int)pid);
		return;
	}
	m = pin_find(p, &proc);
	if (m && m->kind == MEMBER_PINNED) {
		snprintf(buffer, size, "pinned as %s (%s)\n", m->rule->service, how_name(m->how));
	} else if (m && m->kind == MEMBER_LEASHED) {
		snprintf(buffer, size, "%s outgrew its max_rss and lost its protection\n",
			 m->rule->service);
	} else {
		for (unsigned i = 0; i < p->rules.n && used < size; i++)
			used += (size_t)snprintf(buffer + used, size - used, "not %s: %s\n",
						 p->rules.list[i].service,
						 why_not(p, &proc, &p->rules.list[i]));
	}
	process_close(&proc);
}
