/* The kernel command lines that an image's boot loader would give. */
#include <ctype.h>
#include <strings.h>

#include "base/text.h"
#include "image/image.h"

#define MAX_ENTRY (1U << 20)

/* Takes the command lines of @text, which @where names, and may change it. -ENOMEM or 0. */
typedef int (*take_text)(struct image *image, const char *where, char *text);

static int take_line(struct image *image, const char *where, const char *line)
{
	return cmdline_is_rescue(line) ? 0 : image_add_text(image, &image->cmdlines, where, line);
}

/* The whole file is one. */
static int take_whole(struct image *image, const char *where, char *text)
{
	for (char *c = text; *c; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	return take_line(image, where, text);
}

/* What stands behind @keyword, in any case, or NULL. */
static const char *after_keyword(const char *line, const char *keyword)
{
	size_t n = strlen(keyword);

	line += strspn(line, " \t");
	return strncasecmp(line, keyword, n) == 0 && isspace((unsigned char)line[n]) ? line + n + 1
										     : NULL;
}

/* The Boot Loader Specification: an entry's options are those of all its lines. */
static int take_options(struct image *image, const char *where, char *text)
{
	_cleanup_free_ char *all = NULL;
	size_t size;
	FILE *out = open_memstream(&all, &size);
	const char *options;
	char *rest;

	if (!out)
		return -ENOMEM;
	for (char *line = strtok_r(text, "\r\n", &rest); line;
	     line = strtok_r(NULL, "\r\n", &rest)) {
		options = after_keyword(line, "options");
		if (options)
			fprintf(out, "%s%s", ftell(out) > 0 ? " " : "", options);
	}
	if (memstream_end(out, &all) < 0)
		return -ENOMEM;
	options = all;
	if (!*all || strchr(all, '$')) {
		int ret = grub_expand_options(image, all, &options);

		if (ret < 0)
			return ret;
	}
	return *options ? take_line(image, where, options) : 0;
}

static int take_append(struct image *image, const char *where, char *text)
{
	char *rest;
	int ret = 0;

	for (char *line = strtok_r(text, "\r\n", &rest); line && ret >= 0;
	     line = strtok_r(NULL, "\r\n", &rest)) {
		const char *append = after_keyword(line, "append");

		if (append)
			ret = take_line(image, where, append);
	}
	return ret;
}

static int take_grub(struct image *image, const char *where, char *text)
{
	return grub_take_entries(image, where, text);
}

static const struct {
	const char *path; /* a directory: its *.conf */
	take_text take;
} sources[] = {
	{ "boot/loader/entries", take_options },
	{ "efi/loader/entries", take_options },
	{ "boot/efi/loader/entries", take_options },
	{ "boot/grub/grub.cfg", take_grub },
	{ "boot/grub2/grub.cfg", take_grub },
	{ "boot/extlinux/extlinux.conf", take_append },
	{ "boot/syslinux/syslinux.cfg", take_append },
	{ "boot/cmdline.txt", take_whole },
	{ "boot/firmware/cmdline.txt", take_whole },
	{ "etc/kernel/cmdline", take_whole },
	{ "usr/lib/kernel/cmdline", take_whole },
};

static int take_file(struct image *image, const char *path, take_text take)
{
	_cleanup_free_ char *text = NULL, *where = root_path(image->root, path);
	int ret = image_read(image, &image->cmdlines, path, MAX_ENTRY, &text);

	if (ret < 0 || !where)
		return -ENOMEM;
	return text ? take(image, where, text) : 0;
}

static int is_entry(const struct dirent *e)
{
	return e->d_name[0] != '.' && has_suffix(e->d_name, ".conf");
}

static int take_source(struct image *image, const char *path, take_text take)
{
	struct dirent **list = NULL;
	int n = image_list(image, &image->cmdlines, path, is_entry, &list), ret = 0;

	if (n == -ENOTDIR)
		return take_file(image, path, take);
	for (int i = 0; i < n; i++) {
		char entry[400];

		snprintf(entry, sizeof(entry), "%s/%s", path, list[i]->d_name);
		GATHER(ret, take_file(image, entry, take));
		free(list[i]);
	}
	free(list);
	return n == -ENOMEM ? n : ret;
}

int bootloader_read(struct image *image)
{
	int ret = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sources) && ret >= 0; i++)
		ret = take_source(image, sources[i].path, sources[i].take);
	if (ret >= 0 && image->cmdlines.n == 0)
		ret = grub_take_defaults(image);
	return ret;
}
