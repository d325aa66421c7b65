#include "guard/supervise.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/signals.h"
#include "guard/policy.h"
#include "guard/unstop.h"
#include "guard/watch.h"

/* Before a worker is started in the place of one that died; doubled each time up to the limit, and
 * back to the beginning after one that lived long. */
#define RESTART_MS 50
#define RESTART_LIMIT_MS 5000
#define LIVED_MS 60000
/* Whoever edits profiles may write several files. */
#define SETTLE_MS 1000
#define GRACE_MS 1000
/* How long both of us may be stopped: an exec waits a second at most. */
#define STOPPED_MS 700

struct supervisor {
	const struct supervise *how;
	struct worker worker, next;     /* .next: to take over after a reload */
	struct rules rules, next_rules; /* theirs */
	int signals;
	int unstop;
	int64_t started_at, beat_at, reload_at; /* monotonic ms; 0: never */
	int restart_ms;
	bool told_ready, ends;
	int status;
};

enum source {
	SOURCE_SIGNALS,
	SOURCE_PROFILES,
	SOURCE_END,
	SOURCE_PROGRESS,
	SOURCE_GATE,
	SOURCE_NEXT_END,
	SOURCE_NEXT_PROGRESS,
	SOURCE_NEXT_GATE,
	N_SOURCES,
};

struct start {
	const struct supervise *how;
	struct rules *rules;
};

static int run_worker(int gate, const struct guard_calls *calls, struct guard_shared *shared,
		      void *user)
{
	const struct start *start = user;

	return start->how->work(start->rules, gate, calls, shared, start->how->user);
}

static int start_worker(struct supervisor *s, struct worker *w)
{
	/* All that the supervisor has open, but what belongs to the worker to be. */
	const int inherited[] = {
		s->signals,     s->how->profiles,   s->worker.pidfd,
		s->worker.gate, s->worker.progress, s->next.pidfd,
		s->next.gate,   s->next.progress,   s->unstop,
	};
	struct start start = { s->how, w == &s->next ? &s->next_rules : &s->rules };
	int ret = worker_start(w, run_worker, &start, inherited, ARRAY_SIZE(inherited), &s->status);

	if (ret > 0) { /* the worker itself, which has done its work */
		s->worker = s->next = WORKER_NONE;
		s->ends = true;
	}
	if (ret == 0)
		s->started_at = policy_now();
	return ret;
}

/* Execs came, or it is time to look after them. */
static bool kill_stuck(struct worker *w)
{
	if (!worker_is_stuck(w) || kill(w->pid, SIGKILL) < 0)
		return false;
	log_error("guard: execs have waited %d ms for an answer; the worker is ended",
		  WORKER_STUCK_MS);
	return true;
}

/* The next worker has everything in hand. */
static void replace_worker(struct supervisor *s)
{
	worker_end(&s->worker, 0);
	rules_free(&s->rules);
	s->worker = s->next;
	s->rules = s->next_rules;
	s->next = WORKER_NONE;
	s->next_rules = (struct rules){ 0 };
	log_info("guard: reloaded");
}

static void on_progress(struct supervisor *s, struct worker *w)
{
	worker_listen(w);
	if (!w->ready)
		return; /* it has ended; its pidfd says so too */
	if (w == &s->next)
		replace_worker(s);
	if (!s->told_ready)
		s->how->ready(s->how->user);
	s->told_ready = true;
}

static void restart_later(struct supervisor *s)
{
	if (s->restart_ms == 0 || policy_now() - s->started_at > LIVED_MS)
		s->restart_ms = RESTART_MS;
	sleep_ms(s->restart_ms);
	s->restart_ms = s->restart_ms * 2 < RESTART_LIMIT_MS ? s->restart_ms * 2 : RESTART_LIMIT_MS;
}

static void on_worker_end(struct supervisor *s)
{
	int status = worker_reap(&s->worker);

	if (s->next.pid > 0) /* told to quit by it: it says a moment later that it is ready */
		replace_worker(s);
	else if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		s->ends = true; /* told to, or another guard has taken over */
	else {
		if (WIFSIGNALED(status))
			log_error("guard: the worker was ended by signal %d and is started again",
				  WTERMSIG(status));
		else
			log_error("guard: the worker ended unexpectedly and is started again");
		restart_later(s);
	}
}

static void on_next_end(struct supervisor *s)
{
	worker_end(&s->next, 0);
	rules_free(&s->next_rules);
	log_error("guard: the new worker ended; the old one stays");
}

static void reload(struct supervisor *s)
{
	int ret;

	s->reload_at = 0;
	if (s->next.pid > 0) {
		s->reload_at = policy_now() + SETTLE_MS; /* after the one under way */
		return;
	}
	if (s->how->load(&s->next_rules, s->how->user) != 0) {
		log_error("guard: the new profile cannot be used; the old one stays in force");
		return;
	}
	ret = start_worker(s, &s->next);
	if (ret < 0) {
		log_error("guard: reload: %s", strerror(-ret));
		rules_free(&s->next_rules);
	}
}

static void on_signal(struct supervisor *s)
{
	struct signalfd_siginfo info;

	while (!s->ends && read(s->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			reload(s);
		} else if (info.ssi_signo != SIGCHLD) {
			s->ends = true;
		} else if (worker_continue(&s->worker) || worker_continue(&s->next)) {
			log_warning("guard: the worker was stopped; it goes on");
		}
	}
}

