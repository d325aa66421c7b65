#include "setting/kdumpdir.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <time.h>

#include "base/text.h"

#define RESERVE ".reserve"
#define RESERVE_SIZE (1 << 20)

/* A name beyond it is none of ours: there must always be a number that follows. */
#define NUMBER_MAX INT64_C(999999999999)

int kdumpdir_open(const struct root *r, const char *path, bool make, struct root *ret_dir,
		  char **ret_why)
{
	struct root own = *r;
	struct stat st;
	int fd;

	own.own = true;
	fd = make ? root_make_dir(&own, path) : root_openat(&own, path, O_RDONLY | O_DIRECTORY);
	if (fd >= 0 && (fstat(fd, &st) < 0 || !root_is_own(&st))) { /* a sticky one is none */
		close(fd);
		fd = -EPERM;
	}
	if (fd == -EPERM &&
	    asprintf(ret_why,
		     "others can write to %s, or to a directory on the way: give it to root, "
		     "with mode 700",
		     path) < 0)
		*ret_why = NULL;
	if (fd < 0)
		return fd;
	*ret_dir = (struct root){ .fd = fd, .path = "", .confined = true };
	return 0;
}

int64_t kdumpdir_number(const char *name)
{
	char *end;
	int64_t n;

	if (!isdigit((unsigned char)*name))
		return 0;
	errno = 0;
	n = strtoll(name, &end, 10);
	/* The disk may be anybody's: nothing that a terminal or a path would take for more. */
	for (const char *c = end; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-_.+:", *c))
			return 0;
	return *end == '-' && errno == 0 && n > 0 && n <= NUMBER_MAX ? n : 0;
}

static DIR *open_listing(int fd)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = own < 0 ? NULL : fdopendir(own);

	if (!d && own >= 0)
		close(own);
	return d;
}

int kdumpdir_latest(const struct root *dir, struct arena *a, const char **ret_name)
{
	_cleanup_closedir_ DIR *d = open_listing(dir->fd);
	const char *best = NULL;
	struct dirent *e;

	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		if (kdumpdir_number(e->d_name) == 0 ||
		    (best && kdumpdir_number(e->d_name) <= kdumpdir_number(best)))
			continue;
		best = arena_strdup(a, e->d_name);
		if (!best)
			return -ENOMEM;
	}
	*ret_name = best;
	return 0;
}

/* A dump is a directory of files; what else lies in it keeps it. */
static int remove_dump(int dir, const char *name)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = fd < 0 ? NULL : open_listing(fd);
	struct dirent *e;

	if (!d)
		return -errno;
	while ((e = readdir(d)))
		if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
			unlinkat(fd, e->d_name, 0);
	return unlinkat(dir, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

static const char *temporary_name(const char *name)
{
	const char *rest = after_prefix(name, ".");

	return rest && kdumpdir_number(rest) > 0 ? name : NULL;
}

/* What a power cut left behind. */
static void remove_unfinished(const struct root *dir)
{
	_cleanup_closedir_ DIR *d = open_listing(dir->fd);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char path[NAME_MAX + sizeof(KDUMP_PARTIAL) + 2];

		if (temporary_name(e->d_name))
			remove_dump(dir->fd, e->d_name);
		if (e->d_name[1] == '.' && write_whole_left(e->d_name, NULL)) /* of .boot, say */
			unlinkat(dir->fd, e->d_name, 0);
		if (kdumpdir_number(e->d_name) == 0)
			continue;
		snprintf(path, sizeof(path), "%s/" KDUMP_PARTIAL, e->d_name);
		unlinkat(dir->fd, path, 0);
	}
}

static int is_dump(const struct dirent *e)
{
	return kdumpdir_number(e->d_name) > 0;
}

static int latest_first(const struct dirent **a, const struct dirent **b)
{
	int64_t x = kdumpdir_number((*a)->d_name), y = kdumpdir_number((*b)->d_name);

	return x < y ? 1 : x > y ? -1 : strcmp((*b)->d_name, (*a)->d_name);
}

