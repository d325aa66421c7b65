#include "base/iomem.h"

#include <inttypes.h>
#include <strings.h>

bool iomem_next(char **rest, struct iomem_line *ret_line)
{
	char *line;

	while ((line = strsep(rest, "\n"))) {
		int at = 0;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " : %n", &ret_line->start, &ret_line->end,
			   &at) != 2 ||
		    !at)
			continue;
		ret_line->indent = strspn(line, " ");
		ret_line->name = line + at;
		return true;
	}
	return false;
}

bool iomem_is_ram(const struct iomem_line *line)
{
	return streq(line->name, "System RAM") || streq(line->name, "System RAM (kmem)");
}

/* What a device tree reserves may be a part of the RAM. */
int iomem_is_free(const struct root *procfs, uint64_t start, uint64_t size)
{
	_cleanup_free_ char *text = NULL;
	bool knows = false, ram = false, reserved = false;
	uint64_t last = start + size - 1;
	struct iomem_line line;
	char *rest;

	if (size == 0 || last < start || root_read_text(procfs, "iomem", 1U << 20, &text) < 0)
		return -ENODATA;
	rest = text;
	while (iomem_next(&rest, &line)) {
		knows |= line.end > 0;
		if (line.start > last || line.end < start)
			continue;
		ram |= iomem_is_ram(&line);
		reserved |= strcasecmp(line.name, "reserved") == 0 && line.start <= start &&
			    line.end >= last;
	}
	if (!knows)
		return -ENODATA;
	return ram && !reserved ? -EBUSY : 0;
}
