/* The programs of protect: is each there, would the guard take it, can it be run. */
#include <fcntl.h>
#include <sys/stat.h>

#include "guard/rule.h"
#include "image/image.h"
#include "image/unit.h"

static void look_at_nothing(int fd, bool is_program, void *data)
{
	(void)fd;
	(void)is_program;
	(void)data;
}

static const struct place *place_of(const struct node *rule, const char *key)
{
	const struct node *n = node_child(rule, key);

	return n ? &n->at : &rule->at;
}

static bool is_required(const struct node *rule)
{
	return !streq_null(node_text(rule, "required"), "0");
}

/* In the words of the guard itself, which refuses the same at boot. */
static void check_program(const struct image *image, const struct node *n, struct rule *rule,
			  struct findings *f)
{
	_cleanup_close_ int fd = root_openat(image->root, rule->exe, O_PATH);
	bool has_user = rule->has_user;
	struct stat st;

	if (fd < 0 && !is_required(n))
		return;
	rule->has_user = true; /* told on its own */
	rule_resolve(rule, image->root, look_at_nothing, NULL);
	rule->has_user = has_user;
	if (rule->problem)
		finding_error(f, place_of(n, "exe"), NULL, "'%s' in the image: %s", rule->exe,
			      rule->problem);
	else if (fd >= 0 && fstat(fd, &st) == 0 && !(st.st_mode & S_IXUSR))
		finding_error(f, place_of(n, "exe"), "chmod 755",
			      "'%s' in the image cannot be run: it is not executable", rule->exe);
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
	else if (ret == -ESTALE)
		finding_warning(f, place_of(n, "unit"), NULL,
				"the unit '%s' is masked in the image: the rule matches nothing",
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