unsigned kdumpdir_prune(const struct root *dir, int64_t keep)
{
	struct dirent **dumps = NULL;
	unsigned removed = 0;
	int n;

	remove_unfinished(dir);
	n = scandirat(dir->fd, ".", &dumps, is_dump, latest_first);
	for (int i = 0; i < n; i++) {
		if (i >= keep)
			removed += remove_dump(dir->fd, dumps[i]->d_name) >= 0;
		free(dumps[i]);
	}
	free(dumps);
	return removed;
}

/* What its removal gives back: not what has another name as well. */
static int64_t bytes_of(int dir, const char *name)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = fd < 0 ? NULL : open_listing(fd);
	int64_t sum = 0;
	struct dirent *e;
	struct stat st;

	while (d && (e = readdir(d)))
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
		    st.st_nlink == 1)
			sum += st.st_blocks * 512;
	return sum;
}

/* How much that gave back: it may be that not all of it can be removed. */
static int64_t remove_for_room(int dir, const char *name)
{
	int64_t before = bytes_of(dir, name);

	return remove_dump(dir, name) < 0 ? before - bytes_of(dir, name) : before;
}

bool kdumpdir_make_room(const struct root *dir, int64_t bytes, int64_t keep)
{
	struct dirent **dumps = NULL;
	int n = scandirat(dir->fd, ".", &dumps, is_dump, latest_first);
	int64_t all = 0, freed = 0;

	for (int i = 0; i < n; i++)
		all += i < keep ? 0 : bytes_of(dir->fd, dumps[i]->d_name);
	for (int i = n - 1; i >= 0; i--) {
		if (i >= keep && all >= bytes && freed < bytes)
			freed += remove_for_room(dir->fd, dumps[i]->d_name);
		free(dumps[i]);
	}
	free(dumps);
	return freed > 0;
}

static char *new_name(struct arena *a, const char *latest, int64_t now)
{
	int64_t last = latest ? kdumpdir_number(latest) : 0;
	time_t t = (time_t)now;
	char when[32] = "";
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	return arena_printf(a, ".%06lld-%s", (long long)(last < NUMBER_MAX ? last + 1 : last),
			    when);
}

int kdumpdir_begin(const struct root *dir, struct arena *a, const char **ret_temporary, int *ret_fd)
{
	const char *latest = NULL, *temporary;
	struct timespec now = { 0 };
	int ret = kdumpdir_latest(dir, a, &latest);

	if (ret < 0)
		return ret;
	clock_gettime(CLOCK_REALTIME, &now);
	temporary = new_name(a, latest, now.tv_sec);
	if (!temporary)
		return -ENOMEM;
	remove_dump(dir->fd, temporary); /* left by a namesake that was cut off */
	if (mkdirat(dir->fd, temporary, 0700) < 0)
		return -errno;
	ret = openat(dir->fd, temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (ret < 0)
		return -errno;
	*ret_temporary = temporary;
	*ret_fd = ret;
	return 0;
}

int kdumpdir_commit(const struct root *dir, const char *temporary, int fd)
{
	int ret = 0;

	if (fsync(fd) < 0 || renameat(dir->fd, temporary, dir->fd, temporary + 1) < 0 ||
	    fsync(dir->fd) < 0)
		ret = -errno;
	if (ret < 0)
		kdumpdir_abandon(dir, temporary);
	return ret;
}

void kdumpdir_abandon(const struct root *dir, const char *temporary)
{
	remove_dump(dir->fd, temporary);
}

int kdumpdir_reserve(const struct root *dir)
{
	_cleanup_close_ int fd =
		openat(dir->fd, RESERVE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int ret = fd < 0 ? -errno : -posix_fallocate(fd, 0, RESERVE_SIZE);

	if (ret >= 0 && (fsync(fd) < 0 || fsync(dir->fd) < 0))
		ret = -errno;
	if (ret < 0 && fd >= 0)
		unlinkat(dir->fd, RESERVE, 0);
	return ret;
}

bool kdumpdir_has_reserve(const struct root *dir)
{
	return root_exists(dir, RESERVE) == 0;
}

bool kdumpdir_release(const struct root *dir)
{
	if (unlinkat(dir->fd, RESERVE, 0) < 0)
		return false;
	sync(); /* some file systems give room back only then */
	return true;
}
