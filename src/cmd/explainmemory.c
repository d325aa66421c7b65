/* Where the memory was, and why reclaim could not help. */
#include <inttypes.h>

#include "cmd/explainpage.h"
#include "insight/oomjudge.h"

static void print_zones(struct page *p)
{
	const char *label = "zones";

	for (const struct oom_zone *z = p->r->memory.zones; z; z = z->next) {
		char free_kb[TERM_SIZE], min[TERM_SIZE], low[TERM_SIZE];
		const char *verdict = "";

		if (oom_known(z->free_kb) && oom_known(z->min_kb))
			verdict = z->free_kb < z->min_kb ? ": below the minimum" : "";
		page_line(p, label,
			  "node %" PRId64 " %s: %s free, watermarks %s (min) and %s (low)%s",
			  z->node, z->name, page_size(free_kb, z->free_kb),
			  page_size(min, z->min_kb), page_size(low, z->low_kb), verdict);
		label = "";
	}
}

#define SLABS 4 /* shown */

static void print_slabs(struct page *p)
{
	const struct oom_slab *slab = p->r->memory.slabs;
	const char *text = "";
	char total[TERM_SIZE];

	for (unsigned i = 0; slab && i < SLABS && text; i++, slab = slab->next)
		text = arena_printf(&p->arena, "%s%s%s %s", text, *text ? ", " : "", slab->name,
				    page_size(total, slab->total_kb));
	if (!text)
		p->error = -ENOMEM;
	else if (*text)
		page_line(p, "slab", "the largest that cannot be given back: %s", text);
}

static bool any_known(const int64_t *numbers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (oom_known(numbers[i]))
			return true;
	return false;
}

#define ANY_KNOWN(...)                                                                             \
	any_known((const int64_t[]){ __VA_ARGS__ }, ARRAY_SIZE(((const int64_t[]){ __VA_ARGS__ })))

/* What is missing as a whole is named at the end. */
static void print_machine(struct page *p)
{
	const struct oom_memory *m = &p->r->memory;
	char a[TERM_SIZE], b[TERM_SIZE], c[TERM_SIZE], d[TERM_SIZE];
	int64_t usable = OOM_UNKNOWN;

	if (p->r->constraint == OOM_CONSTRAINT_MEMCG)
		return;
	if (oom_known(m->ram) && oom_known(m->reserved))
		usable = m->ram - m->reserved;
	if (ANY_KNOWN(m->free, usable))
		page_line(p, "memory", "%s free of %s", page_size_of(p, a, m->free),
			  page_size_of(p, b, usable));
	if (ANY_KNOWN(m->active_anon, m->inactive_anon, m->active_file, m->inactive_file))
		page_line(p, "",
			  "anonymous %s active and %s inactive, page cache %s active and %s "
			  "inactive",
			  page_size_of(p, a, m->active_anon), page_size_of(p, b, m->inactive_anon),
			  page_size_of(p, c, m->active_file), page_size_of(p, d, m->inactive_file));
	if (ANY_KNOWN(m->slab_reclaimable, m->slab_unreclaimable, m->shmem, m->unevictable))
		page_line(p, "", "slab %s reclaimable and %s not, shared %s, unevictable %s",
			  page_size_of(p, a, m->slab_reclaimable),
			  page_size_of(p, b, m->slab_unreclaimable), page_size_of(p, c, m->shmem),
			  page_size_of(p, d, m->unevictable));
	if (m->swap_total_kb == 0)
		page_line(p, "swap", "none");
	else if (ANY_KNOWN(m->swap_free_kb, m->swap_total_kb))
		page_line(p, "swap", "%s free of %s", page_size(a, m->swap_free_kb),
			  page_size(b, m->swap_total_kb));
	print_zones(p);
	print_slabs(p);
}

static const char *size_of_bytes(char buffer[TERM_SIZE], int64_t bytes)
{
	return page_size(buffer, oom_known(bytes) ? bytes / 1024 : bytes);
}

static void print_stats(struct page *p)
{
	const struct oom_stats *s = &p->r->stats;
	char a[TERM_SIZE], b[TERM_SIZE], c[TERM_SIZE];
	int64_t kernel = oom_cgroup_kernel_kb(p->r);
	const char *label = "memory";

	if (p->r->constraint != OOM_CONSTRAINT_MEMCG)
		return;
	if (ANY_KNOWN(s->anon, s->file)) {
		page_line(p, label, "anonymous %s, page cache %s, shared %s",
			  size_of_bytes(a, s->anon), size_of_bytes(b, s->file),
			  size_of_bytes(c, s->shmem));
		label = "";
	}
	if (!oom_known(kernel))
		return;
	if (ANY_KNOWN(s->slab_reclaimable, s->slab_unreclaimable))
		page_line(p, label, "the kernel's own %s, of it slab %s reclaimable and %s not",
			  page_size(a, kernel), size_of_bytes(b, s->slab_reclaimable),
			  size_of_bytes(c, s->slab_unreclaimable));
	else
		page_line(p, label, "the kernel's own %s", page_size(a, kernel));
	if (oom_known(s->sock) && s->sock > 0)
		page_line(p, "", "sockets %s", size_of_bytes(a, s->sock));
}

static void print_reclaim(struct page *p)
{
	const char *text = oom_reclaim(&p->arena, p->r);

	if (!text)
		p->error = -ENOMEM;
	else if (*text)
		page_line(p, "reclaim", "%s", text);
}

void page_memory(struct page *p)
{
	print_machine(p);
	print_stats(p);
	print_reclaim(p);
}
