/* GRUB's command lines, as the kernel gets them: its quotes, its variables, its menus. */
#include <ctype.h>

#include "base/text.h"
#include "image/image.h"

#define MAX_DEFAULTS (1U << 20)
/* More than any kernel takes for its command line, and than any menu has variables: what doubles
 * itself is cut off. */
#define MAX_VALUE 16384
#define MAX_VARIABLES 1000

/* What variables stand for. The shell's assignments and grub.cfg's `set` look alike to us. */
struct variable {
	struct variable *next;
	const char *name, *value;
};

struct grub {
	struct arena arena;
	struct variable *variables;
	unsigned n;
};

static const char *value_of(const struct grub *g, const char *name, size_t n)
{
	for (const struct variable *v = g->variables; v; v = v->next)
		if (strncmp(v->name, name, n) == 0 && !v->name[n])
			return v->value;
	return "";
}

static int set(struct grub *g, const char *name, const char *value)
{
	struct variable *v;

	if (!name || !value)
		return -ENOMEM;
	for (v = g->variables; v && !streq(v->name, name); v = v->next)
		;
	if (v) {
		v->value = value;
		return 0;
	}
	if (g->n == MAX_VARIABLES)
		return 0;
	v = arena_alloc(&g->arena, sizeof(*v));
	if (!v)
		return -ENOMEM;
	*v = (struct variable){ g->variables, name, value };
	g->variables = v;
	g->n++;
	return 0;
}

/* At a dollar sign. What it stands for goes to @out; an unset variable is nothing, and so are $0
 * and its kin, which is how an address behind a bare dollar gets lost. */
static const char *expand(const struct grub *g, FILE *out, const char *at)
{
	bool braces = at[1] == '{';
	const char *name = at + 1 + braces, *end = name;

	if (isdigit((unsigned char)*end) || (*end && strchr("?*@#", *end)))
		end++;
	else
		while (isalnum((unsigned char)*end) || *end == '_')
			end++;
	if (end == name) {
		fputc('$', out);
		return at + 1;
	}
	if (ftell(out) < MAX_VALUE)
		fputs(value_of(g, name, (size_t)(end - name)), out);
	return end + (braces && *end == '}');
}

/* Takes one word off @text, without its quotes, as shells and GRUB do. */
static const char *take_word(const struct grub *g, FILE *out, const char *text)
{
	char quote = 0;

	while (*text && *text != '\n' && (quote || !strchr(" \t", *text))) {
		if (quote != '\'' && *text == '$') {
			text = expand(g, out, text);
			continue;
		}
		if (*text == quote || (!quote && (*text == '"' || *text == '\''))) {
			quote = quote ? 0 : *text;
			text++;
			continue;
		}
		/* Between double quotes a backslash is one but before these. */
		if (quote != '\'' && *text == '\\' && text[1] && text[1] != '\n' &&
		    (!quote || strchr("$\"\\`", text[1])))
			text++;
		fputc(*text++, out);
	}
	return text;
}

