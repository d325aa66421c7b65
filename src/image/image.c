#include "image/image.h"

#include <fcntl.h>

#include "base/log.h"
#include "image/elf.h"

#define MAX_CONFIG (4U << 20)

static int add_text(struct image *image, struct image_texts *texts, struct image_text text)
{
	if (!text.where)
		return -ENOMEM;
	if ((texts->n & (texts->n - 1)) == 0) { /* full: the room doubles */
		size_t room = texts->n ? 2 * (size_t)texts->n : 1;
		struct image_text *bigger = arena_alloc(&image->arena, room * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		if (texts->n > 0)
			memcpy(bigger, texts->list, texts->n * sizeof(*bigger));
		texts->list = bigger;
	}
	texts->list[texts->n++] = text;
	return 0;
}

int image_add_text(struct image *image, struct image_texts *texts, const char *where,
		   const char *text)
{
	const char *copy = arena_strdup(&image->arena, text);

	if (!copy)
		return -ENOMEM;
	return add_text(image, texts,
			(struct image_text){ arena_strdup(&image->arena, where), copy, NULL });
}

/* --- what is there, and cannot be read --- */

static bool is_absent(int error)
{
	return error == -ENOENT || error == -ENOTDIR || error == -ELOOP;
}

/* Shortens @path to the outermost directory that may not be entered, if it is that. */
static void find_barrier(const struct root *root, char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		_cleanup_close_ int fd = -EBADF;

		*slash = '\0';
		fd = root_openat(root, path, O_PATH | O_DIRECTORY);
		if (fd >= 0 && faccessat(fd, ".", X_OK, AT_EACCESS) < 0)
			return;
		*slash = '/';
	}
}

static int add_unread(struct image *image, struct image_texts *texts, const char *path, int error)
{
	_cleanup_free_ char *barrier = strdup(path), *where = NULL;

	if (!barrier)
		return -ENOMEM;
	find_barrier(image->root, barrier);
	where = root_path(image->root, barrier);
	if (!where)
		return -ENOMEM;
	for (unsigned i = 0; i < texts->n; i++)
		if (streq(texts->list[i].where, where))
			return 0;
	return add_text(image, texts,
			(struct image_text){ arena_strdup(&image->arena, where), NULL,
					     strerrordesc_np(-error) });
}

int image_read(struct image *image, struct image_texts *texts, const char *path, size_t max,
	       char **ret_text)
{
	int ret = root_read_text(image->root, path, max, ret_text);

	if (ret >= 0 || ret == -ENOMEM)
		return ret < 0 ? ret : 0;
	*ret_text = NULL;
	return is_absent(ret) ? 0 : add_unread(image, texts, path, ret);
}

int image_list(struct image *image, struct image_texts *texts, const char *path,
	       int (*is_wanted)(const struct dirent *e), struct dirent ***ret_list)
{
	_cleanup_close_ int fd = root_openat(image->root, path, O_RDONLY | O_DIRECTORY);
	int n = fd < 0 ? fd : scandirat(fd, ".", ret_list, is_wanted, alphasort);

	if (n >= 0 || n == -ENOTDIR)
		return n;
	n = fd < 0 ? fd : -errno;
	return is_absent(n) || n == -ENOMEM ? (n == -ENOMEM ? n : 0)
					    : add_unread(image, texts, path, n);
}

/* --- kernels --- */

static int is_visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* By what a kernel's directory is known, whether or not depmod has seen it. */
static bool is_kernel(const struct root *root, const char *release)
{
	static const char *const signs[] = { "modules.dep", "modules.order", "modules.builtin",
					     "kernel" };

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "lib/modules/%s/%s", release, signs[i]) < 0)
			return true;
		if (!is_absent(root_exists(root, path)))
			return true;
	}
	return false;
}

