/* insight/procfs.h: whose memory a process runs in, asked of the real kernel. */
#include "insight/procfs.h"

#include <signal.h>
#include <sys/wait.h>

#include "unit.h"

/* A parent that waits for its vfork child, which does not execute anything. */
static pid_t start_vfork(int ready)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (vfork() == 0) {
			if (write(ready, "", 1) == 1)
				pause();
			_exit(0);
		}
		_exit(0);
	}
	return pid;
}

static void check_family(const struct procs *procs, pid_t parent)
{
	unsigned borrowed = 0;

	for (size_t i = 0; i < procs->n; i++) {
		const struct proc *p = &procs->list[i];

		if (p->ppid == parent) {
			CHECK(p->lender == parent);
			borrowed++;
			kill(p->pid, SIGKILL);
		} else if (p->pid == parent || p->pid == getpid()) {
			CHECK(p->lender == 0);
		}
	}
	CHECK(borrowed == 1);
}

static void vfork_child(void)
{
	struct procs procs = { 0 };
	struct root procfs;
	int ready[2];
	char c;

	CHECK(pipe(ready) == 0);
	CHECK(root_open("/proc", false, &procfs) == 0);
	pid_t parent = start_vfork(ready[1]);

	CHECK(read(ready[0], &c, 1) == 1);
	CHECK(procs_read(&procfs, PROC_STATUS, &procs) == 0);
	procs_find_lenders(&procfs, &procs);
	check_family(&procs, parent);
	procs_free(&procs);
	root_close(&procfs);
	waitpid(parent, NULL, 0);
}

/* A child of fork() has the same numbers, but memory of its own. */
static void fork_child(void)
{
	struct procs procs = { 0 };
	struct root procfs;
	pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	CHECK(root_open("/proc", false, &procfs) == 0);
	CHECK(procs_read(&procfs, PROC_STATUS, &procs) == 0);
	procs_find_lenders(&procfs, &procs);
	for (size_t i = 0; i < procs.n; i++)
		CHECK(procs.list[i].pid != child || procs.list[i].lender == 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	procs_free(&procs);
	root_close(&procfs);
}

UNIT_MAIN({ "a child of vfork() runs in its parent's memory", vfork_child },
	  { "a child of fork() does not", fork_child })
