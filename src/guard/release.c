#include "guard/release.h"

#include <fcntl.h>

#include "base/log.h"

#define MAX_DEPTH 32U

const int release_checks_ms[] = { 20, 200, 2000 };
const unsigned n_release_checks = ARRAY_SIZE(release_checks_ms);

/* The pinned process that it is a child, or a child's child, of; NULL: none is known. */
static struct member *service_of(struct policy *p, struct process *proc)
{
	struct member *m = family_find(p->family, proc->pid);
	struct process_ids ids;

	if (!m && process_ids(proc, &ids) == 0)
		m = family_find(p->family, ids.ppid);
	for (unsigned depth = 0; m && m->kind != MEMBER_PINNED && depth < MAX_DEPTH; depth++)
		m = family_find(p->family, m->parent);
	return m && m->kind == MEMBER_PINNED ? m : NULL;
}

/* One score stands for memory that processes share, but for vfork's: the service's is the one that
 * counts. */
static void keep_service(struct policy *p, struct process *proc)
{
	struct member *m = service_of(p, proc);
	struct process service;
	int score;

	if (!m || process_open(p->procfs, m->pid, &service) < 0)
		return;
	if (pin_is_same(m, &service) && process_get_score(&service, &score) == 0 &&
	    score != m->rule->score && process_set_score(&service, m->rule->score, NULL) < 0)
		p->failed++;
	process_close(&service);
}

/* Lowers nobody's score: a child that made itself easier to kill stays so. It is written all the
 * same, so that the child cannot go back to what it inherited. */
void release_score(struct policy *p, struct process *proc, const struct rule *rule)
{
	bool eased;
	int score, ret = process_get_score(proc, &score);

	if (ret < 0) {
		pin_unseen(p, proc->pid, ret);
		return;
	}
	eased = score >= rule->release_to;
	if (process_set_score(proc, eased ? score : rule->release_to, NULL) < 0)
		p->failed++;
	else
		p->released += !eased;
	keep_service(p, proc);
}

/* The children of its first thread; those of others are found when their own events come. */
static ssize_t read_children(struct process *proc, char *text, size_t size)
{
	_cleanup_close_ int fd = -EBADF;
	char path[40];
	ssize_t n;

	snprintf(path, sizeof(path), "task/%d/children", (int)proc->pid);
	fd = openat(proc->fd, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -errno : read(fd, text, size - 1);
	text[n > 0 ? n : 0] = '\0';
	return n;
}

void release_each_child(struct policy *p, struct process *proc,
			void (*visit)(struct policy *p, pid_t parent, pid_t pid))
{
	char text[4096], *word, *rest;

	if (read_children(proc, text, sizeof(text)) <= 0)
		return;
	for (word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		visit(p, proc->pid, atoi(word));
}

static void release_child(struct policy *p, pid_t pid, const struct rule *rule, unsigned depth)
{
	const struct member *m = family_find(p->family, pid);
	struct process child;

	if ((m && m->kind == MEMBER_PINNED) || process_open(p->procfs, pid, &child) < 0)
		return;
	release_score(p, &child, rule);
	release_descendants(p, &child, rule, depth + 1);
	process_close(&child);
}

/* What @proc forked before it was released has the old score. */
void release_descendants(struct policy *p, struct process *proc, const struct rule *rule,
			 unsigned depth)
{
	char text[4096], *word, *rest;

	if (depth > MAX_DEPTH || read_children(proc, text, sizeof(text)) <= 0)
		return;
	for (word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		release_child(p, atoi(word), rule, depth);
}

void release_watch(struct policy *p, struct process *proc, const struct rule *rule,
		   enum child_state state)
{
	struct member *m = pin_remember(p, proc, rule, MEMBER_CHILD);

	if (!m)
		return;
	m->forked = state == CHILD_FORKED;
	m->in_program = state != CHILD_DEPARTED;
	if (!pin_keeps_program(rule))
		pin_schedule(m, release_checks_ms[0]);
}

void release_and_watch(struct policy *p, struct process *proc, const struct rule *rule,
		       enum child_state state)
{
	release_score(p, proc, rule);
	release_descendants(p, proc, rule, 0);
	release_watch(p, proc, rule, state);
}
