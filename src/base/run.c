#include "base/run.h"

#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define APART_SECONDS 1       /* of work */
#define APART_WAIT_SECONDS 10 /* of work and waiting */
#define APART_BYTES (1UL << 30)
#define EXIT_LIMIT 101 /* above what the function may return */

static int wait_for(pid_t pid, int *ret_status)
{
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int run_program(char *const argv[], int out, int err)
{
	posix_spawn_file_actions_t actions;
	int status, ret;
	pid_t pid;

	ret = posix_spawn_file_actions_init(&actions);
	if (ret == 0 && out >= 0)
		ret = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (ret == 0 && err >= 0)
		ret = posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
	if (ret == 0)
		ret = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (ret != 0)
		return -ret;
	ret = wait_for(pid, &status);
	if (ret < 0)
		return ret;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void limit(int resource, rlim_t most)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0)
		return;
	if (limit.rlim_max > most)
		limit.rlim_max = most;
	if (limit.rlim_cur > most)
		limit.rlim_cur = most;
	if (setrlimit(resource, &limit) < 0)
		_exit(EXIT_LIMIT);
}

struct call {
	int (*fn)(void *data);
	void *data;
};

static int call_limited(void *data)
{
	const struct call *call = data;
	sigset_t none;

	limit(RLIMIT_CPU, APART_SECONDS);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGALRM, SIG_DFL);
	alarm(APART_WAIT_SECONDS);
#ifndef __SANITIZE_ADDRESS__ /* which maps terabytes */
	limit(RLIMIT_AS, APART_BYTES);
#endif
	return call->fn(call->data);
}

int run_apart(int (*fn)(void *data), void *data)
{
	return run_in_child(call_limited, &(struct call){ fn, data });
}

int run_in_child(int (*fn)(void *data), void *data)
{
	pid_t pid = fork();
	int status, ret;

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		limit(RLIMIT_CORE, 0);
		_exit(fn(data));
	}
	ret = wait_for(pid, &status);
	if (ret < 0)
		return ret;
	return WIFEXITED(status) && WEXITSTATUS(status) < EXIT_LIMIT ? WEXITSTATUS(status)
								     : -EBADMSG;
}
