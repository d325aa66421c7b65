#include "base/machine.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include "base/log.h"

static int open_logged(const char *path, bool confined, struct root *ret_root)
{
	int ret = root_open(path, confined, ret_root);

	if (ret < 0)
		log_error("%s: %s", path, strerror(-ret));
	return ret;
}

/* The running kernel's own may be missing, as in a chroot that builds an image. */
static int open_kernel_tree(const char *path, const char *usual, struct root *ret_root)
{
	int ret;

	if (path)
		return open_logged(path, false, ret_root);
	ret = root_open(usual, false, ret_root);
	if (ret < 0)
		*ret_root = (struct root){ .fd = ret, .path = usual };
	return 0;
}

int machine_open(const char *procfs, const char *sysfs, const char *root, const char *run,
		 bool run_in_root, struct machine *ret_machine)
{
	_cleanup_(machine_close) struct machine m = {
		.procfs = ROOT_NONE,
		.sysfs = ROOT_NONE,
		.root = ROOT_NONE,
		.run = ROOT_NONE,
	};
	int ret = 0;

	GATHER(ret, open_kernel_tree(procfs, "/proc", &m.procfs));
	GATHER(ret, open_kernel_tree(sysfs, "/sys", &m.sysfs));
	GATHER(ret, open_logged(root ? root : "/", true, &m.root));
	if (ret < 0)
		return ret;
	if (run_in_root) /* an image's links stay in the image */
		m.run = (struct root){
			.fd = root_openat(&m.root, "run", O_PATH | O_DIRECTORY),
			.confined = m.root.confined,
		};
	else if ((ret = root_open(run, false, &m.run)) < 0)
		m.run.fd = ret;
	m.run.path = run; /* for messages, also where there is none */
	*ret_machine = m;
	m = (struct machine){
		.procfs = ROOT_NONE, .sysfs = ROOT_NONE, .root = ROOT_NONE, .run = ROOT_NONE
	};
	return 0;
}

void machine_close(struct machine *m)
{
	root_close(&m->procfs);
	root_close(&m->sysfs);
	root_close(&m->root);
	root_close(&m->run);
}

static bool is_kernels(const struct root *tree, long magic)
{
	struct statfs fs;

	return tree->fd >= 0 && fstatfs(tree->fd, &fs) == 0 && (long)fs.f_type == magic;
}

static bool has_kernels_trees(const struct machine *m)
{
	return is_kernels(&m->procfs, PROC_SUPER_MAGIC) && is_kernels(&m->sysfs, SYSFS_MAGIC);
}

/* An image has a /run of its own. So has a root that an initramfs is about to enter, but then a
 * stage of the boot is carried out. */
static bool has_own_run(const struct machine *m)
{
	return m->run.confined && !m->wait;
}

bool machine_is_real(const struct machine *m)
{
	return has_kernels_trees(m) && !has_own_run(m);
}

bool machine_is_image(const struct machine *m)
{
	return has_kernels_trees(m) && has_own_run(m);
}

int machine_refuse(const struct machine *m, const char *done, char **ret_why)
{
	bool image = machine_is_image(m);

	if (asprintf(ret_why, "%s: nothing is %s",
		     image ? "--root is not the running system"
			   : "procfs or sysfs is not the running kernel's",
		     done) < 0)
		*ret_why = NULL;
	return -EOPNOTSUPP;
}

int machine_boot_id(const struct machine *m, char **ret_id)
{
	return root_read_text(&m->procfs, "sys/kernel/random/boot_id", 64, ret_id);
}
