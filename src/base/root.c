#include "base/root.h"

#include <fcntl.h>

#include "base/walk.h"

int root_open(const char *path, bool confined, struct root *ret_root)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_root = (struct root){
		.fd = fd,
		.path = streq(path, "/") ? "" : path,
		.confined = confined && !streq(path, "/"),
	};
	return 0;
}

void root_close(struct root *r)
{
	close_p(&r->fd);
	*r = ROOT_NONE;
}

static const char *relative(const char *path)
{
	while (*path == '/')
		path++;
	return *path ? path : ".";
}

bool root_is_own(const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == geteuid()) && !(st->st_mode & 022);
}

/* Whether it is root's, or our own, and stays what it is: in a sticky directory others can make,
 * but neither remove nor rename. Whose a link is, is all that counts of it. */
static bool is_own_way(const struct stat *st)
{
	return root_is_own(st) ||
	       ((st->st_uid == 0 || st->st_uid == geteuid()) &&
		(S_ISLNK(st->st_mode) || (S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX)));
}

/* To open a device may do something: start a watchdog, rewind a tape. */
static bool is_special(const struct stat *st)
{
	return !S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode) && !S_ISLNK(st->st_mode);
}

struct visit {
	bool own, regular; /* what is asked of what lies on the way, and of its end */
};

static int judge(int fd, bool last, void *data)
{
	const struct visit *v = data;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (v->own && !is_own_way(&st))
		return -EPERM;
	return last && v->regular && is_special(&st) ? -ENXIO : 0;
}

int root_openat(const struct root *r, const char *path, int flags)
{
	struct visit v = { .own = r->own, .regular = !(flags & O_PATH) };
	int fd;

	if (r->fd < 0) /* a tree that was not opened has no files; else why it could not be */
		return r->fd == ROOT_NONE.fd ? -ENOENT : r->fd;
	path = relative(path);
	if (r->confined || r->no_links || r->own)
		return walk_open(r->fd, path, flags, r->no_links ? 0 : WALK_LINKS, judge, &v);
	fd = openat(r->fd, path, flags | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

int root_exists(const struct root *r, const char *path)
{
	_cleanup_close_ int fd = root_openat(r, path, O_PATH);

	return fd < 0 ? fd : 0;
}

int read_all(int fd, size_t max, char **ret_data, size_t *ret_size)
{
	_cleanup_free_ char *data = NULL;
	size_t size = 0, room = 0;

	for (;;) {
		ssize_t n;

		if (room - size < 2) {
			char *bigger = realloc(data, room ? room * 4 : 1024);

			if (!bigger)
				return -ENOMEM;
			data = bigger;
			room = room ? room * 4 : 1024;
		}
		n = read(fd, data + size, room - size - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size += (size_t)n;
		if (size > max)
			return -EFBIG;
	}
	data[size] = '\0';
	*ret_data = TAKE_PTR(data);
	*ret_size = size;
	return 0;
}

int root_read(const struct root *r, const char *path, size_t max, char **ret_data, size_t *ret_size)
{
	_cleanup_close_ int fd = root_openat(r, path, O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		return fd;
	return read_all(fd, max, ret_data, ret_size);
}

int root_read_text(const struct root *r, const char *path, size_t max, char **ret_text)
{
	_cleanup_free_ char *text = NULL;
	size_t n;
	int ret;

	ret = root_read(r, path, max, &text, &n);
	if (ret < 0)
		return ret;
	while (n > 0 && strchr(" \t\r\n", text[n - 1])) /* strchr() finds the NUL too */
		n--;
	text[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if (!text[i])
			text[i] = ' ';
	*ret_text = TAKE_PTR(text);
	return 0;
}

int root_write_text(const struct root *r, const char *path, const char *text)
{
	_cleanup_close_ int fd = -EBADF;
	_cleanup_free_ char *line = NULL;
	ssize_t n;
	int len;

	/* No O_CREAT: a key that does not exist is an error. O_TRUNC means nothing to procfs
	 * and makes regular files of a fake tree behave. */
	fd = root_openat(r, path, O_WRONLY | O_TRUNC | O_NOFOLLOW);
	if (fd < 0)
		return fd;
	len = asprintf(&line, "%s\n", text);
	if (len < 0)
		return -ENOMEM;
	n = write(fd, line, (size_t)len);
	if (n < 0)
		return -errno;
	return n == len ? 0 : -EIO;
}

char *root_path(const struct root *r, const char *path)
{
	char *full;

	while (*path == '/')
		path++;
	return asprintf(&full, "%s/%s", r->path, path) < 0 ? NULL : full;
}

static int write_synced(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int write_whole_as(int dir_fd, const char *name, const char *data, size_t size, mode_t mode)
{
	_cleanup_free_ char *temporary = NULL;
	_cleanup_close_ int fd = -EBADF;
	int ret;

	if (asprintf(&temporary, ".%s.%d", name, (int)getpid()) < 0)
		return -ENOMEM;
	unlinkat(dir_fd, temporary, 0); /* left by a namesake that was cut off */
	fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	ret = write_synced(fd, data, size);
	if (ret >= 0 && renameat(dir_fd, temporary, dir_fd, name) < 0)
		ret = -errno;
	if (ret < 0)
		unlinkat(dir_fd, temporary, 0);
	return ret;
}

int write_whole(int dir_fd, const char *name, const char *data, size_t size)
{
	return write_whole_as(dir_fd, name, data, size, 0644);
}

bool write_whole_left(const char *name, const char *leaf)
{
	const char *pid = strrchr(name, '.'); /* ".LEAF.PID" */

	if (*name != '.' || pid <= name + 1 || !pid[1] || pid[1 + strspn(pid + 1, "0123456789")])
		return false;
	return !leaf || (strlen(leaf) == (size_t)(pid - name - 1) &&
			 memcmp(name + 1, leaf, strlen(leaf)) == 0);
}

int root_open_parent(const struct root *r, const char *path, const char **ret_leaf)
{
	_cleanup_free_ char *copy = strdup(relative(path));
	char *slash = copy ? strrchr(copy, '/') : NULL;

	if (!copy)
		return -ENOMEM;
	if (slash)
		*slash = '\0';
	*ret_leaf = relative(path) + (slash ? slash + 1 - copy : 0);
	return root_openat(r, slash ? copy : ".", O_RDONLY | O_DIRECTORY);
}

/* Makes the last component of @path; links before it are followed as root_openat() does. */
static int make_one_dir(const struct root *r, const char *path)
{
	const char *leaf;
	_cleanup_close_ int parent = root_open_parent(r, path, &leaf);

	if (parent < 0) /* it was made or found a moment ago: a link to nothing */
		return parent == -ENOENT ? -ENOTDIR : parent;
	return mkdirat(parent, leaf, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

int root_make_dir(const struct root *r, const char *path)
{
	_cleanup_free_ char *copy = strdup(relative(path));
	char *end = copy;
	int ret;

	if (!copy)
		return -ENOMEM;
	if (r->fd < 0)
		return root_openat(r, ".", O_PATH);
	while (end && !streq(copy, ".")) {
		end += strspn(end, "/");
		end = strchr(end, '/');
		if (end)
			*end = '\0';
		ret = make_one_dir(r, copy);
		if (ret < 0)
			return ret;
		if (end)
			*end = '/';
	}
	ret = root_openat(r, copy, O_RDONLY | O_DIRECTORY);
	return ret == -ENOENT ? -ENOTDIR : ret; /* a link to nothing */
}
