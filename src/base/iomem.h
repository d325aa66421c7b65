/* What lies where in physical memory, by /proc/iomem. */
#pragma once

#include "base/root.h"

struct iomem_line {
	uint64_t start, end; /* the last byte; both 0 to a reader without CAP_SYS_ADMIN */
	size_t indent;       /* more than the line's that it is a part of */
	const char *name;
};

/* Takes the next line off *@rest, which is changed; what is no such line is passed over. False:
 * there is none. */
bool iomem_next(char **rest, struct iomem_line *ret_line);

bool iomem_is_ram(const struct iomem_line *line);

/* Whether the kernel leaves @size bytes from @start alone. -EBUSY: they are its memory; -ENODATA:
 * the file does not tell. */
int iomem_is_free(const struct root *procfs, uint64_t start, uint64_t size) _must_check_;
