/* base/root.h: files below a directory, and files written whole. */
#include "base/root.h"

#include <fcntl.h>
#include <sys/stat.h>

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
	  { "a file is replaced whole or not at all, and leaves nothing behind", whole },
	  { "a path is named from the root down", paths })
