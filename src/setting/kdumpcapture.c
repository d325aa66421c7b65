#include "setting/kdumpcapture.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

#include "base/log.h"
#include "base/run.h"
#include "base/text.h"
#include "setting/kdumpdir.h"
#include "setting/kdumplog.h"
#include "setting/kdumprow.h"
#include "setting/ramoops.h"

/* The disk may be behind a controller that is still being reset. */
#define TARGET_WAIT 30000

/* A kernel that ran this long did not crash at each boot: the row begins anew. */
#define ROW_SECONDS 3600

/* Less room than this is none. */
#define FULL (1U << 20)

/* What a dump that was measured may still grow by, and a directory with a log takes. */
#define SLACK (1 << 20)

struct capture {
	const struct machine *m;
	const struct node *options;
	struct kdump_target target;
	struct arena arena;
	char *log;
	size_t log_size;
	int64_t crashes; /* in a row, this one included */
};

static void capture_free(struct capture *c)
{
	arena_free(&c->arena);
	free(c->log);
}

/* @words follow the program's name; what it prints goes to @out. Its exit status or -errno. */
static int makedumpfile(const char *const words[], int out)
{
	const char *argv[8] = { "/usr/bin/makedumpfile" };

	for (size_t i = 0; words[i] && i + 2 < ARRAY_SIZE(argv); i++)
		argv[i + 1] = words[i];
	return run_program((char *const *)argv, out, -1);
}

