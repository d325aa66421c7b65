#include "guard/guard.h"

#include <fcntl.h>
#include <poll.h>

#include "base/log.h"
#include "base/signals.h"
#include "guard/control.h"
#include "guard/explain.h"
#include "guard/filter.h"
#include "guard/handover.h"
#include "guard/leash.h"
#include "guard/lineage.h"
#include "guard/programs.h"
#include "guard/rescan.h"
#include "guard/scan.h"
#include "guard/watch.h"

/* After an exec was let go, before anything else is done about it; and at most. */
#define AFTERWARDS_MS 1
#define FLOOD_MS 20

enum source {
	SOURCE_GATE,
	SOURCE_WATCH,
	SOURCE_CONTROL, /* up to here also between the steps of what takes long */
	SOURCE_EVENTS,
	SOURCE_MOUNTS,
	SOURCE_SIGNAL,
	SOURCE_PRESSURE,
	N_SOURCES,
};

struct guard {
	const struct machine *machine;
	struct policy policy;
	struct gate gate;
	struct programs programs;
	struct pollfd sources[N_SOURCES];
	struct guard_shared *shared;
	int64_t leash_at; /* monotonic ms */
	struct rescan rescan;
	struct filter filter;
	int status;
	bool ends;
};

static void (*const serve[N_SOURCES])(struct guard *g);
static void serve_events(struct guard *g);

static int fd_of(const struct guard *g, enum source source)
{
	return g->sources[source].fd;
}

static void answer(const char *request, FILE *out, void *data)
{
	struct guard *g = data;
	const char *pid;
	char text[4096];

	if (streq(request, "status"))
		g->rescan.wanted |= handover_status(&g->policy, out) > 0;
	else if (streq(request, "state"))
		handover_state(&g->policy, out);
	else if (streq(request, "quit"))
		g->ends = true;
	else if ((pid = after_prefix(request, "why "))) {
		explain_process(&g->policy, atoi(pid), text, sizeof(text));
		fputs(text, out);
	}
}

/* --- sources --- */

static bool on_gate(pid_t pid, const struct file_id *program, void *data)
{
	struct guard *g = data;
	bool known;

	if (!program) {
		pin_failed(&g->policy, pid, NULL, -errno);
		return true;
	}
	known = programs_expect(&g->programs, program);
	policy_gate(&g->policy, pid, program);
	g->policy.starved |= !known && is_shortage(g->programs.unsure);
	return known || g->programs.unsure < 0;
}

/* Whoever comes after us may fare better. */
static void give_up(struct guard *g, int error)
{
	log_error("guard: %s", strerror(-error));
	g->status = error;
	g->ends = true;
}

static void serve_gate(struct guard *g)
{
	int ret;

	g->policy.starved = false;
	g->shared->gate_taken++;
	ret = gate_dispatch(&g->gate, on_gate, g);
	g->shared->gate_rounds = g->shared->gate_taken;
	g->rescan.wanted |= g->policy.failure.error != 0; /* it may be found a moment later */
	if (ret >= 0 && g->policy.starved)
		ret = -EMFILE;
	if (ret < 0)
		give_up(g, ret);
}

/* A new file is marked before anybody can execute it. */
static void serve_watch(struct guard *g)
{
	g->rescan.wanted |= programs_follow(&g->programs);
}

static void serve_control(struct guard *g)
{
	int ret = control_serve(fd_of(g, SOURCE_CONTROL), answer, g);

	if (ret < 0)
		give_up(g, ret);
}

