/* kdump's files: are they in the image, and do they fit into what is reserved. */
#include <fcntl.h>
#include <sys/stat.h>

#include "image/image.h"

#define MIB (1024LL * 1024)

/* The size of a file of the image; -ENOENT, or -EINVAL: no regular file or empty. */
static int64_t size_of(const struct image *image, const char *path)
{
	_cleanup_close_ int fd = root_openat(image->root, path, O_PATH);
	struct stat st;

	if (fd < 0)
		return -ENOENT;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
		return -EINVAL;
	return st.st_size;
}

/* Where the stage that arms it looks when the profile names none. */
static const char *const kernels[] = { "boot/vmlinuz-%s", "lib/modules/%s/vmlinuz", NULL };
static const char *const initrds[] = { "boot/holdfast-capture-%s.img", NULL };

/* The size of a file that the profile names; 0 where something is wrong, which is told. */
static int64_t check_named(const struct image *image, const struct node *n, struct findings *f)
{
	int64_t size = size_of(image, n->value);

	if (size == -ENOENT)
		finding_error(f, &n->at, NULL, "the image has no '%s'", n->value);
	else if (size < 0)
		finding_error(f, &n->at, NULL, "'%s' in the image is no file with anything in it",
			      n->value);
	return size > 0 ? size : 0;
}

/* The same for one of the @usual places of kernel @release. */
static int64_t check_usual(const struct image *image, const struct node *kdump, const char *release,
			   const char *const *usual, struct findings *f)
{
	char path[300];
	int64_t size = -ENOENT;

	for (const char *const *place = usual; *place && size <= 0; place++) {
		snprintf(path, sizeof(path), *place, release);
		size = size_of(image, path);
	}
	if (size > 0)
		return size;
	snprintf(path, sizeof(path), *usual, release);
	finding_error(f, &kdump->name_at, NULL, "the image has no '/%s' for the crash kernel",
		      path);
	return 0;
}

/* Compressed files are held against what is reserved: they are in it as they are when they are
 * loaded, and unpacked they may take half of the crash kernel's memory (its rootfs is a tmpfs). A
 * packed initramfs is about two fifths of what it holds. */
static void check_fit(const struct node *crashkernel, int64_t kernel, int64_t initrd,
		      struct findings *f)
{
	int64_t reserved = strtoll(crashkernel->value, NULL, 10);

	if (kernel + initrd > reserved)
		finding_error(f, &crashkernel->at, NULL,
			      "crash kernel and initrd are %lld MiB: more than the %lld MiB that "
			      "crashkernel reserves",
			      (kernel + initrd + MIB - 1) / MIB, reserved / MIB);
	else if (initrd > reserved / 5)
		finding_warning(f, &crashkernel->at, "reserve more, or carry less",
				"the crash kernel's initrd is %lld MiB: unpacked it is likely to "
				"fill half of the %lld MiB that crashkernel reserves, which is all "
				"it may have",
				(initrd + MIB - 1) / MIB, reserved / MIB);
}

static void check_files(const struct image *image, const struct node *kdump, const char *release,
			struct findings *f)
{
	const struct node *kernel = node_child(kdump, "kernel");
	const struct node *initrd = node_child(kdump, "initrd");
	int64_t kernel_size, initrd_size;

	kernel_size = kernel ? check_named(image, kernel, f)
			     : check_usual(image, kdump, release, kernels, f);
	initrd_size = initrd ? check_named(image, initrd, f)
			     : check_usual(image, kdump, release, initrds, f);
	check_fit(node_child(kdump, "crashkernel"), kernel_size, initrd_size, f);
}

int crash_check(const struct image *image, const struct node *tree, struct findings *f)
{
	const struct node *kdump = node_child(tree, "kdump");

	if (!kdump)
		return 0;
	if (node_child(kdump, "kernel") && node_child(kdump, "initrd")) {
		check_files(image, kdump, "", f);
		return 0;
	}
	if (!*image->releases)
		finding_warning(f, &kdump->name_at, "install the kernel first",
				"the image has no kernel below /lib/modules: kdump's files are not "
				"checked");
	for (const char **release = image->releases; *release; release++)
		check_files(image, kdump, *release, f);
	return 0;
}
