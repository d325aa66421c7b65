/* setting/kdumpcapture.c: what a dump is made of. */
#define kdump_capture kdump_capture_here
#include "setting/kdumpcapture.c"

#include "unit.h"

/* Adds a dump with the log @text; whether it has a file for it. */
static bool has_log(char *text)
{
	char path[] = "/tmp/kdumpcapture.XXXXXX", command[64];
	struct capture c = { .target = KDUMP_TARGET_NONE };
	_cleanup_close_ int dir = -EBADF;
	const char *name = "";
	bool has;

	c.log = text;
	c.log_size = text ? strlen(text) : 0;
	CHECK(mkdtemp(path));
	c.target.root = (struct root){ .fd = open(path, O_RDONLY | O_DIRECTORY), .path = path };
	CHECK(add_dump(&c, &name, &dir) == 0);
	CHECK(faccessat(c.target.root.fd, name, F_OK, 0) == 0);
	has = faccessat(dir, KDUMP_LOG, F_OK, 0) == 0;
	snprintf(command, sizeof(command), "rm -rf %s", path);
	CHECK(system(command) == 0);
	close(c.target.root.fd);
	arena_free(&c.arena);
	return has;
}

static void logs(void)
{
	char text[] = "[    0.000000] Linux version 6.1\n";

	CHECK(has_log(text));
	CHECK(!has_log(NULL));
}

static bool long_by(char *log)
{
	return ran_long(&(struct capture){ .log = log, .log_size = strlen(log) });
}

static void rows(void)
{
	char hour[] = "[    0.000000] Linux version 6.1\n[ 3600.000001] Kernel panic\n";
	char less[] = "[    0.000000] Linux version 6.1\n[ 3599.999999] Kernel panic\n";
	char named[] = "[    1.000000] first line\n 9999.000000] of a longer message\n";

	CHECK(long_by(hour));
	CHECK(!long_by(less));
	CHECK(!long_by(named));
}

UNIT_MAIN({ "a dump has a log where one was read, and no empty one", logs },
	  { "a kernel that ran for an hour ends a row of crashes, by the last time of its log",
	    rows })
