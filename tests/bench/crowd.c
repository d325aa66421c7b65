/* crowd N COMMAND…: the command, with N more processes around that do nothing. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int n = argc > 2 ? atoi(argv[1]) : 0, status = 1, made = 0;
	pid_t self = getpid(), pid, command;

	for (; made < n; made++) {
		pid = fork();
		if (pid < 0)
			break;
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			while (getppid() == self)
				pause();
			_exit(0);
		}
	}
	if (made < n || argc < 3) {
		fprintf(stderr, "crowd: %d of %d processes\n", made, n);
		return 1;
	}
	command = fork();
	if (command == 0) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	while ((pid = waitpid(command, &status, 0)) < 0)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
