/* pair RUNS COMMAND_A COMMAND_B: runs both in turn, A B A B, and prints the median time of each and
 * the median of the ratios A/B, pair by pair, so that a machine whose speed drifts does not matter.
 * A command is split at blanks; its output goes to /dev/null. With BEFORE in the environment,
 * that command runs before each, untimed. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define MAX_WORDS 32

extern char **environ;

static void split(char *command, char **words)
{
	int n = 0;

	for (char *w = strtok(command, " "); w && n < MAX_WORDS - 1; w = strtok(NULL, " "))
		words[n++] = w;
	words[n] = NULL;
}

/* Microseconds of wall time; ends the program when the command fails. */
static double run(char *const *words)
{
	posix_spawn_file_actions_t actions;
	struct timespec a, b;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	clock_gettime(CLOCK_MONOTONIC, &a);
	if (posix_spawnp(&pid, words[0], &actions, NULL, words, environ) != 0 ||
	    waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "pair: %s failed\n", words[0]);
		exit(1);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	posix_spawn_file_actions_destroy(&actions);
	return (double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_nsec - a.tv_nsec) / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

int main(int argc, char **argv)
{
	char *words[3][MAX_WORDS] = { 0 }, *before = getenv("BEFORE");
	int runs = argc == 4 ? atoi(argv[1]) : 0;
	double *times[3];

	if (runs < 1) {
		fprintf(stderr, "usage: pair RUNS COMMAND_A COMMAND_B\n");
		return 2;
	}
	split(argv[2], words[0]);
	split(argv[3], words[1]);
	if (before)
		split(strdup(before), words[2]);
	for (int i = 0; i < 3; i++)
		times[i] = calloc((size_t)runs, sizeof(double));
	for (int n = -3; n < runs; n++) { /* three to warm up */
		double t[2];

		for (int i = 0; i < 2; i++) {
			if (before)
				run(words[2]);
			t[i] = run(words[i]);
		}
		if (n < 0)
			continue;
		times[0][n] = t[0];
		times[1][n] = t[1];
		times[2][n] = t[0] / t[1];
	}
	printf("%.0f us, %.0f us, ratio %.2f (median of %d pairs)\n", median(times[0], runs),
	       median(times[1], runs), median(times[2], runs), runs);
	return 0;
}
