#include "setting/kdumpcapture.h"

#include <fcntl.h>
#include <sys/statvfs.h>

#include "base/log.h"
#include "base/run.h"
#include "base/text.h"
#include "setting/kdumpdir.h"
#include "setting/kdumplog.h"
#include "setting/kdumptarget.h"
#include "setting/ramoops.h"

/* The disk may be behind a controller that is still being reset. */
#define TARGET_WAIT 30000

/* A kernel that ran this long did not crash at each boot: the row begins anew. */
#define ROW_SECONDS 3600

/* Less room than this is none. */
#define FULL (1U << 20)

static const char makedumpfile[] = "/usr/bin/makedumpfile";

struct capture {
	const struct machine *m;
	const struct node *options;
	struct kdump_target target;
	struct arena arena;
	char *log;
	size_t log_size;
	uint64_t uptime_ns; /* of the kernel that crashed */
	int64_t crashes;    /* in a row, this one included */
};

static void capture_free(struct capture *c)
{
	arena_free(&c->arena);
	free(c->log);
}

/* For kernels whose log we cannot read. */
static int log_by_makedumpfile(struct capture *c)
{
	char program[sizeof(makedumpfile)], what[] = "--dump-dmesg", from[] = "/proc/vmcore",
					    to[] = "/holdfast-dmesg";
	char *argv[] = { program, what, from, to, NULL };
	_cleanup_close_ int fd = -EBADF;
	int ret;

	memcpy(program, makedumpfile, sizeof(program));
	ret = run_program(argv, STDERR_FILENO);
	if (ret != 0)
		return ret < 0 ? ret : -EIO;
	fd = open(to, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : read_all(fd, 64U << 20, &c->log, &c->log_size);
}

static int read_log(struct capture *c)
{
	_cleanup_close_ int fd = root_openat(&c->m->procfs, "vmcore", O_RDONLY);
	FILE *f;
	int ret;

	if (fd < 0)
		return fd;
	f = open_memstream(&c->log, &c->log_size);
	if (!f)
		return -ENOMEM;
	ret = kdump_log_write(fd, f, &c->uptime_ns);
	if (fclose(f) != 0 && ret >= 0)
		ret = -ENOMEM;
	/* Half a log is better than none. */
	if (ret >= 0 || ret == -ENOMEM || c->log_size > 0)
		return ret == -ENOMEM ? ret : 0;
	free_p(&c->log);
	c->log = NULL;
	return log_by_makedumpfile(c);
}

/* What the kernel that loaded us knew. */
static int64_t crashes_before(const struct machine *m)
{
	_cleanup_free_ char *cmdline = NULL;
	const char *at;

	if (root_read_text(&m->procfs, "cmdline", 65536, &cmdline) < 0)
		return 0;
	at = strstr(cmdline, " " KDUMP_CRASHES);
	return at ? strtoll(at + strlen(" " KDUMP_CRASHES), NULL, 10) : 0;
}

/* Counted before anything else is tried: whatever happens next, this crash is one of the row. */
static void count(struct capture *c)
{
	int64_t on_disk = kdump_attempts(&c->target);
	int ret;

	if (on_disk >= c->crashes && c->uptime_ns / 1000000000 < ROW_SECONDS)
		c->crashes = on_disk + 1;
	ret = kdump_set_attempts(&c->target, c->crashes);
	if (ret == -ENOSPC && kdumpdir_release(&c->target.root))
		ret = kdump_set_attempts(&c->target, c->crashes);
	if (ret < 0)
		log_warning("capture: this crash is not counted: %s", strerror(-ret));
	else
		log_info("capture: crash %lld in a row", (long long)c->crashes);
}

static int64_t keep_of(const struct capture *c)
{
	int64_t keep;

	return text_to_int(node_setting(c->options, "keep"), &keep) < 0 ? 1 : keep;
}

static int add_dump(struct capture *c, const char **ret_name, int *ret_fd)
{
	_cleanup_close_ int fd = -EBADF;
	const char *temporary;
	int ret = kdumpdir_begin(&c->target.root, &c->arena, &temporary, &fd);

	if (ret < 0)
		return ret;
	if (c->log_size > 0)
		ret = write_whole(fd, KDUMP_LOG, c->log, c->log_size);
	if (ret < 0)
		kdumpdir_abandon(&c->target.root, temporary);
	else
		ret = kdumpdir_commit(&c->target.root, temporary, fd);
	if (ret < 0)
		return ret;
	*ret_name = temporary + 1;
	*ret_fd = TAKE_FD(fd);
	/* The next boot wants to know. */
	do {
		ret = write_whole(c->target.root.fd, KDUMP_NEW, *ret_name, strlen(*ret_name));
	} while (ret == -ENOSPC && kdumpdir_release(&c->target.root));
	if (ret < 0 || fsync(c->target.root.fd) < 0)
		log_warning("capture: " KDUMP_NEW ": %s", strerror(ret < 0 ? -ret : errno));
	return 0;
}

/* Removes one older dump or more, down to @least. They tell less of what is wrong now. */
static bool make_room(struct capture *c, int64_t *keep, int64_t least)
{
	while (*keep > least) {
		if (kdumpdir_prune(&c->target.root, --*keep) == 0)
			continue;
		sync(); /* some file systems give room back only then */
		return true;
	}
	return false;
}

/* Where the disk is full: the room that was kept for this, then that of older dumps. */
static int save_log(struct capture *c, const char **ret_name, int *ret_fd)
{
	int64_t keep = keep_of(c);
	int ret;

	kdumpdir_prune(&c->target.root, keep); /* and what earlier captures left unfinished */
	do {
		ret = add_dump(c, ret_name, ret_fd);
	} while (ret == -ENOSPC && (kdumpdir_release(&c->target.root) || make_room(c, &keep, 0)));
	return ret;
}

static int finish_core(int dir)
{
	_cleanup_close_ int fd = openat(dir, KDUMP_PARTIAL, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0 || renameat(dir, KDUMP_PARTIAL, dir, KDUMP_CORE) < 0 ||
	    fsync(dir) < 0)
		return -errno;
	return 0;
}

static bool is_full(int dir)
{
	struct statvfs fs;

	return fstatvfs(dir, &fs) == 0 && fs.f_bavail * fs.f_frsize < FULL;
}

/* Pages that tell nothing are left out: zero, page cache, free memory, and what programs hold.
 * -ENOSPC: the disk is full. */
static int write_core(int dir)
{
	char program[sizeof(makedumpfile)], pack[] = "-l", level[] = "-d31",
					    say[] = "--message-level", what[] = "5",
					    from[] = "/proc/vmcore";
	char *argv[] = { program, pack, level, say, what, from, NULL, NULL };
	_cleanup_free_ char *to = NULL;
	int ret;

	memcpy(program, makedumpfile, sizeof(program));
	if (asprintf(&to, "/proc/%d/fd/%d/" KDUMP_PARTIAL, (int)getpid(), dir) < 0)
		return -ENOMEM;
	argv[6] = to;
	ret = run_program(argv, STDERR_FILENO);
	if (ret == 0)
		ret = finish_core(dir);
	else if (ret > 0)
		ret = is_full(dir) ? -ENOSPC : -EIO;
	if (ret < 0)
		unlinkat(dir, KDUMP_PARTIAL, 0);
	return ret;
}

static int save_core(struct capture *c, const char *name, int dir)
{
	int64_t keep = keep_of(c);
	int ret;

	log_info("capture: writing the dump");
	kdumpdir_prune(&c->target.root, keep);
	do {
		ret = write_core(dir);
	} while (ret == -ENOSPC && make_room(c, &keep, 1));
	if (ret >= 0)
		log_info("capture: dump saved: %s/%s/" KDUMP_CORE, node_setting(c->options, "path"),
			 name);
	else
		log_error("capture: the dump could not be written; the kernel log is %s",
			  c->log_size > 0 ? "saved" : "not, either");
	return ret;
}

static int save_to_target(struct capture *c)
{
	_cleanup_close_ int dir = -EBADF;
	const char *name = NULL;
	int ret = save_log(c, &name, &dir);

	if (ret < 0) {
		log_error("capture: %s: %s", node_text(c->options, "target"), strerror(-ret));
		return ret;
	}
	if (c->log_size > 0)
		log_info("capture: kernel log saved: %s/%s/" KDUMP_LOG,
			 node_setting(c->options, "path"), name);
	else
		log_warning("capture: no kernel log is saved in %s/%s",
			    node_setting(c->options, "path"), name);
	if (streq(node_setting(c->options, "save"), "vmcore"))
		ret = save_core(c, name, dir);
	else
		kdumpdir_prune(&c->target.root, keep_of(c));
	/* Its room may have been needed. */
	if (!kdumpdir_has_reserve(&c->target.root))
		kdumpdir_reserve(&c->target.root);
	return ret < 0 ? 1 : 0;
}

/* 0: all is saved; 1: the log is; else -errno. */
static int try_target(struct capture *c)
{
	_cleanup_free_ char *why = NULL;
	int ret;

	if (!c->options)
		return -ENOENT;
	ret = kdump_target_open(c->m, c->options, true, TARGET_WAIT, &c->target, &why);
	if (ret < 0) {
		log_error("capture: %s", why ? why : strerror(-ret));
		return ret;
	}
	count(c);
	ret = save_to_target(c);
	if (kdump_target_close(&c->target) < 0)
		sync();
	return ret;
}

int kdump_capture(const struct machine *m, const struct node *tree)
{
	_cleanup_(capture_free) struct capture c = {
		.m = m,
		.options = node_find(tree, "kdump.capture"),
		.target = KDUMP_TARGET_NONE,
	};
	int ret = read_log(&c), saved;

	if (ret < 0)
		log_error("capture: the kernel log cannot be read: %s", strerror(-ret));
	c.crashes = 1;
	if (c.uptime_ns / 1000000000 < ROW_SECONDS)
		c.crashes += crashes_before(m);
	saved = try_target(&c);
	if (saved >= 0)
		return saved == 0 ? ret : -EIO;
	if (!c.log)
		return saved;
	if (ramoops_keep_log(m, tree, c.log, c.log_size, c.crashes) < 0)
		fwrite(c.log, 1, c.log_size, stderr); /* whoever watches the console may see it */
	return saved;
}
