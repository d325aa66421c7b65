/* The programs of protect: is each there, would the guard take it, can it be run. */
#include <fcntl.h>
#include <sys/stat.h>

#include "guard/rule.h"
#include "image/elf.h"
#include "image/image.h"
#include "image/unit.h"

#define MAX_USERS (4U << 20)

static const struct place *place_of(const struct node *rule, const char *key)
{
	const struct node *n = node_child(rule, key);

	return n ? &n->at : &rule->at;
}

static bool is_required(const struct node *rule)
{
	return !streq_null(node_text(rule, "required"), "0");
}

/* --- can its user run it? --- */

/* Takes the next field off a line of passwd(5) or group(5). */
static const char *next_field(char **line)
{
	const char *field = *line ? strsep(line, ":") : NULL;

	return field ? field : "";
}

static bool lists(char *members, const char *name)
{
	for (char *member; (member = strsep(&members, ","));)
		if (streq(member, name))
			return true;
	return false;
}

/* Whether a line of etc/passwd, or of etc/group, says that @user is in group @gid. */
static bool line_has_group(char *line, bool is_passwd, const char *user, const char *gid)
{
	const char *name = next_field(&line), *id;

	next_field(&line);
	id = next_field(&line);
	if (is_passwd)
		return (streq(name, user) || streq(id, user)) && streq(next_field(&line), gid);
	return streq(id, gid) && lists(line, user);
}

static bool has_group(const struct root *root, const char *user, gid_t gid)
{
	static const char *const files[] = { "etc/passwd", "etc/group" };
	char number[16];

	snprintf(number, sizeof(number), "%u", gid);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *text = NULL;
		char *rest;

		if (root_read_text(root, files[i], MAX_USERS, &text) < 0)
			continue;
		rest = text;
		for (char *line; (line = strsep(&rest, "\n"));)
			if (line_has_group(line, i == 0, user, number))
				return true;
	}
	return false;
}

struct runner {
	const struct root *root;
	const char *user;
	uid_t uid;
	bool barred; /* from a directory on the way */
};

/* As the kernel decides it, from the mode alone. */
static bool may_execute(const struct runner *r, const struct stat *st)
{
	if (r->uid == 0)
		return S_ISDIR(st->st_mode) || (st->st_mode & 0111);
	if (st->st_uid == r->uid)
		return st->st_mode & S_IXUSR;
	return st->st_mode & (has_group(r->root, r->user, st->st_gid) ? S_IXGRP : S_IXOTH);
}

static void see(int fd, bool is_program, void *data)
{
	struct runner *r = data;
	struct stat st;

	if (!is_program && r->user && fstat(fd, &st) == 0 && !may_execute(r, &st))
		r->barred = true;
}

static void check_mode(const struct node *n, const struct rule *rule, const struct runner *r,
		       const struct stat *st, struct findings *f)
{
	const struct place *at = place_of(n, "exe");

	if (!(st->st_mode & 0111))
		finding_error(f, at, "chmod 755",
			      "'%s' in the image cannot be run: it is not executable", rule->exe);
	else if (r->user && (r->barred || !may_execute(r, st)))
		/* A group that only the unit gives is not known here. */
		finding_add(
			f, st->st_mode & S_IXGRP && !r->barred ? SEVERITY_WARNING : SEVERITY_ERROR,
			at, NULL, "user '%s' cannot run '%s' in the image: %s", r->user, rule->exe,
			r->barred ? "a directory on the way is barred to it"
				  : "the file's mode does not let it");
}

/* --- is there what it runs with? --- */

/* A root without a shell and without an init is not the whole of one: what is not there may come
 * from another layer. */
static bool is_whole(const struct root *root)
{
	return root_exists(root, "bin/sh") == 0 || root_exists(root, "sbin/init") == 0;
}

/* Kernels run the programs of their smaller kin, not the other way round. */
static bool runs(const char *kernel, const char *program)
{
	return streq(kernel, program) || (streq(kernel, "x86_64") && streq(program, "i686")) ||
	       (streq(kernel, "aarch64") && streq(program, "arm"));
}

