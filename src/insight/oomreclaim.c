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

/* A large part that cannot be taken, "" where there is none or it is not known; NULL without
 * memory.
 */
static const char *fixed_part_of_cgroup(struct arena *a, const struct oom_report *r)
{
	int64_t fixed = oom_cgroup_fixed_kb(r), limit = r->limit.limit_kb;

	if (!oom_known(fixed) || !oom_known(limit) || limit <= 0 || fixed < limit / 4)
		return "";
	return arena_printf(a,
			    "the kernel's own memory for it, which cannot be taken, was %lld %% of "
			    "the limit",
			    (long long)((double)fixed / (double)limit * 100));
}

static const char *rest_of_cgroup(struct arena *a, const struct oom_report *r)
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
	return swap ? swap : "";
}

/* "A; B", or the one that says something; NULL where one is. */
static const char *joined(struct arena *a, const char *rest, const char *fixed)
{
	if (!rest || !fixed)
		return NULL;
	return *rest && *fixed ? arena_printf(a, "%s; %s", rest, fixed) : *rest ? rest : fixed;
}

static const char *of_cgroup(struct arena *a, const struct oom_report *r)
{
	return joined(a, rest_of_cgroup(a, r), fixed_part_of_cgroup(a, r));
}

/* --- the machine, or a part of it --- */

/* Whether a zone that counts has more free than what reclaim aims at and what it keeps from others,
 * but none has a block of @block_kb. */
static bool is_fragmented(const struct oom_memory *m, int64_t block_kb)
{
	bool any = false;

	for (const struct oom_zone *z = m->zones; z; z = z->next) {
		int64_t kept;

		if (streq(z->name, "DMA"))
			continue;
		if (!oom_known(z->block_kb) || z->block_kb >= block_kb)
			return false;
		any |= oom_known(z->free_kb) && oom_known(z->low_kb) && oom_known(z->reserve) &&
		       !__builtin_mul_overflow(z->reserve, m->page_kb, &kept) &&
		       !__builtin_add_overflow(kept, z->low_kb, &kept) && z->free_kb > kept;
	}
	return any;
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
			    "slab that is in use and locked memory, which cannot be taken, were "
			    "%lld %% of the RAM",
			    (long long)(m->ram > 0 ? (double)fixed / (double)m->ram * 100 : 0));
}

/* What was left of the cache and of swap; "" where it is not known. */
static const char *rest_of_machine(struct arena *a, const struct oom_report *r)
{
	const struct oom_memory *m = &r->memory;
	int64_t cache, cache_kb, swap_kb = m->swap_free_kb;
	const char *swap;

	if (!oom_known(m->active_file) || !oom_known(m->inactive_file) || !oom_known(swap_kb) ||
	    __builtin_add_overflow(m->active_file, m->inactive_file, &cache))
		return "";
	cache_kb = oom_kb(r, cache);
	if (!oom_known(cache_kb))
		return "";
	if (swap_kb >= 1024)
		return "swap was not full: it was too slow, or this memory may not go there";
	swap = !oom_known(m->swap_total_kb) ? "no swap is free"
	       : m->swap_total_kb == 0      ? "there is no swap"
					    : "swap is full";
	if (cache_kb <= LITTLE_KB)
		return arena_printf(a, "had nothing left to take: %s, and hardly any page cache",
				    swap);
	return arena_printf(a, "%s; the page cache that is left was in use or dirty", swap);
}

static const char *of_machine(struct arena *a, const struct oom_report *r)
{
	const struct oom_memory *m = &r->memory;

	if (r->order > 0 && r->order < 20 && oom_known(m->page_kb) &&
	    is_fragmented(m, m->page_kb << r->order))
		return arena_printf(a,
				    "there was free memory above the watermarks, but no %d pages "
				    "of it in a row",
				    1 << r->order);
	return joined(a, rest_of_machine(a, r), fixed_part(a, r));
}

const char *oom_reclaim(struct arena *a, const struct oom_report *r)
{
	if (r->order == -1)
		return "";
	return r->constraint == OOM_CONSTRAINT_MEMCG ? of_cgroup(a, r) : of_machine(a, r);
}
