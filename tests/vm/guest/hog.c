/* A process with memory. "hog MIB ADJ" takes that much with that oom_score_adj, says that it is
 * ready by a file named after its PID, and waits. "hog until-oom ADJ" is ready at once, waits for
 * the file "go", and then takes memory until the kernel has killed somebody. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB (1024UL * 1024UL)

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

static void take(size_t size)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		_exit(2);
	/* Not zeros, and no two pages alike. */
	for (size_t i = 0; i < size; i += 4096)
		memset(memory + i, (int)(i >> 12 | 1), 4096);
}

static void say_ready(void)
{
	char name[32];

	snprintf(name, sizeof(name), "ready.%d", (int)getpid());
	close(open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

int main(int argc, char **argv)
{
	long before;

	if (argc < 3)
		return 3;
	set_adj(argv[2]);
	if (strcmp(argv[1], "until-oom") != 0) {
		take((size_t)atoi(argv[1]) * MIB);
		say_ready();
		pause();
	}
	say_ready();
	while (access("go", F_OK) != 0)
		usleep(10000);
	before = kills();
	while (kills() == before)
		take(MIB / 2);
	return 0;
}
