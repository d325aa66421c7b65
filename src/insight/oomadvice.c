/* What to change, in terms of the profile where it is a profile's matter. */
#include <stdarg.h>

#include "insight/oomjudge.h"

struct adviser {
	struct arena *arena;
	const struct oom_report *r;
	struct oom_advice *first, **tail;
	int64_t total; /* pages: RAM and swap, or the cgroup's limit; OOM_UNKNOWN */
	int error;
};

static void advise(struct adviser *a, const char *fmt, ...) _printf_(2, 3);

static void advise(struct adviser *a, const char *fmt, ...)
{
	struct oom_advice *advice = arena_alloc(a->arena, sizeof(*advice));
	va_list ap;

	if (advice) {
		va_start(ap, fmt);
		advice->text = arena_vprintf(a->arena, fmt, ap);
		va_end(ap);
	}
	if (!advice || !advice->text) {
		a->error = -ENOMEM;
		return;
	}
	*a->tail = advice;
	a->tail = &advice->next;
}

/* @part of the total in percent; -1 where one is not known. */
static int64_t percent(const struct adviser *a, int64_t part)
{
	if (!oom_known(part) || !oom_known(a->total) || a->total <= 0 || part < 0 ||
	    part > INT64_MAX / 100)
		return -1;
	return part * 100 / a->total;
}

static void about_cgroup(struct adviser *a)
{
	const struct oom_report *r = a->r;

	if (r->constraint != OOM_CONSTRAINT_MEMCG)
		return;
	advise(a,
	       "The limit of the cgroup %s was hit, not the machine's memory: raise the limit "
	       "(MemoryMax= of its unit), or let what runs in it use less.",
	       r->cgroup && *r->cgroup ? r->cgroup : "that the log does not name");
}

static void about_largest(struct adviser *a)
{
	const struct oom_task *largest = NULL;
	int64_t most = 0, share;

	for (const struct oom_task *t = a->r->tasks; t; t = t->next) {
		int64_t pages = oom_task_pages(a->r, t);

		if (oom_known(pages) && pages > most) {
			most = pages;
			largest = t;
		}
	}
	share = percent(a, most);
	if (!largest || share < 50 || a->r->constraint == OOM_CONSTRAINT_MEMCG)
		return;
	advise(a,
	       "%s[%lld] alone had %lld %% of RAM and swap: a limit of its own (MemoryMax= of its "
	       "unit) keeps the others out of it%s.",
	       largest->command, (long long)largest->pid, (long long)share,
	       largest->oom_score_adj <= -900 ? "; 'max_rss' under 'protect' takes its protection "
						"away when it grows too large"
					      : "");
}

/* At -1000 in a cgroup that has nobody else, whoever asks hangs at the limit: where it is not known
 * what limit was hit, nothing is said. */
static void about_victim(struct adviser *a)
{
	const struct oom_report *r = a->r;
	const struct oom_victim *v = &r->victim;

	if (!v->command || !*v->command || r->constraint == OOM_CONSTRAINT_UNKNOWN ||
	    (oom_known(v->oom_score_adj) && v->oom_score_adj <= -900))
		return;
	if (r->constraint != OOM_CONSTRAINT_MEMCG)
		advise(a,
		       "If %s has to survive: 'protect: [ { service: NAME, exe: PATH } ]' pins it "
		       "at oom_score_adj -1000 as it starts; then the next worst dies, as "
		       "'holdfast predict --if PROFILE' shows.",
		       v->command);
	else if (r->n_tasks != 1)
		advise(a,
		       "If %s has to survive and others of the cgroup need not: 'oom_score_adj: "
		       "-500' for it under 'protect' lets them die first. Not -1000: where nobody "
		       "can be killed, whoever asks hangs at the limit.",
		       v->command);
}

static void about_asking(struct adviser *a)
{
	if (a->r->allocating_task)
		advise(a, "'vm.oom_kill_allocating_task: false' kills the worst process instead of "
			  "the one that happens to ask.");
}

static void about_swap(struct adviser *a)
{
	const struct oom_memory *m = &a->r->memory;

	if (!oom_known(m->swap_total_kb) || !oom_known(m->swap_free_kb))
		return;
	if (m->swap_total_kb > 0 && m->swap_free_kb < m->swap_total_kb / 100)
		advise(a, "Swap was used up: the machine was slow long before. More swap only "
			  "delays this; 'vm.overcommit_memory: never' refuses memory that is "
			  "not there when it is asked for.");
}

