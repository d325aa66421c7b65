/* kdump's files: are they in the image, and do they fit into what is reserved. */
#include <fcntl.h>
#include <sys/stat.h>

#include "image/image.h"
#include "setting/kdump.h"

#define MIB (1024LL * 1024)

/* Memory that a file takes when it is loaded, by its header; -ENOENT, or -EINVAL: no regular file
 * or empty. */
typedef int (*measure)(int fd, int64_t *ret_size);

/* Where an ordinary user may not read the file, its size has to do; -EACCES: not even that. */
static int64_t size_of(const struct image *image, const char *path, measure by_header)
{
	_cleanup_close_ int fd = root_openat(image->root, path, O_PATH);
	_cleanup_close_ int readable = -EBADF;
	struct stat st;
	int64_t size;

	if (fd < 0)
		return fd == -EACCES ? fd : -ENOENT;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
		return -EINVAL;
	readable = root_openat(image->root, path, O_RDONLY | O_NONBLOCK);
	return readable >= 0 && by_header(readable, &size) >= 0 ? size : st.st_size;
}

/* Where the stage that arms it looks when the profile names none. */
static const char *const kernels[] = { "boot/vmlinuz-%s", "lib/modules/%s/vmlinuz", NULL };
static const char *const initrds[] = { "boot/holdfast-capture-%s.img", NULL };

static void cannot_see(const struct place *at, const char *path, struct findings *f)
{
	finding_warning(f, at, NULL, "'/%s' in the image: %s: it is not checked",
			path + strspn(path, "/"), strerror(EACCES));
}

/* The size of a file that the profile names; 0 where something is wrong, which is told. */
static int64_t check_named(const struct image *image, const struct node *n, measure by_header,
			   struct findings *f)
{
	int64_t size = size_of(image, n->value, by_header);

	if (size == -EACCES)
		cannot_see(&n->at, n->value, f);
	else if (size == -ENOENT)
		finding_error(f, &n->at, NULL, "the image has no '%s'", n->value);
	else if (size < 0)
		finding_error(f, &n->at, NULL, "'%s' in the image is no file with anything in it",
			      n->value);
	return size > 0 ? size : 0;
}

/* The same for one of the @usual places of kernel @release. */
static int64_t check_usual(const struct image *image, const struct node *kdump, const char *release,
			   const char *const *usual, measure by_header, struct findings *f)
{
	char path[300];
	int64_t size = -ENOENT;

	for (const char *const *place = usual; *place && size <= 0 && size != -EACCES; place++) {
		snprintf(path, sizeof(path), *place, release);
		size = size_of(image, path, by_header);
	}
	if (size > 0)
		return size;
	if (size == -EACCES) {
		cannot_see(&kdump->name_at, path, f);
		return 0;
	}
	snprintf(path, sizeof(path), *usual, release);
	finding_error(f, &kdump->name_at, NULL, "the image has no '/%s' for the crash kernel",
		      path);
	return 0;
}

static void check_fit(const struct node *crashkernel, int64_t kernel, int64_t initrd,
		      struct findings *f)
{
	int64_t reserved = strtoll(crashkernel->value, NULL, 10);

	if (kernel + initrd > reserved)
		finding_error(f, &crashkernel->at, "reserve more, or carry less",
			      "crash kernel and initrd take %lld MiB, unpacked too: more than the "
			      "%lld MiB that crashkernel reserves",
			      (kernel + initrd + MIB - 1) / MIB, reserved / MIB);
}

static void check_files(const struct image *image, const struct node *kdump, const char *release,
			struct findings *f)
{
	const struct node *kernel = node_child(kdump, "kernel");
	const struct node *initrd = node_child(kdump, "initrd");
	int64_t kernel_size, initrd_size;

	kernel_size = kernel ? check_named(image, kernel, kdump_kernel_size, f)
			     : check_usual(image, kdump, release, kernels, kdump_kernel_size, f);
	initrd_size = initrd ? check_named(image, initrd, kdump_initrd_size, f)
			     : check_usual(image, kdump, release, initrds, kdump_initrd_size, f);
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
