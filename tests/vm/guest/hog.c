/* A process with memory. "hog MIB ADJ" takes that much with that oom_score_adj, says that it is
 * ready by a file named after its PID, and waits. A word behind it:
 *   swapped  has its memory in the swap
 *   tables   has page tables of that size, and no memory
 *   thread   its main thread ends, and another one waits
 *   vfork    a child waits that has the memory on loan, and an oom_score_adj of 500
 *   shared   a child waits that has the same memory for good
 * "hog until-oom ADJ" is ready at once, waits for the file "go", and then takes memory until the
 * kernel has killed somebody. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define MIB (1024UL * 1024UL)
#define PAGE 4096UL
#define TABLE (2 * MIB) /* of address space belongs to a page of page tables */

static long kills(void)
{
	char line[128];
	long n = -1;
	FILE *f = fopen("/proc/vmstat", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "oom_kill %ld", &n) == 1)
			break;
	if (f)
		fclose(f);
	return n;
}

static void set_adj(const char *adj)
{
	FILE *f = fopen("/proc/self/oom_score_adj", "we");

	if (!f || fprintf(f, "%s\n", adj) < 0 || fclose(f) == EOF)
		_exit(1);
}

static char *map(size_t size)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		_exit(2);
	return memory;
}

static char *take(size_t size)
{
	char *memory = map(size);

	/* Not zeros, and no two pages alike. */
	for (size_t i = 0; i < size; i += PAGE)
		memset(memory + i, (int)(i / PAGE | 1), PAGE);
	return memory;
}

/* What is read and was never written is the page of zeros, which belongs to nobody. */
static void take_tables(size_t size)
{
	size_t span = size / PAGE * TABLE;
	const volatile char *memory = map(span);

	madvise((void *)memory, span, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < span; i += TABLE)
		(void)memory[i];
}

static void say_ready(pid_t pid)
{
	char name[32];

	snprintf(name, sizeof(name), "ready.%d", (int)pid);
	close(open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static void *wait_as_thread(void *data)
{
	(void)data;
	sleep(1); /* the main thread ends first */
	say_ready(getpid());
	pause();
	return NULL;
}

static int wait_as_child(void *data)
{
	(void)data;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	say_ready(getppid());
	pause();
	return 0;
}

static void wait_as(const char *how)
{
	static char stack[16384];
	pthread_t thread;

	if (strcmp(how, "thread") == 0 && pthread_create(&thread, NULL, wait_as_thread, NULL) == 0)
		pthread_exit(NULL);
	if (strcmp(how, "vfork") == 0 && vfork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		set_adj("500");
		say_ready(getppid());
		pause();
		_exit(0);
	}
	if (strcmp(how, "shared") != 0)
		say_ready(getpid());
	else if (clone(wait_as_child, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL) < 0)
		_exit(4);
	pause();
}

static void take_as(const char *how, size_t size)
{
	if (strcmp(how, "tables") == 0)
		take_tables(size);
	else if (strcmp(how, "swapped") == 0)
		madvise(take(size), size, MADV_PAGEOUT);
	else
		take(size);
}

int main(int argc, char **argv)
{
	const char *how = argc > 3 ? argv[3] : "";
	long before;

	if (argc < 3)
		return 3;
	set_adj(argv[2]);
	if (strcmp(argv[1], "until-oom") != 0) {
		take_as(how, (size_t)atoi(argv[1]) * MIB);
		wait_as(how);
	}
	say_ready(getpid());
	while (access("go", F_OK) != 0)
		usleep(10000);
	before = kills();
	while (kills() == before)
		take(MIB / 2);
	return 0;
}
