#include "image/image.h"

#include <elf.h>
#include <fcntl.h>

#include "base/log.h"
#include "image/unit.h"

#define MAX_CONFIG (4U << 20)

int image_add_text(struct image *image, struct image_texts *texts, const char *where,
		   const char *text)
{
	struct image_text *bigger =
		arena_alloc(&image->arena, (texts->n + 1) * sizeof(*texts->list));

	if (!bigger)
		return -ENOMEM;
	if (texts->n > 0)
		memcpy(bigger, texts->list, texts->n * sizeof(*bigger));
	bigger[texts->n] = (struct image_text){ arena_strdup(&image->arena, where),
						arena_strdup(&image->arena, text) };
	if (!bigger[texts->n].where || !bigger[texts->n].text)
		return -ENOMEM;
	texts->list = bigger;
	texts->n++;
	return 0;
}

/* --- kernels --- */

static int is_visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* The names in directory @path, sorted. Their number; none where there is no such directory. */
static int list_names(const struct root *root, const char *path, struct dirent ***ret_list)
{
	_cleanup_close_ int fd = root_openat(root, path, O_RDONLY | O_DIRECTORY);
	int n = fd < 0 ? 0 : scandirat(fd, ".", ret_list, is_visible, alphasort);

	return n < 0 ? 0 : n;
}

/* What has no list of modules is no kernel's directory. */
static bool has_modules(const struct root *root, const char *release)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "lib/modules/%s/modules.dep", release) < 0)
		return false;
	return root_exists(root, path) == 0;
}

static int find_releases(struct image *image)
{
	struct dirent **list = NULL;
	int n = list_names(image->root, "lib/modules", &list), kept = 0;

	image->releases = arena_alloc(&image->arena, ((size_t)n + 1) * sizeof(*image->releases));
	for (int i = 0; i < n; i++) {
		if (image->releases && has_modules(image->root, list[i]->d_name))
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
	size_t size;

	if (root_read(image->root, path, MAX_CONFIG, &text, &size) < 0)
		return 0;
	where = root_path(image->root, path);
	return where ? image_add_text(image, &image->configs, where, text) : -ENOMEM;
}

static int take_boot_configs(struct image *image)
{
	struct dirent **list = NULL;
	int n = list_names(image->root, "boot", &list), ret = 0;

	for (int i = 0; i < n; i++) {
		char path[300];

		snprintf(path, sizeof(path), "boot/%s", list[i]->d_name);
		if (after_prefix(list[i]->d_name, "config-"))
			GATHER(ret, take_config(image, path));
		free(list[i]);
	}
	free(list);
	return ret;
}

static int find_configs(struct image *image)
{
	int ret = take_boot_configs(image);

	/* Where kernel-install(8) leaves it. */
	for (const char **release = image->releases; ret >= 0 && *release; release++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "lib/modules/%s/config", *release) < 0)
			return -ENOMEM;
		ret = take_config(image, path);
	}
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
					       { "ARM64", "aarch64" },
					       { "ARM", "arm" } };

	for (unsigned i = 0; i < image->configs.n; i++)
		for (size_t row = 0; row < ARRAY_SIZE(rows); row++)
			if (kconfig_has(image->configs.list[i].text, rows[row][0], false))
				return rows[row][1];
	return NULL;
}

const char *image_program_arch(const struct root *root, const char *path)
{
	static const struct {
		uint16_t machine;
		const char *arch;
	} rows[] = { { EM_X86_64, "x86_64" }, { EM_AARCH64, "aarch64" }, { EM_ARM, "arm" },
		     { EM_386, "i686" },      { EM_RISCV, "riscv64" },   { EM_PPC64, "ppc64" },
		     { EM_S390, "s390x" } };
	_cleanup_close_ int fd = root_openat(root, path, O_RDONLY | O_NONBLOCK);
	Elf32_Ehdr header; /* its beginning is every class's */

	if (fd < 0 || read(fd, &header, sizeof(header)) != (ssize_t)sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].machine == header.e_machine)
			return rows[i].arch;
	return NULL;
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
	struct image image = { .root = root };
	int ret = find_releases(&image);

	if (ret >= 0)
		ret = config ? read_given_config(&image, config) : find_configs(&image);
	if (ret >= 0)
		ret = cmdline ? image_add_text(&image, &image.cmdlines, "--cmdline", cmdline)
			      : bootloader_read(&image);
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
	return ret;
}
