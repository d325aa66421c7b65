#include "guard/worker.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "base/log.h"
#include "guard/confine.h"

static void tell(void *data, char word)
{
	if (write(*(int *)data, &word, 1) < 0)
		log_debug("guard: %s", strerror(errno));
}

static void on_opened(void *data)
{
	int ret = confine_worker(); /* what only opening needs is given up */

	if (ret < 0)
		log_warning("guard: cannot be confined: %s", strerror(-ret));
	tell(data, 'o');
}

static void on_ready(void *data)
{
	tell(data, 'r');
	close_p(data);
}

static int run(worker_main main, void *user, int progress, struct guard_progress *shared)
{
	const struct guard_calls calls = { .opened = on_opened,
					   .ready = on_ready,
					   .data = &progress };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	return main(&calls, shared, user);
}

static void forget(struct worker *w)
{
	close_p(&w->pidfd);
	close_p(&w->gate); /* the last descriptor: the kernel lets the execs go */
	close_p(&w->alarm);
	close_p(&w->progress);
	munmap(w->shared, sizeof(*w->shared));
	*w = WORKER_NONE;
}

int worker_start(worker_main main, void *user, const int *inherited, size_t n_inherited,
		 struct worker *ret_worker, int *ret_status)
{
	struct worker w = WORKER_NONE;
	int ends[2], ret;

	w.shared = mmap(NULL, sizeof(*w.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (w.shared == MAP_FAILED)
		return -errno;
	w.shared->gate_fd = -1;
	w.alarm = w.shared->alarm = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (w.alarm < 0 || pipe2(ends, O_CLOEXEC) < 0) {
		ret = -errno;
		forget(&w);
		return ret;
	}
	w.progress = ends[0];
	w.pid = fork();
	ret = w.pid < 0 ? -errno : 0;
	if (w.pid == 0) {
		/* What we held of the worker before us would keep its gate alive, with nobody to
		 * answer. */
		for (size_t i = 0; i < n_inherited; i++)
			close_p(&(int){ inherited[i] });
		close(ends[0]);
		*ret_status = run(main, user, ends[1], w.shared);
		return 1;
	}
	close(ends[1]);
	if (ret < 0) {
		forget(&w);
		return ret;
	}
	w.pidfd = (int)syscall(SYS_pidfd_open, w.pid, 0);
	*ret_worker = w;
	return 0;
}

int worker_listen(struct worker *w)
{
	char word = 0;

	if (read(w->progress, &word, 1) == 1 && word == 'o') {
		if (w->shared->gate_fd >= 0)
			w->gate = (int)syscall(SYS_pidfd_getfd, w->pidfd, w->shared->gate_fd, 0);
		return 0;
	}
	close_p(&w->progress);
	w->progress = -1;
	w->ready = word == 'r';
	return w->ready ? 0 : -EPIPE;
}

/* At the gate, or taken and not answered: the counter of rounds moves after the answers. */
static bool keeps_waiting(const struct worker *w)
{
	struct pollfd p = { .fd = w->gate, .events = POLLIN };

	return w->gate >= 0 &&
	       (w->shared->gate_taken != w->shared->gate_rounds || poll(&p, 1, 0) > 0);
}

bool worker_is_stuck(struct worker *w)
{
	const struct itimerspec again = { .it_value.tv_nsec = GUARD_ALARM_MS * 1000000L };
	bool waits = keeps_waiting(w), stuck;

	stuck = waits && w->alarmed && w->rounds == w->shared->gate_rounds;
	w->alarmed = waits;
	w->rounds = w->shared->gate_rounds;
	(void)timerfd_settime(w->alarm, 0, &again, NULL);
	return stuck;
}

bool worker_continue(const struct worker *w)
{
	siginfo_t info = { 0 };

	if (w->pid <= 0 || waitid(P_PID, (id_t)w->pid, &info, WSTOPPED | WNOHANG) < 0 ||
	    info.si_pid != w->pid)
		return false;
	kill(w->pid, SIGCONT);
	return true;
}

int worker_reap(struct worker *w)
{
	int status = 0;

	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		;
	forget(w);
	return status;
}

void worker_end(struct worker *w, int grace_ms)
{
	struct pollfd end = { .fd = w->pidfd, .events = POLLIN };

	if (w->pid <= 0)
		return;
	if (grace_ms > 0) {
		kill(w->pid, SIGTERM);
		kill(w->pid, SIGCONT);
	}
	if (grace_ms == 0 || poll(&end, 1, grace_ms) <= 0)
		kill(w->pid, SIGKILL);
	worker_reap(w);
}
