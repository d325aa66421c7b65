/* setting/kdumptarget.c: which directory of a disk is believed to be ours. */
#define kdump_target_open kdump_target_open_here
#define kdump_target_close kdump_target_close_here
#include "setting/kdumptarget.c"

#include "unit.h"

static char disk[32];

static void sh(const char *command)
{
	_cleanup_free_ char *text = NULL;

	CHECK(asprintf(&text, "cd %s && %s", disk, command) > 0 && system(text) == 0);
}

/* Opens @path of the disk; where that is refused, why must have @reason (NULL: no more than the
 * errno). */
static int opened(const char *path, bool write, const char *reason)
{
	struct kdump_target t = { .root = ROOT_NONE, .mounted_at = disk };
	_cleanup_free_ char *why = NULL;
	int ret = open_dir(&t, path, write, &why);

	if (ret < 0)
		CHECK(reason ? why && strstr(why, reason) : !why);
	root_close(&t.root);
	return ret;
}

static void new_disk(void)
{
	strcpy(disk, "/tmp/kdumptarget.XXXXXX");
	CHECK(mkdtemp(disk));
}

static void remove_disk(void)
{
	sh("rm -rf $PWD");
}

static void made(void)
{
	new_disk();
	CHECK(opened("/crash/here", false, NULL) == -ENOENT);
	CHECK(opened("/crash/here", true, NULL) == 0);
	CHECK(opened("/crash/here", false, NULL) == 0);
	remove_disk();
}

static void links(void)
{
	new_disk();
	sh("mkdir other && mkdir other/crash && ln -s other link && ln -s nowhere crash");
	for (int write = 0; write < 2; write++) {
		CHECK(opened("/crash", write, "/crash is a symbolic link") == -ELOOP);
		CHECK(opened("/link/crash", write, "/link/crash is a symbolic link") == -ELOOP);
	}
	remove_disk();
}

static void others(void)
{
	new_disk();
	sh("mkdir -m 777 open && mkdir -m 770 group && mkdir theirs");
	CHECK(opened("/open", false, "others can write to /open") == -EPERM);
	CHECK(opened("/group", true, "others can write to /group") == -EPERM);
	CHECK(opened("/open/crash", true, "or to a directory on the way") == -EPERM);
	/* Others may make something there, but not in place of what is root's. */
	sh("mkdir -m 1777 tmp");
	CHECK(opened("/tmp/crash", true, NULL) == 0);
	CHECK(opened("/tmp", false, "others can write to /tmp") == -EPERM);
	if (geteuid() == 0) { /* nobody else gives a directory away */
		sh("chown 65534 theirs");
		CHECK(opened("/theirs", true, "others can write to /theirs") == -EPERM);
		sh("mkdir -m 700 tmp/theirs && chown 65534 tmp/theirs");
		CHECK(opened("/tmp/theirs", true, "others can write to /tmp/theirs") == -EPERM);
	}
	remove_disk();
}

/* What is in the directory is looked at without following links, either. */
static void inside(void)
{
	struct kdump_target t = { .root = ROOT_NONE, .mounted_at = disk };
	_cleanup_free_ char *why = NULL, *text = NULL;

	new_disk();
	sh("mkdir crash && echo secret >secret && ln -s ../secret crash/.new && ln -s .. "
	   "crash/1-x");
	CHECK(open_dir(&t, "/crash", false, &why) == 0);
	CHECK(root_read_text(&t.root, ".new", 64, &text) == -ELOOP);
	CHECK(root_read_text(&t.root, "1-x/secret", 64, &text) == -ELOOP);
	CHECK(root_read_text(&t.root, "../secret", 64, &text) < 0);
	root_close(&t.root);
	remove_disk();
}

UNIT_MAIN({ "a directory that is made, or is root's own", made },
	  { "a link in its place, or on the way", links },
	  { "a directory that others can write to", others },
	  { "links in it are not followed", inside })
