#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cmd/cmd.h"
#include "guard/confine.h"
#include "guard/control.h"
#include "guard/lean.h"
#include "guard/profiles.h"
#include "guard/supervise.h"
#include "guard/watch.h"

#define READY_MS 10000
#define STOP_MS 5000
#define STOP_STEP_MS 50

struct daemon {
	struct context *c;
	int ready_fd; /* of the process that waits in the foreground; or -1 */
	int watch;    /* told when a profile changes; or -1 */
};

/* sd_notify(3)'s protocol: a datagram to the socket that the manager names. */
static void notify_manager(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -EBADF;
	size_t len = path ? strlen(path) : 0;

	if (len == 0 || len >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, len);
	if (*path == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		log_warning("guard: %s: %s", path, strerror(errno));
}

static void on_ready(void *user)
{
	struct daemon *d = user;

	notify_manager("READY=1\nSTATUS=guarding");
	if (d->ready_fd < 0)
		return;
	if (write(d->ready_fd, "", 1) < 0)
		log_debug("guard: %s", strerror(errno));
	close_p(&d->ready_fd);
	d->ready_fd = -1;
}

/* The profile as it is now, of which only the rules are kept: an exit status, or -errno. */
static int compile_rules(struct context *c, struct rules *ret_rules)
{
	_cleanup_(findings_free) struct findings f = { 0 };
	_cleanup_(selection_free) struct selection s = { 0 };
	int status = context_choose(c, NULL, &f, &s);

	if (status != EXIT_OK)
		return status;
	return rules_compile(s.profile.tree, &c->machine.root, ret_rules);
}

static void say_unlocked(int ret)
{
	if (ret < 0)
		log_warning("guard: memory cannot be locked: %s", strerror(-ret));
}

static bool concerns(const char *name, void *user)
{
	const struct daemon *d = user;

	return profiles_concern(&d->c->library, name);
}

static int load(struct rules *ret_rules, void *user)
{
	struct daemon *d = user;
	int ret = context_open_library(d->c);

	if (ret >= 0) {
		profiles_watch(d->watch, &d->c->library);
		ret = compile_rules(d->c, ret_rules);
	}
	say_unlocked(lean_settle());
	return ret;
}

static int work(struct rules *rules, int gate, const struct guard_calls *calls,
		struct guard_shared *shared, void *user)
{
	struct daemon *d = user;

	say_unlocked(lean_lock());
	return guard_run(&d->c->machine, rules, gate, calls, shared);
}

static void beat(void *user)
{
	(void)user;
	notify_manager("WATCHDOG=1");
}

/* How often the service manager wants to hear of us: twice as often as it looks. 0: not at all. */
static int beat_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!usec || (pid && atoi(pid) != getpid()))
		return 0;
	return (int)(strtoll(usec, NULL, 10) / 2000);
}

static int run_foreground(struct context *c, int ready_fd)
{
	/* An initramfs is emptied when its work is done. */
	struct daemon d = { .c = c,
			    .ready_fd = ready_fd,
			    .watch = c->opt[OPT_ROOT] ? -EBADF : watch_open() };
	const struct supervise how = {
		.load = load,
		.work = work,
		.ready = on_ready,
		.beat = beat,
		.beat_ms = beat_ms(),
		.profiles = d.watch,
		.concerns = concerns,
		.user = &d,
	};
	/* That it comes into being later is then no news of profiles. */
	int dir = root_make_dir(&c->machine.run, "holdfast");
	int ret = root_write_text(&c->machine.procfs, "self/oom_score_adj", "-1000");

	close_p(&dir);
	if (ret < 0) /* ours must be the last process that the kernel thinks of */
		log_warning("guard: own oom_score_adj: %s", strerror(-ret));
	ret = confine_supervisor();
	if (ret < 0)
		log_warning("guard: cannot be confined: %s", strerror(-ret));
	ret = supervise_run(&how);
	close_p(&d.watch);
	return ret;
}

