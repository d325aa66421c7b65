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

static int add_dir(struct library *l, struct library_dir dir)
{
	if (!dir.path || l->n_dirs == LIBRARY_MAX_DIRS) {
		if (dir.owned)
			root_close(&dir.base);
		free(dir.path);
		return dir.path ? -E2BIG : -ENOMEM;
	}
	l->dirs[l->n_dirs++] = dir;
	return 0;
}

/* Files are opened from the image's root on, so that links in it stay in it. */
static int open_standard(struct library *l, const struct root *root)
{
	int ret = 0;

	for (size_t i = 0; i < ARRAY_SIZE(standard_dirs) && ret >= 0; i++)
		ret = add_dir(l, (struct library_dir){
					 .base = *root,
					 .inside = standard_dirs[i],
					 .path = root_path(root, standard_dirs[i]),
				 });
	return ret;
}

static int open_given(struct library *l, char *const *dirs)
{
	int ret = 0;

	for (; *dirs && ret >= 0; dirs++) {
		struct library_dir dir = { .inside = ".", .owned = true };

		ret = root_open(*dirs, false, &dir.base);
		if (ret < 0) {
			log_error("%s: %s", *dirs, strerror(-ret));
			return ret;
		}
		dir.path = strdup(*dirs);
		ret = add_dir(l, dir);
	}
	return ret;
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
		if (l->dirs[i].owned)
			root_close(&l->dirs[i].base);
		free(l->dirs[i].path);
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

/* Opens NAME.yaml of one directory. A link to nothing is a file that cannot be read. */
static int open_in(const struct library_dir *dir, const char *leaf, bool *ret_exists)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int link = -EBADF;
	int fd;

	if (asprintf(&path, "%s/%s", dir->inside, leaf) < 0)
		return -ENOMEM;
	fd = root_openat(&dir->base, path, O_RDONLY | O_NONBLOCK);
	if (fd == -ENOENT)
		link = root_openat(&dir->base, path, O_PATH | O_NOFOLLOW);
	*ret_exists = (fd != -ENOENT && fd != -ENOTDIR) || link >= 0;
	return fd;
}

int library_read(const struct library *l, const char *name, struct arena *a, const char **ret_file,
		 char **ret_data, size_t *ret_size)
{
	const char *leaf = arena_printf(a, "%s.yaml", name);

	if (!leaf)
		return -ENOMEM;
	for (unsigned i = 0; i < l->n_dirs; i++) {
		bool exists = true;
		_cleanup_close_ int fd = open_in(&l->dirs[i], leaf, &exists);

		if (!exists)
			continue;
		*ret_file = arena_printf(a, "%s/%s", l->dirs[i].path, leaf);
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

static bool is_printable(const char *name)
{
	for (; *name; name++)
		if ((unsigned char)*name <= ' ' || *name == 0x7f)
			return false;
	return true;
}

static int list_dir(const struct library_dir *dir, struct arena *a, struct name_list *list)
{
	_cleanup_closedir_ DIR *d = NULL;
	int fd = root_openat(&dir->base, dir->inside, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return fd;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -errno;
	}
	for (;;) {
		const struct dirent *e;
		size_t len;
		int ret;

		errno = 0;
		e = readdir(d);
		if (!e)
			return -errno;
		len = strlen(e->d_name);
		if (e->d_name[0] == '.' || len <= 5 || !has_suffix(e->d_name, ".yaml"))
			continue;
		if (!is_printable(e->d_name)) {
			log_warning("%s: a file whose name no profile can have is passed over",
				    dir->path);
			continue;
		}
		ret = name_list_add(list, a, e->d_name, len - 5);
		if (ret < 0)
			return ret;
	}
}

int library_names(const struct library *l, struct arena *a, char ***ret_names)
{
	struct name_list list = { 0 };
	size_t kept = 0;

	for (unsigned i = 0; i < l->n_dirs; i++) {
		int ret = list_dir(&l->dirs[i], a, &list);

		if (ret == -ENOMEM)
			return ret;
		if (ret == -ENOENT && !l->dirs[i].owned)
			continue;
		if (ret < 0) /* the others may have what is needed */
			log_error("%s: %s", l->dirs[i].path, strerror(-ret));
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
