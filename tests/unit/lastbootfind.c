/* setting/lastboot.h: what a dump on the disk says of the boot before. */
#define last_boot_find last_boot_find_here
#include "setting/lastbootfind.c"

#include "unit.h"

static struct root disk;
static char path[32];

static void new_disk(void)
{
	strcpy(path, "/tmp/lastbootfind.XXXXXX");
	CHECK(mkdtemp(path));
	disk = (struct root){ .fd = open(path, O_RDONLY | O_DIRECTORY), .no_links = true };
	CHECK(mkdirat(disk.fd, "000001-x", 0700) == 0);
	CHECK(write_whole(disk.fd, KDUMP_NEW, "000001-x", 8) == 0);
}

static void remove_disk(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", path);
	CHECK(system(command) == 0);
	close(disk.fd);
}

static void put(const char *name, const char *data, size_t size)
{
	_cleanup_close_ int dir = openat(disk.fd, "000001-x", O_RDONLY | O_DIRECTORY);

	CHECK(write_whole(dir, name, data, size) == 0);
}

/* Looks at the dump; whether @text is evidence for @cause. */
static bool says(const char *cause, const char *text)
{
	struct last_boot l = { .cause = CAUSE_UNKNOWN };
	struct search s = { .l = &l };
	bool found = false;

	CHECK(look_at_dump(&s, &disk, "LABEL=data", "/crash") == 0);
	for (struct last_boot_line *e = l.evidence; e; e = e->next)
		found |= streq(e->text, text);
	found &= streq(cause_of(&s, false, 0), cause);
	last_boot_free(&l);
	return found;
}

static void files(void)
{
	new_disk();
	CHECK(says(CAUSE_PANIC,
		   "LABEL=data has neither the kernel log nor a dump of a crash: /crash/000001-x"));
	put(KDUMP_LOG, "x\n", 2);
	CHECK(says(CAUSE_PANIC,
		   "LABEL=data has the kernel log, but no dump, of a crash: /crash/000001-x"));
	put(KDUMP_CORE, "x", 1);
	CHECK(says(CAUSE_PANIC, "LABEL=data has a dump of a crash: /crash/000001-x"));
	remove_disk();
}

static void large(void)
{
	static const char end[] = "\n[ 9.0] Kernel panic - not syncing: Out of memory: x\n";
	size_t size = RECORD_MAX + (1U << 20);
	char *log = malloc(size);

	new_disk();
	memset(log, 'x', size);
	memcpy(log + size - strlen(end), end, strlen(end));
	put(KDUMP_LOG, log, size);
	CHECK(says(CAUSE_OOM_PANIC,
		   "LABEL=data has the kernel log, but no dump, of a crash: /crash/000001-x"));
	free(log);
	remove_disk();
}

UNIT_MAIN({ "what was saved is told, and what was not", files },
	  { "of a log that is very long the end counts", large })
