/* Whether the crash kernel can be armed: memory, permission, files; each obstacle with its remedy.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/text.h"
#include "setting/kdump.h"

#define MIB (INT64_C(1) << 20)

static int64_t read_number(const struct root *tree, const char *path, int64_t fallback)
{
	_cleanup_free_ char *text = NULL;
	int64_t value;

	if (root_read_text(tree, path, 64, &text) < 0 || text_to_int(text, &value) < 0)
		return fallback;
	return value;
}

int kdump_armed(const struct machine *m)
{
	_cleanup_free_ char *text = NULL;
	int64_t loaded;
	int ret = root_read_text(&m->sysfs, "kernel/kexec_crash_loaded", 64, &text);

	if (ret == -ENOENT) /* a kernel that knows no kexec */
		return 0;
	if (ret < 0)
		return ret;
	return text_to_int(text, &loaded) < 0 ? -EBADMSG : loaded == 1;
}

bool kdump_is_armed(const struct machine *m)
{
	return kdump_armed(m) == 1;
}

const char *kdump_armed_text(int armed)
{
	return armed < 0 ? "not known whether armed" : armed ? "armed" : "not armed";
}

bool kdump_is_capture_kernel(const struct machine *m)
{
	return root_exists(&m->procfs, "vmcore") == 0;
}

void kdump_free(struct kdump *k)
{
	close_p(&k->kernel);
	close_p(&k->initrd);
	free(k->append);
	free(k->why);
	*k = KDUMP_NONE;
}

/* The first one counts. */
_printf_(3, 4) static int obstacle(struct kdump *k, int error, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (k->error < 0)
		return 0;
	va_start(ap, fmt);
	n = vasprintf(&k->why, fmt, ap);
	va_end(ap);
	if (n < 0) {
		k->why = NULL;
		return -ENOMEM;
	}
	k->error = error;
	return 0;
}

static long long whole_mib(int64_t bytes)
{
	return (bytes + MIB - 1) / MIB;
}

/* --- the files --- */

/* Paths below /run are meant as they are now, also while the real root is not entered yet. */
static int open_file(const struct machine *m, const char *path)
{
	const char *below_run = after_prefix(path, "/run/");
	int fd = -ENOENT;
	struct stat st = { 0 };

	if (below_run)
		fd = root_openat(&m->run, below_run, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		fd = root_openat(&m->root, path, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return fd == -ENXIO ? -EISDIR : fd; /* root_openat() opens no devices and FIFOs */
	/* What others can write is not what root wants to run when it crashes. */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && root_is_own(&st))
		return fd;
	close(fd);
	return !S_ISREG(st.st_mode) ? -EISDIR : st.st_size == 0 ? -ENODATA : -EPERM;
}

/* @given, or the first of @usual (with the kernel's release) that is there. *@ret_path is the one
 * that was opened, or the first. */
static int find_file(const struct machine *m, const char *given, const char *const *usual,
		     char **ret_path)
{
	_cleanup_free_ char *release = NULL, *first = NULL;
	struct utsname u;
	int fd = -ENOENT;

	if (root_read_text(&m->procfs, "sys/kernel/osrelease", 256, &release) < 0 && uname(&u) == 0)
		release = strdup(u.release);
	while (fd == -ENOENT && (given || *usual)) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, given ? "%s" : *usual, given ? given : release) < 0)
			return -ENOMEM;
		fd = open_file(m, path);
		if (!first || fd != -ENOENT) {
			free(first);
			first = TAKE_PTR(path);
		}
		if (given)
			break;
		usual++;
	}
	*ret_path = TAKE_PTR(first);
	return fd;
}

static int take_file(const struct machine *m, struct kdump *k, const char *given,
		     const char *const *usual, const char *remedy, int *ret_fd)
{
	_cleanup_free_ char *path = NULL;
	int fd = find_file(m, given, usual, &path);

	if (fd == -EPERM)
		return obstacle(k, fd, "%s can be written by others: make it root's own", path);
	if (fd == -ENOMEM)
		return fd;
	if (fd == -EISDIR || fd == -ENODATA)
		return obstacle(k, fd, "%s is %s: %s", path, fd == -EISDIR ? "no file" : "empty",
				remedy);
	if (fd == -EACCES)
		return obstacle(k, fd, "%s: only root may read it", path);
	if (fd < 0)
		return obstacle(k, fd, "%s: %s: %s", path, strerror(-fd), remedy);
	*ret_fd = fd;
	return 0;
}

