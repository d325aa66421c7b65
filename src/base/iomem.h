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

/* Whether nobody else uses @size bytes from @start: memory that is set aside, or no line's at all.
 * -EBUSY: somebody does, whose name is in *@ret_user; -ENODATA: the file does not tell. The caller
 * frees. */
int iomem_is_free(const struct root *procfs, const struct root *sysfs, uint64_t start,
		  uint64_t size, char **ret_user) _must_check_;
