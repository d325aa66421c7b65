/* Where the memory was: Mem-Info of the machine, limits and memory.stat of a memory cgroup. */
#include "insight/oomparse.h"

struct counter {
	const char *name;
	size_t offset;
};

/* Of Mem-Info, in pages. */
static const struct counter page_counters[] = {
	{ "active_anon", offsetof(struct oom_memory, active_anon) },
	{ "inactive_anon", offsetof(struct oom_memory, inactive_anon) },
	{ "active_file", offsetof(struct oom_memory, active_file) },
	{ "inactive_file", offsetof(struct oom_memory, inactive_file) },
	{ "unevictable", offsetof(struct oom_memory, unevictable) },
	{ "dirty", offsetof(struct oom_memory, dirty) },
	{ "writeback", offsetof(struct oom_memory, writeback) },
	{ "slab_reclaimable", offsetof(struct oom_memory, slab_reclaimable) },
	{ "slab_unreclaimable", offsetof(struct oom_memory, slab_unreclaimable) },
	{ "mapped", offsetof(struct oom_memory, mapped) },
	{ "shmem", offsetof(struct oom_memory, shmem) },
	{ "pagetables", offsetof(struct oom_memory, pagetables) },
	{ "free", offsetof(struct oom_memory, free) },
};

/* "NUMBER pages RAM" and the like. */
static const struct counter totals[] = {
	{ " total pagecache pages", offsetof(struct oom_memory, pagecache) },
	{ " pages in swap cache", offsetof(struct oom_memory, swapcache) },
	{ " pages RAM", offsetof(struct oom_memory, ram) },
	{ " pages HighMem/MovableOnly", offsetof(struct oom_memory, highmem) },
	{ " pages reserved", offsetof(struct oom_memory, reserved) },
	{ " pages cma reserved", offsetof(struct oom_memory, cma_reserved) },
	{ " pages hwpoisoned", offsetof(struct oom_memory, hwpoisoned) },
};

/* Of memory.stat since 5.3, in bytes: "anon 12345". */
static const struct counter stat_counters[] = {
	{ "anon", offsetof(struct oom_stats, anon) },
	{ "file", offsetof(struct oom_stats, file) },
	{ "kernel", offsetof(struct oom_stats, kernel) },
	{ "kernel_stack", offsetof(struct oom_stats, kernel_stack) },
	{ "pagetables", offsetof(struct oom_stats, pagetables) },
	{ "percpu", offsetof(struct oom_stats, percpu) },
	{ "slab", offsetof(struct oom_stats, slab) },
	{ "slab_reclaimable", offsetof(struct oom_stats, slab_reclaimable) },
	{ "slab_unreclaimable", offsetof(struct oom_stats, slab_unreclaimable) },
	{ "sock", offsetof(struct oom_stats, sock) },
	{ "shmem", offsetof(struct oom_stats, shmem) },
	{ "unevictable", offsetof(struct oom_stats, unevictable) },
};

/* Before, in one line, in KiB: "cache:12KB rss:34KB". */
static const struct counter old_stat_counters[] = {
	{ "cache", offsetof(struct oom_stats, file) },
	{ "rss", offsetof(struct oom_stats, anon) },
	{ "shmem", offsetof(struct oom_stats, shmem) },
	{ "swap", offsetof(struct oom_stats, swap) },
	{ "unevictable", offsetof(struct oom_stats, unevictable) },
};

static const struct counter zone_counters[] = {
	{ "free", offsetof(struct oom_zone, free_kb) },
	{ "min", offsetof(struct oom_zone, min_kb) },
	{ "low", offsetof(struct oom_zone, low_kb) },
	{ "high", offsetof(struct oom_zone, high_kb) },
	{ "present", offsetof(struct oom_zone, present_kb) },
	{ "managed", offsetof(struct oom_zone, managed_kb) },
};

static void note_counter(void *into, const struct counter *list, size_t n, const char *name,
			 size_t len, int64_t value)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(list[i].name) == len && strncmp(name, list[i].name, len) == 0)
			oom_note((int64_t *)(void *)((char *)into + list[i].offset), value);
}

