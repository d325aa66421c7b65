#include "guard/supervise.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/log.h"

/* How long an exec may wait at the gate before the worker counts as stuck, in ms. Looked at twice
 * a second at the most, and only while execs wait. */
#define STUCK_MS 300
#define RESTART_MS 100
/* How long a worker may take to begin, on a slow machine with thousands of processes to look at. */
#define BEGIN_MS 5000

struct worker {
	pid_t pid; /* 0: none */
	int pidfd;
	int gate; /* our own descriptor of its gate, to see whether execs wait; or -1 */
	int ready_pipe;
	struct guard_progress *progress;
};

static const struct worker no_worker = { .pidfd = -1, .gate = -1, .ready_pipe = -1 };

struct supervisor {
	const struct supervise *how;
	struct worker worker, next; /* .next: to take over after a reload */
	int signals;
	bool told_ready, ends;
	int status;
};

static void tell_ready(void *data)
{
	int fd = *(int *)data;

	if (write(fd, "", 1) < 0)
		log_debug("guard: %s", strerror(errno));
	close(fd);
}

/* Ends with the worker's work: in this process there is nothing to supervise. */
static void become_worker(struct supervisor *s, struct guard_progress *progress, int ready_pipe)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* What we hold of the worker before us would keep its gate alive, with nobody to answer. */
	close_p(&s->worker.gate);
	close_p(&s->worker.pidfd);
	close_p(&s->signals);
	s->status = s->how->work(progress, tell_ready, &ready_pipe, s->how->user);
	s->worker = s->next = no_worker;
	s->signals = -1;
	s->ends = true;
}

static int start_worker(struct supervisor *s, struct worker *w)
{
	int ready[2];

	*w = no_worker;
	w->progress = mmap(NULL, sizeof(*w->progress), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (w->progress == MAP_FAILED)
		return -errno;
	w->progress->gate_fd = -1;
	if (pipe2(ready, O_CLOEXEC) < 0)
		return -errno;
	w->pid = fork();
	if (w->pid < 0)
		return -errno;
	if (w->pid == 0) {
		close(ready[0]);
		become_worker(s, w->progress, ready[1]);
		return 0;
	}
	close(ready[1]);
	w->ready_pipe = ready[0];
	w->pidfd = (int)syscall(SYS_pidfd_open, w->pid, 0);
	return 0;
}

static void forget_worker(struct worker *w)
{
	close_p(&w->pidfd);
	close_p(&w->gate); /* the last descriptor: the kernel lets the execs go */
	close_p(&w->ready_pipe);
	if (w->progress)
		munmap(w->progress, sizeof(*w->progress));
	*w = no_worker;
}

static int reap(struct worker *w)
{
	int status = 0;

	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		;
	forget_worker(w);
	return status;
}

static void end_worker(struct worker *w, int sig)
{
	if (w->pid <= 0)
		return;
	kill(w->pid, sig);
	kill(w->pid, SIGCONT);
	reap(w);
}

static void sleep_ms(long ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

static bool execs_wait(const struct worker *w)
{
	struct pollfd p = { .fd = w->gate, .events = POLLIN };

	return w->gate >= 0 && poll(&p, 1, 0) > 0;
}

/* Execs came to the gate a moment ago. Are they being let through? Either they still wait to be
 * taken, or the worker has taken them and not answered yet; the counter moves after the answers. */
static void look_at_gate(struct supervisor *s)
{
	struct worker *w = &s->worker;
	unsigned long rounds = w->progress->gate_rounds;

	if (w->progress->gate_taken == rounds && !execs_wait(w))
		return;
	sleep_ms(STUCK_MS);
	if (w->progress->gate_rounds != rounds)
		return;
	log_error("guard: execs have waited %d ms for an answer; the worker is ended", STUCK_MS);
	end_worker(w, SIGKILL);
}

static void on_worker_ready(struct supervisor *s, struct worker *w)
{
	char byte;
	bool ready = read(w->ready_pipe, &byte, 1) == 1;

	close_p(&w->ready_pipe);
	w->ready_pipe = -1;
	if (!ready)
		return; /* it ended; its pidfd says so too */
	if (w->progress->gate_fd >= 0)
		w->gate = (int)syscall(SYS_pidfd_getfd, w->pidfd, w->progress->gate_fd, 0);
	if (w == &s->next) { /* the old one has been told to quit */
		if (s->worker.pid > 0)
			reap(&s->worker);
		s->worker = s->next;
		s->next = no_worker;
		log_info("guard: reloaded");
	}
	if (!s->told_ready)
		s->how->ready(s->how->user);
	s->told_ready = true;
}

static void on_worker_end(struct supervisor *s)
{
	int status = reap(&s->worker);

	if (s->next.pid > 0) { /* told to quit by it: it says a moment later that it is ready */
		s->worker = s->next;
		s->next = no_worker;
		log_info("guard: reloaded");
		return;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		s->ends = true; /* told to, or another guard has taken over */
	} else if (!s->told_ready) {
		s->ends = true; /* it cannot begin at all */
		s->status = -EIO;
	} else {
		log_error("guard: the worker ended unexpectedly and is started again");
		sleep_ms(RESTART_MS);
	}
}

static void on_signal(struct supervisor *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			s->ends = true;
		else if (s->next.pid <= 0 && start_worker(s, &s->next) < 0)
			log_error("guard: reload: %s", strerror(errno));
	}
}

static void on_next_end(struct supervisor *s)
{
	reap(&s->next);
	log_error("guard: the new profile cannot be used; the old one stays in force");
}

/* Started, and not ready yet. */
static bool begins(const struct worker *w)
{
	return w->pid > 0 && w->ready_pipe >= 0;
}

static int wait_for_something(struct supervisor *s, struct pollfd *p)
{
	p[0] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = s->worker.pidfd, .events = POLLIN };
	p[2] = (struct pollfd){ .fd = s->worker.ready_pipe, .events = POLLIN };
	p[3] = (struct pollfd){ .fd = s->worker.gate, .events = POLLIN };
	p[4] = (struct pollfd){ .fd = s->next.pidfd, .events = POLLIN };
	p[5] = (struct pollfd){ .fd = s->next.ready_pipe, .events = POLLIN };
	return poll(p, 6, begins(&s->worker) || begins(&s->next) ? BEGIN_MS : -1);
}