static void on_name(const char *name, bool appeared, void *data)
{
	struct supervisor *s = data;

	(void)appeared;
	if (!s->reload_at && s->how->concerns(name, s->how->user))
		s->reload_at = policy_now() + SETTLE_MS;
}

static void on_profiles(struct supervisor *s)
{
	(void)watch_drain(s->how->profiles, on_name, s);
}

static int until(int64_t when, int timeout)
{
	int64_t left = when - policy_now();

	if (!when)
		return timeout;
	if (left < 0)
		left = 0;
	return timeout < 0 || left < timeout ? (int)left : timeout;
}

/* What is due without anybody saying so; the milliseconds until the next, or -1. */
static int on_time(struct supervisor *s)
{
	int64_t now = policy_now();

	if (s->how->beat_ms > 0 && now >= s->beat_at) {
		s->how->beat(s->how->user);
		s->beat_at = now + s->how->beat_ms;
	}
	if (s->reload_at && now >= s->reload_at)
		reload(s);
	if (s->next.look_at && now >= s->next.look_at && kill_stuck(&s->next))
		on_next_end(s);
	if (s->worker.look_at && now >= s->worker.look_at && kill_stuck(&s->worker))
		on_worker_end(s);
	return until(s->worker.look_at,
		     until(s->next.look_at, until(s->reload_at, until(s->beat_at, -1))));
}

static void serve(struct supervisor *s, enum source source)
{
	switch (source) {
	case SOURCE_SIGNALS:
		on_signal(s);
		break;
	case SOURCE_PROFILES:
		on_profiles(s);
		break;
	case SOURCE_NEXT_PROGRESS:
		on_progress(s, &s->next);
		break;
	case SOURCE_NEXT_END:
		on_next_end(s);
		break;
	case SOURCE_NEXT_GATE:
		(void)worker_is_stuck(&s->next);
		break;
	case SOURCE_PROGRESS:
		on_progress(s, &s->worker);
		break;
	case SOURCE_END:
		on_worker_end(s);
		break;
	case SOURCE_GATE:
		(void)worker_is_stuck(&s->worker);
		break;
	case N_SOURCES:
		break;
	}
}

/* One thing a turn: each may change what the others are about. What a worker said before its end
 * comes before the end. */
static void turn(struct supervisor *s)
{
	static const enum source order[] = {
		SOURCE_SIGNALS, SOURCE_NEXT_PROGRESS, SOURCE_NEXT_END, SOURCE_PROGRESS,
		SOURCE_END,     SOURCE_NEXT_GATE,     SOURCE_GATE,     SOURCE_PROFILES,
	};
	struct pollfd p[N_SOURCES] = {
		[SOURCE_SIGNALS] = { s->signals, POLLIN, 0 },
		[SOURCE_PROFILES] = { s->how->profiles, POLLIN, 0 },
		[SOURCE_END] = { s->worker.pidfd, POLLIN, 0 },
		[SOURCE_PROGRESS] = { s->worker.progress, POLLIN, 0 },
		[SOURCE_GATE] = { s->worker.look_at ? -1 : s->worker.gate, POLLIN, 0 },
		[SOURCE_NEXT_END] = { s->next.pidfd, POLLIN, 0 },
		[SOURCE_NEXT_PROGRESS] = { s->next.progress, POLLIN, 0 },
		[SOURCE_NEXT_GATE] = { s->next.look_at ? -1 : s->next.gate, POLLIN, 0 },
	};
	const struct rlimit enough = { 64, 64 };
	int timeout = on_time(s), ready;

	if (s->ends)
		return;
	ready = poll(p, N_SOURCES, timeout);
	/* The limit of open files was lowered below what we have: raised again, or else the gate
	 * must not stay in the hands of one who hears nothing. */
	if (ready < 0 && errno != EINTR && setrlimit(RLIMIT_NOFILE, &enough) < 0) {
		s->status = -errno;
		s->ends = true;
	}
	if (ready <= 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (p[order[i]].revents) {
			serve(s, order[i]);
			return;
		}
}

static int open_signals(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };

	/* Not to be stopped from a terminal; and told about workers, whoever started us. */
	signal(SIGTSTP, SIG_IGN);
	signal(SIGTTIN, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	return signals_open(signals, ARRAY_SIZE(signals));
}

int supervise_run(const struct supervise *how)
{
	struct supervisor s = {
		.how = how,
		.worker = WORKER_NONE,
		.next = WORKER_NONE,
		.signals = open_signals(),
		.unstop = -EBADF,
	};
	int ret;

	if (s.signals < 0)
		return s.signals;
	ret = unstop_start(STOPPED_MS, &s.unstop);
	if (ret < 0)
		log_warning("guard: if both of its processes are stopped, execs wait: %s",
			    strerror(-ret));
	s.status = how->load(&s.rules, how->user);
	if (s.status != 0)
		s.ends = true;
	while (!s.ends) {
		ret = s.worker.pid > 0 ? 0 : start_worker(&s, &s.worker);
		if (ret < 0) {
			log_error("guard: cannot start a worker: %s", strerror(-ret));
			restart_later(&s);
		} else if (ret == 0) {
			turn(&s);
		}
	}
	worker_end(&s.next, GRACE_MS);
	worker_end(&s.worker, GRACE_MS);
	rules_free(&s.rules);
	rules_free(&s.next_rules);
	close_p(&s.signals);
	close_p(&s.unstop);
	return s.status;
}
