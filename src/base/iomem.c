#include "base/iomem.h"

#include <fcntl.h>
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

/* --- memory that is set aside --- */

#define RESERVED_MEMORY "firmware/devicetree/base/reserved-memory"

/* A number of so many big-endian cells. */
static uint64_t cells_at(const uint8_t *bytes, size_t cells)
{
	uint64_t v = 0;

	for (size_t i = 0; i < cells * 4; i++)
		v = v << 8 | bytes[i];
	return v;
}

static size_t count_cells(const struct root *sysfs, const char *property)
{
	_cleanup_free_ char *data = NULL;
	size_t size;

	if (root_read(sysfs, property, 4, &data, &size) < 0 || size != 4)
		return 1;
	return cells_at((uint8_t *)data, 1) == 2 ? 2 : 1;
}

/* Whether node @name has it in its property reg, for nobody else. */
static bool node_reserves(const struct root *sysfs, const char *name, uint64_t start, uint64_t last)
{
	size_t address = count_cells(sysfs, RESERVED_MEMORY "/#address-cells"), size;
	size_t entry = address + count_cells(sysfs, RESERVED_MEMORY "/#size-cells");
	_cleanup_free_ char *reg = NULL, *data = NULL, *reusable = NULL;

	if (asprintf(&reg, RESERVED_MEMORY "/%s/reg", name) < 0 ||
	    asprintf(&reusable, RESERVED_MEMORY "/%s/reusable", name) < 0)
		return false;
	if (root_exists(sysfs, reusable) == 0 || root_read(sysfs, reg, 4096, &data, &size) < 0)
		return false;
	for (size_t at = 0; at + entry * 4 <= size; at += entry * 4) {
		uint64_t from = cells_at((uint8_t *)data + at, address);
		uint64_t n = cells_at((uint8_t *)data + at + address * 4, entry - address);

		if (from <= start && last - from < n)
			return true;
	}
	return false;
}

static bool devicetree_reserves(const struct root *sysfs, uint64_t start, uint64_t last)
{
	int fd = root_openat(sysfs, RESERVED_MEMORY, O_RDONLY | O_DIRECTORY);
	_cleanup_closedir_ DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (*e->d_name != '.' && node_reserves(sysfs, e->d_name, start, last))
			return true;
	return false;
}

static bool is_set_aside(const struct iomem_line *line)
{
	return strcasecmp(line->name, "reserved") == 0 ||
	       after_prefix(line->name, "Persistent Memory");
}

/* Within the RAM, what the kernel took for itself when it started is called reserved, too: there
 * only the device tree tells. */
int iomem_is_free(const struct root *procfs, const struct root *sysfs, uint64_t start,
		  uint64_t size, char **ret_user)
{
	_cleanup_free_ char *text = NULL;
	uint64_t last = start + size - 1;
	const char *user = NULL;
	struct iomem_line line;
	bool knows = false;
	char *rest;

	if (size == 0 || last < start || root_read_text(procfs, "iomem", 1U << 20, &text) < 0)
		return -ENODATA;
	rest = text;
	while (iomem_next(&rest, &line)) {
		knows |= line.end > 0;
		if (line.start <= last && line.end >= start && line.indent == 0 &&
		    !is_set_aside(&line))
			user = line.name;
	}
	if (!knows)
		return -ENODATA;
	if (!user || devicetree_reserves(sysfs, start, last))
		return 0;
	*ret_user = strdup(user);
	return *ret_user ? -EBUSY : -ENOMEM;
}
