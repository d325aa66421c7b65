/* Who runs in whose memory. vfork() lends the parent's to the child until that executes a program;
 * the kernel does not choose such a child (in_vfork() of linux/sched/mm.h), and kills it with its
 * parent. */
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

/* Without the right to ask, equal numbers have to do, while the parent waits as vfork() does. */
static bool shares(bool ask, const struct proc *child, const struct proc *parent)
{
	if (child->vm_kb != parent->vm_kb)
		return false;
	if (ask) {
		long order = syscall(SYS_kcmp, child->thread, parent->thread, KCMP_VM, 0, 0);

		if (order >= 0)
			return order == 0;
	}
	return parent->waits && child->rss_kb == parent->rss_kb &&
	       child->swap_kb == parent->swap_kb && child->pgtables_kb == parent->pgtables_kb;
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

		if (parent && shares(ask, p, parent))
			p->lender = parent->lender ? parent->lender : parent->pid;
	}
}
