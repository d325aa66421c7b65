/* Memory cgroups, below fs/cgroup of sysfs: version 2, or the memory hierarchy of version 1. */
#pragma once

#include "base/arena.h"
#include "base/root.h"
#include "insight/procfs.h"

/* The cgroup whose limit is hit when one runs out. */
struct memcg {
	const char *asked;         /* normalised */
	const char *path;          /* as in /proc/PID/cgroup, "/a/b"; "/" stands for the machine */
	int64_t limit_kb, swap_kb; /* -1: none */
	int64_t own_kb;            /* the limit of the cgroup that was asked for; -1: none */
	bool kill_disabled;        /* version 1: whoever asks waits instead */
	int64_t total_pages;       /* that oom_score_adj is a share of, as mem_cgroup_get_max() */
};

/* Of cgroup @path (a path below the mount, or the mount's own with it) and those above it, finds
 * the one with the lowest limit. *@ret_memcg is in @a; .path "/" where none has one below the
 * machine's memory. -ENOENT: there is no such cgroup. */
int memcg_find(const struct root *procfs, const struct root *sysfs, struct arena *a,
	       const char *path, struct memcg *ret_memcg) _must_check_;

/* Whether cgroup @path of a process is @memcg or below it. */
bool memcg_holds(const char *memcg, const char *path);

/* The highest cgroup from @path up to @top that is killed as a whole (memory.oom.group), in @a;
 * NULL where there is none, or without memory. */
const char *memcg_group(const struct root *sysfs, struct arena *a, const char *path,
			const char *top);
