#include "insight/procfs.h"

#include <ctype.h>
#include <fcntl.h>
#include <linux/capability.h>

#include "base/text.h"

#define USUAL 4096U     /* bytes of a file that one read gets */
#define MOST (1U << 20) /* of one with many groups or long paths */

/* One read of a small file: the fields that we want stand at the beginning. Bytes or -errno. */
static ssize_t read_small(const struct root *procfs, pid_t pid, const char *name, char *buffer,
			  size_t size)
{
	_cleanup_close_ int fd = -EBADF;
	char path[48];
	ssize_t n;

	snprintf(path, sizeof(path), "%d/%s", (int)pid, name);
	fd = root_openat(procfs, path, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return fd;
	n = read(fd, buffer, size - 1);
	if (n < 0)
		return -errno;
	buffer[n] = '\0';
	return n;
}

/* All of a file: in @buffer, or in *@ret_owned where that is too small; NULL where there is none.
 */
static char *read_whole(const struct root *procfs, pid_t pid, const char *name, char buffer[USUAL],
			char **ret_owned)
{
	ssize_t n = read_small(procfs, pid, name, buffer, USUAL);
	char path[48];

	if (n < (ssize_t)USUAL - 1)
		return n > 0 ? buffer : NULL;
	snprintf(path, sizeof(path), "%d/%s", (int)pid, name);
	return root_read_text(procfs, path, MOST, ret_owned) < 0 ? NULL : *ret_owned;
}

DIR *procfs_dir(const struct root *procfs, const char *path)
{
	_cleanup_close_ int fd = root_openat(procfs, path, O_RDONLY | O_DIRECTORY);
	DIR *dir = NULL;

	if (fd < 0)
		errno = -fd;
	else if ((dir = fdopendir(fd)))
		TAKE_FD(fd);
	return dir;
}

/* --- status --- */

static void take_name(struct proc *p, const char *value)
{
	size_t n;

	value += *value == '\t'; /* a blank may be the name's own */
	n = strcspn(value, "\n");

	if (n >= sizeof(p->name))
		n = sizeof(p->name) - 1;
	memcpy(p->name, value, n);
	p->name[n] = '\0';
}

/* Reads the lines that matter. False where there is no memory. */
static bool read_status(const struct root *procfs, const char *name, struct proc *p,
			unsigned *ret_threads)
{
	_cleanup_free_ char *owned = NULL;
	char buffer[USUAL];
	const char *text = read_whole(procfs, p->pid, name, buffer, &owned);
	bool memory = false;

	*ret_threads = 1;
	p->thread = p->pid;
	p->pgtables_kb = 0;

	for (const char *line = text; line && *line; line = text_next_line(line)) {
		const char *value;

		if ((value = after_prefix(line, "Name:")))
			take_name(p, value);
		else if ((value = after_prefix(line, "Uid:"))) {
			char *end;

			strtoul(value, &end, 10);
			p->uid = (uid_t)strtoul(end, NULL, 10);
		} else if ((value = after_prefix(line, "State:"))) {
			p->waits = value[strspn(value, "\t ")] == 'D';
		} else if ((value = after_prefix(line, "PPid:"))) {
			p->ppid = (pid_t)strtol(value, NULL, 10);
		} else if ((value = after_prefix(line, "Threads:"))) {
			*ret_threads = (unsigned)strtoul(value, NULL, 10);
		} else if ((value = after_prefix(line, "CapEff:"))) {
			p->is_admin = strtoull(value, NULL, 16) >> CAP_SYS_ADMIN & 1;
		} else if ((value = after_prefix(line, "VmSize:"))) {
			p->vm_kb = kb_read(value);
		} else if ((value = after_prefix(line, "VmRSS:"))) {
			p->rss_kb = kb_read(value);
			memory = true;
		} else if ((value = after_prefix(line, "VmPTE:")) ||
			   (value = after_prefix(line, "VmPMD:"))) { /* VmPMD: before 4.15 */
			p->pgtables_kb += kb_read(value);
		} else if ((value = after_prefix(line, "VmSwap:"))) {
			p->swap_kb = kb_read(value);
		}
	}
	return memory;
}

/* The first thread with memory, or the first that waits. */
static bool find_thread(const struct root *procfs, const struct proc *p, bool waiting,
			struct proc *ret_thread)
{
	_cleanup_closedir_ DIR *dir = NULL;
	char path[48];
	unsigned threads;

	snprintf(path, sizeof(path), "%d/task", (int)p->pid);
	dir = procfs_dir(procfs, path);
	for (struct dirent *e; dir && (e = readdir(dir));) {
		struct proc thread = *p;
		bool memory;

		if (!isdigit((unsigned char)*e->d_name))
			continue;
		snprintf(path, sizeof(path), "task/%.10s/status", e->d_name);
		memory = read_status(procfs, path, &thread, &threads);
		thread.thread = (pid_t)strtol(e->d_name, NULL, 10);
		if (waiting ? thread.waits : memory) {
			*ret_thread = thread;
			return true;
		}
	}
	return false;
}

/* A main thread that has ended before the others has given up its memory: as find_lock_task_mm(),
 * takes that of the first thread that has some. */
static bool read_threads(const struct root *procfs, struct proc *p)
{
	const struct proc leader = *p;

	if (!find_thread(procfs, &leader, false, p))
		return false;
	p->uid = leader.uid;
	memcpy(p->name, leader.name, sizeof(p->name));
	return true;
}

bool proc_waits(const struct root *procfs, const struct proc *p)
{
	struct proc thread;

	return p->waits || find_thread(procfs, p, true, &thread);
}

/* False for a process without memory, and for one that has ended meanwhile. */
static bool read_process(const struct root *procfs, struct proc *p)
{
	unsigned threads;

	return read_status(procfs, "status", p, &threads) ||
	       (threads > 1 && read_threads(procfs, p));
}

/* --- details --- */

static int number_of(const struct root *procfs, pid_t pid, const char *name, int otherwise)
{
	char text[32];

	return read_small(procfs, pid, name, text, sizeof(text)) > 0 ? atoi(text) : otherwise;
}

/* Field 22 of stat, counted from the end of the name, which may hold anything. */
static uint64_t start_of(const struct root *procfs, pid_t pid)
{
	char text[1024];
	const char *p;

	if (read_small(procfs, pid, "stat", text, sizeof(text)) <= 0)
		return 0;
	p = strrchr(text, ')');
	for (int field = 2; p && field < 22; field++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	return p ? strtoull(p, NULL, 10) : 0;
}

/* The path of the memory controller's hierarchy, else of the unified one. */
static const char *memory_cgroup(char *text)
{
	const char *unified = NULL;
	char *rest;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *controllers = strchr(line, ':'), *path;

		path = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!path)
			continue;
		*path++ = '\0';
		for (char *word = controllers + 1; word; word = strchr(word, ',')) {
			word += *word == ',';
			if (strncmp(word, "memory", 6) == 0 && (!word[6] || word[6] == ','))
				return path;
		}
		if (!controllers[1])
			unified = path;
	}
	return unified;
}

