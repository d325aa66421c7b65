#include "guard/programs.h"

#include <fcntl.h>
#include <limits.h>

#include "base/log.h"
#include "guard/watch.h"

static void visit(int fd, bool is_program, void *data)
{
	struct programs *ps = data;
	int ret = 0;

	if (is_program && ps->marks)
		ret = gate_mark(ps->gate, fd);
	else if (!is_program && ps->watch >= 0)
		ret = watch_add(ps->watch, fd);
	if (ret < 0)
		log_warning("guard: %s: %s",
			    is_program ? "a program cannot be marked"
				       : "changes of a directory will not be noticed",
			    strerror(-ret));
	if (fails_for_now(ret))
		ps->unsure = ret;
}

bool programs_resolve(struct programs *ps)
{
	bool changed = false, was_unsure = ps->unsure < 0;

	ps->unsure = 0;
	for (unsigned i = 0; i < ps->rules->n; i++) {
		struct rule *rule = &ps->rules->list[i];
		struct file_id before = rule->program;
		const char *problem = rule->problem;
		bool resolved = rule->resolved;
		uid_t uid = rule->uid;
		int ret;

		ps->marks = ps->gate->fd >= 0 && !rule->args;
		ret = rule_look_up_user(rule, &ps->machine->root, visit, ps);
		if (ret >= 0)
			ret = rule_resolve(rule, &ps->machine->root, visit, ps);
		if (ret < 0)
			ps->unsure = ret;
		if (ret < 0 && !was_unsure)
			log_warning("guard: %s: %s: cannot be looked at: %s", rule->service,
				    rule->exe, strerror(-ret));
		if (rule->resolved &&
		    (!resolved || uid != rule->uid || !file_id_equal(&before, &rule->program)))
			changed = true;
		if (rule->problem && !streq_null(rule->problem, problem))
			log_warning("guard: %s: %s: %s", rule->service, rule->exe, rule->problem);
	}
	/* Watching directories moved us about; the kernel's tree is where we disturb nobody. */
	if (fchdir(ps->machine->procfs.fd) < 0)
		log_debug("guard: %s", strerror(errno));
	return changed;
}

bool programs_has(const struct programs *ps, const struct file_id *program)
{
	for (unsigned i = 0; i < ps->rules->n; i++)
		if (ps->rules->list[i].resolved &&
		    file_id_equal(&ps->rules->list[i].program, program))
			return true;
	return false;
}

bool programs_expect(struct programs *ps, const struct file_id *program)
{
	/* Marked when it appeared beside a program, and that program by now: a package upgrade. */
	if (!programs_has(ps, program))
		programs_resolve(ps);
	for (unsigned i = 0; i < ps->rules->n; i++)
		ps->stale |= ps->rules->list[i].script_at &&
			     file_id_equal(&ps->rules->list[i].program, program);
	return programs_has(ps, program);
}

void programs_refresh(struct programs *ps)
{
	if (ps->stale)
		programs_resolve(ps);
	ps->stale = false;
}

/* A file that appears beside a program may be renamed to it a moment later: the mark goes with it,
 * so that its first exec comes to the gate. */
static void on_change(const char *name, bool appeared, void *data)
{
	const struct programs *ps = data;

	for (unsigned i = 0; appeared && i < ps->rules->n && ps->gate->fd >= 0; i++) {
		const char *exe = ps->rules->list[i].exe;
		char path[PATH_MAX];
		_cleanup_close_ int fd = -EBADF;

		if ((size_t)snprintf(path, sizeof(path), "%.*s%s",
				     (int)(strrchr(exe, '/') + 1 - exe), exe, name) >= sizeof(path))
			continue;
		fd = root_openat(&ps->machine->root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
		if (fd >= 0 && gate_mark(ps->gate, fd) < 0)
			log_debug("guard: %s: %s", path, strerror(errno));
	}
}

bool programs_follow(struct programs *ps)
{
	return watch_drain(ps->watch, on_change, ps) && programs_resolve(ps);
}
