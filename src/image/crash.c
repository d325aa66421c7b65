/* kdump's files: are they in the image, and do they fit into what is reserved. */
#include <fcntl.h>
#include <sys/stat.h>

#include "image/image.h"
#include "setting/kdump.h"

#define MIB (1024LL * 1024)

/* Where an ordinary user may not read the file, its size has to do; -EACCES: not even that.
 * -EINVAL: nothing is in it. */
static int open_file(const struct image *image, const char *path)
{
	int fd = root_openat(image->root, path, O_RDONLY | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		fd = root_openat(image->root, path, O_PATH);
	if (fd < 0)
		return fd == -EACCES ? fd : -ENOENT;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		return fd;
	close(fd);
	return -EINVAL;
}

static void cannot_see(const struct place *at, const char *path, struct findings *f)
{
	finding_warning(f, at, NULL, "'%s' in the image: %s: it is not checked", path,
			strerror(EACCES));
}

/* The file that the profile names. Negative where something is wrong, which is told. */
static int open_named(const struct image *image, const struct node *n, struct findings *f)
{
	int fd = open_file(image, n->value);

	if (fd == -EACCES)
		cannot_see(&n->at, n->value, f);
	else if (fd == -ENOENT)
		finding_error(f, &n->at, NULL, "the image has no '%s'", n->value);
	else if (fd < 0)
		finding_error(f, &n->at, NULL, "'%s' in the image is no file with anything in it",
			      n->value);
	return fd;
}

/* The same for one of the @usual places of kernel @release. */
static int open_usual(const struct image *image, const struct node *kdump, const char *release,
		      const char *const *usual, struct findings *f)
{
	char path[300];
	int fd = -ENOENT;

	for (const char *const *place = usual; *place && fd < 0 && fd != -EACCES; place++) {
		snprintf(path, sizeof(path), *place, release);
		fd = open_file(image, path);
	}
	if (fd >= 0)
		return fd;
	if (fd == -EACCES) {
		cannot_see(&kdump->name_at, path, f);
		return fd;
	}
	snprintf(path, sizeof(path), *usual, release);
	finding_error(f, &kdump->name_at, NULL, "the image has no '%s' for the crash kernel", path);
	return fd;
}

static void check_fit(const struct node *crashkernel, int kernel, int initrd, struct findings *f)
{
	int64_t reserved = strtoll(crashkernel->value, NULL, 10), needed;
	int ret = kdump_measure(kernel, initrd, &needed);

	if (ret == -EBADMSG)
		finding_error(f, &crashkernel->at, "build it anew",
			      "the crash kernel's initrd is damaged, or cut off");
	else if (ret >= 0 && needed > reserved)
		finding_error(f, &crashkernel->at, "reserve more, or carry less",
			      "crash kernel and initrd need %lld MiB, unpacked too: more than the "
			      "%lld MiB that crashkernel reserves",
			      (needed + MIB - 1) / MIB, reserved / MIB);
}

static void check_files(const struct image *image, const struct node *tree, const char *release,
			struct findings *f)
{
	const struct node *kdump = node_child(tree, "kdump");
	const struct node *kernel = node_child(kdump, "kernel");
	const struct node *initrd = node_child(kdump, "initrd");
	_cleanup_close_ int kernel_fd =
		kernel ? open_named(image, kernel, f)
		       : open_usual(image, kdump, release, kdump_kernels, f);
	_cleanup_close_ int initrd_fd =
		initrd ? open_named(image, initrd, f)
		       : open_usual(image, kdump, release, kdump_initrds, f);

	if (kernel_fd >= 0 && initrd_fd >= 0)
		check_fit(node_child(kdump, "crashkernel"), kernel_fd, initrd_fd, f);
	if (initrd_fd >= 0 && fcntl(initrd_fd, F_GETFL) & O_PATH)
		finding_warning(f, initrd ? &initrd->at : &kdump->name_at, "check as root",
				"the capture image: %s: whether it was built for this profile is "
				"not checked",
				strerror(EACCES));
	else if (initrd_fd >= 0 && !kdump_is_built_for(initrd_fd, tree))
		finding_error(f, initrd ? &initrd->at : &kdump->name_at,
			      "build it anew: update-initramfs -u in the image",
			      "the capture image was not built for this profile as it is now");
	else if (initrd_fd >= 0 && kernel_fd >= 0 && !kdump_has_modules_for(initrd_fd, kernel_fd))
		finding_error(f, initrd ? &initrd->at : &kdump->name_at,
			      "without 'initrd' below 'kdump' each kernel finds its own",
			      "the capture image has the modules of another kernel");
}

int crash_check(const struct image *image, const struct node *tree, struct findings *f)
{
	const struct node *kdump = node_child(tree, "kdump");

	if (!kdump)
		return 0;
	if (node_child(kdump, "kernel") && node_child(kdump, "initrd")) {
		check_files(image, tree, "", f);
		return 0;
	}
	if (!*image->releases)
		finding_warning(f, &kdump->name_at, "install the kernel first",
				"the image has no kernel below /lib/modules: kdump's files are not "
				"checked");
	for (const char **release = image->releases; *release; release++)
		check_files(image, tree, *release, f);
	return 0;
}
