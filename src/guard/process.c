#include "guard/process.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define PROCESS_NONE ((struct process){ .fd = -EBADF })

bool fails_for_now(int ret)
{
	static const int errors[] = { EMFILE, ENFILE, ENOMEM, EIO, EINTR, EAGAIN };

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (ret == -errors[i])
			return true;
	return false;
}

bool is_shortage(int ret)
{
	return ret == -EMFILE || ret == -ENFILE || ret == -ENOMEM;
}

int process_open(const struct root *procfs, pid_t pid, struct process *ret_process)
{
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "%d", (int)pid);
	*ret_process = PROCESS_NONE;
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
static ssize_t read_file(struct process *p, const char *name, char *buffer, size_t size)
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

int process_get_score(struct process *p, int *ret_score)
{
	char text[16];
	ssize_t n = read_file(p, "oom_score_adj", text, sizeof(text));

	if (n < 0)
		return (int)n;
	*ret_score = atoi(text);
	return 0;
}

int process_set_score(struct process *p, int score, int *ret_before)
{
	_cleanup_close_ int fd = openat(p->fd, "oom_score_adj", O_RDWR | O_CLOEXEC);
	char text[16];
	ssize_t n;
	int before, len;

	if (fd < 0)
		return -errno;
	n = pread(fd, text, sizeof(text) - 1, 0);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	before = atoi(text);
	/* As long as what was there, for trees that are plain files. */
	len = snprintf(text, sizeof(text), "%d\n", score);
	while (len < n)
		text[len++] = '\n';
	if (pwrite(fd, text, (size_t)len, 0) < 0)
		return -errno;
	n = pread(fd, text, sizeof(text) - 1, 0);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	if (ret_before)
		*ret_before = before;
	return atoi(text) == score ? 0 : -EIO;
}

int process_ids(struct process *p, struct process_ids *ret_ids)
{
	char text[8192]; /* a process may be in hundreds of groups */
	unsigned real, effective, saved, fs;
	const char *uids, *parent, *pids, *session;
	ssize_t n;
	int ppid;

	if (!p->has_ids) {
		n = read_file(p, "status", text, sizeof(text));
		if (n < 0)
			return (int)n;
		/* A name cannot fake the lines: the kernel escapes newlines in it. */
		parent = strstr(text, "\nPPid:");
		session = strstr(text, "\nNSsid:");
		uids = strstr(text, "\nUid:");
		pids = strstr(text, "\nNSpid:"); /* one for each namespace from procfs's down */
		if (!parent || sscanf(parent, "\nPPid: %d", &ppid) != 1 || !uids ||
		    sscanf(uids, "\nUid: %u %u %u %u", &real, &effective, &saved, &fs) != 4)
			return -EBADMSG;
		p->ids = (struct process_ids){
			.uid = real,
			.one_user = real == effective && real == saved && real == fs,
			.nested = !pids || strcspn(pids + 8, "\t") < strcspn(pids + 8, "\n"),
			.ppid = ppid,
			.session = session ? atoi(session + strlen("\nNSsid:")) : 0,
		};
		p->has_ids = true;
	}
	*ret_ids = p->ids;
	return 0;
}

/* What the kernel knows by itself: a file system in user space, or on a server, that is asked may
 * never answer. */
int process_exe(struct process *p, struct file_id *ret_id)
{
	struct statx stx;

	if (statx(p->fd, "exe", AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_INO, &stx) < 0)
		return -errno;
	*ret_id = (struct file_id){ .dev = makedev(stx.stx_dev_major, stx.stx_dev_minor),
				    .ino = stx.stx_ino };
	return 0;
}

int process_user_namespace(struct process *p, ino_t *ret_inode)
{
	struct stat st;

	if (fstatat(p->fd, "ns/user", &st, 0) < 0)
		return -errno;
	*ret_inode = st.st_ino;
	return 0;
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

int process_in_unit(struct process *p, const char *unit)
{
	char text[2048], *line, *rest;
	ssize_t n = read_file(p, "cgroup", text, sizeof(text));

	if (n < 0)
		return (int)n;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		const char *path = after_prefix(line, "0::");

		if (!path && (path = strstr(line, ":name=systemd:")))
			path += strlen(":name=systemd:");
		if (path && path_in_unit(path, unit))
			return 1;
	}
	return 0;
}

ssize_t process_arguments(struct process *p, char *buffer, size_t size)
{
	return read_file(p, "cmdline", buffer, size);
}

int process_args(struct process *p, char *buffer, size_t size)
{
	ssize_t n = process_arguments(p, buffer, size);

	if (n < 0)
		return (int)n;
	while (n > 0 && !buffer[n - 1])
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (!buffer[i])
			buffer[i] = ' ';
	return 0;
}

int process_stat(struct process *p, struct process_stat *ret_stat)
{
	char text[1024];
	unsigned long long start;
	const char *rest;
	int ppid, session, threads;
	ssize_t n;

	if (p->has_stat) {
		*ret_stat = p->stat;
		return 0;
	}
	n = read_file(p, "stat", text, sizeof(text));
	if (n < 0)
		return (int)n;
	/* The name stands in parentheses and may hold some itself: the last one ends it. */
	rest = strrchr(text, ')');
	if (!rest || sscanf(rest + 1,
			    " %*c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			    "%d %*d %llu",
			    &ppid, &session, &threads, &start) != 4)
		return -EBADMSG;
	p->stat = (struct process_stat){
		.ppid = ppid, .session = session, .threads = threads, .start_time = start
	};
	p->has_stat = true;
	*ret_stat = p->stat;
	return 0;
}

uint64_t process_ticks(void)
{
	struct timespec now;
	uint64_t per_second = (uint64_t)sysconf(_SC_CLK_TCK);

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * per_second + (uint64_t)now.tv_nsec * per_second / 1000000000;
}

bool process_lives(struct process *p)
{
	struct process_stat st;
	struct file_id exe;

	return process_exe(p, &exe) == 0 || (process_stat(p, &st) == 0 && st.threads > 1);
}

int process_rss(struct process *p, int64_t *ret_bytes)
{
	char text[128];
	long long resident;
	ssize_t n = read_file(p, "statm", text, sizeof(text));

	if (n < 0)
		return (int)n;
	if (sscanf(text, "%*d %lld", &resident) != 1)
		return -EBADMSG;
	return __builtin_mul_overflow(resident, sysconf(_SC_PAGESIZE), ret_bytes) ? -ERANGE : 0;
}
