#include "guard/guard.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "base/log.h"
#include "guard/control.h"
#include "guard/explain.h"
#include "guard/gate.h"
#include "guard/handover.h"
#include "guard/leash.h"
#include "guard/scan.h"
#include "guard/watch.h"

enum source {
	SOURCE_GATE,
	SOURCE_EVENTS,
	SOURCE_WATCH,
	SOURCE_CONTROL,
	SOURCE_SIGNAL,
	SOURCE_PRESSURE,
	N_SOURCES,
};

struct guard {
	const struct machine *machine;
	struct policy policy;
	struct pollfd sources[N_SOURCES];
	struct guard_progress *progress;
	int64_t lost_events, rescans;
	bool changed; /* a program is another file than before */
	bool ends;
};

static int fd_of(const struct guard *g, enum source source)
{
	return g->sources[source].fd;
}

/* --- programs --- */

static void visit(int fd, bool is_program, void *data)
{
	struct guard *g = data;
	int ret = 0;

	if (is_program && fd_of(g, SOURCE_GATE) >= 0)
		ret = gate_mark(fd_of(g, SOURCE_GATE), fd);
	else if (!is_program && fd_of(g, SOURCE_WATCH) >= 0)
		ret = watch_add(fd_of(g, SOURCE_WATCH), fd);
	if (ret < 0)
		log_debug("guard: %s: %s", is_program ? "mark" : "watch", strerror(-ret));
}

static void resolve(struct guard *g)
{
	for (unsigned i = 0; i < g->policy.rules.n; i++) {
		struct rule *rule = &g->policy.rules.list[i];
		struct file_id before = rule->program;
		const char *problem = rule->problem;

		rule_resolve(rule, &g->machine->root, visit, g);
		if (rule->resolved && !file_id_equal(&before, &rule->program))
			g->changed = true;
		if (rule->problem && !streq_null(rule->problem, problem))
			log_warning("guard: %s: %s: %s", rule->service, rule->exe, rule->problem);
	}
	/* Watching directories moved us about; the root is where we disturb nobody. */
	if (fchdir(g->machine->procfs.fd) < 0)
		log_debug("guard: %s", strerror(errno));
}

/* --- sources --- */

static bool is_known(const struct guard *g, const struct file_id *program)
{
	for (unsigned i = 0; i < g->policy.rules.n; i++)
		if (g->policy.rules.list[i].resolved &&
		    file_id_equal(&g->policy.rules.list[i].program, program))
			return true;
	return false;
}

static void on_gate(pid_t pid, const struct file_id *program, void *data)
{
	struct guard *g = data;

	/* Marked when it appeared beside a program, and that program by now: a package upgrade. */
	if (!is_known(g, program))
		resolve(g);
	policy_gate(&g->policy, pid, program);
}

static void serve_gate(struct guard *g)
{
	int ret;

	g->progress->gate_taken++;
	ret = gate_dispatch(fd_of(g, SOURCE_GATE), on_gate, g);
	g->progress->gate_rounds = g->progress->gate_taken;
	if (ret < 0)
		log_error("guard: exec gate: %s", strerror(-ret));
}

static void on_event(const struct procevent *e, void *data)
{
	policy_event(&((struct guard *)data)->policy, e);
}

static void rescan(struct guard *g)
{
	g->rescans++;
	scan_run(&g->policy);
}

static void serve_events(struct guard *g)
{
	int ret = procevent_read(fd_of(g, SOURCE_EVENTS), on_event, g);

	if (ret == -ENOBUFS) {
		g->lost_events++;
		rescan(g);
	}
}

/* A file that appears beside a program may be renamed to it a moment later: the mark goes with it,
 * so that its first exec comes to the gate. */