static void about_order(struct adviser *a)
{
	const struct oom_report *r = a->r;

	if (!oom_known(r->order) || r->order < 1 || r->order > 20)
		return;
	advise(a,
	       "%lld contiguous pages were asked for. Where memory is fragmented, a larger "
	       "'vm.min_free_kbytes' keeps larger blocks free.",
	       1LL << r->order);
}

/* @part in percent of the cgroup's limit; -1 where one is not known. */
static int64_t percent_of_limit(const struct adviser *a, int64_t kb)
{
	int64_t limit = a->r->limit.limit_kb;

	return oom_known(kb) && oom_known(limit) && limit > 0
		       ? (int64_t)((double)kb / (double)limit * 100)
		       : -1;
}

static void about_kernel_of_cgroup(struct adviser *a)
{
	const struct oom_report *r = a->r;
	int64_t share = percent_of_limit(a, oom_cgroup_kernel_kb(r));

	if (r->constraint != OOM_CONSTRAINT_MEMCG)
		return;
	if (share >= 25)
		advise(a,
		       "The kernel itself held %lld %% of the limit for what runs in the cgroup: "
		       "threads, open files, directory entries. No process has it: killing frees "
		       "it only as far as it goes with the process.",
		       (long long)share);
	share = percent_of_limit(a, oom_known(r->stats.sock) ? r->stats.sock / 1024 : OOM_UNKNOWN);
	if (share >= 25)
		advise(a,
		       "Buffers of sockets held %lld %% of the limit: 'net.ipv4.tcp_rmem' and "
		       "'net.ipv4.tcp_wmem' under 'sysctl' bound them.",
		       (long long)share);
}

static void about_kernel_memory(struct adviser *a)
{
	const struct oom_memory *m = &a->r->memory;
	int64_t share = percent(a, m->slab_unreclaimable);

	if (share >= 25)
		advise(a,
		       "The kernel itself held %lld %% in slab that it cannot give back: look for "
		       "a leak (slabtop -s c); killing processes does not free it.",
		       (long long)share);
	if (oom_known(m->hugepages_kb) && oom_known(m->page_kb)) {
		share = percent(a, m->hugepages_kb / m->page_kb);
		if (share >= 25)
			advise(a,
			       "Huge pages that were set aside take %lld %%: lower "
			       "'vm.nr_hugepages' under 'sysctl'.",
			       (long long)share);
	}
	share = percent(a, m->shmem);
	if (share >= 25)
		advise(a,
		       "%lld %% was shared memory and tmpfs files, which only swap could take: "
		       "'options: size=...' under 'mounts' limits a tmpfs.",
		       (long long)share);
}

static void about_end(struct adviser *a)
{
	const struct oom_report *r = a->r;

	if (r->nobody)
		advise(a, "Nothing killable was left: protect less, or give what is protected a "
			  "leash ('max_rss' under 'protect').");
	if (r->panic && strstr(r->panic, "panic_on_oom"))
		advise(a,
		       "It was 'vm.panic_on_oom' that made it a panic: 'never' kills a process "
		       "instead%s.",
		       strstr(r->panic, "compulsory")
			       ? ", 'unconstrained' where only a cgroup or a memory node is full"
			       : "");
	if (r->panic)
		advise(a, "The kernel panicked: 'kdump' keeps its memory for a look at it, "
			  "'sysctl: { kernel.panic: 10 }' starts the machine again.");
	if (oom_known(r->victim.pid) && !r->heading && !r->rows && r->invoked && r->victim.said)
		advise(a, "The log has no task table: 'vm.oom_dump_tasks: true' makes the kernel "
			  "print it.");
}

int oom_advise(struct arena *a, const struct oom_report *r, struct oom_advice **ret_advice)
{
	static void (*const topics[])(struct adviser *) = {
		about_cgroup, about_largest,          about_victim,        about_asking, about_swap,
		about_order,  about_kernel_of_cgroup, about_kernel_memory, about_end,
	};
	struct adviser adviser = { .arena = a, .r = r, .total = OOM_UNKNOWN };
	int64_t low, high;

	adviser.tail = &adviser.first;
	if (oom_total_pages(r, &low, &high) && r->constraint == OOM_CONSTRAINT_NONE)
		adviser.total = high;
	if (r->order == -1) {
		advise(&adviser, "Nobody lacked memory: the OOM killer was called by hand. "
				 "'kernel.sysrq' under 'sysctl' says what may be.");
		*ret_advice = adviser.first;
		return adviser.error;
	}
	for (size_t i = 0; i < ARRAY_SIZE(topics) && adviser.error == 0; i++)
		topics[i](&adviser);
	if (adviser.error < 0)
		return adviser.error;
	*ret_advice = adviser.first;
	return 0;
}
