#include "image/unit.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/text.h"

#define MAX_UNIT (1U << 20)

/* As systemd.unit(5) has them: the first that has the unit wins; drop-ins of all count. */
static const char *const dirs[] = {
	"etc/systemd/system",     "run/systemd/system", "usr/local/lib/systemd/system",
	"usr/lib/systemd/system", "lib/systemd/system",
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_null(const char *link)
{
	const char *target = link;

	/* They lead up to the root, where an image has no /dev. */
	while (after_prefix(target, "../"))
		target += strlen("../");
	return streq(link, "/dev/null") || (target != link && streq(target, "dev/null"));
}

/* A link to /dev/null masks, and so does an empty file: systemd.unit(5). */
static int judge_unit(const struct root *root, const char *path)
{
	const char *leaf;
	_cleanup_close_ int dir = root_open_parent(root, path, &leaf), fd = -EBADF;
	char link[PATH_MAX] = "";
	struct stat st;

	if (dir >= 0 && readlinkat(dir, leaf, link, sizeof(link) - 1) >= 0) {
		if (is_null(link))
			return -ESTALE;
		if (!streq(base_name(link), leaf) && !strchr(base_name(link), '@'))
			return -EMLINK;
	}
	fd = root_openat(root, path, O_PATH);
	if (fd < 0)
		return fd == -EACCES ? fd : -ENOENT;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -ENOENT;
	return st.st_size == 0 ? -ESTALE : 0;
}

static int find_unit_file(const struct root *root, const char *unit)
{
	int ret = -ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(dirs) && ret == -ENOENT; i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%s", dirs[i], unit) < 0)
			return -ENOMEM;
		ret = judge_unit(root, path);
	}
	return ret;
}

int unit_find(const struct root *root, const char *unit)
{
	_cleanup_free_ char *other = NULL;
	const char *at = strchr(unit, '@'), *dot = strrchr(unit, '.');
	int ret = find_unit_file(root, unit);

	if (ret != -ENOENT || !dot)
		return ret;
	if (at) {
		if (asprintf(&other, "%.*s@%s", (int)(at - unit), unit, dot) < 0)
			return -ENOMEM;
		return find_unit_file(root, other);
	}
	if (!streq(dot, ".service"))
		return ret;
	if (asprintf(&other, "etc/init.d/%.*s", (int)(dot - unit), unit) < 0)
		return -ENOMEM;
	return root_exists(root, other) == 0 ? 0 : -ENOENT;
}

struct limit {
	int64_t bytes; /* 0: none */
	const char *file;
};

static char *trim(char *text)
{
	size_t n;

	text += strspn(text, " \t");
	n = strlen(text);
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		text[--n] = '\0';
	return text;
}

/* Percentages depend on the machine, and count as no limit here. */
static void read_line(char *line, const char *file, struct limit *limit)
{
	static const char *const names[] = { "MemoryMax", "MemoryLimit" };
	char *equals = strchr(line, '=');
	int64_t bytes;

	if (!equals)
		return;
	*equals = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!streq(trim(line), names[i]))
			continue;
		if (text_to_size(trim(equals + 1), 1, &bytes) < 0)
			bytes = 0;
		*limit = (struct limit){ .bytes = bytes, .file = file };
	}
}

/* -ENOENT where there is no such file, else 0 or -ENOMEM. */
static int read_unit(const struct root *root, struct arena *a, const char *path,
		     struct limit *limit)
{
	_cleanup_free_ char *text = NULL;
	const char *file = arena_printf(a, "/%s", path);
	char *line, *rest;

	if (!file)
		return -ENOMEM;
	if (root_read_text(root, path, MAX_UNIT, &text) < 0)
		return -ENOENT;
	for (line = text; line; line = rest) {
		rest = strchr(line, '\n');
		if (rest)
			*rest++ = '\0';
		read_line(line, file, limit);
	}
	return 0;
}

static int read_dropins(const struct root *root, struct arena *a, const char *dir, const char *unit,
			struct limit *limit)
{
	_cleanup_closedir_ DIR *d = NULL;
	const char *path = arena_printf(a, "%s/%s.d", dir, unit);
	int fd, ret = 0;

	if (!path)
		return -ENOMEM;
	fd = root_openat(root, path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return 0;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return 0;
	}
	for (const struct dirent *e; ret != -ENOMEM && (e = readdir(d));) {
		const char *file;

		if (e->d_name[0] == '.' || !has_suffix(e->d_name, ".conf"))
			continue;
		file = arena_printf(a, "%s/%s", path, e->d_name);
		ret = file ? read_unit(root, a, file, limit) : -ENOMEM;
	}
	return ret == -ENOMEM ? ret : 0;
}

static int find_limit(const struct root *root, struct arena *a, const char *unit,
		      struct limit *limit)
{
	int ret = -ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(dirs) && ret == -ENOENT; i++) {
		const char *path = arena_printf(a, "%s/%s", dirs[i], unit);

		ret = path ? read_unit(root, a, path, limit) : -ENOMEM;
	}
	for (size_t i = ARRAY_SIZE(dirs); i > 0 && ret != -ENOMEM; i--)
		ret = read_dropins(root, a, dirs[i - 1], unit, limit);
	return ret == -ENOMEM ? ret : 0;
}

static bool is_unkillable(const struct node *rule)
{
	return streq(node_setting(rule, "oom_score_adj"), "-1000");
}

static int check_rule(const struct root *root, const struct node *rule, struct findings *f)
{
	_cleanup_(arena_free) struct arena a = { 0 };
	const char *unit = node_text(rule, "unit"), *leash = node_text(rule, "max_rss");
	struct limit limit = { 0 };
	int ret;

	if (rule->kind != NODE_MAP || !node_identity(rule) || !is_unkillable(rule))
		return 0;
	if (!unit)
		unit = arena_printf(&a, "%s.service", node_identity(rule));
	if (!unit || strchr(unit, '/'))
		return unit ? 0 : -ENOMEM;
	ret = find_limit(root, &a, unit, &limit);
	if (ret < 0 || limit.bytes == 0 || (leash && strtoll(leash, NULL, 10) < limit.bytes))
		return ret;
	finding_warning(f, &rule->at, "give max_rss below the limit, or take the limit away",
			"'%s' has a memory limit of %lld MiB in %s, which cannot kill it at -1000",
			node_identity(rule), (long long)(limit.bytes >> 20), limit.file);
	return 0;
}

int unit_check_limits(const struct root *root, const struct profile *p, struct findings *f)
{
	int ret = 0;

	node_foreach(rule, node_child(p->tree, "protect"))
		if (ret >= 0)
			ret = check_rule(root, rule, f);
	return ret;
}
