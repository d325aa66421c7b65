#include "guard/lean.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>

#include "base/util.h"

/* Only what is never written: a relocated page would come back without its relocations. */
static int drop_pages(struct dl_phdr_info *info, size_t size, void *data)
{
	uintptr_t mask = ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);

	(void)size;
	(void)data;
	/* The last to go is the first one, which has the headers that we read. */
	for (int i = info->dlpi_phnum - 1; i >= 0; i--) {
		const ElfW(Phdr) p = info->dlpi_phdr[i];
		uintptr_t begin = (info->dlpi_addr + p.p_vaddr) & mask;
		uintptr_t end = info->dlpi_addr + p.p_vaddr + p.p_memsz;

		if (p.p_type != PT_LOAD || p.p_flags & PF_W)
			continue;
		(void)madvise((void *)begin, end - begin, MADV_DONTNEED);
		if (p.p_offset == 0)
			break;
	}
	return 0;
}

int lean_lock(void)
{
	return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0 ? -errno : 0;
}

int lean_settle(void)
{
	(void)munlockall();
	malloc_trim(0);
	dl_iterate_phdr(drop_pages, NULL);
	return lean_lock();
}
