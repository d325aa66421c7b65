/* Whether the crash kernel can be armed: memory, permission, files; each obstacle with its remedy.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/text.h"
#include "setting/kdump.h"

#define MIB (INT64_C(1) << 20)

/* What the crash kernel needs besides kernel and initramfs: its page tables, its structures for
 * the reserved memory, drivers, and the programs that save the dump. */
#define TO_RUN (32 * MIB)

static int64_t read_number(const struct root *tree, const char *path, int64_t fallback)
{
	_cleanup_free_ char *text = NULL;
	int64_t value;

	if (root_read_text(tree, path, 64, &text) < 0 || text_to_int(text, &value) < 0)
		return fallback;
	return value;
}

bool kdump_is_armed(const struct machine *m)
{
	return read_number(&m->sysfs, "kernel/kexec_crash_loaded", 0) == 1;
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

_printf_(3, 4) static int obstacle(struct kdump *k, int error, const char *fmt, ...)
{
	va_list ap;
	int n;

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

static int64_t whole_mib(int64_t bytes)
{
	return (bytes + MIB - 1) / MIB;
}

/* --- the files --- */

/* Paths below /run are meant as they are now, also while the real root is not entered yet. */
static int open_file(const struct machine *m, const char *path)
{
	const char *below_run = after_prefix(path, "/run/");
	int fd = -ENOENT;
	struct stat st;

	if (below_run)
		fd = root_openat(&m->run, below_run, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		fd = root_openat(&m->root, path, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return fd;
	/* What others can write is not what root wants to run when it crashes. */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_uid == 0 || st.st_uid == geteuid()) && !(st.st_mode & 022))
		return fd;
	close(fd);
	return -EPERM;
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
	if (fd < 0)
		return obstacle(k, fd, "%s: %s: %s", path, strerror(-fd), remedy);
	*ret_fd = fd;
	return 0;
}

static int find_files(const struct machine *m, const struct node *kdump, struct kdump *k)
{
	static const char *const kernels[] = { "/boot/vmlinuz-%s", "/lib/modules/%s/vmlinuz",
					       NULL };
	static const char *const initrds[] = { "/boot/holdfast-capture-%s.img", NULL };
	int ret = take_file(m, k, node_text(kdump, "kernel"), kernels,
			    "name the image by 'kernel' below 'kdump'", &k->kernel);

	if (ret < 0 || k->error < 0)
		return ret;
	return take_file(m, k, node_text(kdump, "initrd"), initrds, "update-initramfs -u builds it",
			 &k->initrd);
}

/* --- memory --- */

static int measure(struct kdump *k)
{
	int64_t kernel, initrd;
	int ret = kdump_kernel_size(k->kernel, &kernel);

	if (ret < 0)
		return obstacle(k, ret, "the kernel image cannot be read: %s", strerror(-ret));
	ret = kdump_initrd_size(k->initrd, &initrd);
	if (ret < 0)
		return obstacle(k, ret, "the initramfs cannot be read: %s", strerror(-ret));
	if (k->required < kernel + initrd + TO_RUN)
		k->required = kernel + initrd + TO_RUN;
	if (k->reserved >= kernel + initrd + TO_RUN)
		return 0;
	return obstacle(k, -EADDRNOTAVAIL,
			"kernel and initramfs need %lldM: boot with crashkernel=%lldM; %lldM are "
			"reserved",
			(long long)whole_mib(kernel + initrd + TO_RUN),
			(long long)whole_mib(kernel + initrd + TO_RUN),
			(long long)whole_mib(k->reserved));
}

static int check_reservation(struct kdump *k)
{
	long long wanted = whole_mib(k->required), reserved = whole_mib(k->reserved);

	if (k->reserved == 0)
		return obstacle(k, -EADDRNOTAVAIL,
				"no memory is reserved: boot with crashkernel=%lldM", wanted);
	if (k->reserved < k->required)
		return obstacle(k, -EADDRNOTAVAIL,
				"boot with crashkernel=%lldM; %lldM are reserved", wanted,
				reserved);
	return 0;
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
	fputs(given ? given : default_append, f);
	if (!given)
		print_consoles(m, f);
	/* The crash kernel's own conditions may tell it otherwise. */
	if (name)
		fprintf(f, " holdfast.profile=%s", name);
	return fclose(f) == 0 ? 0 : -ENOMEM;
}

static int examine(const struct machine *m, const struct node *tree, struct kdump *k)
{
	const struct node *kdump = node_child(tree, "kdump");
	int ret = 0;

	k->armed = kdump_is_armed(m);
	k->locked = read_number(&m->procfs, "sys/kernel/kexec_load_disabled", 0) != 0;
	k->reserved = read_number(&m->sysfs, "kernel/kexec_crash_size", 0);
	if (text_to_int(node_text(kdump, "crashkernel") ?: "0", &k->required) < 0)
		k->required = 0;
	if (k->armed)
		return 0;
	if (root_exists(&m->sysfs, "kernel/kexec_crash_loaded") < 0)
		return obstacle(k, -ENOENT,
				"this kernel can load no crash kernel: it takes CONFIG_KEXEC_FILE "
				"and CONFIG_CRASH_DUMP");
	ret = check_reservation(k);
	if (ret >= 0 && !k->error)
		ret = check_permission(m, k);
	if (ret >= 0 && !k->error)
		ret = find_files(m, kdump, k);
	if (ret >= 0 && !k->error)
		ret = measure(k);
	return ret < 0 ? ret : make_append(m, tree, k);
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
