#include "base/run.h"

#include <spawn.h>
#include <sys/wait.h>

int run_program(char *const argv[], int out)
{
	posix_spawn_file_actions_t actions;
	int status, ret;
	pid_t pid;

	ret = posix_spawn_file_actions_init(&actions);
	if (ret == 0 && out >= 0)
		ret = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (ret == 0)
		ret = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (ret != 0)
		return -ret;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