static void on_appearance(const char *name, void *data)
{
	struct guard *g = data;

	for (unsigned i = 0; i < g->policy.rules.n && fd_of(g, SOURCE_GATE) >= 0; i++) {
		const char *exe = g->policy.rules.list[i].exe;
		char path[PATH_MAX];
		_cleanup_close_ int fd = -EBADF;

		if ((size_t)snprintf(path, sizeof(path), "%.*s%s",
				     (int)(strrchr(exe, '/') + 1 - exe), exe, name) >= sizeof(path))
			continue;
		fd = root_openat(&g->machine->root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
		if (fd >= 0 && gate_mark(fd_of(g, SOURCE_GATE), fd) < 0)
			log_debug("guard: %s: %s", path, strerror(errno));
	}
}

static void serve_watch(struct guard *g)
{
	if (!watch_drain(fd_of(g, SOURCE_WATCH), on_appearance, g))
		return;
	g->changed = false;
	resolve(g);
	if (g->changed)
		rescan(g);
}

/* Memory is short: leashes count now, and events may have been lost without a word. */
static void serve_pressure(struct guard *g)
{
	leash_check(&g->policy);
	rescan(g);
}

static void serve_signal(struct guard *g)
{
	struct signalfd_siginfo info;

	while (read(fd_of(g, SOURCE_SIGNAL), &info, sizeof(info)) == sizeof(info))
		g->ends = true;
}

/* The filter lets through what concerns members only; it follows them. */
static void refresh_filter(struct guard *g)
{
	struct family *f = &g->policy.family;
	pid_t pids[FAMILY_MAX];
	size_t n = 0;

	if (!f->changed || fd_of(g, SOURCE_EVENTS) < 0)
		return;
	family_foreach(m, f) if (n < 600) pids[n++] = m->pid;
	if (procevent_filter(fd_of(g, SOURCE_EVENTS), pids, n,
			     policy_needs_all_execs(&g->policy)) == 0)
		f->changed = false;
}

/* --- control --- */

static void answer(const char *request, FILE *out, void *data)
{
	struct guard *g = data;
	const char *pid;
	char text[4096];

	if (streq(request, "status"))
		handover_status(&g->policy, g->lost_events, g->rescans, out);
	else if (streq(request, "state"))
		handover_state(&g->policy, out);
	else if (streq(request, "quit"))
		g->ends = true;
	else if ((pid = after_prefix(request, "why "))) {
		explain_process(&g->policy, atoi(pid), text, sizeof(text));
		fputs(text, out);
	}
}

/* Learns what the guard before us knows. It goes on until we are ready. */
static bool learn(struct guard *g)
{
	_cleanup_free_ char *state = NULL;
	char *line, *rest;

	if (control_ask(g->machine, "state\n", &state) < 0)
		return false;
	for (line = strtok_r(state, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		handover_adopt(&g->policy, line);
	return true;
}

/* --- life --- */

static int open_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static void add_source(struct guard *g, enum source source, int fd, short events, const char *name)
{
	g->sources[source] = (struct pollfd){ .fd = fd < 0 ? -1 : fd, .events = events };
	if (fd < 0)
		log_warning("guard: no %s: %s", name, strerror(-fd));
}

static int open_sources(struct guard *g)
{
	int fd = open_signals();

	if (fd < 0)
		return fd;
	add_source(g, SOURCE_SIGNAL, fd, POLLIN, "signals");
	add_source(g, SOURCE_GATE, gate_open(), POLLIN, "exec gate");
	add_source(g, SOURCE_EVENTS, procevent_open(), POLLIN, "process events");
	add_source(g, SOURCE_WATCH, watch_open(), POLLIN, "directory watch");
	g->sources[SOURCE_PRESSURE] = (struct pollfd){ .fd = -1 };
	if (leash_needed(&g->policy.rules))
		add_source(g, SOURCE_PRESSURE, leash_open(&g->machine->procfs), POLLPRI,
			   "memory pressure");
	g->sources[SOURCE_CONTROL] = (struct pollfd){ .fd = -1 };
	g->policy.gated = fd_of(g, SOURCE_GATE) >= 0;
	g->progress->gate_fd = fd_of(g, SOURCE_GATE);
	return 0;
}

static void serve(struct guard *g, enum source source)
{
	switch (source) {
	case SOURCE_GATE:
		serve_gate(g);
		break;
	case SOURCE_EVENTS:
		serve_events(g);
		break;
	case SOURCE_WATCH:
		serve_watch(g);
		break;
	case SOURCE_CONTROL:
		control_serve(fd_of(g, SOURCE_CONTROL), answer, g);
		break;
	case SOURCE_SIGNAL:
		serve_signal(g);
		break;
	case SOURCE_PRESSURE:
		serve_pressure(g);
		break;
	case N_SOURCES:
		break;
	}
}

/* The gate first: somebody waits there. After any other source it is looked at again. */
static void loop(struct guard *g)
{
	while (!g->ends) {
		int timeout = policy_check_due(&g->policy);

		refresh_filter(g);
		if (poll(g->sources, N_SOURCES, timeout) <= 0)
			continue;
		for (int i = 0; i < N_SOURCES; i++) {
			if (!(g->sources[i].revents & (POLLIN | POLLPRI)))
				continue;
			serve(g, (enum source)i);
			if (i == SOURCE_GATE)
				break;
		}
	}
}

static void close_all(struct guard *g)
{
	for (int i = 0; i < N_SOURCES; i++)
		close_p(&g->sources[i].fd);
	rules_free(&g->policy.rules);
}

static int begin(struct guard *g)
{
	char *ignored = NULL;
	bool takes_over;
	int ret = open_sources(g);

	if (ret < 0)
		return ret;
	resolve(g); /* marks first, so that nothing slips between them and the scan */
	takes_over = learn(g);
	refresh_filter(g);
	scan_run(&g->policy);
	if (takes_over && control_ask(g->machine, "quit\n", &ignored) == 0)
		free(ignored);
	ret = control_listen(g->machine);
	add_source(g, SOURCE_CONTROL, ret, POLLIN, "control socket");
	return 0;
}

int guard_run(const struct machine *m, const struct node *tree, struct guard_progress *progress,
	      void (*ready)(void *data), void *data)
{
	struct guard *g = calloc(1, sizeof(*g));
	int ret;

	if (!g)
		return -ENOMEM;
	g->machine = m;
	g->progress = progress;
	g->policy.procfs = &m->procfs;
	for (int i = 0; i < N_SOURCES; i++)
		g->sources[i].fd = -1;
	ret = rules_compile(tree, &m->root, &g->policy.rules);
	if (ret >= 0)
		ret = begin(g);
	if (ret >= 0) {
		progress->ready = true;
		ready(data);
		loop(g);
	}
	close_all(g);
	free(g);
	return ret;
}

static void look_only(int fd, bool is_program, void *data)
{
	(void)fd;
	(void)is_program;
	(void)data;
}

int guard_once(const struct machine *m, const struct node *tree)
{
	struct policy *p = calloc(1, sizeof(*p));
	int ret, failed = 0;

	if (!p)
		return -ENOMEM;
	p->procfs = &m->procfs;
	ret = rules_compile(tree, &m->root, &p->rules);
	for (unsigned i = 0; ret >= 0 && i < p->rules.n; i++) {
		rule_resolve(&p->rules.list[i], &m->root, look_only, NULL);
		if (p->rules.list[i].problem)
			log_warning("guard: %s: %s", p->rules.list[i].service,
				    p->rules.list[i].problem);
		failed += p->rules.list[i].problem != NULL;
	}
	if (ret >= 0)
		scan_run(p);
	failed += (int)p->failed;
	rules_free(&p->rules);
	free(p);
	return ret < 0 ? ret : failed;
}