/* The word at @text in the arena; NULL without memory. */
static char *word_at(struct grub *g, const char *text, const char **ret_rest)
{
	_cleanup_free_ char *word = NULL;
	size_t size;
	FILE *out = open_memstream(&word, &size);
	const char *rest;

	if (!out)
		return NULL;
	rest = take_word(g, out, text);
	if (memstream_end(out, &word) < 0)
		return NULL;
	if (ret_rest)
		*ret_rest = rest;
	return arena_strdup(&g->arena, word);
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* All words of the line at @text; GRUB quotes those with blanks for the kernel. */
static int take_words(struct image *image, struct grub *g, const char *where, const char *text)
{
	_cleanup_free_ char *line = NULL;
	size_t size;
	FILE *out = open_memstream(&line, &size);
	const char *word = "";

	if (!out)
		return -ENOMEM;
	for (text = skip_blanks(text); word && *text && *text != '\n'; text = skip_blanks(text)) {
		word = word_at(g, text, &text);
		if (word && ftell(out) < MAX_VALUE)
			fprintf(out, strchr(word, ' ') ? "\"%s\" " : "%s ", word);
	}
	if (memstream_end(out, &line) < 0 || !word)
		return -ENOMEM;
	return cmdline_is_rescue(line) ? 0 : image_add_text(image, &image->cmdlines, where, line);
}

/* What follows @word where @line begins with it, or NULL. */
static const char *after_word(const char *line, const char *word)
{
	const char *rest = after_prefix(skip_blanks(line), word);

	return rest && (*rest == ' ' || *rest == '\t') ? skip_blanks(rest) : NULL;
}

static const char *after_linux(const char *line)
{
	static const char *const words[] = { "linux", "linux16", "linuxefi" };
	const char *rest = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(words) && !rest; i++)
		rest = after_word(line, words[i]);
	return rest;
}

/* "NAME=VALUE", up to the line's end. */
static int assign(struct grub *g, const char *text)
{
	const char *equals = strchr(text, '=');

	if (!equals || (size_t)(equals - text) > strcspn(text, " \t\n"))
		return 0;
	return set(g, arena_strndup(&g->arena, text, (size_t)(equals - text)),
		   word_at(g, equals + 1, NULL));
}

/* A program that tests memory has no use for what the product's kernel needs. */
static int take_linux(struct image *image, struct grub *g, const char *where, const char *text)
{
	const char *rest, *kernel = word_at(g, text, &rest), *slash;

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
};

static void count_braces(struct depth *d, const char *line)
{
	size_t n = strcspn(line, "\n");

	while (n > 0 && isspace((unsigned char)line[n - 1]))
		n--;
	if (n > 0 && line[n - 1] == '{') {
		d->braces++;
		if (!d->submenu && after_word(line, "submenu"))
			d->submenu = d->braces;
	} else if (*skip_blanks(line) == '}' && d->braces > 0) {
		d->submenu = d->submenu == d->braces ? 0 : d->submenu;
		d->braces--;
	}
}

int grub_take_entries(struct image *image, const char *where, const char *text)
{
	struct grub g = { 0 };
	struct depth d = { 0 };
	int ret = 0;

	for (const char *line = text; line && ret >= 0;
	     line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
		const char *linux_words = after_linux(line), *assignment = after_word(line, "set");

		count_braces(&d, line);
		if (linux_words && !d.submenu)
			ret = take_linux(image, &g, where, linux_words);
		else if (assignment)
			ret = assign(&g, assignment);
	}
	arena_free(&g.arena);
	return ret;
}

/* --- GRUB's own source, where grub.cfg is made on the machine --- */

static int read_assignments(struct image *image, struct grub *g, const char *path)
{
	_cleanup_free_ char *text = NULL;
	int ret = image_read(image, &image->cmdlines, path, MAX_DEFAULTS, &text);

	for (const char *line = text; line && ret >= 0;
	     line = strchr(line, '\n'), line = line ? line + 1 : NULL)
		if (*skip_blanks(line) != '#')
			ret = assign(g, skip_blanks(line));
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
	struct grub g = { 0 };
	int ret = read_all_assignments(image, &g);
	const char *words = arena_printf(
		&g.arena, "%s %s", value_of(&g, "GRUB_CMDLINE_LINUX", strlen("GRUB_CMDLINE_LINUX")),
		value_of(&g, "GRUB_CMDLINE_LINUX_DEFAULT", strlen("GRUB_CMDLINE_LINUX_DEFAULT")));
	_cleanup_free_ char *where = root_path(image->root, "etc/default/grub");

	if (ret >= 0 && (!words || !where))
		ret = -ENOMEM;
	if (ret >= 0 && !streq(words, " "))
		ret = take_words(image, &g, where, words);
	arena_free(&g.arena);
	return ret;
}