static void check_content(const struct image *image, const struct node *n, const struct rule *rule,
			  int fd, struct findings *f)
{
	const struct place *at = place_of(n, "exe");
	struct program p;

	program_read(fd, &p);
	if (p.arch && image->arch && !runs(image->arch, p.arch))
		finding_error(f, at, NULL, "'%s' in the image is for %s, the image for %s",
			      rule->exe, p.arch, image->arch);
	else if (*p.interpreter && is_whole(image->root) &&
		 root_exists(image->root, p.interpreter) == -ENOENT)
		finding_error(f, at, NULL, "'%s' in the image: its %s '%s' is not there", rule->exe,
			      p.is_script ? "interpreter" : "loader", p.interpreter);
}

/* Whether it stands where the guard takes it, in the guard's own words: it refuses the same at
 * boot. */
static bool resolves(const struct image *image, const struct node *n, struct rule *rule,
		     struct runner *r, struct findings *f)
{
	bool has_user = rule->has_user;

	rule->has_user = true; /* told on its own */
	rule_resolve(rule, image->root, see, r);
	rule->has_user = has_user;
	if (rule->problem)
		finding_error(f, place_of(n, "exe"), NULL, "'%s' in the image: %s", rule->exe,
			      rule->problem);
	return !rule->problem;
}

static void check_program(const struct image *image, const struct node *n, struct rule *rule,
			  struct findings *f)
{
	_cleanup_close_ int path = root_openat(image->root, rule->exe, O_PATH);
	_cleanup_close_ int fd = root_openat(image->root, rule->exe, O_RDONLY | O_NONBLOCK);
	struct runner r = { image->root, rule->has_user ? node_setting(n, "user") : NULL, rule->uid,
			    false };
	struct stat st;

	if (path < 0 && path != -EACCES && !is_required(n))
		return;
	if (path == -EACCES || (path >= 0 && fd == -EACCES))
		finding_warning(f, place_of(n, "exe"), NULL,
				"'%s' in the image: %s: whether it can be run is not checked",
				rule->exe, strerror(EACCES));
	else if (resolves(image, n, rule, &r, f) && fd >= 0 && fstat(fd, &st) == 0) {
		check_mode(n, rule, &r, &st, f);
		check_content(image, n, rule, fd, f);
	}
}

static int check_unit(const struct image *image, const struct node *n, struct findings *f)
{
	const char *unit = node_text(n, "unit");
	int ret;

	if (!unit || has_suffix(unit, ".scope")) /* those are made at run time */
		return 0;
	ret = unit_find(image->root, unit);
	if (ret == -ENOENT && is_required(n))
		finding_error(f, place_of(n, "unit"), NULL, "the image has no unit '%s'", unit);
	else if (ret == -EACCES)
		finding_warning(f, place_of(n, "unit"), NULL,
				"unit '%s' in the image: %s: whether it is there is not checked",
				unit, strerror(EACCES));
	else if (ret == -ESTALE)
		finding_warning(f, place_of(n, "unit"), NULL,
				"the unit '%s' is masked in the image: the rule matches nothing",
				unit);
	else if (ret == -EMLINK)
		finding_error(f, place_of(n, "unit"), NULL,
			      "the unit '%s' is another's second name in the image: the rule "
			      "matches nothing; name the unit itself",
			      unit);
	return ret == -ENOMEM ? ret : 0;
}

int program_check(const struct image *image, const struct node *tree, struct findings *f)
{
	struct rules rules;
	unsigned i = 0;
	int ret = rules_compile(tree, image->root, &rules);

	if (ret < 0)
		return ret;
	node_foreach(n, node_child(tree, "protect")) {
		check_program(image, n, &rules.list[i], f);
		if (!rules.list[i++].has_user)
			finding_error(f, place_of(n, "user"), NULL,
				      "the image has no user '%s' in /etc/passwd",
				      node_setting(n, "user"));
		if (ret >= 0)
			ret = check_unit(image, n, f);
	}
	rules_free(&rules);
	return ret;
}