const char *const kdump_kernels[] = { "/boot/vmlinuz-%s", "/lib/modules/%s/vmlinuz", NULL };
const char *const kdump_initrds[] = { "/boot/holdfast-capture-%s.img", NULL };

static int find_files(const struct machine *m, const struct node *kdump, struct kdump *k)
{
	const char *initrd = node_text(kdump, "initrd");
	int ret = take_file(m, k, node_text(kdump, "kernel"), kdump_kernels,
			    "name the image by 'kernel' below 'kdump'", &k->kernel);

	/* The hook builds it under its own names only. */
	if (ret >= 0)
		ret = take_file(m, k, initrd, kdump_initrds,
				!initrd || strstr(initrd, "/holdfast-capture")
					? "update-initramfs -u builds it"
					: "name another by 'initrd' below 'kdump', or none",
				&k->initrd);
	return ret;
}

/* It would save to where the profile said before, or, not knowing the profile, nowhere. */
static int check_stamp(const struct node *tree, struct kdump *k)
{
	if (k->initrd >= 0 && k->kernel >= 0 && !kdump_has_modules_for(k->initrd, k->kernel)) {
		k->stale = true;
		return obstacle(k, -ESTALE,
				"the capture image has the modules of another kernel: "
				"update-initramfs -u builds it anew");
	}
	k->stale = k->initrd >= 0 && !kdump_is_built_for(k->initrd, tree);
	if (!k->stale)
		return 0;
	return obstacle(k, -ESTALE,
			"the capture image was not built for profile '%s' as it is now: "
			"update-initramfs -u builds it anew",
			node_text(tree, "name"));
}

/* --- memory --- */

static int measure(struct kdump *k, int64_t *ret_needed)
{
	int ret;

	if (k->kernel < 0 || k->initrd < 0)
		return 0;
	ret = kdump_measure(k->kernel, k->initrd, ret_needed);
	if (ret >= 0)
		return 0;
	if (ret == -EBADMSG)
		return obstacle(k, ret, "the initramfs is damaged, or cut off: build it anew");
	return obstacle(k, ret, "kernel image or initramfs cannot be read: %s", strerror(-ret));
}

/* @needed: by the files that are there. */
static int check_reservation(struct kdump *k, int64_t needed)
{
	bool more = needed > k->required;
	char who[64] = "";

	if (more)
		k->required = needed;
	if (k->reserved >= k->required && k->reserved > 0)
		return 0;
	if (more)
		snprintf(who, sizeof(who), "kernel and initramfs need %lldM: ", whole_mib(needed));
	if (k->reserved == 0)
		return obstacle(k, -EADDRNOTAVAIL,
				"%sno memory is reserved: boot with crashkernel=%lldM", who,
				whole_mib(k->required));
	return obstacle(k, -EADDRNOTAVAIL, "%sboot with crashkernel=%lldM; %lldM are reserved", who,
			whole_mib(k->required), whole_mib(k->reserved));
}

/* What the kernel and kdump_load() put behind it. */
#define ADDED 64

static int check_append(struct kdump *k)
{
	size_t n = strlen(k->append), most = kdump_longest_append(k->kernel);

	if (k->kernel < 0 || n + ADDED < most)
		return 0;
	return obstacle(k, -E2BIG,
			"the crash kernel's command line has %zu bytes, %zu are possible: shorten "
			"'append' below 'kdump'",
			n, most - ADDED);
}

/* --- the whole --- */

static int check_permission(const struct machine *m, struct kdump *k)
{
	if (k->locked)
		return obstacle(k, -EPERM,
				"kernel.kexec_load_disabled is set: nothing can be loaded until "
				"the next boot; load before it is set");
	if (read_number(&m->procfs, "sys/kernel/kexec_load_limit_panic", -1) == 0)
		return obstacle(k, -EPERM,
				"kernel.kexec_load_limit_panic is 0: nothing can be loaded until "
				"the next boot");
	return 0;
}

/* Whether this kernel takes signed images only, as far as it can be known before it is asked. */
static const char *wants_signature(const struct machine *m)
{
	_cleanup_free_ char *lockdown = NULL, *release = NULL, *path = NULL, *config = NULL;

	if (root_read_text(&m->sysfs, "kernel/security/lockdown", 256, &lockdown) == 0 &&
	    !strstr(lockdown, "[none]"))
		return "the kernel is locked down";
	if (root_read_text(&m->procfs, "sys/kernel/osrelease", 256, &release) < 0 ||
	    asprintf(&path, "/boot/config-%s", release) < 0 ||
	    root_read_text(&m->root, path, 1U << 20, &config) < 0)
		return NULL;
	return strstr(config, "\nCONFIG_KEXEC_SIG_FORCE=y\n")
		       ? "the kernel loads signed images only"
		       : NULL;
}

