#include "guard/profiles.h"

#include <fcntl.h>

#include "base/log.h"
#include "guard/watch.h"

/* Of a directory, and of those above it in which it may appear or be replaced. */
#define WATCHED_NAMES 3

static int watch_way(int watch, const struct library_dir *dir)
{
	_cleanup_free_ char *way = strdup(dir->inside);
	int ret = way ? 0 : -ENOMEM;

	for (int i = 0; i < WATCHED_NAMES && ret >= 0; i++) {
		_cleanup_close_ int fd = root_openat(&dir->base, way, O_PATH | O_DIRECTORY);
		char *slash = strrchr(way, '/');

		if (fd >= 0)
			ret = watch_add(watch, fd);
		if (!slash)
			break;
		*slash = '\0';
	}
	return ret;
}

void profiles_watch(int watch, const struct library *l)
{
	_cleanup_close_ int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (unsigned i = 0; i < l->n_dirs && watch >= 0 && here >= 0; i++) {
		int ret = watch_way(watch, &l->dirs[i]);

		if (ret < 0)
			log_warning("guard: %s: changes will not be noticed: %s", l->dirs[i].path,
				    strerror(-ret));
	}
	if (here >= 0 && fchdir(here) < 0)
		log_debug("guard: %s", strerror(errno));
}

static bool has_part(const char *path, const char *name)
{
	size_t n;

	for (; *path; path += n + (path[n] == '/')) {
		n = strcspn(path, "/");
		if (n == strlen(name) && strncmp(path, name, n) == 0)
			return true;
	}
	return false;
}

bool profiles_concern(const struct library *l, const char *name)
{
	if (!*name || has_suffix(name, ".yaml"))
		return true;
	for (unsigned i = 0; i < l->n_dirs; i++)
		if (has_part(l->dirs[i].inside, name))
			return true;
	return false;
}
