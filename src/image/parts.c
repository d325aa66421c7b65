/* What of an installed holdfast an image gets. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "image/image.h"
#include "image/install.h"

/* Among the site's own: of those in /usr/lib, the hooks take none for this machine's but the one
 * that is chosen. */
#define PROFILES "etc/holdfast/profiles/"
#define MAX_PART (64U << 20)
#define MAX_SCRIPT (1U << 20)
#define UNITS "usr/lib/systemd/system/"
#define WANTS "etc/systemd/system/sysinit.target.wants/"

enum user {
	ANY,
	INITRAMFS_TOOLS,
	DRACUT,
	MKINITCPIO,
	SYSTEMD,
	INIT_D,   /* without systemd: one of those below */
	SYSVINIT, /* directories of links for runlevels */
	BUSYBOX,  /* as Buildroot has it: scripts started by their own names */
	N_USERS,
};

/* By what each is known. Any of the files will do. */
static const char *const signs[N_USERS][3] = {
	[INITRAMFS_TOOLS] = { "usr/sbin/mkinitramfs", "usr/share/initramfs-tools/hook-functions" },
	[DRACUT] = { "usr/bin/dracut", "usr/lib/dracut/dracut-functions.sh" },
	[MKINITCPIO] = { "usr/bin/mkinitcpio", "usr/lib/initcpio/functions" },
	[SYSTEMD] = { "usr/lib/systemd/systemd", "lib/systemd/systemd" },
	[INIT_D] = { "etc/init.d" },
	[SYSVINIT] = { "etc/rcS.d", "etc/init.d/rc" },
	[BUSYBOX] = { "etc/init.d/rcS" },
};

#define INITRAMFS_TOOLS_DIR "usr/share/initramfs-tools/"
#define DRACUT_DIR "usr/lib/dracut/modules.d/90holdfast/"
#define MKINITCPIO_DIR "usr/lib/initcpio/"

static const struct part {
	enum user user;
	mode_t mode;
	const char *path;
} parts[] = {
	{ ANY, 0755, "usr/sbin/holdfast" },
	{ ANY, 0755, "usr/lib/holdfast/holdfast-initramfs" },
	{ ANY, 0644, "usr/lib/holdfast/functions" },
	{ ANY, 0644, "usr/lib/holdfast/holdfast-functions" },
	{ INITRAMFS_TOOLS, 0755, "usr/lib/holdfast/capture-image" },
	{ INITRAMFS_TOOLS, 0755, INITRAMFS_TOOLS_DIR "hooks/holdfast" },
	{ INITRAMFS_TOOLS, 0755, INITRAMFS_TOOLS_DIR "scripts/init-top/holdfast" },
	{ INITRAMFS_TOOLS, 0755, INITRAMFS_TOOLS_DIR "scripts/init-premount/holdfast" },
	{ INITRAMFS_TOOLS, 0755, INITRAMFS_TOOLS_DIR "scripts/init-bottom/holdfast" },
	{ DRACUT, 0755, DRACUT_DIR "module-setup.sh" },
	{ DRACUT, 0755, DRACUT_DIR "holdfast-early.sh" },
	{ DRACUT, 0755, DRACUT_DIR "holdfast-devices.sh" },
	{ DRACUT, 0755, DRACUT_DIR "holdfast-root.sh" },
	{ MKINITCPIO, 0644, MKINITCPIO_DIR "install/holdfast" },
	{ MKINITCPIO, 0644, MKINITCPIO_DIR "hooks/holdfast" },
	{ SYSTEMD, 0644, UNITS "holdfast.service" },
	{ SYSTEMD, 0644, UNITS "holdfast-guard.service" },
	{ INIT_D, 0755, "etc/init.d/holdfast" },
	{ INIT_D, 0755, "etc/init.d/holdfast-guard" },
};

/* What makes them run. At the end they are stopped first of all, while the disks are there. */
static const struct {
	enum user user;
	const char *path, *target;
} links[] = {
	{ SYSTEMD, WANTS "holdfast.service", "/" UNITS "holdfast.service" },
	{ SYSTEMD, WANTS "holdfast-guard.service", "/" UNITS "holdfast-guard.service" },
	{ SYSVINIT, "etc/rcS.d/S12holdfast", "../init.d/holdfast" },
	{ SYSVINIT, "etc/rc0.d/K01holdfast", "../init.d/holdfast" },
	{ SYSVINIT, "etc/rc6.d/K01holdfast", "../init.d/holdfast" },
	{ SYSVINIT, "etc/rcS.d/S12holdfast-guard", "../init.d/holdfast-guard" },
	{ SYSVINIT, "etc/rc0.d/K01holdfast-guard", "../init.d/holdfast-guard" },
	{ SYSVINIT, "etc/rc6.d/K01holdfast-guard", "../init.d/holdfast-guard" },
	{ BUSYBOX, "etc/init.d/S12holdfast", "holdfast" },
	{ BUSYBOX, "etc/init.d/S12holdfast-guard", "holdfast-guard" },
};

/* mkinitcpio has its hooks in a list, and runs them in its order: before udev's. */
#define MKINITCPIO_CONF "etc/mkinitcpio.conf.d/holdfast.conf"
static const char mkinitcpio_conf[] = "HOOKS=(holdfast \"${HOOKS[@]}\")\n";

