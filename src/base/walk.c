#include "base/walk.h"

#include <fcntl.h>
#include <limits.h>

struct walk {
	int root;
	int at;              /* the directory that has been come to: O_PATH */
	char done[PATH_MAX]; /* its path, which has no links */
	char todo[PATH_MAX]; /* what is left */
	unsigned links;      /* that may still be followed */
};

static int move_to(struct walk *w, int fd)
{
	if (fd < 0)
		return -errno;
	if (w->at >= 0)
		close(w->at);
	w->at = fd;
	return 0;
}

static int enter(struct walk *w, const char *name)
{
	size_t used = strlen(w->done);
	int ret = move_to(w, openat(w->at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));

	if (ret < 0)
		return ret;
	return (size_t)snprintf(w->done + used, sizeof(w->done) - used, "/%s", name) <
			       sizeof(w->done) - used
		       ? 0
		       : -ENAMETOOLONG;
}

static int enter_root(struct walk *w)
{
	*w->done = '\0';
	return move_to(w, openat(w->root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* Not by "..": a directory may have been moved meanwhile. */
static int step_up(struct walk *w)
{
	char way[PATH_MAX], *slash = strrchr(w->done, '/'), *rest = NULL;
	int ret;

	if (slash)
		*slash = '\0';
	memcpy(way, w->done, sizeof(way));
	ret = enter_root(w);
	for (char *name = strtok_r(way, "/", &rest); name && ret >= 0;
	     name = strtok_r(NULL, "/", &rest))
		ret = enter(w, name);
	return ret;
}

/* Takes the next component off .todo. 1; 0: there is none; -ENAMETOOLONG. */
static int next_component(struct walk *w, char name[static NAME_MAX + 1])
{
	const char *start = w->todo + strspn(w->todo, "/");
	size_t n = strcspn(start, "/");

	if (n > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, start, n);
	name[n] = '\0';
	memmove(w->todo, start + n, strlen(start + n) + 1);
	return n > 0;
}

static int show(int at, const char *name, bool last, walk_see see, void *data)
{
	_cleanup_close_ int fd = -EBADF;

	if (!see)
		return 0;
	fd = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : see(fd, last, data);
}

/* Where the link leads that was seen: meanwhile the name may be another's. */
static ssize_t read_link(int at, const char *name, walk_see see, void *data,
			 char target[static PATH_MAX])
{
	_cleanup_close_ int fd = -EBADF;
	ssize_t n = readlinkat(at, name, target, PATH_MAX);
	int ret;

	if (n < 0 || !see)
		return n < 0 ? -errno : n;
	fd = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = see(fd, false, data);
	if (ret < 0)
		return ret;
	n = readlinkat(fd, "", target, PATH_MAX);
	return n < 0 ? -errno : n;
}

/* 1: @name is a link, and .todo begins with where it leads; 0: it is none; -errno. */
static int follow(struct walk *w, const char *name, walk_see see, void *data)
{
	char target[PATH_MAX];
	ssize_t n = read_link(w->at, name, see, data, target);
	size_t left = strlen(w->todo) + 1;
	int ret;

	if (n < 0)
		return n == -EINVAL ? 0 : (int)n;
	if (w->links-- == 0)
		return -ELOOP;
	if ((size_t)n + 1 + left > sizeof(w->todo))
		return -ENAMETOOLONG;
	memmove(w->todo + n + 1, w->todo, left);
	memcpy(w->todo, target, (size_t)n);
	w->todo[n] = left > 1 ? '/' : '\0'; /* a slash at the end would ask for a directory */
	ret = *target == '/' ? enter_root(w) : 0;
	return ret < 0 ? ret : 1;
}

static int open_last(const struct walk *w, const char *name, int flags, walk_see see, void *data)
{
	int fd, ret = show(w->at, name, true, see, data);

	if (ret < 0)
		return ret;
	fd = openat(w->at, name, flags | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

static int walk(struct walk *w, int flags, walk_see see, void *data)
{
	char name[NAME_MAX + 1];
	int ret = enter_root(w);

	while (ret >= 0 && (ret = next_component(w, name)) > 0) {
		bool last = !w->todo[strspn(w->todo, "/")];

		if (last && *w->todo) /* "DIR/" */
			flags = (flags | O_DIRECTORY) & ~O_NOFOLLOW;
		if (streq(name, "."))
			continue;
		if (streq(name, "..")) {
			ret = step_up(w);
		} else {
			ret = last && flags & O_NOFOLLOW ? 0 : follow(w, name, see, data);
			if (ret == 0 && last)
				return open_last(w, name, flags, see, data);
			if (ret != 0)
				continue;
			ret = enter(w, name);
		}
		if (ret >= 0)
			ret = show(w->at, ".", last, see, data);
	}
	return ret < 0 ? ret : open_last(w, ".", flags, NULL, NULL);
}

int walk_open(int root, const char *path, int flags, unsigned max_links, walk_see see, void *data)
{
	struct walk w = { .root = root, .at = -EBADF, .links = max_links };
	int ret = -ENAMETOOLONG;

	if ((size_t)snprintf(w.todo, sizeof(w.todo), "%s", path) < sizeof(w.todo))
		ret = walk(&w, flags | O_CLOEXEC | O_NOCTTY, see, data);
	if (w.at >= 0)
		close(w.at);
	return ret;
}