/* Words "NAME:NUMBER@unit" of @text, to its end; others are passed over. */
static void note_words(void *into, const struct counter *list, size_t n, const char *text,
		       const char *unit, int64_t factor)
{
	while (*(text += strspn(text, " "))) {
		size_t len = strcspn(text, ": ");
		const char *p = text + len + 1;
		int64_t value, scaled;

		if (text[len] == ':' && oom_number(&p, &value) && (p = after_prefix(p, unit)) &&
		    (!*p || *p == ' ') && !__builtin_mul_overflow(value, factor, &scaled))
			note_counter(into, list, n, text, len, scaled);
		text += strcspn(text, " ");
	}
}

/* A line of nothing but "name:number". */
static bool is_page_line(const char *text)
{
	bool any = false;

	while (*(text += strspn(text, " "))) {
		const char *p = text + strspn(text, "abcdefghijklmnopqrstuvwxyz_");
		int64_t value;

		if (p == text || *p++ != ':' || !oom_number(&p, &value) || (*p && *p != ' '))
			return false;
		text = p;
		any = true;
	}
	return any;
}

/* More than any machine has, and than JSON needs: what is beyond takes no time. */
#define MAX_ZONES 1024
#define MAX_SLABS 256

/* Where the zone is, or would be, in the list. */
static struct oom_zone **zone_place(struct oom_parser *p, int64_t node, const char *name,
				    size_t len)
{
	struct oom_zone **at = &p->report->memory.zones;

	while (*at && !((*at)->node == node && strlen((*at)->name) == len &&
			strncmp((*at)->name, name, len) == 0))
		at = &(*at)->next;
	return at;
}

static struct oom_zone *zone_of(struct oom_parser *p, int64_t node, const char *name, size_t len)
{
	struct oom_zone **place = zone_place(p, node, name, len), *z = *place;

	if (z || p->report->memory.n_zones == MAX_ZONES)
		return z;
	z = arena_alloc(p->arena, sizeof(*z));
	if (!z || !(z->name = arena_strndup(p->arena, name, len))) {
		p->error = -ENOMEM;
		return NULL;
	}
	z->node = node;
	z->block_kb = z->reserve = OOM_UNKNOWN;
	for (size_t i = 0; i < ARRAY_SIZE(zone_counters); i++)
		*(int64_t *)(void *)((char *)z + zone_counters[i].offset) = OOM_UNKNOWN;
	*place = z;
	p->report->memory.n_zones++;
	return z;
}

/* "kmalloc-1k   123KB   456KB", below "Unreclaimable slab info:" */
static bool take_slab(struct oom_parser *p, const char *text)
{
	const char *name_end = text + strcspn(text, " "), *at = name_end + strspn(name_end, " ");
	struct oom_slab *slab, **place = &p->report->memory.slabs;
	int64_t used, total;

	if (name_end == text || !oom_number(&at, &used) || !(at = after_prefix(at, "KB ")))
		return false;
	at += strspn(at, " ");
	if (!oom_number(&at, &total) || !streq(at, "KB"))
		return false;
	for (unsigned i = 0; *place && (*place)->total_kb >= total; place = &(*place)->next)
		if (++i == MAX_SLABS)
			return true;
	slab = arena_alloc(p->arena, sizeof(*slab));
	if (!slab || !(slab->name = arena_strndup(p->arena, text, (size_t)(name_end - text)))) {
		p->error = -ENOMEM;
		return true;
	}
	slab->used_kb = used;
	slab->total_kb = total;
	slab->next = *place;
	*place = slab;
	return true;
}

/* The size of a page from "0*4kB 1*8kB ...", which begins with blocks of one. False where it does
 * not begin so. */
static bool note_page_size(struct oom_memory *m, const char *text)
{
	int64_t count, size;

	if (!oom_number(&text, &count) || *text++ != '*' || !oom_number(&text, &size) ||
	    !after_prefix(text, "kB"))
		return false;
	if (text[2] == ' ' && size > 0 && size <= 64)
		oom_note(&m->page_kb, size);
	return true;
}