/* For kernels whose log we cannot read. */
static int log_by_makedumpfile(struct capture *c)
{
	static const char to[] = "/holdfast-dmesg";
	const char *const words[] = { "--dump-dmesg", "/proc/vmcore", to, NULL };
	_cleanup_close_ int fd = -EBADF;
	int ret = makedumpfile(words, STDERR_FILENO);

	if (ret != 0)
		return ret < 0 ? ret : -EIO;
	fd = open(to, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : read_all(fd, 64U << 20, &c->log, &c->log_size);
}

static int read_log_by_itself(struct capture *c)
{
	_cleanup_close_ int fd = root_openat(&c->m->procfs, "vmcore", O_RDONLY);
	FILE *f;
	int ret;

	if (fd < 0)
		return fd;
	f = open_memstream(&c->log, &c->log_size);
	if (!f)
		return -ENOMEM;
	ret = kdump_log_write(fd, f);
	if (fclose(f) != 0 && ret >= 0)
		ret = -ENOMEM;
	/* Half a log is better than none. */
	if (ret != -ENOMEM && c->log && c->log_size > 0)
		return 0;
	free_p(&c->log);
	c->log = NULL;
	return ret < 0 ? ret : -ENODATA;
}

static int read_log(struct capture *c)
{
	int ret = read_log_by_itself(c), other;

	if (ret >= 0 || ret == -ENOMEM)
		return ret;
	other = log_by_makedumpfile(c);
	if (other >= 0 && c->log_size > 0)
		return 0;
	log_error("capture: the kernel log cannot be read: %s%s",
		  ret == -EOPNOTSUPP ? "this kernel keeps it as only makedumpfile knows"
				     : strerror(-ret),
		  other == -ENOENT ? ", and makedumpfile is not on board" : "");
	return ret;
}

/* Whether the kernel that crashed, by the last time of its log, ran for as long as to end a row. */
static bool ran_long(const struct capture *c)
{
	long long seconds = 0;

	for (const char *line = c->log; line; line = text_next_line(line))
		if (*line == '[')
			seconds = strtoll(line + 1, NULL, 10);
	return seconds >= ROW_SECONDS;
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
	struct last_boot nothing = { 0 };
	int64_t on_disk = kdump_row_read(&c->target, c->m, &nothing, INT64_MAX).crashes;
	int ret;

	if (on_disk >= c->crashes && !ran_long(c))
		c->crashes = on_disk + 1;
	ret = kdump_row_set(&c->target, c->crashes);
	if (ret == -ENOSPC && kdumpdir_release(&c->target.root))
		ret = kdump_row_set(&c->target, c->crashes);
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

/* The next boot wants to know. Before there is a dump of that name: should the power go in between,
 * there was a crash all the same. */
static void note_new(struct capture *c, const char *name)
{
	int ret;

	do {
		ret = write_whole(c->target.root.fd, KDUMP_NEW, name, strlen(name));
	} while (ret == -ENOSPC && kdumpdir_release(&c->target.root));
	if (ret < 0 || fsync(c->target.root.fd) < 0)
		log_warning("capture: " KDUMP_NEW ": %s", strerror(ret < 0 ? -ret : errno));
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
	if (ret < 0) {
		kdumpdir_abandon(&c->target.root, temporary);
		return ret;
	}
	note_new(c, temporary + 1);
	ret = kdumpdir_commit(&c->target.root, temporary, fd);
	if (ret < 0)
		return ret;
	*ret_name = temporary + 1;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Gives room for @needed bytes by removing older dumps, which tell less of what is wrong now; but
 * none where that is not enough, or room is not what is missing. */
static bool make_room(struct capture *c, int64_t needed, int64_t least)
{
	struct statvfs fs;
	int64_t room;

	if (fstatvfs(c->target.root.fd, &fs) < 0)
		return false;
	room = (int64_t)(fs.f_bavail * fs.f_frsize);
	if (needed <= room || !kdumpdir_make_room(&c->target.root, needed - room, least))
		return false;
	sync(); /* some file systems give room back only then */
	return true;
}

/* Where the disk is full: the room that was kept for this, then that of older dumps. */
static int save_log(struct capture *c, const char **ret_name, int *ret_fd)
{
	int64_t needed = (int64_t)c->log_size + SLACK;
	int ret;

	kdumpdir_prune(&c->target.root, keep_of(c)); /* and what earlier captures left unfinished */
	do {
		ret = add_dump(c, ret_name, ret_fd);
	} while (ret == -ENOSPC && (kdumpdir_release(&c->target.root) || make_room(c, needed, 0)));
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
	char to[64];
	const char *const words[] = {
		"-l", "-d31", "--message-level", "5", "/proc/vmcore", to, NULL
	};
	int ret;

	snprintf(to, sizeof(to), "/proc/%d/fd/%d/" KDUMP_PARTIAL, (int)getpid(), dir);
	ret = makedumpfile(words, STDERR_FILENO);
	if (ret == 0)
		ret = finish_core(dir);
	else if (ret > 0)
		ret = is_full(dir) ? -ENOSPC : -EIO;
	if (ret < 0)
		unlinkat(dir, KDUMP_PARTIAL, 0);
	return ret;
}

/* How many bytes the dump would have. -ENODATA: makedumpfile (before 1.7) does not say. */
static int measure_core(int64_t *ret_size)
{
	static const char says[] = "\nWrite bytes";
	const char *const words[] = { "-l",           "-d31", "--dry-run", "--show-stats",
				      "/proc/vmcore", "core", NULL };
	_cleanup_close_ int out = memfd_create("makedumpfile", MFD_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	const char *at;
	size_t size;
	int ret;

	if (out < 0)
		return -errno;
	ret = makedumpfile(words, out);
	if (ret != 0)
		return ret < 0 ? ret : -ENODATA;
	if (lseek(out, 0, SEEK_SET) < 0)
		return -errno;
	ret = read_all(out, 1U << 20, &text, &size);
	at = ret < 0 ? NULL : strstr(text, says);
	if (!at)
		return ret < 0 ? ret : -ENODATA;
	at += strlen(says);
	*ret_size = strtoll(at + strspn(at, " :"), NULL, 10);
	return *ret_size > 0 ? 0 : -ENODATA;
}

static int save_core(struct capture *c, const char *name, int dir)
{
	int64_t size = 0;
	int ret;

	log_info("capture: writing the dump");
	kdumpdir_prune(&c->target.root, keep_of(c));
	ret = write_core(dir);
	if (ret == -ENOSPC && measure_core(&size) >= 0 && make_room(c, size + SLACK, 1))
		ret = write_core(dir);
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

	c.crashes = 1;
	if (!ran_long(&c))
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