static int find_releases(struct image *image)
{
	struct image_texts unread = { 0 };
	struct dirent **list = NULL;
	int n = image_list(image, &unread, "lib/modules", is_visible, &list), kept = 0;

	n = n == -ENOTDIR ? 0 : n;
	if (n < 0)
		return n;
	image->modules_problem = unread.n > 0 ? unread.list[0].problem : NULL;
	image->releases = arena_alloc(&image->arena, ((size_t)n + 1) * sizeof(*image->releases));
	for (int i = 0; i < n; i++) {
		if (image->releases && is_kernel(image->root, list[i]->d_name))
			image->releases[kept++] = arena_strdup(&image->arena, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return image->releases && (kept == 0 || image->releases[kept - 1]) ? 0 : -ENOMEM;
}

/* --- configurations --- */

static int take_config(struct image *image, const char *path)
{
	_cleanup_free_ char *text = NULL, *where = NULL;
	int ret = image_read(image, &image->configs, path, MAX_CONFIG, &text);

	if (ret < 0 || !text)
		return ret;
	where = root_path(image->root, path);
	return where ? image_add_text(image, &image->configs, where, text) : -ENOMEM;
}

static int take_boot_configs(struct image *image)
{
	struct dirent **list = NULL;
	int n = image_list(image, &image->configs, "boot", is_visible, &list), ret = 0;

	for (int i = 0; i < n; i++) {
		char path[300];

		snprintf(path, sizeof(path), "boot/%s", list[i]->d_name);
		if (after_prefix(list[i]->d_name, "config-"))
			GATHER(ret, take_config(image, path));
		free(list[i]);
	}
	free(list);
	return n == -ENOMEM ? n : ret;
}

bool image_is_config_of(const struct image *image, const struct image_text *config,
			const char *release)
{
	_cleanup_free_ char *in_boot = NULL, *beside = NULL;

	if (image->config_is_given)
		return true;
	if (asprintf(&in_boot, "/boot/config-%s", release) < 0 ||
	    asprintf(&beside, "/lib/modules/%s/config", release) < 0)
		return false;
	return has_suffix(config->where, in_boot) || has_suffix(config->where, beside);
}

/* Where a directory is barred it may have one. */
static bool may_have_config(const struct image *image, unsigned known, const char *release)
{
	for (unsigned i = 0; i < known; i++)
		if (!image->configs.list[i].text ||
		    image_is_config_of(image, &image->configs.list[i], release))
			return true;
	return false;
}

/* Where others have one, a kernel without would go unseen. */
static int miss_config_of(struct image *image, const char *release)
{
	const char *where =
		arena_printf(&image->arena, "%s/boot/config-%s", image->root->path, release);

	return add_text(image, &image->configs,
			(struct image_text){ where, NULL, strerrordesc_np(ENOENT) });
}

static int find_configs(struct image *image)
{
	int ret = take_boot_configs(image);
	unsigned known;

	/* Where kernel-install(8) leaves it. */
	for (const char **release = image->releases; ret >= 0 && *release; release++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "lib/modules/%s/config", *release) < 0)
			return -ENOMEM;
		ret = take_config(image, path);
	}
	known = image->configs.n;
	for (const char **release = image->releases; ret >= 0 && known > 0 && *release; release++)
		if (!may_have_config(image, known, *release))
			ret = miss_config_of(image, *release);
	return ret;
}

static int read_given_config(struct image *image, const char *file)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t size;
	int ret = fd < 0 ? -errno : read_all(fd, MAX_CONFIG, &text, &size);

	if (text && !strstr(text, "CONFIG_"))
		ret = -EINVAL;
	if (ret < 0)
		log_error("%s: %s", file,
			  ret == -EINVAL ? "this is no kernel configuration" : strerror(-ret));
	return ret < 0 ? ret : image_add_text(image, &image->configs, file, text);
}

/* --- architecture --- */

static const char *arch_of_config(const struct image *image)
{
	static const char *const rows[][2] = { { "X86_64", "x86_64" },
					       { "X86_32", "i686" },
					       { "ARM64", "aarch64" },
					       { "ARM", "arm" } };

	for (unsigned i = 0; i < image->configs.n; i++)
		for (size_t row = 0; row < ARRAY_SIZE(rows); row++)
			if (image->configs.list[i].text &&
			    kconfig_has(image->configs.list[i].text, rows[row][0], false))
				return rows[row][1];
	return NULL;
}

const char *image_program_arch(const struct root *root, const char *path)
{
	_cleanup_close_ int fd = root_openat(root, path, O_RDONLY | O_NONBLOCK);
	struct program p = { 0 };

	if (fd >= 0)
		program_read(fd, &p);
	return p.arch;
}

static const char *find_arch(const struct image *image)
{
	static const char *const programs[] = { "bin/sh", "sbin/init", "usr/sbin/holdfast" };
	const char *arch = arch_of_config(image);

	for (size_t i = 0; i < ARRAY_SIZE(programs) && !arch; i++)
		arch = image_program_arch(image->root, programs[i]);
	return arch;
}

/* --- the whole --- */

int image_open(const struct root *root, const char *config, const char *cmdline,
	       struct image *ret_image)
{
	struct image image = { .root = root, .config_is_given = config };
	int ret = find_releases(&image);

	if (ret >= 0)
		ret = config ? read_given_config(&image, config) : find_configs(&image);
	if (ret >= 0)
		ret = cmdline ? image_add_text(&image, &image.cmdlines, "--cmdline", cmdline)
			      : bootloader_read(&image);
	if (ret >= 0)
		ret = builtin_add(&image);
	if (ret < 0) {
		image_close(&image);
		return ret;
	}
	image.arch = find_arch(&image);
	*ret_image = image;
	return 0;
}

void image_close(struct image *image)
{
	arena_free(&image->arena);
	*image = (struct image){ 0 };
}

int image_check(const struct image *image, const struct profile *p, struct findings *f)
{
	static int (*const checks[])(const struct image *image, const struct node *tree,
				     struct findings *f) = {
		program_check, kernel_check_modules, crash_check, kconfig_check, cmdline_check,
	};
	int ret = 0;

	/* What is broken in itself has been told; an image cannot mend it. */
	if (!p->valid)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(checks) && ret >= 0; i++)
		ret = checks[i](image, p->tree, f);
	return ret < 0 ? ret : choice_check(image, p, f);
}
