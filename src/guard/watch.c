#include "guard/watch.h"

#include <sys/inotify.h>

int watch_open(void)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

int watch_add(int watch, int dir_fd)
{
	if (fchdir(dir_fd) < 0)
		return -errno;
	if (inotify_add_watch(watch, ".",
			      IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
				      IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR) < 0)
		return -errno;
	return 0;
}

bool watch_drain(int watch, void (*each)(const char *name, bool appeared, void *data), void *data)
{
	_Alignas(struct inotify_event) char buffer[4096];
	bool any = false;
	ssize_t n;

	while ((n = read(watch, buffer, sizeof(buffer))) > 0) {
		const struct inotify_event *e;

		any = true;
		for (char *at = buffer; at < buffer + n; at += sizeof(*e) + e->len) {
			e = (const void *)at;
			each(e->len > 0 ? e->name : "",
			     (e->mask & (IN_CREATE | IN_ISDIR)) == IN_CREATE, data);
		}
	}
	return any;
}
