#include "guard/control.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#define SOCKET "guard.sock"
#define TIMEOUT_US 200000     /* a client that hangs must not hold up an exec */
#define MAX_ANSWER (8U << 20) /* members with paths of PATH_MAX */

/* A socket's path is short, and below a directory that may be anywhere: go there. */
static int go_to_dir(const struct machine *m)
{
	_cleanup_close_ int dir = root_make_dir(&m->run, "holdfast");

	if (dir < 0)
		return dir;
	return fchdir(dir) < 0 ? -errno : 0;
}

int control_listen(const struct machine *m)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = SOCKET };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;
	int ret = go_to_dir(m);

	if (fd < 0)
		return -errno;
	if (ret < 0)
		return ret;
	if (unlink(SOCKET) < 0 && errno != ENOENT)
		return -errno;
	mask = umask(0177);
	ret = bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	if (ret >= 0 && listen(fd, 8) < 0)
		ret = -errno;
	return ret < 0 ? ret : TAKE_FD(fd);
}

static void set_timeout(int fd)
{
	const struct timeval t = { .tv_usec = TIMEOUT_US };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

static bool is_root(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == 0;
}

static void serve(int fd, void (*answer)(const char *request, FILE *out, void *data), void *data)
{
	char request[128];
	ssize_t n;
	FILE *out;

	set_timeout(fd);
	n = is_root(fd) ? recv(fd, request, sizeof(request) - 1, 0) : -1;
	out = n > 0 ? fdopen(fd, "w") : NULL;
	if (!out) {
		close(fd);
		return;
	}
	request[n] = '\0';
	request[strcspn(request, "\n")] = '\0';
	answer(request, out, data);
	fclose(out);
}

int control_serve(int socket, void (*answer)(const char *request, FILE *out, void *data),
		  void *data)
{
	int fd = accept4(socket, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		serve(fd, answer, data);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
		return -errno; /* it would stay in the queue, and wake us for ever */
	return 0;
}

/* Connects by the directory's descriptor, so that a caller stays where it is. */
static int connect_to(const struct machine *m, int fd)
{
	_cleanup_close_ int dir = root_openat(&m->run, "holdfast", O_PATH | O_DIRECTORY);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (dir < 0)
		return dir;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" SOCKET, dir);
	return connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

int control_ask(const struct machine *m, const char *request, char **ret_answer)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t size;
	int ret;

	if (fd < 0)
		return -errno;
	set_timeout(fd);
	ret = connect_to(m, fd);
	if (ret < 0)
		return ret;
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		return -errno;
	return read_all(fd, MAX_ANSWER, ret_answer, &size);
}
