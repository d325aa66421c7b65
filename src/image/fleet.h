/* Machines on paper: what the boards of a fleet say of themselves, from a table or directories. */
#pragma once

#include "profile/identity.h"

struct fleet_machine {
	const char *name;   /* of its directory; NULL in a table */
	unsigned line;      /* in the table, from 1 */
	const char *expect; /* the profile it should get, "-" for none; NULL: any */
	struct identity identity;
};

/* Returns 0 to go on, or -errno. */
typedef int (*fleet_visit)(struct fleet_machine *m, void *data);

/* Reads the machines of @path ("-": standard input) and visits each in its order. A file is a table
 * whose first line names the columns: files of /sys/class/dmi/id (with "dmi." before them or not),
 * devicetree.model, devicetree.compatible (blank-separated), memory (bytes, or with K, M, G), arch,
 * cmdline, and expect; fields are separated by tabs, and an empty one says nothing; behind a line
 * of more than 64 KiB no more is read, and the whole counts as unreadable. A directory has one of
 * each machine's own, whose files have those names, or model and compatible as in a device tree. A
 * machine that cannot be read as that is logged with its place, counted, and passed over. -EINVAL:
 * the whole cannot be read, which is logged; other -errno are @visit's. */
int fleet_read(const char *path, fleet_visit visit, void *data, unsigned *ret_bad) _must_check_;