/* The largest block of a whole "1*4kB (U) 0*8kB = 4kB". */
static void note_blocks(struct oom_zone *z, const char *text)
{
	int64_t count, size, largest = 0;

	while (oom_number(&text, &count) && *text++ == '*' && oom_number(&text, &size) &&
	       (text = after_prefix(text, "kB "))) {
		if (count != 0 && size > largest)
			largest = size;
		if (*text == '(' && !(text = strstr(text, ") ")))
			return;
		text += strspn(text, ") ");
		if (*text == '=') {
			oom_note(&z->block_kb, largest);
			return;
		}
	}
}

/* "lowmem_reserve[]: 0 3192 15667" */
static bool take_reserve(struct oom_memory *m, const char *text)
{
	int64_t pages, most = 0;

	text = after_prefix(text, "lowmem_reserve[]:");
	if (!text)
		return false;
	while (*(text += strspn(text, " ")) && oom_number(&text, &pages))
		most = pages > most ? pages : most;
	if (m->last_zone && !*text)
		oom_note(&m->last_zone->reserve, most);
	m->last_zone = NULL;
	return true;
}

static void note_hugepages(struct oom_memory *m, const char *text)
{
	int64_t total, size, kb;

	if (!oom_field(text, "hugepages_total=", &total) || total < 0 || total > INT32_MAX ||
	    !oom_field(text, "hugepages_size=", &size) || size < 0 || size > INT32_MAX)
		return;
	kb = m->hugepages_kb == OOM_UNKNOWN ? 0 : m->hugepages_kb;
	if (!__builtin_add_overflow(kb, total * size, &kb))
		m->hugepages_kb = kb;
}

/* Behind "NAME:12kB " or, where the line ends, "NAME:12kB"; else NULL. */
static const char *skip_size(const char *text, const char *name)
{
	int64_t kb;

	text = after_prefix(text, name);
	text = text && oom_number(&text, &kb) ? after_prefix(text, "kB") : NULL;
	return !text || !*text ? text : after_prefix(text, " ");
}

/* Whether sizes follow one another, where @maybe is left out by older kernels: a program's name
 * cannot hold two. A @cut line may end behind any. */
static bool has_sizes(const char *text, const char *first, const char *maybe, const char *second,
		      bool cut)
{
	const char *rest = skip_size(text, first);

	rest = rest ? skip_size(rest, maybe) ?: rest : NULL;
	return rest && ((cut && !*rest) || skip_size(rest, second));
}

/* "Node 0 DMA free:..", "Node 0 DMA: 0*4kB ..", "Node 0 hugepages_total=.."; without "Node 0" where
 * there is but one. */
static bool take_node(struct oom_parser *p, const char *text)
{
	struct oom_memory *m = &p->report->memory;
	const char *name = after_prefix(text, "Node "), *end;
	int64_t node = 0;
	struct oom_zone *z;

	if (name && (!oom_number(&name, &node) || *name++ != ' '))
		return false;
	name = name ? name : text;
	if (after_prefix(name, "hugepages_total=")) {
		note_hugepages(m, name);
		return true;
	}
	/* The zones' sum. */
	if (has_sizes(name, "active_anon:", "", "inactive_anon:", p->line.cut))
		return true;
	end = name + strcspn(name, ": ");
	if (after_prefix(end, ": ")) {
		/* Behind a program's name there would be words. */
		if (strpbrk(end + 2, "abcdefghijlmnopqrstuvwxyz:") || !note_page_size(m, end + 2))
			return false;
		if ((z = *zone_place(p, node, name, (size_t)(end - name))))
			note_blocks(z, end + 2);
		return true;
	}
	if (end == name || !has_sizes(end, " free:", "boost:", "min:", p->line.cut))
		return false;
	z = zone_of(p, node, name, (size_t)(end - name));
	m->last_zone = z;
	if (z)
		note_words(z, zone_counters, ARRAY_SIZE(zone_counters), end, "kB", 1);
	return true;
}