/* The deepest component that systemd names a service or a scope. */
static const char *unit_of(struct arena *a, const char *path)
{
	const char *unit = "";
	size_t len = 0;

	while (*path) {
		size_t n = strcspn(path, "/");

		if ((n > 8 && strncmp(path + n - 8, ".service", 8) == 0) ||
		    (n > 6 && strncmp(path + n - 6, ".scope", 6) == 0)) {
			unit = path;
			len = n;
		}
		path += n + (path[n] == '/');
	}
	return arena_strndup(a, unit, len);
}

static int read_cgroup(const struct root *procfs, struct arena *a, struct proc *p)
{
	_cleanup_free_ char *owned = NULL;
	char buffer[USUAL], name[32] = "cgroup", *text;
	const char *path;

	if (p->thread != p->pid)
		snprintf(name, sizeof(name), "task/%d/cgroup", (int)p->thread);
	text = read_whole(procfs, p->pid, name, buffer, &owned);
	if (!text || !(path = memory_cgroup(text))) {
		p->unit = "";
		return 0;
	}
	p->cgroup = arena_strdup(a, path);
	p->unit = unit_of(a, path);
	return p->cgroup && p->unit ? 0 : -ENOMEM;
}

/* The second number of statm. */
static int64_t resident_kb(const struct root *procfs, pid_t pid)
{
	char text[256];
	const char *p = NULL;

	if (read_small(procfs, pid, "statm", text, sizeof(text)) > 0)
		p = strchr(text, ' ');
	return p ? kb_read(p) * (sysconf(_SC_PAGESIZE) / 1024) : 0;
}

/* Between one file of it and the next. */
static bool has_ended(const struct root *procfs, const struct proc *p)
{
	char path[32];

	snprintf(path, sizeof(path), "%d/status", (int)p->pid);
	return root_exists(procfs, path) < 0;
}

int proc_read(const struct root *procfs, struct arena *a, struct proc *p, unsigned details)
{
	if (details & PROC_SCORE) {
		p->score = number_of(procfs, p->pid, "oom_score", -1);
		if (p->score <= 0)
			details |= PROC_STATUS;
	}
	if (details & PROC_RSS) {
		p->rss_kb = resident_kb(procfs, p->pid);
		if (p->rss_kb <= 0)
			details |= PROC_STATUS;
	}
	if (details & PROC_STATUS && !read_process(procfs, p))
		return -ESRCH;
	if (details & PROC_ADJ) {
		p->adj = number_of(procfs, p->pid, "oom_score_adj", PROC_ADJ_UNKNOWN);
		if (p->adj == PROC_ADJ_UNKNOWN && has_ended(procfs, p))
			return -ESRCH;
	}
	if (details & PROC_START)
		p->start_time = start_of(procfs, p->pid);
	return details & PROC_CGROUP ? read_cgroup(procfs, a, p) : 0;
}
