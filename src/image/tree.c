#include "image/tree.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <time.h>

#include "base/hash.h"

#define MAX_HASHED (256U << 20)

static int add(struct tree_files *files, struct tree_file file, const char *path, const char *data)
{
	struct tree_file *bigger = reallocarray(files->list, files->n + 1, sizeof(*bigger));

	if (!bigger)
		return -ENOMEM;
	files->list = bigger;
	file.path = arena_strdup(&files->arena, path);
	file.data = arena_strndup(&files->arena, data, file.size);
	files->list[files->n++] = file;
	return file.path && file.data ? 0 : -ENOMEM;
}

int tree_add(struct tree_files *files, const char *path, const char *data, size_t size, mode_t mode)
{
	return add(files, (struct tree_file){ .size = size, .mode = mode }, path, data);
}

int tree_add_link(struct tree_files *files, const char *path, const char *target)
{
	return add(files, (struct tree_file){ .size = strlen(target), .is_link = true }, path,
		   target);
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(((const struct tree_file *)a)->path, ((const struct tree_file *)b)->path);
}

void tree_sort(struct tree_files *files)
{
	if (files->n > 0)
		qsort(files->list, files->n, sizeof(*files->list), compare_paths);
}

void tree_free(struct tree_files *files)
{
	arena_free(&files->arena);
	free(files->list);
	*files = (struct tree_files){ 0 };
}

bool tree_leads_to(const char *dir, const char *path)
{
	const char *rest = after_prefix(path, dir);

	return rest && *rest == '/';
}

static bool same_link(int dir, const char *leaf, const struct tree_file *file)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, leaf, target, sizeof(target));

	return n == (ssize_t)file->size && memcmp(target, file->data, file->size) == 0;
}

static bool same_content(int dir, const char *leaf, const struct tree_file *file)
{
	_cleanup_close_ int fd =
		openat(dir, leaf, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	_cleanup_free_ char *data = NULL;
	size_t size;

	return fd >= 0 && read_all(fd, file->size, &data, &size) == 0 && size == file->size &&
	       memcmp(data, file->data, size) == 0;
}

int tree_compare(const struct root *root, const struct tree_file *file)
{
	const char *leaf;
	_cleanup_close_ int dir = root_open_parent(root, file->path, &leaf);
	struct stat st;

	if (dir < 0)
		return dir == -ENOENT ? TREE_ABSENT : dir;
	if (fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? TREE_ABSENT : -errno;
	if (geteuid() == 0 && st.st_uid != 0) /* others could change it */
		return TREE_OTHER;
	if (file->is_link)
		return S_ISLNK(st.st_mode) && same_link(dir, leaf, file) ? TREE_SAME : TREE_OTHER;
	if (!S_ISREG(st.st_mode) || (st.st_mode & 07777) != file->mode)
		return TREE_OTHER;
	return same_content(dir, leaf, file) ? TREE_SAME : TREE_OTHER;
}

static uint64_t hash_of(bool is_link, const char *data, size_t size)
{
	return hash_add(HASH_BEGIN + is_link, data, size);
}

uint64_t tree_hash(const struct tree_file *file)
{
	return hash_of(file->is_link, file->data, file->size);
}

int tree_hash_at(const struct root *root, const char *path, uint64_t *ret_hash)
{
	const char *leaf;
	_cleanup_close_ int dir = root_open_parent(root, path, &leaf), fd = -EBADF;
	_cleanup_free_ char *data = NULL;
	char target[PATH_MAX];
	struct stat st;
	size_t size;
	ssize_t n;
	int ret;

	if (dir < 0)
		return dir;
	if (fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)) /* to open a device may do something */
		return -ENXIO;
	n = readlinkat(dir, leaf, target, sizeof(target));
	if (n >= 0) {
		*ret_hash = hash_of(true, target, (size_t)n);
		return 0;
	}
	fd = openat(dir, leaf, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	ret = read_all(fd, MAX_HASHED, &data, &size);
	if (ret >= 0)
		*ret_hash = hash_of(false, data, size);
	return ret;
}

static int write_link(int dir, const char *leaf, const struct tree_file *file)
{
	_cleanup_free_ char *temporary = NULL;
	int ret = 0;

	if (asprintf(&temporary, ".%s.%d", leaf, (int)getpid()) < 0)
		return -ENOMEM;
	unlinkat(dir, temporary, 0);
	if (symlinkat(file->data, dir, temporary) < 0)
		return -errno;
	if (renameat(dir, temporary, dir, leaf) < 0) {
		ret = -errno;
		unlinkat(dir, temporary, 0);
	}
	return ret;
}

/* 1: SOURCE_DATE_EPOCH is a time; 0: there is none; -EINVAL. */
static int read_epoch(time_t *ret_time)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	char *end;

	if (!epoch || !*epoch)
		return 0;
	errno = 0;
	*ret_time = (time_t)strtoll(epoch, &end, 10);
	return isdigit((unsigned char)*epoch) && !*end && !errno ? 1 : -EINVAL;
}

bool tree_epoch_is_valid(void)
{
	time_t unused;

	return read_epoch(&unused) >= 0;
}

/* The time that reproducible builds give to what they make: to @leaf, unless it is NULL, and to the
 * directory, which has been changed. */
static void set_times(int dir, const char *leaf)
{
	struct timespec times[2] = { 0 };

	if (read_epoch(&times[0].tv_sec) <= 0)
		return;
	times[1] = times[0];
	/* A file system that cannot is no reason to fail. */
	if ((leaf && utimensat(dir, leaf, times, AT_SYMLINK_NOFOLLOW) < 0) ||
	    futimens(dir, times) < 0)
		return;
}

void tree_sweep(const struct root *root, const char *path)
{
	_cleanup_closedir_ DIR *d = NULL;
	const char *leaf;
	int fd = root_open_parent(root, path, &leaf);

	if (fd < 0)
		return;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return;
	}
	for (const struct dirent *e; (e = readdir(d));)
		if (write_whole_left(e->d_name, leaf) && unlinkat(fd, e->d_name, 0) == 0)
			set_times(fd, NULL);
}

