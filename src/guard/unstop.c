#include "guard/unstop.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

/* From Linux 6.13 on a timer ends at the first signal that is ignored. */
static bool timers_go_on(void)
{
	unsigned major, minor;
	struct utsname u;

	return uname(&u) == 0 && sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
	       (major < 6 || (major == 6 && minor < 13));
}

static int by_timer(int ms)
{
	const struct timespec period = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };
	const struct itimerspec always = { .it_interval = period, .it_value = period };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGCONT };
	timer_t timer;

	if (!timers_go_on())
		return -EOPNOTSUPP;
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0)
		return -errno;
	return timer_settime(timer, 0, &always, NULL) < 0 ? -errno : 0;
}

/* The clock of processor @cpu, which counts a period after the other and says so by a signal. */
static int by_clock(int cpu, int ms, int *ret_fd)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = (uint64_t)ms * 1000000,
		.wakeup_events = 1,
	};
	_cleanup_close_ int fd =
		(int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0 || fcntl(fd, F_SETSIG, SIGCONT) < 0 || fcntl(fd, F_SETOWN, getpid()) < 0 ||
	    fcntl(fd, F_SETFL, O_ASYNC) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int unstop_start(int ms, int *ret_fd)
{
	*ret_fd = -EBADF;
	/* The first one is hardly ever switched off, which would be the clock's end. */
	if (by_clock(0, ms, ret_fd) >= 0 || by_clock(sched_getcpu(), ms, ret_fd) >= 0)
		return 0;
	return by_timer(ms);
}
