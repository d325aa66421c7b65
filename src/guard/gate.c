#include "guard/gate.h"

#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/stat.h>

int gate_open(void)
{
	int fd = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK |
				       FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS,
			       O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int gate_mark(int gate, int fd)
{
	if (fanotify_mark(gate, FAN_MARK_ADD, FAN_OPEN_EXEC_PERM, fd, NULL) < 0)
		return -errno;
	return 0;
}

static void answer(int gate, int event_fd)
{
	struct fanotify_response response = { .fd = event_fd, .response = FAN_ALLOW };

	/* Should it fail, the supervisor notices that an exec waits. */
	while (write(gate, &response, sizeof(response)) < 0 && errno == EINTR)
		;
	close(event_fd);
}

static void handle(int gate, const struct fanotify_event_metadata *e, gate_decide decide,
		   void *data)
{
	struct stat st;

	if (e->fd < 0) /* queue overflow: not for permission events */
		return;
	if (e->mask & FAN_OPEN_EXEC_PERM && fstat(e->fd, &st) == 0)
		decide(e->pid, &(struct file_id){ .dev = st.st_dev, .ino = st.st_ino }, data);
	answer(gate, e->fd);
}

int gate_dispatch(int gate, gate_decide decide, void *data)
{
	_Alignas(struct fanotify_event_metadata) char buffer[4096];
	const struct fanotify_event_metadata *e = (const void *)buffer;
	ssize_t left = read(gate, buffer, sizeof(buffer));
	int n = 0;

	if (left < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (; FAN_EVENT_OK(e, left); e = FAN_EVENT_NEXT(e, left), n++)
		handle(gate, e, decide, data);
	return n;
}
