/* Why reclaim could not help, as far as the numbers of a report show it. */
#include "insight/oomjudge.h"

#define LITTLE_KB 4096 /* about what reclaim leaves behind */

static int64_t kb_of_bytes(int64_t bytes)
{
	return oom_known(bytes) ? bytes / 1024 : OOM_UNKNOWN;
}

/* --- a memory cgroup --- */

static const char *cgroup_swap(const struct oom_report *r)
{
	const struct oom_limit *swap = &r->swap_limit, *both = &r->memsw_limit;

	if (swap->limit_kb == 0)
		return "it may not swap";
	if (oom_known(swap->limit_kb) && oom_known(swap->usage_kb))
		return swap->usage_kb >= swap->limit_kb ? "its swap is full" : NULL;
	if (oom_known(both->limit_kb) && oom_known(both->usage_kb) &&
	    both->usage_kb >= both->limit_kb)
		return "memory and swap together have reached their limit";
	return NULL;
}

static const char *of_cgroup(struct arena *a, const struct oom_report *r)
{
	const char *swap = cgroup_swap(r);
	int64_t cache = kb_of_bytes(r->stats.file), shmem = kb_of_bytes(r->stats.shmem);

	/* Shared memory counts as page cache, but only swap takes it. */
	if (oom_known(cache) && oom_known(shmem) && shmem <= cache)
		cache -= shmem;
	if (swap && oom_known(cache) && cache <= LITTLE_KB)
		return arena_printf(
			a, "had nothing left to take: %s, and there was hardly any page cache",
			swap);
	if (swap)
		return arena_printf(a, "%s", swap);
	return "";
}

/* --- the machine, or a part of it --- */

/* Whether a zone that counts has more free than what reclaim aims at, so that only the size of the
 * block was lacking. */
static bool has_free(const struct oom_memory *m)
{
	for (const struct oom_zone *z = m->zones; z; z = z->next)
		if (!streq(z->name, "DMA") && oom_known(z->free_kb) && oom_known(z->low_kb) &&
		    z->free_kb > z->low_kb)
			return true;
	return false;
}

/* A large part that cannot be taken at all; "" where there is none, or it is not known. */
static const char *fixed_part(struct arena *a, const struct oom_report *r)
{
	const struct oom_memory *m = &r->memory;
	int64_t fixed;

	if (!oom_known(m->ram) || !oom_known(m->slab_unreclaimable) || !oom_known(m->unevictable) ||
	    __builtin_add_overflow(m->slab_unreclaimable, m->unevictable, &fixed) ||
	    fixed < m->ram / 4)
		return "";
	return arena_printf(a,
			    "; slab that is in use and locked memory, which cannot be taken, were "
			    "%lld %% of the RAM",
			    (long long)(m->ram > 0 ? (double)fixed / (double)m->ram * 100 : 0));
}

static const char *of_machine(struct arena *a, const struct oom_report *r)
{
	const struct oom_memory *m = &r->memory;
	int64_t cache, cache_kb, swap_kb = m->swap_free_kb;
	const char *fixed = fixed_part(a, r), *swap;

	if (oom_known(r->order) && r->order > 0 && has_free(m))
		return arena_printf(a,
				    "there was free memory above the watermarks, but no %lld pages "
				    "of it in a row",
				    r->order < 20 ? 1LL << r->order : 0);
	if (!oom_known(m->active_file) || !oom_known(m->inactive_file) || !oom_known(swap_kb) ||
	    __builtin_add_overflow(m->active_file, m->inactive_file, &cache))
		return "";
	cache_kb = oom_kb(r, cache);
	swap = m->swap_total_kb == 0 ? "there is no swap" : "swap is full";
	if (!oom_known(cache_kb) || !fixed)
		return fixed;
	if (swap_kb >= 1024)
		return arena_printf(a,
				    "swap was not full: it was too slow, or this memory may not go "
				    "there%s",
				    fixed);
	if (cache_kb <= LITTLE_KB || (oom_known(m->free) && cache <= m->free / 2))
		return arena_printf(a, "had nothing left to take: %s, and hardly any page cache%s",
				    swap, fixed);
	return arena_printf(a, "%s; the page cache that is left was in use or dirty%s", swap,
			    fixed);
}

const char *oom_reclaim(struct arena *a, const struct oom_report *r)
{
	if (r->order == -1)
		return "";
	return r->constraint == OOM_CONSTRAINT_MEMCG ? of_cgroup(a, r) : of_machine(a, r);
}
