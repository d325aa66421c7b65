#include "insight/gfp.h"

/* Names and numbers of include/linux/gfp.h; the larger sets first, as the kernel
 * itself prints them since 4.6. What is in words is what a reader needs to know; flags that only
 * tell how hard to try have none. */
static const struct flag {
	const char *name;
	int64_t bits[2]; /* of kernels 3.0 to 4.3, and 4.4 to 4.5; 0: not there */
	const char *words;
} flags[] = {
	{ "GFP_TRANSHUGE", { 0, 0 }, "a huge page of a process" },
	{ "GFP_TRANSHUGE_LIGHT", { 0, 0 }, "a huge page of a process" },
	{ "GFP_HIGHUSER_MOVABLE", { 0x200da, 0x24200ca }, "memory of a process, movable" },
	{ "GFP_HIGHUSER", { 0x200d2, 0x24200c2 }, "memory of a process" },
	{ "GFP_USER", { 0x200d0, 0x24200c0 }, "memory of the kernel for a process" },
	{ "GFP_KERNEL_ACCOUNT", { 0, 0 }, "memory of the kernel, charged to the process's cgroup" },
	{ "GFP_TEMPORARY", { 0x800d0, 0x24000d0 }, "memory of the kernel, for a short time" },
	{ "GFP_KERNEL", { 0xd0, 0x24000c0 }, "memory of the kernel" },
	{ "GFP_NOFS",
	  { 0x50, 0x2400040 },
	  "memory of the kernel, which may not wait for file systems" },
	{ "GFP_NOIO", { 0x10, 0x2400000 }, "memory of the kernel, which may not wait for disks" },
	{ "GFP_ATOMIC", { 0x20, 0x2080020 }, "memory of the kernel, which may not wait" },
	{ "GFP_NOWAIT", { 0, 0x2000000 }, "memory of the kernel, which may not wait" },
	{ "GFP_DMA32", { 0x4, 0x4 }, "below 4 GiB" },
	{ "GFP_DMA", { 0x1, 0x1 }, "within reach of old devices" },
	{ "__GFP_DMA32", { 0x4, 0x4 }, "below 4 GiB" },
	{ "__GFP_DMA", { 0x1, 0x1 }, "within reach of old devices" },
	{ "__GFP_HIGHMEM", { 0x2, 0x2 }, NULL },
	{ "__GFP_MOVABLE", { 0x8, 0x8 }, NULL },
	{ "__GFP_WAIT", { 0x10, 0 }, NULL },
	{ "__GFP_HIGH", { 0x20, 0x20 }, "urgent" },
	{ "__GFP_IO", { 0x40, 0x40 }, NULL },
	{ "__GFP_FS", { 0x80, 0x80 }, NULL },
	{ "__GFP_COLD", { 0x100, 0x100 }, NULL },
	{ "__GFP_NOWARN", { 0x200, 0x200 }, NULL },
	{ "__GFP_REPEAT", { 0x400, 0x400 }, NULL },
	{ "__GFP_RETRY_MAYFAIL", { 0, 0 }, NULL },
	{ "__GFP_NOFAIL", { 0x800, 0x800 }, "must not fail" },
	{ "__GFP_NORETRY", { 0x1000, 0x1000 }, "may fail" },
	{ "__GFP_MEMALLOC", { 0x2000, 0x2000 }, NULL },
	{ "__GFP_COMP", { 0x4000, 0x4000 }, NULL },
	{ "__GFP_ZERO", { 0x8000, 0x8000 }, "zeroed" },
	{ "__GFP_NOMEMALLOC", { 0x10000, 0x10000 }, NULL },
	{ "__GFP_HARDWALL", { 0x20000, 0x20000 }, NULL },
	{ "__GFP_THISNODE", { 0x40000, 0x40000 }, "on this node" },
	{ "__GFP_RECLAIMABLE", { 0x80000, 0x10 }, NULL },
	{ "__GFP_ACCOUNT", { 0, 0 }, "charged to the process's cgroup" },
	{ "__GFP_WRITE", { 0x1000000, 0x1000000 }, "for writing" },
};

/* Bits whose meaning changed in between, and that tell a reader nothing: __GFP_NOTRACK,
 * __GFP_KMEMCG, __GFP_NO_KSWAPD, __GFP_OTHER_NODE; later __GFP_NOACCOUNT or __GFP_ACCOUNT, and the
 * two of __GFP_RECLAIM beside what is named. */
static const int64_t others[2] = { 0xf00000, 0x2f80000 };

const char *gfp_flags_of(struct arena *a, int64_t mask, bool since_4_4)
{
	const char *text = "";

	for (size_t i = 0; i < ARRAY_SIZE(flags) && text && mask; i++) {
		int64_t bits = flags[i].bits[since_4_4];

		if (bits == 0 || (mask & bits) != bits)
			continue;
		text = arena_printf(a, "%s%s%s", text, *text ? "|" : "", flags[i].name);
		mask &= ~bits;
	}
	return mask & ~others[since_4_4] || !text || !*text ? NULL : text;
}

const char *gfp_words(struct arena *a, const char *names)
{
	const char *text = "";

	while (text && *names) {
		size_t n = strcspn(names, "|");

		for (size_t i = 0; text && i < ARRAY_SIZE(flags); i++) {
			const struct flag *f = &flags[i];

			if (!f->words || strlen(f->name) != n || strncmp(names, f->name, n) != 0)
				continue;
			text = arena_printf(a, "%s%s%s", text, *text ? "; " : "", f->words);
		}
		names += n + (names[n] == '|');
	}
	return text;
}