int tree_write(const struct root *root, const struct tree_file *file)
{
	const char *leaf;
	_cleanup_close_ int dir = root_open_parent(root, file->path, &leaf);
	int ret;

	if (dir < 0)
		return dir;
	ret = file->is_link ? write_link(dir, leaf, file)
			    : write_whole_as(dir, leaf, file->data, file->size, file->mode);
	if (ret >= 0)
		set_times(dir, leaf);
	return ret;
}

int tree_remove(const struct root *root, const char *path, bool is_dir)
{
	const char *leaf;
	_cleanup_close_ int dir = root_open_parent(root, path, &leaf);

	if (dir < 0)
		return dir == -ENOENT ? 0 : dir;
	if (unlinkat(dir, leaf, is_dir ? AT_REMOVEDIR : 0) == 0) {
		set_times(dir, NULL);
		return 0;
	}
	if (errno == ENOENT)
		return 0;
	return is_dir && (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR) ? 0 : -errno;
}

int tree_missing_way(const struct root *root, const char *path,
		     int (*each)(const char *dir, void *data), void *data)
{
	_cleanup_free_ char *copy = strdup(path);
	int ret = 0;

	if (!copy)
		return -ENOMEM;
	for (char *slash = strchr(copy, '/'); slash && ret >= 0; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		ret = root_exists(root, copy);
		if (ret == -ENOENT)
			ret = each(copy, data);
		*slash = '/';
	}
	return ret;
}

static int make_one(const char *path, void *data)
{
	const struct root *root = data;
	const char *leaf;
	_cleanup_close_ int dir = -EBADF, fd = root_make_dir(root, path);

	if (fd < 0)
		return fd;
	dir = root_open_parent(root, path, &leaf);
	if (dir >= 0)
		set_times(dir, leaf);
	return 0;
}

int tree_make_way(const struct root *root, const char *path)
{
	struct root r = *root;

	return tree_missing_way(root, path, make_one, &r);
}
