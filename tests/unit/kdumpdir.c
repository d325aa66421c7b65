/* setting/kdumpdir.h: what is pruned, and what cannot be. */
#include "setting/kdumpdir.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "unit.h"

static struct root make_dir(void)
{
	static char path[] = "/tmp/kdumpdir.XXXXXX";

	strcpy(path + sizeof(path) - 7, "XXXXXX");
	return (struct root){ .fd = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY) : -1,
			      .path = path };
}

static void add(const struct root *dir, const char *path)
{
	char parent[64];
	const char *slash = strrchr(path, '/');

	if (slash) {
		snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
		mkdirat(dir->fd, parent, 0700);
		close(openat(dir->fd, path, O_CREAT | O_WRONLY, 0600));
	} else {
		mkdirat(dir->fd, path, 0700);
	}
}

static bool there(const struct root *dir, const char *path)
{
	return faccessat(dir->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void remove_dir(struct root *dir)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", dir->path);
	CHECK(system(command) == 0);
	close(dir->fd);
}

static void latest(void)
{
	struct root dir = make_dir();

	add(&dir, "000002-20260101T000000Z/dmesg");
	add(&dir, "000010-20260101T000000Z/dmesg");
	add(&dir, "9-by-hand/dmesg");
	add(&dir, "notes/dmesg");
	CHECK(kdumpdir_prune(&dir, 3) == 0);
	CHECK(kdumpdir_prune(&dir, 1) == 2);
	CHECK(there(&dir, "000010-20260101T000000Z/dmesg") && there(&dir, "notes/dmesg"));
	CHECK(!there(&dir, "000002-20260101T000000Z") && !there(&dir, "9-by-hand"));
	CHECK(kdumpdir_prune(&dir, 0) == 1);
	remove_dir(&dir);
}

static void names(void)
{
	CHECK(kdumpdir_number("000012-20260101T000000Z") == 12);
	CHECK(kdumpdir_number("9-by-hand") == 9);
	CHECK(kdumpdir_number("0-zero") == 0 && kdumpdir_number("notes") == 0);
	CHECK(kdumpdir_number("12") == 0 && kdumpdir_number("-12") == 0);
	CHECK(kdumpdir_number("1-/../../etc") == 0 && kdumpdir_number("1-\033[2J") == 0);
	CHECK(kdumpdir_number("99999999999999999999-x") == 0);
	CHECK(kdumpdir_number("9223372036854775807-x") == 0);
}

/* Whatever the disk has, what is added is known again. */
static void added(void)
{
	static const char *const there_is[] = { "notes", "000007-x", "999999999999-x",
						"9223372036854775806-x", "9223372036854775807-x" };

	for (size_t i = 0; i < ARRAY_SIZE(there_is); i++) {
		struct root dir = make_dir();
		struct arena a = { 0 };
		const char *temporary = "";
		int fd = -EBADF;

		add(&dir, there_is[i]);
		CHECK(kdumpdir_begin(&dir, &a, &temporary, &fd) == 0);
		CHECK(kdumpdir_number(temporary + 1) > 0);
		CHECK(kdumpdir_commit(&dir, temporary, fd) == 0 && there(&dir, temporary + 1));
		close(fd);
		arena_free(&a);
		remove_dir(&dir);
	}
}

static void stubborn(void)
{
	struct root dir = make_dir();

	add(&dir, "000001-20260101T000000Z");
	add(&dir, "000001-20260101T000000Z/analysis/notes");
	add(&dir, "000002-20260101T000000Z/dmesg");
	add(&dir, "000003-20260101T000000Z/dmesg");
	add(&dir, "000004-20260101T000000Z/dmesg");
	CHECK(kdumpdir_prune(&dir, 1) == 2);
	CHECK(there(&dir, "000001-20260101T000000Z/analysis/notes"));
	CHECK(there(&dir, "000004-20260101T000000Z/dmesg"));
	CHECK(!there(&dir, "000002-20260101T000000Z") && !there(&dir, "000003-20260101T000000Z"));
	remove_dir(&dir);
}

static void unfinished(void)
{
	struct root dir = make_dir();

	add(&dir, ".000001-20260101T000000Z/dmesg");
	add(&dir, "000002-20260101T000000Z/" KDUMP_PARTIAL);
	add(&dir, "000002-20260101T000000Z/dmesg");
	add(&dir, "./..boot.4711");
	add(&dir, "./..data");
	CHECK(kdumpdir_prune(&dir, 3) == 0);
	CHECK(!there(&dir, "..boot.4711") && there(&dir, "..data"));
	CHECK(!there(&dir, ".000001-20260101T000000Z"));
	CHECK(!there(&dir, "000002-20260101T000000Z/" KDUMP_PARTIAL));
	CHECK(there(&dir, "000002-20260101T000000Z/dmesg"));
	remove_dir(&dir);
}

/* fill PATH: 64 KiB. */
static void fill(const struct root *dir, const char *path)
{
	static const char block[65536] = { 1 };
	int fd = openat(dir->fd, path, O_WRONLY);

	CHECK(write(fd, block, sizeof(block)) == sizeof(block) && fsync(fd) == 0);
	close(fd);
}

static void room(void)
{
	static const char *const cores[] = { "000001-x/vmcore", "000002-x/vmcore",
					     "000003-x/vmcore", "000004-x/vmcore" };
	struct root dir = make_dir();

	for (size_t i = 0; i < ARRAY_SIZE(cores); i++) {
		add(&dir, cores[i]);
		fill(&dir, cores[i]);
	}
	/* The three older ones have 192 KiB, which is not enough. */
	CHECK(!kdumpdir_make_room(&dir, 200 * 1024, 1));
	CHECK(there(&dir, cores[0]) && there(&dir, cores[1]) && there(&dir, cores[2]));
	/* What has two names stays where it is. */
	CHECK(linkat(dir.fd, cores[0], dir.fd, "kept", 0) == 0);
	CHECK(!kdumpdir_make_room(&dir, 150 * 1024, 1));
	CHECK(unlinkat(dir.fd, "kept", 0) == 0);
	CHECK(kdumpdir_make_room(&dir, 100 * 1024, 1));
	CHECK(!there(&dir, cores[0]) && !there(&dir, cores[1]));
	CHECK(there(&dir, cores[2]) && there(&dir, cores[3]));
	remove_dir(&dir);
}

UNIT_MAIN({ "what is a dump's name, on a disk that may be anybody's", names },
	  { "what is added has such a name, whatever lies there", added },
	  { "the latest are kept, by number; what is no dump stays", latest },
	  { "what cannot be removed keeps none of the others", stubborn },
	  { "for room the oldest go, as many as it takes, and none where that is not enough",
	    room },
	  { "what a power cut left behind goes", unfinished })
