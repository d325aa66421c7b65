#include "guard/worker.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/log.h"
#include "guard/confine.h"
#include "guard/gate.h"
#include "guard/policy.h"

static void on_opened(void *data)
{
	int ret = confine_worker();

	(void)data;
	if (ret < 0)
		log_warning("guard: cannot be confined: %s", strerror(-ret));
}

static void on_ready(void *data)
{
	int fd = *(int *)data;

	if (write(fd, "", 1) < 0)
		log_debug("guard: %s", strerror(errno));
	close(fd);
}

static int run(worker_main main, void *user, int gate, int progress, pid_t supervisor,
	       struct guard_shared *shared)
{
	const struct guard_calls calls = { .opened = on_opened,
					   .ready = on_ready,
					   .data = &progress };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* By a signal that a stopped process obeys, too: without us nobody sees that it hangs. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != supervisor)
		return -ESRCH;
	return main(gate, &calls, shared, user);
}

static void close_worker(struct worker *w)
{
	struct guard_shared *shared = w->shared;

	close_p(&w->pidfd);
	close_p(&w->gate);
	close_p(&w->progress);
	*w = WORKER_NONE;
	w->shared = shared;
}

/* Opened before the fork, so that both have it. A kernel without it is no error. */
static int open_gate(int *ret_gate)
{
	int fd = gate_open();

	if (fd < 0 && fd != -ENOSYS && fd != -EINVAL && fd != -EPERM)
		return fd;
	*ret_gate = fd;
	return 0;
}

static int prepare(struct worker *w, int ends[2])
{
	void *memory;

	if (!w->shared) {
		memory = mmap(NULL, sizeof(*w->shared), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED)
			return -errno;
		w->shared = memory;
	}
	w->shared->gate_rounds = w->shared->gate_taken = 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	w->progress = ends[0];
	return open_gate(&w->gate);
}

int worker_start(struct worker *w, worker_main main, void *user, const int *inherited,
		 size_t n_inherited, int *ret_status)
{
	int ends[2] = { -EBADF, -EBADF }, ret = prepare(w, ends);
	pid_t self = getpid();

	if (ret >= 0) {
		/* With one thread there are no locks to take care of; fork() does so by writing to
		 * memory that both could go on sharing. */
		w->pid = _Fork();
		ret = w->pid < 0 ? -errno : 0;
	}
	if (ret >= 0 && w->pid == 0) {
		/* What we held of the worker before us would keep its gate alive, with nobody to
		 * answer. */
		for (size_t i = 0; i < n_inherited; i++)
			close_p(&(int){ inherited[i] });
		close(ends[0]);
		*ret_status = run(main, user, w->gate, ends[1], self, w->shared);
		return 1;
	}
	close_p(&ends[1]);
	if (ret < 0) {
		close_worker(w);
		return ret;
	}
	w->pidfd = (int)syscall(SYS_pidfd_open, w->pid, 0);
	return 0;
}

void worker_listen(struct worker *w)
{
	char byte;

	w->ready = read(w->progress, &byte, 1) == 1;
	close_p(&w->progress);
	w->progress = -1;
}

/* At the gate, or taken and not answered: the counter of rounds moves after the answers. */
static bool keeps_waiting(const struct worker *w)
{
	struct pollfd p = { .fd = w->gate, .events = POLLIN };

	return w->shared->gate_taken != w->shared->gate_rounds || poll(&p, 1, 0) > 0;
}

bool worker_is_stuck(struct worker *w)
{
	if (!w->look_at) {
		w->look_at = policy_now() + WORKER_STUCK_MS;
		w->rounds = w->shared->gate_rounds;
		return false;
	}
	w->look_at = 0;
	return w->rounds == w->shared->gate_rounds && keeps_waiting(w);
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

	close_p(&w->gate); /* the last one: the kernel lets the execs go, whatever we wait for */
	w->gate = -1;
	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		;
	close_worker(w);
	return status;
}

void worker_end(struct worker *w, int grace_ms)
{
	struct pollfd end = { .fd = w->pidfd, .events = POLLIN };

	if (w->pid > 0) {
		if (grace_ms > 0) {
			kill(w->pid, SIGTERM);
			kill(w->pid, SIGCONT);
		}
		if (grace_ms == 0 || poll(&end, 1, grace_ms) <= 0)
			kill(w->pid, SIGKILL);
		worker_reap(w);
	}
	if (w->shared)
		munmap(w->shared, sizeof(*w->shared));
	*w = WORKER_NONE;
}
