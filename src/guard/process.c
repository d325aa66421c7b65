#include "guard/process.h"

#include <fcntl.h>
#include <sys/stat.h>

#define PROCESS_NONE ((struct process){ .fd = -EBADF })

int process_open(const struct root *procfs, pid_t pid, struct process *ret_process)
{
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "%d", (int)pid);
	fd = root_openat(procfs, name, O_PATH | O_DIRECTORY);
	if (fd < 0)
		return fd;
	*ret_process = (struct process){ .fd = fd, .pid = pid };
	return 0;
}

void process_close(struct process *p)
{
	close_p(&p->fd);
	*p = PROCESS_NONE;
}

/* A small file of the process into @buffer, ended by a NUL. The number of bytes or -errno. */
static ssize_t read_file(const struct process *p, const char *name, char *buffer, size_t size)
{
	_cleanup_close_ int fd = openat(p->fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buffer, size - 1);
	if (n < 0)
		return -errno;
	buffer[n] = '\0';
	return n;
}

int process_get_score(const struct process *p, int *ret_score)
{
	char text[16];
	ssize_t n = read_file(p, "oom_score_adj", text, sizeof(text));

	if (n < 0)
		return (int)n;
	*ret_score = atoi(text);
	return 0;
}

int process_set_score(const struct process *p, int score)
{
	_cleanup_close_ int fd = -EBADF;
	char text[16];
	int now = 0, len, ret;

	ret = process_get_score(p, &now);
	if (ret < 0 || now == score)
		return ret;
	fd = openat(p->fd, "oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = snprintf(text, sizeof(text), "%d\n", score);
	if (write(fd, text, (size_t)len) < 0)
		return -errno;
	ret = process_get_score(p, &now);
	return ret < 0 ? ret : now == score ? 0 : -EIO;
}

int process_uid(const struct process *p, uid_t *ret_uid)
{
	char text[1024];
	unsigned real, effective, saved, fs;
	const char *line;
	ssize_t n = read_file(p, "status", text, sizeof(text));

	if (n < 0)
		return (int)n;
	/* A name cannot fake the line: the kernel escapes newlines in it. */
	line = strstr(text, "\nUid:");
	if (!line || sscanf(line, "\nUid: %u %u %u %u", &real, &effective, &saved, &fs) != 4)
		return -EBADMSG;
	if (real != effective || real != saved || real != fs)
		return -EPERM;
	*ret_uid = real;
	return 0;
}

int process_exe(const struct process *p, struct file_id *ret_id)
{
	struct stat st;

	if (fstatat(p->fd, "exe", &st, 0) < 0)
		return -errno;
	*ret_id = (struct file_id){ .dev = st.st_dev, .ino = st.st_ino };
	return 0;
}

bool process_shares_namespaces(const struct process *p, const struct root *procfs)
{
	static const char *const names[] = { "user", "pid" };
	char theirs[16], ours[32];
	struct stat a, b;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(theirs, sizeof(theirs), "ns/%s", names[i]);
		snprintf(ours, sizeof(ours), "self/ns/%s", names[i]);
		if (fstatat(p->fd, theirs, &a, 0) < 0 || fstatat(procfs->fd, ours, &b, 0) < 0 ||
		    a.st_ino != b.st_ino || a.st_dev != b.st_dev)
			return false;
	}
	return true;
}

/* One line of /proc/PID/cgroup: "0::/system.slice/ssh.service", or with the systemd hierarchy of
 * cgroup v1 "1:name=systemd:/…". */
static bool path_in_unit(const char *path, const char *unit)
{
	size_t len = strlen(unit);

	while (*path == '/') {
		size_t n = strcspn(++path, "/");

		if (n == len && strncmp(path, unit, n) == 0)
			return true;
		if (n < 6 || strncmp(path + n - 6, ".slice", 6) != 0 ||
		    (n == 10 && strncmp(path, "user.slice", 10) == 0))
			return false;
		path += n;
	}
	return false;
}

bool process_in_unit(const struct process *p, const char *unit)
{
	char text[2048], *line, *rest;

	if (read_file(p, "cgroup", text, sizeof(text)) < 0)
		return false;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		const char *path = after_prefix(line, "0::");

		if (!path && (path = strstr(line, ":name=systemd:")))
			path += strlen(":name=systemd:");
		if (path && path_in_unit(path, unit))
			return true;
	}
	return false;
}

int process_args(const struct process *p, char *buffer, size_t size)
{
	ssize_t n = read_file(p, "cmdline", buffer, size);

	if (n < 0)
		return (int)n;
	while (n > 0 && !buffer[n - 1])
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (!buffer[i])
			buffer[i] = ' ';
	return 0;
}

int process_stat(const struct process *p, struct process_stat *ret_stat)
{
	char text[1024];
	unsigned long long start;
	const char *rest;
	int ppid;
	ssize_t n = read_file(p, "stat", text, sizeof(text));

	if (n < 0)
		return (int)n;
	/* The name stands in parentheses and may hold some itself: the last one ends it. */
	rest = strrchr(text, ')');
	if (!rest || sscanf(rest + 1,
			    " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			    "%*d %*d %llu",
			    &ppid, &start) != 2)
		return -EBADMSG;
	*ret_stat = (struct process_stat){ .ppid = ppid, .start_time = start };
	return 0;
}

int process_rss(const struct process *p, int64_t *ret_bytes)
{
	char text[128];
	long long resident;
	ssize_t n = read_file(p, "statm", text, sizeof(text));

	if (n < 0)
		return (int)n;
	if (sscanf(text, "%*d %lld", &resident) != 1)
		return -EBADMSG;
	*ret_bytes = resident * sysconf(_SC_PAGESIZE);
	return 0;
}