/* Nothing happened for long, although a worker is to become ready: its marks may hold up execs
 * already. */
static void end_stuck_beginners(struct supervisor *s)
{
	struct worker *beginner = begins(&s->next) ? &s->next : &s->worker;

	if (!begins(beginner))
		return;
	log_error("guard: a worker did not become ready in %d ms; it is ended", BEGIN_MS);
	kill(beginner->pid, SIGKILL); /* its end is noticed like any other */
}

static void turn(struct supervisor *s)
{
	struct pollfd p[6];
	int ready;

	if (s->worker.pid <= 0 && start_worker(s, &s->worker) < 0)
		sleep_ms(1000);
	if (s->ends || s->worker.pid <= 0)
		return;
	ready = wait_for_something(s, p);
	if (ready == 0)
		end_stuck_beginners(s);
	if (ready <= 0)
		return;
	if (p[0].revents)
		on_signal(s);
	if (p[5].revents)
		on_worker_ready(s, &s->next);
	else if (p[4].revents)
		on_next_end(s);
	else if (p[2].revents)
		on_worker_ready(s, &s->worker);
	else if (p[1].revents)
		on_worker_end(s);
	else if (p[3].revents)
		look_at_gate(s);
}

static int open_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int supervise_run(const struct supervise *how)
{
	struct supervisor s = {
		.how = how,
		.worker = no_worker,
		.next = no_worker,
		.signals = open_signals(),
	};

	if (s.signals < 0)
		return s.signals;
	while (!s.ends)
		turn(&s);
	end_worker(&s.next, SIGTERM);
	end_worker(&s.worker, SIGTERM);
	close_p(&s.signals);
	return s.status;
}