static bool has_sign(const struct root *image, enum user user)
{
	for (size_t i = 0; i < ARRAY_SIZE(signs[user]) && signs[user][i]; i++)
		if (root_exists(image, signs[user][i]) == 0)
			return true;
	return false;
}

/* Whether its script of sysinit is one that starts /etc/init.d/S*. */
static bool starts_scripts(const struct root *image)
{
	_cleanup_free_ char *text = NULL;

	return root_read_text(image, "etc/init.d/rcS", MAX_SCRIPT, &text) == 0 &&
	       strstr(text, "init.d/S");
}

/* startpar(8) starts what insserv(8) has in its lists, whatever links there are; and insserv makes
 * links of its own, from what the scripts say of themselves. */
static bool leave_to_insserv(const struct root *image)
{
	if (root_exists(image, "etc/init.d/.depend.boot") < 0)
		return false;
	log_warning("insserv(8) orders the image's init scripts: run 'insserv holdfast' there, and "
		    "'insserv holdfast-guard' for services to protect, or nothing starts them");
	return true;
}

static void find_users(const struct root *image, bool *users)
{
	bool known;

	for (int user = ANY + 1; user < N_USERS; user++)
		users[user] = has_sign(image, (enum user)user);
	users[ANY] = true;
	users[INIT_D] = users[INIT_D] && !users[SYSTEMD];
	known = users[SYSTEMD] || (users[INIT_D] && leave_to_insserv(image));
	users[SYSVINIT] = !known && users[INIT_D] && users[SYSVINIT];
	users[BUSYBOX] = users[BUSYBOX] && !known && users[INIT_D] && !users[SYSVINIT] &&
			 starts_scripts(image);
	if (!users[INITRAMFS_TOOLS] && !users[DRACUT] && !users[MKINITCPIO])
		log_info("the image has no initramfs generator: "
			 "/usr/lib/holdfast/holdfast-initramfs is the program for one made by "
			 "hand");
	if (!known && !users[SYSVINIT] && !users[BUSYBOX])
		log_warning("the image's init is none of systemd, sysvinit and busybox's with "
			    "/etc/init.d/rcS: nothing starts holdfast in the running system");
}

static int add_part(const struct root *from, const struct part *part, struct tree_files *files)
{
	_cleanup_free_ char *data = NULL, *path = NULL;
	size_t size;
	int ret = root_read(from, part->path, MAX_PART, &data, &size);

	if (ret >= 0)
		return tree_add(files, part->path, data, size, part->mode);
	path = root_path(from, part->path);
	log_error("%s: %s", path ? path : part->path, strerror(-ret));
	return ret;
}

/* A program of another architecture in the image would be found out at its first boot. */
static int check_arch(const struct root *from, const struct root *image)
{
	static const char *const programs[] = { "bin/sh", "sbin/init", "usr/bin/env" };
	const char *ours = image_program_arch(from, parts[0].path), *theirs = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(programs) && !theirs; i++)
		theirs = image_program_arch(image, programs[i]);
	if (!ours || !theirs || streq(ours, theirs))
		return 0;
	log_error("%s/%s is for %s, the image's programs are for %s (give --from)", from->path,
		  parts[0].path, ours, theirs);
	return -EINVAL;
}

/* Only where services are protected. */
static bool is_guards(const char *path)
{
	return strstr(path, "holdfast-guard");
}

int install_add_program(const struct root *from, const struct root *image, bool guard,
			struct tree_files *files)
{
	bool users[N_USERS];
	int ret = check_arch(from, image);

	if (ret < 0)
		return ret;
	find_users(image, users);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (users[parts[i].user] && (guard || !is_guards(parts[i].path)))
			GATHER(ret, add_part(from, &parts[i], files));
	for (size_t i = 0; i < ARRAY_SIZE(links) && ret >= 0; i++)
		if (users[links[i].user] && (guard || !is_guards(links[i].path)))
			ret = tree_add_link(files, links[i].path, links[i].target);
	if (ret >= 0 && users[MKINITCPIO])
		ret = tree_add(files, MKINITCPIO_CONF, mkinitcpio_conf, strlen(mkinitcpio_conf),
			       0644);
	return ret;
}

int install_add_profile(struct tree_files *files, const char *name, const char *text, size_t size)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, PROFILES "%s.yaml", name) < 0)
		return -ENOMEM;
	return tree_add(files, path, text, size, 0644);
}

static bool fits(const char *part, const char *path, bool is_dir)
{
	return is_dir ? tree_leads_to(path, part) : streq(path, part);
}

static bool has_part(const char *path, bool is_dir)
{
	const char *profile = after_prefix(path, PROFILES);

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (fits(parts[i].path, path, is_dir))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (fits(links[i].path, path, is_dir))
			return true;
	if (fits(MKINITCPIO_CONF, path, is_dir) || (is_dir && tree_leads_to(path, PROFILES)))
		return true;
	return !is_dir && profile && !strchr(profile, '/') && has_suffix(profile, ".yaml");
}

const struct install_kind install_program = {
	.command = "install",
	.manifest = "usr/lib/holdfast/image.manifest",
	.has_part = has_part,
};
