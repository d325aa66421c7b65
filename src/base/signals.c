#include "base/signals.h"

#include "base/util.h"

static const int ending[] = { SIGHUP, SIGINT, SIGTERM };

static volatile sig_atomic_t came; /* a handler reaches nothing else */

int signals_open(const int *list, size_t n)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < n; i++)
		sigaddset(&set, list[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static void note(int number)
{
	came = number;
}

/* Caught, not blocked: what we execute, and what libraries do for us, begins with the default. And
 * no SA_RESTART: a system call that waits is broken off. */
void signals_hold(void)
{
	const struct sigaction hold = { .sa_handler = note };
	struct sigaction now;

	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		if (sigaction(ending[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
			sigaction(ending[i], &hold, NULL);
}

bool signals_came(void)
{
	return came != 0;
}

void signals_release(void)
{
	if (!came)
		return;
	signal(came, SIG_DFL);
	raise(came);
}