static int check_signature(const struct machine *m, struct kdump *k)
{
	const char *who = k->kernel < 0 || kdump_is_signed(k->kernel) ? NULL : wants_signature(m);

	if (!who)
		return 0;
	return obstacle(k, -EPERM,
			"%s, and the image is not signed: sign it with a key that it trusts, or "
			"boot without that",
			who);
}

static const char default_append[] =
	"nr_cpus=1 reset_devices irqpoll numa=off nokaslr cgroup_disable=memory panic=1";

/* The consoles of the running kernel, each with a blank before it. */
static void print_consoles(const struct machine *m, FILE *f)
{
	_cleanup_free_ char *cmdline = NULL;
	char *word, *rest;

	if (root_read_text(&m->procfs, "cmdline", 65536, &cmdline) < 0)
		return;
	for (word = strtok_r(cmdline, " \n", &rest); word && !streq(word, "--");
	     word = strtok_r(NULL, " \n", &rest))
		if (after_prefix(word, "console="))
			fprintf(f, " %s", word);
}

static int make_append(const struct machine *m, const struct node *tree, struct kdump *k)
{
	const char *given = node_text(node_child(tree, "kdump"), "append");
	const char *name = node_text(tree, "name");
	size_t size;
	FILE *f = open_memstream(&k->append, &size);

	if (!f)
		return -ENOMEM;
	/* The crash kernel's own conditions may tell it otherwise. In front, where it counts
	 * whatever stands in the rest. */
	if (name)
		fprintf(f, "holdfast.profile=%s ", name);
	fputs(given ? given : default_append, f);
	if (!given)
		print_consoles(m, f);
	return memstream_end(f, &k->append);
}

/* What is wrong with the files counts last: until the next boot something else may be in the way.
 */
static int look(const struct machine *m, const struct node *tree, struct kdump *k)
{
	struct kdump files = KDUMP_NONE;
	int64_t needed = 0;
	int ret = find_files(m, node_child(tree, "kdump"), &files);

	if (ret >= 0)
		ret = measure(&files, &needed);
	if (ret >= 0)
		ret = check_stamp(tree, &files);
	k->stale = files.stale;
	k->kernel = TAKE_FD(files.kernel);
	k->initrd = TAKE_FD(files.initrd);
	if (ret >= 0)
		ret = check_reservation(k, needed);
	if (ret >= 0)
		ret = check_permission(m, k);
	if (ret >= 0)
		ret = check_signature(m, k);
	if (ret >= 0 && files.error < 0)
		ret = obstacle(k, files.error, "%s", files.why);
	kdump_free(&files);
	return ret;
}

static int examine(const struct machine *m, const struct node *tree, struct kdump *k)
{
	const struct node *kdump = node_child(tree, "kdump");
	int ret = 0;

	k->locked = read_number(&m->procfs, "sys/kernel/kexec_load_disabled", 0) != 0;
	k->reserved = read_number(&m->sysfs, "kernel/kexec_crash_size", 0);
	if (text_to_int(node_text(kdump, "crashkernel") ?: "0", &k->required) < 0)
		k->required = 0;
	k->armed = kdump_armed(m);
	if (k->armed < 0)
		ret = k->armed == -ENOMEM
			      ? -ENOMEM
			      : obstacle(k, k->armed, "whether it is armed cannot be read: %s",
					 strerror(-k->armed));
	else if (root_exists(&m->sysfs, "kernel/kexec_crash_loaded") == -ENOENT)
		ret = obstacle(k, -ENOENT,
			       "this kernel can load no crash kernel: it takes CONFIG_KEXEC_FILE "
			       "and CONFIG_CRASH_DUMP");
	if (ret >= 0)
		ret = make_append(m, tree, k);
	if (ret >= 0)
		ret = look(m, tree, k);
	if (ret >= 0)
		ret = check_append(k);
	if (k->armed > 0 && ret >= 0) {
		free(k->why);
		k->why = NULL;
		k->error = 0;
		k->note = kdump_loaded_note(m, k);
	}
	return ret;
}

int kdump_examine(const struct machine *m, const struct node *tree, struct kdump *ret_k)
{
	_cleanup_(kdump_free) struct kdump k = KDUMP_NONE;
	int ret = examine(m, tree, &k);

	if (ret < 0)
		return ret;
	*ret_k = k;
	k = KDUMP_NONE;
	return 0;
}
