/* The kernel command lines that an image's boot loader would give. */
#include <ctype.h>
#include <fcntl.h>
#include <strings.h>

#include "image/image.h"

#define MAX_ENTRY (1U << 20)

/* Lines of a configuration file that hold a command line. */
struct format {
	const char *keywords[4]; /* that begin the line, in any case; none: the whole file */
	unsigned skip;           /* words behind it that are not part of the command line */
};

static const struct format whole = { { NULL }, 0 };
static const struct format options = { { "options" }, 0 };
static const struct format grub = { { "linux", "linux16", "linuxefi" }, 1 };
static const struct format append = { { "append" }, 0 };

static const struct {
	const char *path; /* a directory: its *.conf */
	const struct format *format;
} sources[] = {
	{ "boot/loader/entries", &options },       { "efi/loader/entries", &options },
	{ "boot/efi/loader/entries", &options },   { "boot/grub/grub.cfg", &grub },
	{ "boot/grub2/grub.cfg", &grub },          { "boot/extlinux/extlinux.conf", &append },
	{ "boot/syslinux/syslinux.cfg", &append }, { "boot/cmdline.txt", &whole },
	{ "boot/firmware/cmdline.txt", &whole },   { "etc/kernel/cmdline", &whole },
	{ "usr/lib/kernel/cmdline", &whole },
};

/* What follows the keyword of @format in @line, or NULL. */
static const char *after_keyword(const struct format *format, const char *line)
{
	line += strspn(line, " \t");
	for (size_t i = 0; i < ARRAY_SIZE(format->keywords) && format->keywords[i]; i++) {
		size_t n = strlen(format->keywords[i]);

		if (strncasecmp(line, format->keywords[i], n) != 0 ||
		    !isspace((unsigned char)line[n]))
			continue;
		line += n;
		for (unsigned skip = 0; skip <= format->skip; skip++) {
			line += skip ? strcspn(line, " \t") : 0;
			line += strspn(line, " \t");
		}
		return line;
	}
	return NULL;
}

/* A rescue entry is not how the product boots. */
static bool is_rescue(const char *line)
{
	static const char *const signs[] = { "single", "recovery", "rescue",
					     "systemd.unit=rescue.target",
					     "systemd.unit=emergency.target" };
	_cleanup_free_ char *copy = strdup(line);
	char *rest;

	for (char *word = copy ? strtok_r(copy, " \t", &rest) : NULL; word;
	     word = strtok_r(NULL, " \t", &rest))
		for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
			if (streq(word, signs[i]))
				return true;
	return false;
}

static int take_lines(struct image *image, const char *where, char *text,
		      const struct format *format)
{
	char *line, *rest;
	int ret = 0;

	for (char *c = text; !format->keywords[0] && *c; c++)
		if (*c == '\n')
			*c = ' ';
	for (line = strtok_r(text, "\r\n", &rest); line && ret >= 0;
	     line = strtok_r(NULL, "\r\n", &rest)) {
		const char *found = format->keywords[0] ? after_keyword(format, line) : line;

		if (found && !is_rescue(found))
			ret = image_add_text(image, &image->cmdlines, where, found);
	}
	return ret;
}

static int take_file(struct image *image, const char *path, const struct format *format)
{
	_cleanup_free_ char *text = NULL, *where = root_path(image->root, path);

	if (!where)
		return -ENOMEM;
	if (root_read_text(image->root, path, MAX_ENTRY, &text) < 0)
		return 0;
	return take_lines(image, where, text, format);
}

static int is_entry(const struct dirent *e)
{
	return e->d_name[0] != '.' && has_suffix(e->d_name, ".conf");
}

static int take_source(struct image *image, const char *path, const struct format *format)
{
	_cleanup_close_ int fd = root_openat(image->root, path, O_RDONLY | O_DIRECTORY);
	struct dirent **list = NULL;
	int n, ret = 0;

	if (fd < 0)
		return take_file(image, path, format);
	n = scandirat(fd, ".", &list, is_entry, alphasort);
	for (int i = 0; i < n; i++) {
		char entry[400];

		snprintf(entry, sizeof(entry), "%s/%s", path, list[i]->d_name);
		GATHER(ret, take_file(image, entry, format));
		free(list[i]);
	}
	free(list);
	return ret;
}

/* --- GRUB's own source, where grub.cfg is made on the machine --- */

/* The value of a shell assignment, without its quotes; what it expands stays as it is. */
static char *assigned(char *line, const char *name)
{
	const char *rest = after_prefix(line + strspn(line, " \t"), name);
	char *value, *end;

	if (!rest || *rest != '=')
		return NULL;
	value = line + (rest + 1 - line);
	if (*value != '"' && *value != '\'')
		return value;
	end = strrchr(value + 1, *value);
	if (end)
		*end = '\0';
	return value + 1;
}

static void take_assignments(FILE *out, char *text)
{
	char *line, *rest;

	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		const char *value = assigned(line, "GRUB_CMDLINE_LINUX");

		if (!value)
			value = assigned(line, "GRUB_CMDLINE_LINUX_DEFAULT");
		if (value)
			fprintf(out, "%s ", value);
	}
}

static int is_grub_part(const struct dirent *e)
{
	return e->d_name[0] != '.' && has_suffix(e->d_name, ".cfg");
}

/* The normal entry has both variables, and later files add to them. */
static int take_grub_defaults(struct image *image)
{
	_cleanup_close_ int fd =
		root_openat(image->root, "etc/default/grub.d", O_RDONLY | O_DIRECTORY);
	_cleanup_free_ char *text = NULL, *all = NULL, *where = NULL;
	struct dirent **list = NULL;
	int n = fd < 0 ? 0 : scandirat(fd, ".", &list, is_grub_part, alphasort);
	size_t size;
	FILE *out;

	if (root_read_text(image->root, "etc/default/grub", MAX_ENTRY, &text) < 0)
		text = strdup("");
	out = open_memstream(&all, &size);
	if (out && text)
		take_assignments(out, text);
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *part = NULL;
		char path[400];

		snprintf(path, sizeof(path), "etc/default/grub.d/%s", list[i]->d_name);
		if (out && root_read_text(image->root, path, MAX_ENTRY, &part) >= 0)
			take_assignments(out, part);
		free(list[i]);
	}
	free(list);
	where = root_path(image->root, "etc/default/grub");
	if (!out || fclose(out) != 0 || !text || !where)
		return -ENOMEM;
	return *all ? image_add_text(image, &image->cmdlines, where, all) : 0;
}

int bootloader_read(struct image *image)
{
	int ret = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sources) && ret >= 0; i++)
		ret = take_source(image, sources[i].path, sources[i].format);
	if (ret >= 0 && image->cmdlines.n == 0)
		ret = take_grub_defaults(image);
	return ret;
}
