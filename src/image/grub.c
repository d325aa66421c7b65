/* GRUB's command lines, as the kernel gets them: of its menus, its defaults, and entries that have
 * its variables. */
#include "image/grub.h"

#include "base/text.h"
#include "image/image.h"

#define MAX_FILE (1U << 20)

/* All words at @text; GRUB quotes those with blanks for the kernel. */
static int take_words(struct image *image, struct grub *g, const char *where, const char *text)
{
	_cleanup_free_ char *line = NULL;
	size_t size;
	FILE *out = open_memstream(&line, &size);
	const char *word = "";

	if (!out)
		return -ENOMEM;
	for (text = grub_skip_blanks(text); word && *text; text = grub_skip_blanks(text)) {
		word = grub_word(g, text, &text);
		if (word && ftell(out) < GRUB_MAX_VALUE)
			fprintf(out, strchr(word, ' ') ? "\"%s\" " : "%s ", word);
	}
	if (memstream_end(out, &line) < 0 || !word)
		return -ENOMEM;
	return cmdline_is_rescue(line) ? 0 : image_add_text(image, &image->cmdlines, where, line);
}

/* What follows @word where @line begins with it, or NULL. */
static const char *after_word(const char *line, const char *word)
{
	const char *rest = after_prefix(grub_skip_blanks(line), word);

	return rest && (*rest == ' ' || *rest == '\t') ? grub_skip_blanks(rest) : NULL;
}

static const char *after_linux(const char *line)
{
	static const char *const words[] = { "linux", "linux16", "linuxefi" };
	const char *rest = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(words) && !rest; i++)
		rest = after_word(line, words[i]);
	return rest;
}

/* A program that tests memory has no use for what the product's kernel needs. */
static int take_linux(struct image *image, struct grub *g, const char *where, const char *text)
{
	const char *rest, *kernel = grub_word(g, text, &rest), *slash;

	if (!kernel)
		return -ENOMEM;
	slash = strrchr(kernel, '/');
	return after_prefix(slash ? slash + 1 : kernel, "memtest")
		       ? 0
		       : take_words(image, g, where, rest);
}

/* Entries of a submenu are there to be picked by hand. */
struct depth {
	unsigned braces, submenu; /* submenu: the brace that opened it, from 1 */
	bool is_submenu;          /* what the next brace opens */
};

static void count_braces(struct depth *d, const char *command)
{
	if (*command == '{') {
		d->braces++;
		if (!d->submenu && d->is_submenu)
			d->submenu = d->braces;
	} else if (*command == '}' && d->braces > 0) {
		d->submenu = d->submenu == d->braces ? 0 : d->submenu;
		d->braces--;
	}
	d->is_submenu = after_word(command, "submenu");
}

/* What a condition lets be done; whether it does is known on the machine only. */
static const char *skip_condition(const char *command)
{
	const char *rest = after_word(command, "then");

	rest = rest ? rest : after_word(command, "else");
	return rest ? rest : command;
}

int grub_take_entries(struct image *image, const char *where, const char *text)
{
	_cleanup_free_ char *command = malloc(strlen(text) + 1);
	struct grub g = { 0 };
	struct depth d = { 0 };
	int ret = command ? 0 : -ENOMEM;

	while (ret >= 0 && grub_next_command(&text, command)) {
		const char *does = skip_condition(command);
		const char *linux_words = after_linux(does), *assignment = after_word(does, "set");

		count_braces(&d, command);
		if (linux_words && !d.submenu)
			ret = take_linux(image, &g, where, linux_words);
		else if (assignment)
			ret = grub_assign(&g, assignment);
	}
	arena_free(&g.arena);
	return ret;
}

/* --- entries of the Boot Loader Specification, whose options may stand in GRUB's variables --- */

/* Its environment, as it keeps it in a file: "NAME=VALUE" up to the line's end. */
static int read_environment(const struct image *image, struct grub *g)
{
	static const char *const files[] = { "boot/grub2/grubenv", "boot/grub/grubenv" };
	int ret = 0;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *text = NULL;
		char *rest, *equals;

		if (root_read_text(image->root, files[i], MAX_FILE, &text) < 0)
			continue;
		rest = text;
		for (char *line; ret >= 0 && (line = strsep(&rest, "\n"));) {
			equals = strchr(line, '=');
			if (*line == '#' || !equals)
				continue;
			*equals = '\0';
			ret = grub_set(g, arena_strdup(&g->arena, line),
				       arena_strdup(&g->arena, equals + 1));
		}
	}
	return ret;
}

