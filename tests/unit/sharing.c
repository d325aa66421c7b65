/* insight/procfs.h: whose memory a process runs in, asked of the real kernel. */
#include "insight/procfs.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "unit.h"

static int ready[2];

static int wait_for_end(void *data)
{
	if (write(ready[1], "", 1) == 1)
		pause();
	return data != NULL;
}

/* A child that does not execute anything, while its parent waits. */
static void *lend(void *data)
{
	if (vfork() == 0) {
		wait_for_end(NULL);
		_exit(0);
	}
	return data;
}

static void lend_by_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, lend, NULL) == 0)
		pthread_join(thread, NULL);
}

static void share(void)
{
	static char stack[16384];

	clone(wait_for_end, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	pause();
}

static void lend_here(void)
{
	lend(NULL);
}

static void check_family(const struct procs *procs, pid_t parent, bool in_vfork)
{
	unsigned borrowed = 0;

	for (size_t i = 0; i < procs->n; i++) {
		const struct proc *p = &procs->list[i];

		if (p->ppid == parent) {
			CHECK(p->lender == parent && p->in_vfork == in_vfork);
			borrowed++;
			kill(p->pid, SIGKILL);
		} else if (p->pid == parent || p->pid == getpid()) {
			CHECK(p->lender == 0 && !p->in_vfork);
		}
	}
	CHECK(borrowed == 1);
}

/* What is found of a process that does this to have a child, which writes when it is there. */
static void family(void (*have_child)(void), bool in_vfork)
{
	struct procs procs = { 0 };
	struct root procfs;
	pid_t parent;
	char c;

	CHECK(pipe(ready) == 0);
	parent = fork();
	if (parent == 0) {
		have_child();
		_exit(0);
	}
	CHECK(root_open("/proc", false, &procfs) == 0);
	CHECK(read(ready[0], &c, 1) == 1);
	usleep(100000); /* now the parent waits, too */
	CHECK(procs_read(&procfs, PROC_STATUS, &procs) == 0);
	procs_find_lenders(&procfs, &procs);
	check_family(&procs, parent, in_vfork);
	procs_free(&procs);
	root_close(&procfs);
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
}

static void vfork_child(void)
{
	family(lend_here, true);
}

static void vfork_child_of_thread(void)
{
	family(lend_by_thread, true);
}

static void sharing_child(void)
{
	family(share, false);
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
	  { "and so does that of one of its threads", vfork_child_of_thread },
	  { "a child of clone(CLONE_VM) does so for good", sharing_child },
	  { "a child of fork() does not", fork_child })
