#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cmd/cmd.h"
#include "guard/supervise.h"

#define READY_MS 10000

struct daemon {
	struct context *c;
	int ready_fd; /* of the process that waits in the foreground; or -1 */
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

/* Ours must be the last process that the kernel thinks of, and never wait for a page. */
static void protect_ourselves(const struct machine *m)
{
	int ret = root_write_text(&m->procfs, "self/oom_score_adj", "-1000");

	if (ret < 0)
		log_warning("guard: own oom_score_adj: %s", strerror(-ret));
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
		log_warning("guard: mlockall: %s", strerror(errno));
}

/* In the worker: the profile as it is now. */
static int work(struct guard_progress *progress, void (*ready)(void *data), void *data, void *user)
{
	_cleanup_(findings_free) struct findings f = { 0 };
	_cleanup_(selection_free) struct selection s = { 0 };
	struct daemon *d = user;
	int status = context_choose(d->c, NULL, &f, &s);

	if (status != EXIT_OK)
		return status < 0 ? status : -EINVAL;
	return guard_run(&d->c->machine, s.profile.tree, progress, ready, data);
}

static int run_foreground(struct context *c, int ready_fd)
{
	struct daemon d = { .c = c, .ready_fd = ready_fd };
	const struct supervise how = { .work = work, .ready = on_ready, .user = &d };

	protect_ourselves(&c->machine);
	return supervise_run(&how);
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

static int run_once(struct context *c, const struct selection *s)
{
	int ret = guard_once(&c->machine, s->profile.tree);

	return ret < 0 ? ret : ret > 0 ? EXIT_NOT_DONE : EXIT_OK;
}

static int run_guard(struct context *c, int argc, char **argv)
{
	_cleanup_(findings_free) struct findings f = { 0 };
	_cleanup_(selection_free) struct selection s = { 0 };
	const char *word;
	int status;

	(void)argc;
	(void)argv;
	if (getenv("NOTIFY_SOCKET")) /* whoever reads our stderr may wait for us */
		log_setup(LOG_LEVEL_INFO, LOG_KERNEL_ONLY);
	if (c->opt[OPT_ONCE] && c->opt[OPT_DAEMON]) {
		log_error("--once and --daemon exclude each other");
		return EXIT_USAGE;
	}
	word = identity_cmdline(&c->identity, "holdfast");
	if (context_stands_back(c) || (word && streq(word, "plan"))) {
		notify_manager("READY=1");
		return EXIT_OK;
	}
	status = context_choose(c, NULL, &f, &s);
	if (status == EXIT_NO_PROFILE)
		notify_manager("READY=1");
	if (status != EXIT_OK)
		return status;
	if (!node_child(s.profile.tree, "protect")) {
		log_info("profile '%s' protects nothing", s.profile.name);
		notify_manager("READY=1");
		return EXIT_OK;
	}
	if (c->opt[OPT_ONCE])
		return run_once(c, &s);
	return c->opt[OPT_DAEMON] ? run_background(c) : run_foreground(c, -1);
}

const struct cmd cmd_guard = {
	.name = "guard",
	.summary = "Pin protected services as they start",
	.help = "Stays in the foreground until SIGTERM; SIGHUP reads the profile anew. Another "
		"guard that is\n"
		"started takes over from the one that runs.",
	.options = { OPT_ONCE, OPT_DAEMON },
	.run = run_guard,
};
