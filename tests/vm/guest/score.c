/* A protected program: prints the score that it finds as its first act, and then
 *
 *     SECONDS          stays that long
 *     fork             lets a child print its own a little later
 *     daemon, daemon2  goes to the background by one fork, or two, and prints there
 *     shared           lets a child and its child share its memory, as a thread does, but not
 *                      vfork's; prints their scores and its own a little later
 *     command PROGRAM… runs it as a child
 *     exec PROGRAM…    becomes it
 *     restore          lets a child put the score back that this process has, as sshd's do, and
 *                      print a while later
 *     launch           ends at once and leaves a child that runs another program, and tells its
 *                      score
 *     orphan, apart    lets a child leave a child behind, at once, that prints its own later; in a
 *                      session of its own
 *     many N           has N children that do nothing
 *     hog MEGABYTES    takes memory, and prints again
 *     spawn N          forks N children that end at once and then one that stays, and prints done
 *                      and its PID
 *     threads          lets a second thread be the one that executes the program anew
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void print_score(void)
{
	char text[16];
	int fd = open("/proc/self/oom_score_adj", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (n > 0 && write(1, text, (size_t)n) != n)
		_exit(1);
	if (fd >= 0)
		close(fd);
}

static int forks(void)
{
	if (fork() == 0) {
		usleep(300000);
		print_score();
		_exit(0);
	}
	wait(NULL);
	return 0;
}

static int daemonises(int times)
{
	while (times-- > 0)
		if (fork() != 0)
			_exit(0);
	setsid();
	usleep(500000);
	print_score();
	return 0;
}

static int waits(void *ignored)
{
	(void)ignored;
	usleep(400000);
	print_score();
	return 0;
}

static int shares_too(void *ignored)
{
	static char stack[64 << 10];

	(void)ignored;
	clone(waits, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	wait(NULL);
	print_score();
	return 0;
}

static int shares(void)
{
	static char stack[64 << 10];

	clone(shares_too, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	wait(NULL);
	print_score();
	return 0;
}

static int runs(char **command)
{
	if (fork() == 0) {
		usleep(300000);
		execvp(command[0], command);
		_exit(127);
	}
	wait(NULL);
	return 0;
}

static int restores(void)
{
	char text[16] = "";
	int fd = open("/proc/self/oom_score_adj", O_RDWR);
	ssize_t n = read(fd, text, sizeof(text));

	if (fork() == 0) {
		usleep(5000);
		fd = open("/proc/self/oom_score_adj", O_RDWR);
		if (n > 0 && write(fd, text, (size_t)n) < 0)
			_exit(1);
		sleep(3);
		print_score();
		_exit(0);
	}
	wait(NULL);
	return 0;
}

static int launches(void)
{
	if (fork() == 0)
		execl("/bin/sh", "sh", "-c", "sleep 2; cat /proc/self/oom_score_adj", (char *)NULL);
	return 0;
}

static int orphans(int apart)
{
	if (fork() == 0) {
		if (fork() == 0) {
			if (apart)
				setsid();
			sleep(1);
			print_score();
		}
		_exit(0);
	}
	sleep(2);
	return 0;
}

static int has_many(int n)
{
	for (int i = 0; i < n; i++)
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			sleep(600);
			_exit(0);
		}
	sleep(600);
	return 0;
}

static int takes_memory(size_t megabytes)
{
	for (size_t i = 0; i < megabytes; i++) {
		char *block = malloc(1 << 20);

		if (block)
			memset(block, 1, 1 << 20);
	}
	sleep(30);
	print_score();
	return 0;
}

static int spawns(int n)
{
	pid_t stays;

	sleep(2);
	for (int i = 0; i < n; i++) {
		if (fork() == 0)
			_exit(0);
		wait(NULL);
	}
	stays = fork();
	if (stays == 0) {
		sleep(600);
		_exit(0);
	}
	printf("done %d\n", stays);
	fflush(stdout);
	wait(NULL);
	return 0;
}

static void *executes(void *program)
{
	execl(program, program, (char *)NULL);
	return NULL;
}

static int threads(char *program)
{
	pthread_t thread;

	pthread_create(&thread, NULL, executes, program);
	pthread_join(thread, NULL);
	return 1;
}

int main(int argc, char **argv)
{
	print_score();
	if (argc < 2)
		return 0;
	if (strcmp(argv[1], "fork") == 0)
		return forks();
	if (strcmp(argv[1], "daemon") == 0)
		return daemonises(1);
	if (strcmp(argv[1], "daemon2") == 0)
		return daemonises(2);
	if (strcmp(argv[1], "shared") == 0)
		return shares();
	if (strcmp(argv[1], "command") == 0)
		return runs(argv + 2);
	if (strcmp(argv[1], "launch") == 0)
		return launches();
	if (strcmp(argv[1], "orphan") == 0)
		return orphans(0);
	if (strcmp(argv[1], "apart") == 0)
		return orphans(1);
	if (strcmp(argv[1], "many") == 0)
		return has_many(atoi(argv[2]));
	if (strcmp(argv[1], "restore") == 0)
		return restores();
	if (strcmp(argv[1], "threads") == 0)
		return threads(argv[0]);
	if (strcmp(argv[1], "spawn") == 0)
		return spawns(atoi(argv[2]));
	if (strcmp(argv[1], "hog") == 0)
		return takes_memory((size_t)atoi(argv[2]));
	if (strcmp(argv[1], "exec") == 0) {
		usleep(300000);
		execvp(argv[2], argv + 2);
		return 127;
	}
	sleep((unsigned)atoi(argv[1]));
	return 0;
}
