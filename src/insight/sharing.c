/* Who runs in whose memory. The kernel kills all that share it. A child of vfork(), which has its
 * parent's until it executes a program, is not chosen (in_vfork() of linux/sched/mm.h); one of
 * clone(CLONE_VM), which has it for good, may be. */
#include <linux/kcmp.h>
#include <sys/syscall.h>

#include "insight/procfs.h"

static int by_pid(const void *a, const void *b)
{
	const struct proc *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* Whether PIDs of @procfs are ours: only then can the kernel be asked about them. */
static bool is_ours(const struct root *procfs)
{
	char self[16] = "";

	return readlinkat(procfs->fd, "self", self, sizeof(self) - 1) > 0 && atoi(self) == getpid();
}

/* 1: they share, 0: they do not, -1: not known. */
static int kernel_says(const struct proc *child, const struct proc *parent)
{
	long order = syscall(SYS_kcmp, child->thread, parent->thread, KCMP_VM, 0, 0);

	return order < 0 ? -1 : order == 0;
}

/* Without the right to ask, equal numbers have to do, while the parent waits as vfork() does. */
static void find_lender(const struct root *procfs, bool ask, struct proc *child,
			const struct proc *parent)
{
	int shares;

	if (child->vm_kb != parent->vm_kb)
		return;
	shares = ask ? kernel_says(child, parent) : -1;
	if (shares == 0)
		return;
	if (shares < 0 && (child->rss_kb != parent->rss_kb || child->swap_kb != parent->swap_kb ||
			   child->pgtables_kb != parent->pgtables_kb))
		return;
	child->in_vfork = proc_waits(procfs, parent);
	if (shares > 0 || child->in_vfork)
		child->lender = parent->lender ? parent->lender : parent->pid;
}

static struct proc *find(const struct procs *procs, pid_t pid)
{
	const struct proc wanted = { .pid = pid };

	return bsearch(&wanted, procs->list, procs->n, sizeof(*procs->list), by_pid);
}

void procs_find_lenders(const struct root *procfs, struct procs *procs)
{
	bool ask = is_ours(procfs);

	if (procs->n == 0)
		return;
	qsort(procs->list, procs->n, sizeof(*procs->list), by_pid);
	for (size_t i = 0; i < procs->n; i++) {
		struct proc *p = &procs->list[i];
		const struct proc *parent = p->ppid == p->pid ? NULL : find(procs, p->ppid);

		if (parent)
			find_lender(procfs, ask, p, parent);
	}
}
