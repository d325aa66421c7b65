#include "guard/release.h"

#include <fcntl.h>

#include "base/log.h"

const int release_checks_ms[] = { 20, 200, 2000 };
const unsigned n_release_checks = ARRAY_SIZE(release_checks_ms);

/* Lowers nobody's score further than it is: a child that made itself easier to kill stays so. */
void release_score(struct policy *p, const struct process *proc, const struct rule *rule)
{
	int score;

	if (process_get_score(proc, &score) < 0 || score >= rule->release_to || score > rule->score)
		return;
	if (process_set_score(proc, rule->release_to) == 0)
		p->released++;
	else
		p->failed++;
}

static void release_child(struct policy *p, pid_t pid, const struct rule *rule, unsigned depth)
{
	struct process child;

	if (process_open(p->procfs, pid, &child) < 0)
		return;
	release_score(p, &child, rule);
	release_descendants(p, &child, rule, depth + 1);
	process_close(&child);
}

/* What @proc forked before it was released has the old score: follow the threads' children. */
void release_descendants(struct policy *p, const struct process *proc, const struct rule *rule,
			 unsigned depth)
{
	char path[40], text[4096], *word, *rest;
	_cleanup_close_ int fd = -EBADF;
	ssize_t n;

	if (depth > 32)
		return;
	snprintf(path, sizeof(path), "task/%d/children", (int)proc->pid);
	fd = openat(proc->fd, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return;
	text[n] = '\0';
	for (word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		const struct member *m = family_find(&p->family, atoi(word));

		if (!m || m->kind != MEMBER_PINNED)
			release_child(p, atoi(word), rule, depth);
	}
}

void release_watch(struct policy *p, const struct process *proc, const struct rule *rule,
		   bool forked)
{
	struct member *m = pin_remember(p, proc, rule, MEMBER_CHILD);

	if (!m)
		return;
	m->forked = forked;
	if (!pin_keeps_program(rule))
		pin_schedule(m, release_checks_ms[0]);
}

void release_and_watch(struct policy *p, const struct process *proc, const struct rule *rule,
		       bool forked)
{
	release_score(p, proc, rule);
	release_descendants(p, proc, rule, 0);
	release_watch(p, proc, rule, forked);
}
