#include "setting/kdumptarget.h"

#include <sys/mount.h>

#include "setting/kdumpdir.h"
#include "setting/mount.h"

#define MOUNT_POINT "holdfast/target"

static char *make_mount_point(const struct machine *m)
{
	int fd = root_make_dir(&m->run, MOUNT_POINT);

	if (fd < 0)
		return NULL;
	close(fd);
	return root_path(&m->run, MOUNT_POINT);
}

#define SAFE "nosuid,nodev,noexec"

/* Before the system has checked it, or woken from hibernation with it, a look must not even replay
 * the journal. File systems that have none do not know the option. What is mounted for writing
 * elsewhere cannot be mounted read-only, and need not be. */
static int attach(const struct machine *m, const char *what, const char *where, bool write,
		  int wait_ms, char **why)
{
	static const char *const options[] = { "ro,norecovery," SAFE, "ro," SAFE, SAFE };
	int ret;

	for (size_t i = write ? 2 : m->wait ? 0 : 1;; i++) {
		ret = mount_attach(what, NULL, options[i], where, wait_ms, why);
		if (i == 2 || !((i == 0 && ret == -EINVAL) || ret == -EBUSY))
			return ret;
		free_p(why);
		*why = NULL;
		wait_ms = 0;
	}
}

static int open_dir(struct kdump_target *t, const char *path, bool write, char **why)
{
	_cleanup_(root_close) struct root top = ROOT_NONE;
	int ret = root_open(t->mounted_at, true, &top);

	if (ret < 0)
		return ret;
	top.no_links = true;
	ret = kdumpdir_open(&top, path, write, &t->root, why);
	if (ret == -ELOOP && asprintf(why, "%s is a symbolic link: name a directory", path) < 0)
		*why = NULL;
	t->root.no_links = true;
	return ret;
}

int kdump_target_open(const struct machine *m, const struct node *capture, bool write, int wait_ms,
		      struct kdump_target *ret_target, char **ret_why)
{
	_cleanup_(kdump_target_close) struct kdump_target t = KDUMP_TARGET_NONE;
	const char *what = node_text(capture, "target");
	_cleanup_free_ char *where = NULL;
	int ret;

	if (!what) {
		*ret_why = strdup("the profile names no 'target' below 'kdump.capture'");
		return -ENOENT;
	}
	if (!machine_is_real(m))
		return machine_refuse(m, "mounted", ret_why);
	where = make_mount_point(m);
	if (!where)
		return -ENOTDIR;
	ret = attach(m, what, where, write, wait_ms, ret_why);
	if (ret < 0)
		return ret;
	t.mounted_at = TAKE_PTR(where);
	ret = open_dir(&t, node_setting(capture, "path"), write, ret_why);
	if (ret < 0)
		return ret;
	*ret_target = t;
	t = KDUMP_TARGET_NONE;
	return 0;
}

int kdump_target_close(struct kdump_target *t)
{
	int ret = 0;

	root_close(&t->root);
	if (t->mounted_at && umount2(t->mounted_at, UMOUNT_NOFOLLOW) < 0)
		ret = -errno;
	free(t->mounted_at);
	*t = KDUMP_TARGET_NONE;
	return ret;
}