/* Between two steps of something long: nobody should wait for its end. */
static void serve_meanwhile(void *data)
{
	struct guard *g = data;
	struct pollfd p[SOURCE_CONTROL + 1];

	memcpy(p, g->sources, sizeof(p));
	if (g->ends || poll(p, ARRAY_SIZE(p), 0) <= 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		if (p[i].revents)
			serve[i](g);
}

/* What was missed of those that joined since, or of @all. */
static void look_after_members(struct guard *g, bool all)
{
	if (policy_catch_up(&g->policy, all))
		serve_events(g);
	g->rescan.wanted |= policy_missed_ends(&g->policy);
}

static void look_for_orphans(struct guard *g)
{
	serve_events(g);
	lineage_look(&g->policy);
}

static void scan_again(struct guard *g)
{
	g->policy.rescans += rescan_begin(&g->rescan);
	g->policy.unsure = g->policy.unseen = g->policy.starved = false;
	if (g->programs.unsure < 0)
		programs_resolve(&g->programs);
	look_after_members(g, true);
	look_for_orphans(g);
	scan_run(&g->policy);
	g->rescan.wanted |= g->policy.unsure;
	if (g->policy.starved)
		give_up(g, -EMFILE);
}

static void on_event(const struct procevent *e, void *data)
{
	struct guard *g = data;

	policy_event(&g->policy, e);
	serve_meanwhile(g);
}

static void serve_events(struct guard *g)
{
	int fd = fd_of(g, SOURCE_EVENTS), ret = fd < 0 ? 0 : procevent_read(fd, on_event, g);

	if (ret == -ENOBUFS) {
		g->policy.lost_events++;
		g->rescan.wanted = true;
	} else if (ret < 0) { /* nothing more will come from there */
		log_error("guard: process events: %s", strerror(-ret));
		g->sources[SOURCE_EVENTS].fd = -1;
	} else if (rescan_is_overdue(&g->rescan)) {
		scan_again(g);
	}
	g->rescan.wanted |= g->policy.failure.error != 0;
}

/* A program may be somewhere else now, or be there at last. */
static void serve_mounts(struct guard *g)
{
	g->rescan.wanted |= programs_resolve(&g->programs);
}

/* Memory is short: leashes count now, and events may have been lost without a word. */
static void serve_pressure(struct guard *g)
{
	g->leash_at = 0;
	g->rescan.wanted = true;
}

static void serve_signal(struct guard *g)
{
	struct signalfd_siginfo info;

	while (read(fd_of(g, SOURCE_SIGNAL), &info, sizeof(info)) == sizeof(info))
		g->ends = true;
}

/* Called before an exec is let go. */
static void on_joined(void *data)
{
	struct guard *g = data;

	filter_widen(&g->filter, fd_of(g, SOURCE_EVENTS), &g->policy);
}

static void catch_up(struct guard *g)
{
	programs_refresh(&g->programs);
	if (g->filter.wide)
		serve_events(g); /* whose forks are among those to be let through from now on */
	if (g->policy.family->grown)
		g->leash_at = 0; /* one more may have a leash */
	filter_refresh(&g->filter, fd_of(g, SOURCE_EVENTS), &g->policy);
	look_after_members(g, false);
}

/* --- life --- */

static void add_source(struct guard *g, enum source source, int fd, short events, const char *name)
{
	g->sources[source] = (struct pollfd){ .fd = fd < 0 ? -1 : fd, .events = events };
	if (fd < 0 && name)
		log_warning("guard: no %s: %s", name, strerror(-fd));
}

static int open_sources(struct guard *g)
{
	static const int signals[] = { SIGTERM, SIGINT };
	int fd = signals_open(signals, ARRAY_SIZE(signals));

	if (fd < 0)
		return fd;
	signal(SIGPIPE, SIG_IGN);
	add_source(g, SOURCE_SIGNAL, fd, POLLIN, "signals");
	add_source(g, SOURCE_GATE, g->gate.fd, POLLIN, "exec gate");
	add_source(g, SOURCE_EVENTS, procevent_open(), POLLIN, "process events");
	add_source(g, SOURCE_WATCH, watch_open(), POLLIN, "directory watch");
	add_source(g, SOURCE_MOUNTS, root_openat(&g->machine->procfs, "self/mountinfo", O_RDONLY),
		   POLLPRI, "mounts");
	add_source(g, SOURCE_PRESSURE, leash_open(&g->machine->procfs), POLLPRI, NULL);
	g->policy.gated = g->gate.fd >= 0;
	g->programs.watch = fd_of(g, SOURCE_WATCH);
	return 0;
}

static void (*const serve[N_SOURCES])(struct guard *g) = {
	[SOURCE_GATE] = serve_gate,         [SOURCE_EVENTS] = serve_events,
	[SOURCE_WATCH] = serve_watch,       [SOURCE_MOUNTS] = serve_mounts,
	[SOURCE_CONTROL] = serve_control,   [SOURCE_SIGNAL] = serve_signal,
	[SOURCE_PRESSURE] = serve_pressure,
};

static int sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int until_rescan(struct guard *g)
{
	return rescan_due(&g->rescan, g->programs.unsure < 0 || g->policy.unseen);
}

/* What is due without anybody saying so; the milliseconds until the next, or -1. */
static int on_time(struct guard *g)
{
	int due;

	if (until_rescan(g) == 0)
		scan_again(g);
	if (lineage_due(&g->policy) == 0)
		look_for_orphans(g);
	pin_say_failure(&g->policy);
	due = sooner(until_rescan(g), leash_check(&g->policy, &g->leash_at));
	due = sooner(due, lineage_due(&g->policy));
	return sooner(due, policy_check_due(&g->policy));
}

/* The gate first: somebody waits there. The others come next time, or, where that would never be,
 * @all at once. */
static void serve_all(struct guard *g, bool all)
{
	for (int i = 0; i < N_SOURCES; i++) {
		if (!g->sources[i].revents)
			continue;
		serve[i](g);
		if (i == SOURCE_GATE && !all)
			break;
	}
}

/* What was let go wants to run: what else it means for us waits a moment, but not for ever. */
static void loop(struct guard *g)
{
	int64_t served = 0;

	while (!g->ends) {
		unsigned long rounds = g->shared->gate_rounds;
		bool flood = served && policy_now() - served > FLOOD_MS;
		int timeout = AFTERWARDS_MS, ready;

		if (!served || flood) {
			served = 0;
			catch_up(g);
			timeout = on_time(g);
			if (g->policy.family->grown) /* by a scan: their events, too, at once */
				timeout = 0;
		}
		ready = poll(g->sources, served ? SOURCE_WATCH + 1 : N_SOURCES, timeout);
		if (ready > 0)
			serve_all(g, flood);
		else if (ready < 0 && errno != EINTR)
			give_up(g, -errno); /* no more descriptors than we have, and fewer */
		if (rounds == g->shared->gate_rounds)
			served = 0;
		else if (!served)
			served = policy_now();
	}
}

static void close_all(struct guard *g)
{
	g->sources[SOURCE_GATE].fd = -1;
	gate_close(&g->gate);
	for (int i = 0; i < N_SOURCES; i++)
		close_p(&g->sources[i].fd);
	rules_free(&g->policy.rules);
}

static void begin(struct guard *g)
{
	_cleanup_close_ int lock = -EBADF;

	programs_resolve(&g->programs); /* marks first: nothing slips between them and the scan */
	lock = handover_lock(g->machine, &g->policy);
	handover_learn(g->machine, &g->policy);
	g->policy.family->grown = true;
	catch_up(g);
	look_after_members(g, true); /* a worker of before knew some */
	(void)rescan_begin(&g->rescan);
	scan_run(&g->policy);
	g->policy.watching = g->policy.gated;
	handover_dismiss(g->machine);
	add_source(g, SOURCE_CONTROL, control_listen(g->machine), POLLIN, "control socket");
}

int guard_run(const struct machine *m, struct rules *rules, int gate,
	      const struct guard_calls *calls, struct guard_shared *shared)
{
	struct guard g = {
		.machine = m,
		.shared = shared,
		.gate = GATE_NONE,
		.programs = { .machine = m,
			      .rules = &g.policy.rules,
			      .gate = &g.gate,
			      .watch = -EBADF },
		.policy = { .meanwhile = serve_meanwhile,
			    .meanwhile_data = &g,
			    .joined = on_joined,
			    .joined_data = &g },
	};
	int ret = gate < 0 ? 0 : gate_take(gate, &g.gate);

	for (int i = 0; i < N_SOURCES; i++)
		g.sources[i].fd = -1;
	if (ret >= 0)
		ret = policy_open(&g.policy, &m->procfs, rules, &shared->family);
	if (ret >= 0)
		ret = open_sources(&g);
	if (ret >= 0) {
		calls->opened(calls->data);
		begin(&g);
		calls->ready(calls->data);
		loop(&g);
		ret = g.status;
	}
	close_all(&g);
	return ret;
}
