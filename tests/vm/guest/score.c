/* A protected program: prints the score that it finds as its first act. With a number it stays that
 * many seconds; with "fork" it prints a child's a little later; with "daemon" it goes to the
 * background as daemons do, and prints there. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

int main(int argc, char **argv)
{
	print_score();
	if (argc < 2)
		return 0;
	if (strcmp(argv[1], "fork") == 0) {
		if (fork() == 0) {
			usleep(300000);
			print_score();
			_exit(0);
		}
		wait(NULL);
	} else if (strcmp(argv[1], "daemon") == 0) {
		if (fork() != 0)
			return 0;
		setsid();
		usleep(300000);
		print_score();
	} else {
		sleep((unsigned)atoi(argv[1]));
	}
	return 0;
}
