#include "insight/procfs.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/stat.h>

#define MAX_STATUS 4096U

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

/* Reads the lines that matter. False for a process without memory. */
static bool read_status(struct proc *p, const char *text)
{
	bool memory = false;

	for (const char *line = text; line && *line;
	     line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
		const char *value;

		if ((value = after_prefix(line, "Name:")))
			take_name(p, value);
		else if ((value = after_prefix(line, "Uid:"))) {
			char *end;

			strtoul(value, &end, 10);
			p->uid = (uid_t)strtoul(end, NULL, 10);
		} else if ((value = after_prefix(line, "VmRSS:"))) {
			p->rss_kb = strtoll(value, NULL, 10);
			memory = true;
		} else if ((value = after_prefix(line, "VmPTE:")) ||
			   (value = after_prefix(line, "VmPMD:"))) { /* VmPMD: before 4.15 */
			p->pgtables_kb += strtoll(value, NULL, 10);
		} else if ((value = after_prefix(line, "VmSwap:"))) {
			p->swap_kb = strtoll(value, NULL, 10);
		}
	}
	return memory;
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
	char text[MAX_STATUS];
	const char *path;

	if (read_small(procfs, p->pid, "cgroup", text, sizeof(text)) <= 0 ||
	    !(path = memory_cgroup(text))) {
		p->unit = "";
		return 0;
	}
	p->cgroup = arena_strdup(a, path);
	p->unit = unit_of(a, path);
	return p->cgroup && p->unit ? 0 : -ENOMEM;
}

int procs_detail(const struct root *procfs, struct procs *procs, struct proc *p, unsigned details)
{
	if (details & PROC_SCORE)
		p->score = number_of(procfs, p->pid, "oom_score", -1);
	if (details & PROC_ADJ)
		p->adj = number_of(procfs, p->pid, "oom_score_adj", p->adj);
	if (details & PROC_START)
		p->start_time = start_of(procfs, p->pid);
	return details & PROC_CGROUP ? read_cgroup(procfs, &procs->arena, p) : 0;
}

/* --- all of them --- */

#define MAX_WORKERS 4U
#define WORTH_A_WORKER 256U /* processes */

/* A share of the processes. The kernel takes some 50 us for the files of one, on any CPU. */
struct worker {
	pthread_t thread;
	const struct root *procfs;
	unsigned details;
	const pid_t *pids;
	size_t n;
	struct procs procs;
	int result;
};

static void *work(void *data)
{
	struct worker *w = data;
	char text[MAX_STATUS];

	w->procs.list = calloc(w->n + 1, sizeof(*w->procs.list));
	w->result = w->procs.list ? 0 : -ENOMEM;
	for (size_t i = 0; w->result >= 0 && i < w->n; i++) {
		struct proc p = { .pid = w->pids[i], .score = -1 };

		if (read_small(w->procfs, p.pid, "status", text, sizeof(text)) <= 0 ||
		    !read_status(&p, text))
			continue;
		w->result = procs_detail(w->procfs, &w->procs, &p, w->details);
		w->procs.list[w->procs.n++] = p;
	}
	return NULL;
}

/* Puts the shares together, in the order of the PIDs. */
static int gather(struct worker *workers, unsigned n_workers, size_t n, struct procs *ret_procs)
{
	struct procs procs = { .list = calloc(n + 1, sizeof(*procs.list)) };
	int ret = procs.list ? 0 : -ENOMEM;

	for (unsigned i = 0; i < n_workers; i++) {
		struct procs *share = &workers[i].procs;

		GATHER(ret, workers[i].result);
		if (ret >= 0 && share->n > 0) {
			memcpy(procs.list + procs.n, share->list, share->n * sizeof(*share->list));
			procs.n += share->n;
		}
		arena_adopt(&procs.arena, &share->arena);
		procs_free(share);
	}
	if (ret < 0)
		procs_free(&procs);
	else
		*ret_procs = procs;
	return ret;
}

static int read_all_of(const struct root *procfs, unsigned details, const pid_t *pids, size_t n,
		       struct procs *ret_procs)
{
	struct worker workers[MAX_WORKERS] = { 0 };
	bool running[MAX_WORKERS] = { false };
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t wanted = n / WORTH_A_WORKER + 1, done = 0;
	unsigned n_workers = wanted < MAX_WORKERS ? (unsigned)wanted : MAX_WORKERS;

	if (cpus > 0 && n_workers > (unsigned long)cpus)
		n_workers = (unsigned)cpus;
	for (unsigned i = 0; i < n_workers; i++) {
		struct worker *w = &workers[i];

		*w = (struct worker){ .procfs = procfs, .details = details, .pids = pids + done };
		w->n = i + 1 < n_workers ? n / n_workers : n - done;
		done += w->n;
		/* The last share is our own; so is one that nobody else takes. */
		running[i] = i + 1 < n_workers && pthread_create(&w->thread, NULL, work, w) == 0;
		if (!running[i])
			work(w);
	}
	for (unsigned i = 0; i < n_workers; i++)
		if (running[i])
			pthread_join(workers[i].thread, NULL);
	return gather(workers, n_workers, n, ret_procs);
}

static int list_pids(DIR *dir, pid_t **ret_pids, size_t *ret_n)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0, room = 0;

	for (struct dirent *e; (e = readdir(dir));) {
		char *end;
		long pid;

		if (!isdigit((unsigned char)*e->d_name))
			continue;
		pid = strtol(e->d_name, &end, 10);
		if (*end || pid < 1 || pid > INT32_MAX)
			continue;
		if (n == room) {
			pid_t *bigger;

			room = room ? room * 2 : 256;
			bigger = reallocarray(pids, room, sizeof(*pids));
			if (!bigger)
				return -ENOMEM;
			pids = bigger;
		}
		pids[n++] = (pid_t)pid;
	}
	*ret_pids = TAKE_PTR(pids);
	*ret_n = n;
	return 0;
}

int procs_read(const struct root *procfs, unsigned details, struct procs *ret_procs)
{
	_cleanup_closedir_ DIR *dir = NULL;
	_cleanup_free_ pid_t *pids = NULL;
	int fd = root_openat(procfs, ".", O_RDONLY | O_DIRECTORY), ret;
	size_t n = 0;

	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir) {
		ret = -errno;
		close(fd);
		return ret;
	}
	ret = list_pids(dir, &pids, &n);
	return ret < 0 ? ret : read_all_of(procfs, details, pids, n, ret_procs);
}

void procs_free(struct procs *p)
{
	free(p->list);
	arena_free(&p->arena);
	*p = (struct procs){ 0 };
}

int proc_legacy_adj(int adj)
{
	return adj == 1000 ? 15 : adj * 17 / 1000;
}

/* --- meminfo --- */

int meminfo_read(const struct root *procfs, struct meminfo *ret_meminfo)
{
	struct meminfo m = { -1, -1, -1, -1, -1 };
	const struct {
		const char *name;
		int64_t *value;
	} fields[] = {
		{ "MemTotal:", &m.total },     { "MemAvailable:", &m.available },
		{ "MemFree:", &m.free },       { "SwapTotal:", &m.swap_total },
		{ "SwapFree:", &m.swap_free },
	};
	_cleanup_free_ char *text = NULL;
	int ret = root_read_text(procfs, "meminfo", 65536, &text);

	if (ret < 0)
		return ret;
	for (const char *line = text; line;
	     line = strchr(line, '\n'), line = line ? line + 1 : NULL)
		for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
			const char *value = after_prefix(line, fields[i].name);

			if (value)
				*fields[i].value = strtoll(value, NULL, 10);
		}
	*ret_meminfo = m;
	return 0;
}
