/* guard/confine.h: what a guard's worker cannot do any more. */
#include "guard/confine.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/run.h"
#include "unit.h"

static int gains(void *data)
{
	(void)data;
	return confine_supervisor() < 0 ? -1 : prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
}

static void privileges(void)
{
	CHECK(run_apart(gains, NULL) == 0);
}

#if !defined(__SANITIZE_ADDRESS__) /* whose own calls nobody can list */
static int confine(void)
{
	int ret = confine_supervisor();

	return ret < 0 ? ret : confine_worker();
}

/* Whether there is memory with this protection for it. */
static int maps(void *data)
{
	const int *protection = data;
	void *memory;

	if (confine() < 0)
		return -1;
	memory = mmap(NULL, 1, *protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory != MAP_FAILED ? 1 : errno == EPERM ? 0 : -1;
}

static void memory(void)
{
	int data = PROT_READ | PROT_WRITE, code = PROT_READ | PROT_EXEC,
	    both = PROT_READ | PROT_WRITE | PROT_EXEC;

	CHECK(run_apart(maps, &data) == 1);
	CHECK(run_apart(maps, &code) == 0);
	CHECK(run_apart(maps, &both) == 0);
}

/* How many of these are let through. */
static int calls(void *data)
{
	char program[] = "/bin/true", *argv[] = { program, NULL };
	int n = 0;

	(void)data;
	if (confine() < 0)
		return -1;
	n += mprotect(NULL, 1, PROT_EXEC) == 0 || errno != EPERM;
	n += fork() >= 0 || errno != EPERM;
	n += execv(program, argv) == 0 || errno != EPERM;
	n += ptrace(PTRACE_TRACEME, 0, NULL, NULL) >= 0 || errno != EPERM;
	n += chmod("/nowhere", 0) == 0 || errno != EPERM;
	return n;
}

static void others(void)
{
	CHECK(run_apart(calls, NULL) == 0);
}
#endif

UNIT_MAIN({ "no new privileges", privileges },
#if !defined(__SANITIZE_ADDRESS__)
	  { "no memory that could be executed", memory },
	  { "no child, no other program, nobody's memory, no modes of files", others }
#endif
)
