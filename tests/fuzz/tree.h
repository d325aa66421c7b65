/* An input that is a tree of files: text whose lines "=== PATH" each begin one; "=== PATH ->
 * TARGET" is a symbolic link. It is laid out below a directory of our own, anew for each input. */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/root.h"
#include "base/text.h"

static char fuzz_dir[] = "/dev/shm/holdfast-fuzz.XXXXXX";

static int fuzz_remove(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	return ftw->level > 0 ? remove(path) : 0;
}

static void fuzz_clear(void)
{
	if (nftw(fuzz_dir, fuzz_remove, 8, FTW_DEPTH | FTW_PHYS) != 0)
		abort();
}

static void fuzz_remove_dir(void)
{
	fuzz_clear();
	rmdir(fuzz_dir);
}

/* A path of ours: nothing that leads out, nothing in place of a root. */
static bool fuzz_path_is_good(const char *path)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/@,#";
	size_t n = strspn(path, letters);

	return n > 0 && n < 100 && path[n] == '\0' && path[0] != '/' && strchr(path, '/') &&
	       !strstr(path, "..");
}

/* A link to a place of ours, or one that masks a unit. */
static void fuzz_link(int dir, const char *path, const char *target)
{
	if (fuzz_path_is_good(target) || streq(target, "/dev/null"))
		(void)!symlinkat(target, dir, path);
}

static void fuzz_put(int dir, char *path, const char *data, size_t size)
{
	char part[100], *arrow = strstr(path, " -> ");
	int fd;

	if (arrow)
		*arrow = '\0';
	if (!fuzz_path_is_good(path))
		return;
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		(void)mkdirat(dir, part, 0755);
	}
	if (arrow) {
		fuzz_link(dir, path, arrow + strlen(" -> "));
		return;
	}
	fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return; /* it is a directory, or below a file */
	if (write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

/* Lays the input out, and what stands before the first "=== " below @first. */
static void fuzz_lay_out(const char *first, const uint8_t *data, size_t size)
{
	static const char mark[] = "=== ";
	const char *text = (const char *)data, *end = text + size;
	char path[100];
	int dir;

	if (streq(strrchr(fuzz_dir, '.'), ".XXXXXX")) {
		if (!mkdtemp(fuzz_dir) || atexit(fuzz_remove_dir) != 0)
			abort();
	}
	fuzz_clear();
	dir = open(fuzz_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		abort();
	snprintf(path, sizeof(path), "%s", first);
	while (text < end) {
		const char *next = text, *newline;

		/* Up to the mark at the beginning of a line. */
		for (;;) {
			next = memmem(next, (size_t)(end - next), mark, sizeof(mark) - 1);
			if (!next || next == (const char *)data || next[-1] == '\n')
				break;
			next++;
		}
		fuzz_put(dir, path, text, (size_t)((next ? next : end) - text));
		newline = next ? memchr(next, '\n', (size_t)(end - next)) : NULL;
		if (!newline)
			break;
		next += sizeof(mark) - 1;
		snprintf(path, sizeof(path), "%.*s", (int)(newline - next), next);
		text = newline + 1;
	}
	close(dir);
}

/* The tree below @path of what was laid out, made if it is missing. */
static inline struct root fuzz_root(const char *path)
{
	static char paths[8][64];
	static unsigned n;
	struct root root;
	char *place = paths[n++ % 8];

	snprintf(place, sizeof(paths[0]), "%s/%s", fuzz_dir, path);
	(void)mkdir(place, 0755);
	if (root_open(place, true, &root) < 0)
		abort();
	return root;
}
