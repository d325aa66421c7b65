#include "setting/sysctld.h"

#include <ctype.h>
#include <fcntl.h>
#include <fnmatch.h>

#include "profile/sysctlname.h"

#define MAX_CONF (1U << 20)

/* A file in an earlier directory hides its namesakes in later ones. */
static const char *const dirs[] = {
	"etc/sysctl.d",     "run/sysctl.d", "usr/local/lib/sysctl.d",
	"usr/lib/sysctl.d", "lib/sysctl.d",
};

struct conf {
	struct conf *next;
	const char *leaf, *path;
};

struct search {
	const struct root *root;
	struct arena *arena;
	const char *path;
	const char *where, *value;
	bool exact;    /* given by its name: patterns no longer count */
	bool excluded; /* "-key" alone: no pattern is for it */
};

/* Keeps the list sorted by file name, which is the order of reading. */
static int add_conf(struct search *s, struct conf **first, const char *dir, const char *leaf)
{
	struct conf **p = first, *new;

	while (*p && strcmp((*p)->leaf, leaf) < 0)
		p = &(*p)->next;
	if (*p && streq((*p)->leaf, leaf))
		return 0;
	new = arena_alloc(s->arena, sizeof(*new));
	if (!new)
		return -ENOMEM;
	new->leaf = arena_strdup(s->arena, leaf);
	new->path = arena_printf(s->arena, "%s/%s", dir, leaf);
	if (!new->leaf || !new->path)
		return -ENOMEM;
	new->next = *p;
	*p = new;
	return 0;
}

static int list_dir(struct search *s, struct conf **first, const char *dir)
{
	_cleanup_closedir_ DIR *d = NULL;
	int fd = root_openat(s->root, dir, O_RDONLY | O_DIRECTORY);
	int ret = 0;

	if (fd < 0)
		return 0; /* most systems have some of them only */
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -errno;
	}
	for (const struct dirent *e; ret >= 0 && (e = readdir(d));)
		if (e->d_name[0] != '.' && has_suffix(e->d_name, ".conf"))
			ret = add_conf(s, first, dir, e->d_name);
	return ret;
}

static char *trim(char *text)
{
	size_t n;

	while (isspace((unsigned char)*text))
		text++;
	n = strlen(text);
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		text[--n] = '\0';
	return text;
}

/* "key = value", "-key = value" (errors do not matter), or "-key" (no pattern is for it). */
static int read_line(struct search *s, const struct conf *conf, unsigned number, char *line)
{
	char *key = trim(line), *equals = strchr(key, '=');
	bool exact;

	if (!*key || *key == '#' || *key == ';' || (!equals && *key != '-'))
		return 0;
	if (equals)
		*equals = '\0';
	key = trim(key + (*key == '-'));
	sysctlname_normalise(key);
	exact = streq(key, s->path);
	if (!equals) {
		s->excluded = s->excluded || exact;
		return 0;
	}
	if (!exact && (s->exact || fnmatch(key, s->path, FNM_PATHNAME) != 0))
		return 0;
	s->exact = exact;
	s->where = arena_printf(s->arena, "/%s:%u", conf->path, number);
	s->value = arena_strdup(s->arena, trim(equals + 1));
	return s->where && s->value ? 0 : -ENOMEM;
}

static int read_conf(struct search *s, const struct conf *conf)
{
	_cleanup_free_ char *text = NULL;
	unsigned number = 0;
	char *line, *rest;
	int ret;

	if (root_read_text(s->root, conf->path, MAX_CONF, &text) < 0)
		return 0; /* unreadable to us, unreadable to its own reader */
	for (line = text; line; line = rest) {
		rest = strchr(line, '\n');
		if (rest)
			*rest++ = '\0';
		ret = read_line(s, conf, ++number, line);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int sysctld_find(const struct root *root, struct arena *a, const char *path, const char **ret_where,
		 const char **ret_value)
{
	struct search s = { .root = root, .arena = a, .path = path };
	struct conf last = { .leaf = "sysctl.conf", .path = "etc/sysctl.conf" };
	struct conf *first = NULL;
	int ret = 0;

	for (size_t i = 0; i < ARRAY_SIZE(dirs) && ret >= 0; i++)
		ret = list_dir(&s, &first, dirs[i]);
	for (const struct conf *c = first; c && ret >= 0; c = c->next)
		ret = read_conf(&s, c);
	if (ret >= 0)
		ret = read_conf(&s, &last); /* sysctl --system reads it after all others */
	if (ret < 0)
		return ret;
	if (s.excluded && !s.exact)
		s.where = s.value = NULL;
	*ret_where = s.where;
	*ret_value = s.value;
	return 0;
}