static bool take_total(struct oom_memory *m, const char *text)
{
	int64_t value;

	if (after_prefix(text, "Free swap") || after_prefix(text, "Total swap")) {
		int64_t *into = *text == 'F' ? &m->swap_free_kb : &m->swap_total_kb;

		text = strchr(text, '=');
		if (!text || !(text += 1 + strspn(text + 1, " ")) || !oom_number(&text, &value) ||
		    !streq(text, "kB"))
			return false;
		oom_note(into, value);
		return true;
	}
	if (!oom_number(&text, &value))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(totals); i++)
		if (streq(text, totals[i].name)) {
			oom_note((int64_t *)(void *)((char *)m + totals[i].offset), value);
			return true;
		}
	return false;
}

/* "memory: usage 1kB, limit 1kB, failcnt 1", and swap, memory+swap, kmem. */
static bool take_limit(struct oom_report *r, const char *text)
{
	struct oom_limit *limit = NULL;
	const char *rest;
	int64_t value;

	if ((rest = after_prefix(text, "memory: usage ")))
		limit = &r->limit;
	else if ((rest = after_prefix(text, "swap: usage ")))
		limit = &r->swap_limit;
	else if ((rest = after_prefix(text, "memory+swap: usage ")))
		limit = &r->memsw_limit;
	else if ((rest = after_prefix(text, "kmem: usage ")))
		limit = &r->kmem_limit;
	if (!limit || !oom_number(&rest, &value) || !after_prefix(rest, "kB,"))
		return false;
	oom_note(&limit->usage_kb, value);
	if (oom_field(rest, "limit ", &value) && strstr(rest, "kB, failcnt"))
		oom_note(&limit->limit_kb, value);
	if (oom_field(rest, "failcnt ", &value))
		oom_note(&limit->failcnt, value);
	return true;
}

/* Only those of the cgroup whose limit was hit: the others are parts of it. Since 5.3 there are no
 * others. Before, it is the first, unless lines are lost. */
static bool take_stats(struct oom_parser *p, const char *text)
{
	const char *rest = after_prefix(text, "Memory cgroup stats for "), *end, *name;
	struct oom_report *r = p->report;
	int64_t value;

	if (rest) {
		end = has_suffix(rest, ":") && !p->line.cut ? rest + strlen(rest) - 1
							    : strstr(rest, ": ");
		p->current->in_stats = end && !p->line.cut && !end[1 + strspn(end + 1, " ")];
		if (!end || !(name = oom_copy(p, rest, (size_t)(end - rest))))
			return true;
		if (p->current->in_stats) {
			if (!r->cgroup && oom_kernel_since(r, 5, 3) != 0)
				r->cgroup = name;
			return true;
		}
		if (!r->stats_of)
			r->stats_of = r->cgroup ? r->cgroup : name;
		if (streq(r->stats_of, name))
			note_words(&r->stats, old_stat_counters, ARRAY_SIZE(old_stat_counters),
				   end + 1, "KB", 1024);
		return true;
	}
	text += strspn(text, " ");
	end = text + strspn(text, "abcdefghijklmnopqrstuvwxyz_");
	if (!p->current->in_stats || end == text || *end != ' ')
		return false;
	rest = end + 1;
	if (!oom_number(&rest, &value) || *rest)
		return false;
	note_counter(&r->stats, stat_counters, ARRAY_SIZE(stat_counters), text,
		     (size_t)(end - text), value);
	return true;
}

bool oommem_cgroup_line(struct oom_parser *p, const char *text)
{
	return take_limit(p->report, text) || take_stats(p, text);
}

bool oommem_machine_line(struct oom_parser *p, const char *text)
{
	struct oom_memory *m = &p->report->memory;

	if (take_slab(p, text) || take_node(p, text) || take_total(m, text) ||
	    take_reserve(m, text))
		return true;
	if (!is_page_line(text))
		return false;
	note_words(m, page_counters, ARRAY_SIZE(page_counters), text, "", 1);
	return true;
}
