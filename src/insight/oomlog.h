/* Reports of the OOM killer in kernel logs: of kernels 3.10 to 6.x, global or of a memory cgroup,
 * with any prefix, cut off or with other lines between. Nothing is guessed: what a log does not
 * say, or says twice in different ways, is not known. */
#pragma once

#include "base/arena.h"
#include "base/json.h"

/* A number that the log does not say, and one that it contradicts itself about. */
#define OOM_UNKNOWN INT64_MIN
#define OOM_MIXED (INT64_MIN + 1)

static inline bool oom_known(int64_t value)
{
	return value > OOM_MIXED;
}

enum oom_constraint {
	OOM_CONSTRAINT_UNKNOWN,
	OOM_CONSTRAINT_NONE,
	OOM_CONSTRAINT_MEMCG,
	OOM_CONSTRAINT_CPUSET,
	OOM_CONSTRAINT_MEMPOLICY,
};

/* A row of the task table, in pages but for .pgtables_bytes. */
struct oom_task {
	struct oom_task *next;
	int64_t pid, uid, tgid, total_vm, rss, rss_anon, rss_file, rss_shmem;
	int64_t pgtables_bytes, nr_ptes, nr_pmds, nr_puds; /* either the first or the others */
	int64_t swapents, oom_score_adj;
	const char *command;
};

struct oom_victim {
	struct oom_victim *next; /* those killed with it (memory.oom.group) */
	bool said;               /* there is a line "Killed process" */
	const char *command;
	int64_t pid, uid, total_vm_kb, anon_rss_kb, file_rss_kb, shmem_rss_kb, pgtables_kb;
	int64_t oom_score_adj;
	int64_t score; /* 0 to 1000, of kernels before 5.0 */
};

/* "memory: usage 1024kB, limit 1024kB, failcnt 17" of a memory cgroup. */
struct oom_limit {
	int64_t usage_kb, limit_kb, failcnt;
};

struct oom_zone {
	struct oom_zone *next;
	int64_t node;
	const char *name;
	int64_t free_kb, min_kb, low_kb, high_kb, present_kb, managed_kb;
	int64_t block_kb; /* the largest that is free; 0: none */
	int64_t reserve;  /* at most kept from others (lowmem_reserve), in pages */
};

/* A cache of the kernel's that reclaim cannot take. */
struct oom_slab {
	struct oom_slab *next;
	const char *name;
	int64_t used_kb, total_kb;
};

/* Pages of the whole machine, where not said otherwise. */
struct oom_memory {
	int64_t free, active_anon, inactive_anon, active_file, inactive_file, unevictable;
	int64_t slab_reclaimable, slab_unreclaimable, shmem, pagetables, mapped, dirty, writeback;
	int64_t pagecache, swapcache, swap_free_kb, swap_total_kb;
	int64_t ram, highmem, reserved, cma_reserved, hwpoisoned;
	int64_t page_kb; /* the page size: from the lists of free blocks */
	int64_t hugepages_kb;
	struct oom_zone *last_zone; /* whose lowmem_reserve follows */
	struct oom_zone *zones;     /* NULL: none in the log */
	unsigned n_zones;
	struct oom_slab *slabs; /* the largest, largest first; only in the log where slab is most of
				 * all */
};

/* Bytes of a memory cgroup. */
struct oom_stats {
	int64_t anon, file, shmem, unevictable, swap, sock;
	int64_t kernel; /* all of what follows, and more; before 5.18 only its parts are there */
	int64_t slab, slab_reclaimable, slab_unreclaimable, kernel_stack, pagetables, percpu;
};

struct oom_row;

struct oom_report {
	struct oom_report *next;
	const char *time, *host; /* as in the log; NULL: not there */
	const char *kernel;      /* the release */

	bool invoked; /* its first line is in the log */
	const char *command;
	int64_t pid, oom_score_adj, gfp_mask, order;
	const char *gfp_flags; /* "GFP_KERNEL|__GFP_ZERO": from the log, or from the mask */

	enum oom_constraint constraint;
	const char *cgroup;      /* whose limit was hit */
	const char *task_cgroup; /* the victim's */
	const char *cpuset, *mems_allowed;
	const char *nodemask; /* NULL: not said; "(null)": none */
	struct oom_limit limit, swap_limit, memsw_limit, kmem_limit;
	struct oom_stats stats;
	const char *stats_of; /* whose they are, if it may be another one than .cgroup */

	struct oom_memory memory;

	struct oom_task *tasks; /* in the log's order; with .n_tasks 0: none there */
	size_t n_tasks;
	const char *heading; /* of the table; NULL: not in the log */
	struct oom_row *rows, *last_row;
	bool table_ends;    /* what follows it is in the log */
	bool table_mixed;   /* it contradicts itself, and was dropped */
	bool table_damaged; /* there are rows that cannot be read */

	struct oom_victim victim;
	int64_t chosen;       /* before 5.0: a child of this PID may have been killed for it */
	bool allocating_task; /* killed since it asked (vm.oom_kill_allocating_task) */
	const char *group;    /* memory.oom.group: the cgroup that was killed as a whole */
	int64_t reaped;       /* PID that oom_reaper has freed */
	const char *panic;    /* why the kernel panicked instead; NULL: it did not say so */
	bool nobody;          /* "no killable processes" */
};

struct oom_log {
	struct oom_report *first;
	size_t n;
};

/* Finds every report in @size bytes of @text, oldest first as in the log. All of it lives in @a,
 * which nothing of @text is needed for afterwards. 0 (also with none) or -ENOMEM. */
int oomlog_parse(struct arena *a, const char *text, size_t size,
		 struct oom_log *ret_log) _must_check_;

/* The task with that PID, or NULL. */
const struct oom_task *oom_find_task(const struct oom_report *r, int64_t pid);

/* Pages in KiB; OOM_UNKNOWN where they, or the size of a page, are not known. */
int64_t oom_kb(const struct oom_report *r, int64_t pages);

/* What the kernel itself holds for the cgroup whose limit was hit, in KiB, and how much of it
 * cannot be taken; OOM_UNKNOWN. */
int64_t oom_cgroup_kernel_kb(const struct oom_report *r);
int64_t oom_cgroup_fixed_kb(const struct oom_report *r);

/* What the task table has at all: its beginning, its end, and every row in between. */
bool oom_table_whole(const struct oom_report *r);

/* Whether the kernel release is at least @major.@minor: 1, 0, or -1 where it is not known. */
int oom_kernel_since(const struct oom_report *r, int major, int minor);

/* Writes the report as an object (@key NULL inside an array): the document of `explain`. 0 or
 * -ENOMEM. */
int oom_json(const struct oom_report *r, const char *key, struct json *j);