/* Detaches. A log of our own is the kernel's: whoever reads our stderr may wait for us. */
static void detach(const struct context *c)
{
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	log_setup(c->opt[OPT_VERBOSE] ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, LOG_KERNEL_ONLY);
	/* systemd spares such processes of the initramfs when it enters the real root. */
	program_invocation_name[0] = '@';
}

static int run_background(struct context *c)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -errno;
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0) {
		struct pollfd p = { .fd = ready[0], .events = POLLIN };

		close(ready[1]);
		/* The boot waits for us: it must not wait for ever. */
		if (poll(&p, 1, READY_MS) > 0 && read(ready[0], &byte, 1) == 1)
			return EXIT_OK;
		log_error("guard: not ready after %d s; the kernel log may say why",
			  READY_MS / 1000);
		return EXIT_NOT_DONE;
	}
	close(ready[0]);
	detach(c);
	return run_foreground(c, ready[1]);
}

static int run_once(struct context *c)
{
	struct rules rules;
	int ret = compile_rules(c, &rules);

	if (ret != EXIT_OK)
		return ret;
	ret = guard_once(&c->machine, &rules);
	return ret < 0 ? ret : ret > 0 ? EXIT_NOT_DONE : EXIT_OK;
}

/* None that runs is as good as one that ended: asks until nobody answers. */
static int run_stop(struct context *c)
{
	for (int waited = 0; waited < STOP_MS; waited += STOP_STEP_MS) {
		_cleanup_free_ char *answer = NULL;
		int ret = control_ask(&c->machine, "quit\n", &answer);

		if (ret == -ENOENT || ret == -ECONNREFUSED)
			return EXIT_OK;
		if (ret < 0 && ret != -ECONNRESET && ret != -EPIPE && ret != -EAGAIN)
			return ret; /* else it ends while we ask, or is busy */
		sleep_ms(STOP_STEP_MS);
	}
	log_error("guard: it does not end");
	return EXIT_NOT_DONE;
}

/* Whether there is something to guard and nothing that forbids it; else *@ret_status is what to end
 * with. */
static bool has_work(struct context *c, int *ret_status)
{
	_cleanup_(findings_free) struct findings f = { 0 };
	_cleanup_(selection_free) struct selection s = { 0 };

	*ret_status = EXIT_OK;
	if (context_stands_back(c) || context_only_plans(c))
		return false;
	*ret_status = context_choose(c, NULL, &f, &s);
	if (*ret_status != EXIT_OK)
		return false;
	if (!node_child(s.profile.tree, "protect")) {
		log_info("profile '%s' protects nothing", s.profile.name);
		return false;
	}
	return true;
}

static int run_guard(struct context *c, int argc, char **argv)
{
	int status;

	(void)argc;
	(void)argv;
	if (!!c->opt[OPT_ONCE] + !!c->opt[OPT_DAEMON] + !!c->opt[OPT_STOP] > 1) {
		log_error("--once, --daemon and --stop exclude each other");
		return EXIT_USAGE;
	}
	if (c->opt[OPT_STOP])
		return run_stop(c);
	if (geteuid() != 0) {
		log_error("guard: only root can protect processes");
		return EXIT_NOT_DONE;
	}
	if (!c->opt[OPT_ONCE]) /* whoever reads our stderr may wait for us */
		log_setup(c->opt[OPT_VERBOSE] ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
			  getenv("NOTIFY_SOCKET") ? LOG_KERNEL_ONLY : LOG_STDERR_UNLESS_BUSY);
	if (!has_work(c, &status)) {
		if (status == EXIT_OK || status == EXIT_NO_PROFILE)
			notify_manager("READY=1");
		return status;
	}
	if (c->opt[OPT_ONCE])
		return run_once(c);
	return c->opt[OPT_DAEMON] ? run_background(c) : run_foreground(c, -1);
}

const struct cmd cmd_guard = {
	.name = "guard",
	.summary = "Pin protected services as they start",
	.help = "Stays in the foreground until SIGTERM; SIGHUP reads the profile anew. Another "
		"guard that is\n"
		"started takes over from the one that runs.",
	.options = { OPT_ONCE, OPT_DAEMON, OPT_STOP },
	.run = run_guard,
};