/* What grub.cfg sets where the environment does not. */
static int read_fallbacks(const struct image *image, struct grub *g)
{
	static const char *const files[] = { "boot/grub2/grub.cfg", "boot/grub/grub.cfg" };
	int ret = 0;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *text = NULL, *command = NULL;
		const char *at;

		if (root_read_text(image->root, files[i], MAX_FILE, &text) < 0)
			continue;
		at = text;
		command = malloc(strlen(text) + 1);
		while (command && ret >= 0 && grub_next_command(&at, command)) {
			const char *assignment = after_word(skip_condition(command), "set");

			if (assignment && !grub_value(g, assignment, strcspn(assignment, "=")))
				ret = grub_assign(g, assignment);
		}
	}
	return ret;
}

int grub_expand_options(struct image *image, const char *options, const char **ret_options)
{
	static const char fallback[] = "default_kernelopts";
	struct grub g = { .keeps_unknown = true };
	_cleanup_free_ char *expanded = NULL;
	size_t size;
	FILE *out = open_memstream(&expanded, &size);
	int ret = out ? read_environment(image, &g) : -ENOMEM;

	if (ret >= 0)
		ret = read_fallbacks(image, &g);
	if (ret >= 0 && !*options)
		options = grub_value(&g, fallback, strlen(fallback));
	while (ret >= 0 && options && *options)
		if (*options == '$')
			options = grub_expand(&g, out, options);
		else
			fputc(*options++, out);
	if (out && memstream_end(out, &expanded) < 0)
		ret = -ENOMEM;
	arena_free(&g.arena);
	if (ret >= 0)
		*ret_options = arena_strdup(&image->arena, expanded);
	return ret < 0 ? ret : *ret_options ? 0 : -ENOMEM;
}

/* --- GRUB's own source, where grub.cfg is made on the machine --- */

static int read_assignments(struct image *image, struct grub *g, const char *path)
{
	_cleanup_free_ char *text = NULL, *command = NULL;
	int ret = image_read(image, &image->cmdlines, path, MAX_FILE, &text);
	const char *at = text;

	if (ret < 0 || !text)
		return ret;
	command = malloc(strlen(text) + 1);
	if (!command)
		return -ENOMEM;
	while (ret >= 0 && grub_next_command(&at, command)) {
		const char *exported = after_word(command, "export");

		ret = grub_assign(g, exported ? exported : command);
	}
	return ret;
}

static int is_grub_part(const struct dirent *e)
{
	return e->d_name[0] != '.' && has_suffix(e->d_name, ".cfg");
}

static int read_all_assignments(struct image *image, struct grub *g)
{
	struct dirent **list = NULL;
	int n, ret = read_assignments(image, g, "etc/default/grub");

	n = ret < 0 ? 0
		    : image_list(image, &image->cmdlines, "etc/default/grub.d", is_grub_part,
				 &list);
	for (int i = 0; i < n; i++) {
		char path[400];

		snprintf(path, sizeof(path), "etc/default/grub.d/%s", list[i]->d_name);
		GATHER(ret, read_assignments(image, g, path));
		free(list[i]);
	}
	free(list);
	return n == -ENOMEM ? n : ret;
}

/* The normal entry has both variables. The shell takes off its quotes, and GRUB what is left. */
int grub_take_defaults(struct image *image)
{
	static const char both[] = "\"$GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX_DEFAULT\"";
	struct grub g = { 0 };
	int ret = read_all_assignments(image, &g);
	const char *words = grub_word(&g, both, NULL);
	_cleanup_free_ char *where = root_path(image->root, "etc/default/grub");

	if (ret >= 0 && (!words || !where))
		ret = -ENOMEM;
	if (ret >= 0 && !streq(words, " "))
		ret = take_words(image, &g, where, words);
	arena_free(&g.arena);
	return ret;
}
