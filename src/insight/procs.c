/* All processes. */
#include <ctype.h>
#include <pthread.h>

#include "insight/procfs.h"

#define MAX_WORKERS 4U
#define WORTH_A_WORKER 256U /* processes */

/* A share of the processes. The kernel takes some 5 to 15 us for a file of one, on any CPU. */
struct worker {
	pthread_t thread;
	const struct root *procfs;
	unsigned details;
	struct proc *list;
	size_t n;
	struct arena arena;
	int result;
};

static void *work(void *data)
{
	struct worker *w = data;

	for (size_t i = 0; w->result >= 0 && i < w->n; i++) {
		int ret = proc_read(w->procfs, &w->arena, &w->list[i], w->details);

		if (ret == -ESRCH)
			w->list[i].pid = 0;
		else
			w->result = ret;
	}
	return NULL;
}

static void take_out_ended(struct procs *procs, size_t first)
{
	size_t kept = first;

	for (size_t i = first; i < procs->n; i++)
		if (procs->list[i].pid)
			procs->list[kept++] = procs->list[i];
	procs->n = kept;
}

int procs_detail(const struct root *procfs, struct procs *procs, size_t first, size_t n,
		 unsigned details)
{
	struct worker workers[MAX_WORKERS] = { 0 };
	bool running[MAX_WORKERS] = { false };
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t wanted = n / WORTH_A_WORKER + 1, done = 0;
	unsigned n_workers = wanted < MAX_WORKERS ? (unsigned)wanted : MAX_WORKERS;
	int ret = 0;

	if (cpus > 0 && n_workers > (unsigned long)cpus)
		n_workers = (unsigned)cpus;
	for (unsigned i = 0; i < n_workers && n > 0; i++) {
		struct worker *w = &workers[i];

		*w = (struct worker){ .procfs = procfs, .details = details };
		w->list = procs->list + first + done;
		w->n = i + 1 < n_workers ? n / n_workers : n - done;
		done += w->n;
		/* The last share is our own; so is one that nobody else takes. */
		running[i] = i + 1 < n_workers && pthread_create(&w->thread, NULL, work, w) == 0;
		if (!running[i])
			work(w);
	}
	for (unsigned i = 0; i < n_workers; i++) {
		if (running[i])
			pthread_join(workers[i].thread, NULL);
		arena_adopt(&procs->arena, &workers[i].arena);
		GATHER(ret, workers[i].result);
	}
	take_out_ended(procs, first);
	return ret;
}

static int list_pids(DIR *dir, struct procs *procs)
{
	size_t room = 0;

	for (struct dirent *e; (e = readdir(dir));) {
		char *end;
		long pid;

		if (!isdigit((unsigned char)*e->d_name))
			continue;
		pid = strtol(e->d_name, &end, 10);
		if (*end || pid < 1 || pid > INT32_MAX)
			continue;
		if (procs->n == room) {
			struct proc *bigger;

			room = room ? room * 2 : 256;
			bigger = reallocarray(procs->list, room, sizeof(*bigger));
			if (!bigger)
				return -ENOMEM;
			procs->list = bigger;
		}
		procs->list[procs->n++] =
			(struct proc){ .pid = (pid_t)pid, .thread = (pid_t)pid, .score = -1 };
	}
	return 0;
}

int procs_read(const struct root *procfs, unsigned details, struct procs *ret_procs)
{
	_cleanup_closedir_ DIR *dir = procfs_dir(procfs, ".");
	struct procs procs = { 0 };
	int ret;

	if (!dir)
		return -errno;
	ret = list_pids(dir, &procs);
	if (ret >= 0)
		ret = procs_detail(procfs, &procs, 0, procs.n, details);
	if (ret < 0)
		procs_free(&procs);
	else
		*ret_procs = procs;
	return ret;
}

void procs_free(struct procs *p)
{
	free(p->list);
	arena_free(&p->arena);
	*p = (struct procs){ 0 };
}
