/* base/root.h: files below a directory, and files written whole. */
#include "base/root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "unit.h"

/* A directory of its own for each test. */
struct place {
	char path[64];
	struct root root;
};

static struct place place_new(bool confined)
{
	struct place p = { .path = "/tmp/holdfast-unit-XXXXXX" };

	if (!mkdtemp(p.path) || root_open(p.path, confined, &p.root) < 0) {
		perror(p.path);
		exit(1);
	}
	return p;
}

static void place_remove(struct place *p)
{
	char command[128];

	root_close(&p->root);
	snprintf(command, sizeof(command), "rm -rf '%s'", p->path);
	CHECK(system(command) == 0);
}

static void put(const struct place *p, const char *name, const char *data, size_t size)
{
	int fd = openat(p->root.fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
}

static bool has(const struct place *p, const char *name, const char *wanted)
{
	_cleanup_free_ char *data = NULL;
	size_t size = 0;

	return root_read(&p->root, name, 1U << 20, &data, &size) == 0 && size == strlen(wanted) &&
	       streq(data, wanted);
}

static bool reads_as(const struct place *p, const char *wanted)
{
	_cleanup_free_ char *text = NULL;

	return root_read_text(&p->root, "/file", 4096, &text) == 0 && streq(text, wanted);
}

static void reading(void)
{
	struct place p = place_new(false);
	char *data = NULL;
	size_t size = 0;

	put(&p, "file", "2\n", 2);
	CHECK(reads_as(&p, "2"));
	put(&p, "file", " a b \t\r\n\n", 9);
	CHECK(reads_as(&p, " a b"));
	put(&p, "file", "acme,eg200\0acme,eg\0", 19);
	CHECK(reads_as(&p, "acme,eg200 acme,eg"));
	put(&p, "file", "", 0);
	CHECK(reads_as(&p, ""));
	put(&p, "file", "12345", 5);
	CHECK(root_read(&p.root, "file", 4, &data, &size) == -EFBIG);
	CHECK(root_read(&p.root, "missing", 4, &data, &size) == -ENOENT);
	CHECK(root_read(&p.root, ".", 4, &data, &size) == -EISDIR);
	CHECK(!data);
	CHECK(root_exists(&p.root, "/file") == 0);
	CHECK(root_exists(&p.root, "/missing") == -ENOENT);
	place_remove(&p);
}

static void writing(void)
{
	struct place p = place_new(false);

	put(&p, "key", "131072\n", 7);
	CHECK(root_write_text(&p.root, "/key", "2") == 0);
	CHECK(has(&p, "key", "2\n")); /* nothing of the longer value is left */
	CHECK(root_write_text(&p.root, "missing", "2") == -ENOENT);
	CHECK(root_exists(&p.root, "missing") == -ENOENT);
	CHECK(symlinkat("key", p.root.fd, "link") == 0);
	CHECK(root_write_text(&p.root, "link", "3") == -ELOOP);
	CHECK(has(&p, "key", "2\n"));
	CHECK(root_write_text(&p.root, ".", "3") == -EISDIR);
	place_remove(&p);
}

static void confined(void)
{
	struct place p = place_new(true);
	struct place outside = place_new(false);
	int fd;

	put(&outside, "file", "outside", 7);
	put(&p, "file", "inside", 6);
	p.root.no_links = true;
	CHECK(symlinkat("file", p.root.fd, "near") == 0);
	CHECK(root_exists(&p.root, "near") == -ELOOP);
	CHECK(root_exists(&p.root, "./file") == 0);
	p.root.no_links = false;
	CHECK(root_exists(&p.root, "near") == 0);
	CHECK(symlinkat(outside.path, p.root.fd, "absolute") == 0);
	CHECK(symlinkat("../../../../../../file", p.root.fd, "up") == 0);
	CHECK(root_exists(&p.root, "absolute/file") == -ENOENT);
	CHECK(has(&p, "up", "inside"));
	CHECK(has(&p, "../../file", "inside"));
	CHECK(root_make_dir(&p.root, "absolute/made") < 0);
	CHECK(root_exists(&outside.root, "made") == -ENOENT);
	fd = root_make_dir(&p.root, "/a/b/c");
	CHECK(fd >= 0);
	close(fd);
	CHECK(root_exists(&p.root, "a/b/c") == 0);
	place_remove(&p);
	place_remove(&outside);
}

/* What the kernel opens, or its error; -ENOSYS where it cannot be asked. */
static int by_kernel(const struct root *r, const char *path, int flags)
{
	struct open_how how = { .flags = (uint64_t)(unsigned)flags,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	int fd = (int)syscall(SYS_openat2, r->fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

static bool same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* A few parts, put together at random, with links that lead everywhere. */
/* To open a device may start a watchdog, or wind a tape. */
static void special(void)
{
	struct place p = place_new(true);
	char *data = NULL;
	size_t size;
	int fd;

	CHECK(mkfifoat(p.root.fd, "fifo", 0600) == 0);
	CHECK(symlinkat("/fifo", p.root.fd, "link") == 0);
	CHECK(root_read(&p.root, "fifo", 1, &data, &size) == -ENXIO);
	CHECK(root_openat(&p.root, "link", O_RDWR) == -ENXIO);
	CHECK(root_exists(&p.root, "link") == 0);
	p.root.confined = false; /* the running machine's */
	fd = root_openat(&p.root, "fifo", O_RDONLY | O_NONBLOCK);
	CHECK(fd >= 0);
	close(fd);
	place_remove(&p);
}

static void random_path(char *path, size_t size)
{
	static const char *const parts[] = { "a",    "b",  "c", "file", "link", "up",  "top",
					     "loop", "..", ".", "no",   "/",    "deep" };
	size_t n = 0;

	*path = '\0';
	for (int left = 1 + rand() % 5; left > 0 && n < size; left--)
		n += (size_t)snprintf(path + n, size - n, "%s%s", n ? "/" : "",
				      parts[(size_t)rand() % ARRAY_SIZE(parts)]);
	if (rand() % 8 == 0 && n < size)
		snprintf(path + n, size - n, "/");
}

static void as_the_kernel(void)
{
	static const int flags[] = { O_RDONLY,
				     O_PATH,
				     O_PATH | O_NOFOLLOW,
				     O_RDONLY | O_NOFOLLOW,
				     O_RDONLY | O_DIRECTORY,
				     O_PATH | O_DIRECTORY | O_NOFOLLOW };
	static const char *const links[][2] = {
		{ "link", "a/b" },      { "a/link", "/a/b/file" },
		{ "a/up", "../../.." }, { "a/b/up", "../link/" },
		{ "top", "/" },         { "loop", "loop" },
		{ "a/b/loop", "no" },   { "a/b/top", "file/" },
		{ "up", "./a/./link" },
	};
	struct place p = place_new(true);
	char path[200];
	int fd = root_make_dir(&p.root, "a/b/c/deep");

	close(fd);
	put(&p, "file", "", 0);
	put(&p, "a/b/file", "", 0);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		CHECK(symlinkat(links[i][1], p.root.fd, links[i][0]) == 0);
	srand(1);
	for (int i = 0; i < 20000; i++) {
		int how = flags[i % (int)ARRAY_SIZE(flags)], ours, theirs;

		random_path(path, sizeof(path));
		ours = root_openat(&p.root, path, how);
		theirs = by_kernel(&p.root, *path == '/' ? path + strspn(path, "/") : path, how);
		if (theirs == -ENOENT && strspn(path, "/") == strlen(path))
			theirs = by_kernel(&p.root, ".", how); /* to us that is the root */
		unit_check(theirs == -ENOSYS || theirs == ours ||
				   (ours >= 0 && theirs >= 0 && same_file(ours, theirs)),
			   path, how, "opened as the kernel does");
		close(ours);
		close(theirs);
	}
	place_remove(&p);
}

static void ways_too_long(void)
{
	struct place p = place_new(true);
	char path[5000];

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	CHECK(root_openat(&p.root, path, O_PATH) == -ENAMETOOLONG);
	path[300] = '\0';
	CHECK(root_openat(&p.root, path, O_PATH) == -ENAMETOOLONG);
	/* Links that grow as they are followed. */
	memset(path, '/', sizeof(path));
	memcpy(path + 3000, "grow/x", sizeof("grow/x"));
	CHECK(symlinkat(path, p.root.fd, "grow") == 0);
	CHECK(root_openat(&p.root, "grow/y", O_PATH) == -ENAMETOOLONG ||
	      root_openat(&p.root, "grow/y", O_PATH) == -ELOOP);
	place_remove(&p);
}

static unsigned entries(const struct place *p)
{
	DIR *d = opendir(p->path);
	unsigned n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n - 2;
}

static void whole(void)
{
	struct place p = place_new(false);
	struct stat st;
	int dir = root_openat(&p.root, ".", O_RDONLY | O_DIRECTORY);

	CHECK(write_whole(dir, "report.json", "old", 3) == 0);
	CHECK(write_whole(dir, "report.json", "newer", 5) == 0);
	CHECK(has(&p, "report.json", "newer"));
	CHECK(fstatat(dir, "report.json", &st, 0) == 0 && (st.st_mode & 07777) == 0644);
	CHECK(entries(&p) == 1); /* no temporary file stays */
	CHECK(mkdirat(dir, "taken", 0755) == 0);
	put(&p, "taken/x", "", 0);
	CHECK(write_whole(dir, "taken", "data", 4) < 0);
	CHECK(entries(&p) == 2);
	CHECK(write_whole(-EBADF, "report.json", "x", 1) < 0);
	close(dir);
	place_remove(&p);
}

static void paths(void)
{
	struct place p = place_new(false);
	_cleanup_free_ char *below = root_path(&p.root, "/sys/vm");
	_cleanup_free_ char *real = NULL;
	struct root slash;

	CHECK(after_prefix(below, p.path) && streq(after_prefix(below, p.path), "/sys/vm"));
	CHECK(root_open("/", true, &slash) == 0);
	real = root_path(&slash, "etc/x");
	CHECK(streq(real, "/etc/x"));
	CHECK(!slash.confined);
	root_close(&slash);
	CHECK(root_open("/nowhere/at/all", false, &slash) == -ENOENT);
	CHECK(root_open("/dev/null", false, &slash) == -ENOTDIR);
	place_remove(&p);
}

UNIT_MAIN({ "a text is read without its last blanks, NULs as blanks, up to a limit", reading },
	  { "a value replaces a file's content, and makes no file", writing },
	  { "links and dots stay inside a confined root", confined },
	  { "devices and FIFOs of a confined root are not opened", special },
	  { "a confined root's paths lead where openat2(2) says", as_the_kernel },
	  { "paths too long, and links that make them so, are refused", ways_too_long },
	  { "a file is replaced whole or not at all, and leaves nothing behind", whole },
	  { "a path is named from the root down", paths })
