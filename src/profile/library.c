#include "profile/library.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "profile/parse.h"

static const char *const standard_dirs[] = {
	"etc/holdfast/profiles",
	"run/holdfast/profiles",
	"usr/lib/holdfast/profiles",
};

static int add_dir(struct library *l, int fd, char *path)
{
	if (l->n_dirs == LIBRARY_MAX_DIRS) {
		close(fd);
		free(path);
		return -E2BIG;
	}
	l->dirs[l->n_dirs] = (struct root){ .fd = fd, .path = path };
	l->paths[l->n_dirs++] = path;
	return 0;
}

static int open_standard(struct library *l, const struct root *root)
{
	for (size_t i = 0; i < ARRAY_SIZE(standard_dirs); i++) {
		int fd = root_openat(root, standard_dirs[i], O_PATH | O_DIRECTORY);
		char *path;
		int ret;

		if (fd < 0)
			continue;
		path = root_path(root, standard_dirs[i]);
		if (!path) {
			close(fd);
			return -ENOMEM;
		}
		ret = add_dir(l, fd, path);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int open_given(struct library *l, char *const *dirs)
{
	for (; *dirs; dirs++) {
		struct root dir;
		char *path;
		int ret = root_open(*dirs, false, &dir);

		if (ret < 0) {
			log_error("%s: %s", *dirs, strerror(-ret));
			return ret;
		}
		path = strdup(*dirs);
		if (!path) {
			root_close(&dir);
			return -ENOMEM;
		}
		ret = add_dir(l, dir.fd, path);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int library_open(const struct root *root, char *const *dirs, struct library *ret_library)
{
	struct library l = { 0 };
	int ret = dirs ? open_given(&l, dirs) : open_standard(&l, root);

	if (ret < 0) {
		library_close(&l);
		return ret;
	}
	*ret_library = l;
	return 0;
}

void library_close(struct library *l)
{
	for (unsigned i = 0; i < l->n_dirs; i++) {
		root_close(&l->dirs[i]);
		free(l->paths[i]);
	}
	*l = (struct library){ 0 };
}

static int read_profile_fd(int fd, char **ret_data, size_t *ret_size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return read_all(fd, PARSE_MAX_SIZE, ret_data, ret_size);
}

int library_read(const struct library *l, const char *name, struct arena *a, const char **ret_file,
		 char **ret_data, size_t *ret_size)
{
	const char *leaf = arena_printf(a, "%s.yaml", name);

	if (!leaf)
		return -ENOMEM;
	for (unsigned i = 0; i < l->n_dirs; i++) {
		_cleanup_close_ int fd = root_openat(&l->dirs[i], leaf, O_RDONLY | O_NONBLOCK);

		if (fd == -ENOENT)
			continue;
		*ret_file = arena_printf(a, "%s/%s", l->paths[i], leaf);
		if (!*ret_file)
			return -ENOMEM;
		return fd < 0 ? fd : read_profile_fd(fd, ret_data, ret_size);
	}
	return -ENOENT;
}

int library_read_file(const char *path, char **ret_data, size_t *ret_size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : read_profile_fd(fd, ret_data, ret_size);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct name_list {
	char **names;
	size_t n, room;
};

static int name_list_add(struct name_list *l, struct arena *a, const char *name, size_t len)
{
	if (l->n + 1 >= l->room) { /* one more for the last NULL */
		size_t room = l->room ? l->room * 2 : 64;
		char **bigger = arena_alloc(a, room * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		if (l->n > 0)
			memcpy(bigger, l->names, l->n * sizeof(*bigger));
		l->names = bigger;
		l->room = room;
	}
	l->names[l->n] = arena_strndup(a, name, len);
	return l->names[l->n++] ? 0 : -ENOMEM;
}

static int list_dir(const struct root *dir, struct arena *a, struct name_list *list)
{
	_cleanup_closedir_ DIR *d = NULL;
	int fd = root_openat(dir, ".", O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return fd;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -errno;
	}
	for (const struct dirent *e; (e = readdir(d));) {
		size_t len = strlen(e->d_name);
		int ret;

		if (e->d_name[0] == '.' || len <= 5 || !has_suffix(e->d_name, ".yaml"))
			continue;
		ret = name_list_add(list, a, e->d_name, len - 5);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int library_names(const struct library *l, struct arena *a, char ***ret_names)
{
	struct name_list list = { 0 };
	size_t kept = 0;

	for (unsigned i = 0; i < l->n_dirs; i++) {
		int ret = list_dir(&l->dirs[i], a, &list);

		if (ret < 0)
			return ret;
	}
	if (list.n == 0) {
		list.names = arena_alloc(a, sizeof(*list.names));
		if (!list.names)
			return -ENOMEM;
	} else {
		qsort(list.names, list.n, sizeof(*list.names), compare_names);
	}
	for (size_t i = 0; i < list.n; i++)
		if (i == 0 || !streq(list.names[i], list.names[kept - 1]))
			list.names[kept++] = list.names[i];
	if (list.n > 0)
		list.names[kept] = NULL;
	*ret_names = list.names;
	return 0;
}
