#include "guard/gate.h"

#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/stat.h>

static int take_spare(struct gate *g)
{
	g->spare = fcntl(g->fd, F_DUPFD_CLOEXEC, 0);
	return g->spare < 0 ? -errno : 0;
}

int gate_open(void)
{
	int fd = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK |
				       FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS,
			       O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int gate_take(int fd, struct gate *ret_gate)
{
	struct gate g = { .fd = fd, .spare = -EBADF };
	int ret;

	close(STDIN_FILENO); /* nobody reads it */
	ret = take_spare(&g);
	if (ret < 0)
		return ret;
	*ret_gate = g;
	return 0;
}

void gate_close(struct gate *g)
{
	close_p(&g->spare);
	close_p(&g->fd);
	*g = GATE_NONE;
}

int gate_mark(const struct gate *g, int fd)
{
	if (fanotify_mark(g->fd, FAN_MARK_ADD, FAN_OPEN_EXEC_PERM, fd, NULL) < 0)
		return -errno;
	return 0;
}

/* Lets the exec go, and does nothing else before: it waits, likely for our processor. -errno: it
 * may still wait, and the gate has to be closed. */
static int answer(struct gate *g, const struct fanotify_event_metadata *e, bool stays)
{
	struct fanotify_response response = { .fd = e->fd, .response = FAN_ALLOW };
	int ret;

	do {
		ret = write(g->fd, &response, sizeof(response)) < 0 ? -errno : 0;
	} while (ret == -EINTR);
	if (!stays)
		(void)fanotify_mark(g->fd, FAN_MARK_REMOVE, FAN_OPEN_EXEC_PERM, e->fd, NULL);
	g->spare = dup3(g->fd, e->fd, O_CLOEXEC); /* its place becomes the spare one */
	if (g->spare < 0)
		close(e->fd);
	return ret == -ENOENT ? 0 : ret; /* whoever waited was killed meanwhile */
}

/* A buffer of one event: the kernel opens a descriptor for each that it hands out, and denies the
 * exec where it cannot. */
int gate_dispatch(struct gate *g, gate_decide decide, void *data)
{
	struct fanotify_event_metadata e;
	struct stat st = { 0 };
	bool stays = true;
	ssize_t size;
	int ret;

	close_p(&g->spare);
	size = read(g->fd, &e, sizeof(e));
	ret = size < 0 ? -errno : 0;
	if (size == (ssize_t)sizeof(e) && e.fd >= 0) {
		bool seen = fstat(e.fd, &st) == 0;
		const struct file_id program = { .dev = st.st_dev, .ino = st.st_ino };

		if (e.mask & FAN_OPEN_EXEC_PERM)
			stays = decide(e.pid, seen ? &program : NULL, data);
		ret = answer(g, &e, stays);
	}
	if (g->spare < 0 && take_spare(g) < 0)
		return -EMFILE;
	return ret == -EAGAIN || ret == -EINTR ? 0 : ret;
}
