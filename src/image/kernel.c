/* The modules of a profile, for every kernel that is installed in the image. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/run.h"
#include "image/image.h"
#include "setting/module.h"

struct lookup {
	const struct root *root; /* of the image */
	const char *release;
	int dir; /* the kernel's directory of modules */
	char path[32];
	bool builtin_only; /* the kernel loads none */
};

#define MAX_LIST (16U << 20)

static int is_list(const struct dirent *e)
{
	return after_prefix(e->d_name, "modules.") != NULL;
}

/* What libkmod may read. It follows links by itself, which in a foreign tree may lead anywhere,
 * waits for the writer of a FIFO, and reads lines of any length. */
static const char *judge_lists(int dir)
{
	const char *problem = NULL;
	struct dirent **list;
	struct stat st;
	int n = scandirat(dir, ".", &list, is_list, NULL);

	if (n < 0)
		return strerror(errno);
	for (int i = 0; i < n; i++) {
		if (fstatat(dir, list[i]->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			problem = "its list of modules is no plain file";
		else if (st.st_size > MAX_LIST)
			problem = "its list of modules is too large";
		free(list[i]);
	}
	free(list);
	return problem;
}

static const char no_builtins[] = "it has no CONFIG_MODULES, and no modules.builtin says what is "
				  "built in";

/* libkmod takes a path; this one leads to the directory that we have opened, wherever it lies. */
static const char *open_modules(const struct image *image, const char *release, struct lookup *l)
{
	_cleanup_free_ char *path = NULL;
	const char *problem;

	*l = (struct lookup){ .root = image->root, .release = release, .dir = -EBADF };
	if (asprintf(&path, "lib/modules/%s", release) < 0)
		return strerror(ENOMEM);
	l->dir = root_openat(image->root, path, O_PATH | O_DIRECTORY);
	if (l->dir < 0)
		return strerror(-l->dir);
	l->builtin_only = kconfig_release_has(image, release, "MODULES") == 0;
	if (l->builtin_only) /* depmod has nothing to do */
		return faccessat(l->dir, "modules.builtin", F_OK, 0) < 0 ? no_builtins : NULL;
	if (faccessat(l->dir, "modules.dep.bin", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? "there is no modules.dep.bin: depmod has not been run"
				       : strerror(errno);
	problem = judge_lists(l->dir);
	if (problem)
		return problem;
	snprintf(l->path, sizeof(l->path), "/proc/self/fd/%d", l->dir);
	if (access(l->path, F_OK) < 0)
		return "modules can be looked up only where /proc is mounted";
	return NULL;
}

enum found {
	FOUND_MODULE,
	FOUND_BUILTIN,
	FOUND_NONE,   /* or its file is missing */
	FOUND_NOBODY, /* its file is none, or empty */
	FOUND_NO_LIBRARY,
	FOUND_NOTHING, /* the lookup failed */
};

struct question {
	const struct lookup *lookup;
	const char *name;
};

/* @path as libkmod gives it: that of the lookup before a file of the list, or absolute. */
static int look_at_file(const struct lookup *l, const char *path)
{
	const char *file = after_prefix(path, l->path);
	_cleanup_free_ char *below = NULL;
	_cleanup_close_ int fd = -EBADF;
	struct stat st;

	if (file && asprintf(&below, "lib/modules/%s%s", l->release, file) < 0)
		return FOUND_NOTHING;
	fd = root_openat(l->root, below ? below : path, O_PATH);
	if (fd < 0) /* what cannot be seen may be there */
		return fd == -EACCES ? FOUND_MODULE : FOUND_NONE;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
		return FOUND_NOBODY;
	return FOUND_MODULE;
}

static int answer(void *data)
{
	const struct question *q = data;
	_cleanup_free_ char *path = NULL;
	int ret;

	setenv("KMOD_LOG", "0", 1); /* libkmod repeats what it reads; we are a child of our own */
	ret = module_find(q->lookup->path, q->name, &path);
	if (ret < 0)
		return ret == -ENOENT    ? FOUND_NONE
		       : ret == -ELIBACC ? FOUND_NO_LIBRARY
					 : FOUND_NOTHING;
	return path ? look_at_file(q->lookup, path) : FOUND_BUILTIN;
}

/* libkmod believes every offset in the lists that it maps. A value of enum found, or -errno. */
static int find(const struct lookup *l, const char *name)
{
	_cleanup_free_ char *dir = NULL;

	if (!l->builtin_only)
		return run_apart(answer, &(struct question){ l, name });
	if (asprintf(&dir, "lib/modules/%s", l->release) < 0)
		return -ENOMEM;
	return module_is_built_in(l->root, dir, name) ? FOUND_BUILTIN : FOUND_NONE;
}

/* "FILE: NEEDED NEEDED": the first needed one that is not there, or NULL. Changes @line. */
static const char *miss_in(const struct lookup *l, char *line, const char *name)
{
	char *needed = strchr(line, ':');

	if (!needed)
		return NULL;
	*needed++ = '\0';
	if (!module_is_named(line, name))
		return NULL;
	for (char *file; (file = strsep(&needed, " "));) {
		_cleanup_free_ char *path = NULL;
		int found;

		if (!*file)
			continue;
		if (asprintf(&path, "%s%s%s", *file == '/' ? "" : l->path, *file == '/' ? "" : "/",
			     file) < 0)
			return NULL;
		found = look_at_file(l, path);
		if (found == FOUND_NONE || found == FOUND_NOBODY)
			return file;
	}
	return NULL;
}

/* libkmod only says that there is nothing that a module needs where that is missing. */
static void judge_needed(const struct lookup *l, const struct place *at, const char *name,
			 enum severity severity, struct findings *f)
{
	_cleanup_free_ char *path = NULL, *list = NULL;
	char *rest;

	if (asprintf(&path, "lib/modules/%s/modules.dep", l->release) < 0 ||
	    root_read_text(l->root, path, MAX_LIST, &list) < 0)
		return;
	rest = list;
	for (char *line; (line = strsep(&rest, "\n"));) {
		const char *missing = miss_in(l, line, name);

		if (missing)
			finding_add(f, severity, at, NULL,
				    "kernel %s in the image: module '%s' needs '%s', which is "
				    "not there",
				    l->release, name, missing);
	}
}

/* The module to which @at points: is it there, with all that it needs? A value of enum found, or
 * -errno. */
static int judge_presence(const struct lookup *l, const struct place *at, const char *name,
			  bool required, struct findings *f)
{
	enum severity severity = required ? SEVERITY_ERROR : SEVERITY_WARNING;
	int found = find(l, name);

	if (found == FOUND_MODULE)
		judge_needed(l, at, name, severity, f);
	else if (found == FOUND_NONE && l->builtin_only)
		finding_add(f, severity, at, NULL,
			    "kernel %s in the image has no CONFIG_MODULES, and no '%s' built in",
			    l->release, name);
	else if (found == FOUND_NONE)
		finding_add(f, severity, at, NULL, "kernel %s in the image has no module '%s'",
			    l->release, name);
	else if (found == FOUND_NOBODY)
		finding_add(f, severity, at, NULL,
			    "kernel %s in the image: the file of module '%s' is empty, or no file",
			    l->release, name);
	return found;
}

static int judge_load(const struct lookup *l, const struct image *image, const struct node *item,
		      struct findings *f)
{
	const struct node *name = node_child(item, "name");
	int found = judge_presence(l, &name->at, name->value,
				   !streq_null(node_text(item, "required"), "0"), f);

	if (found != FOUND_BUILTIN)
		return found;
	node_foreach(option, node_child(item, "options")) {
		_cleanup_free_ char *word = NULL;

		if (asprintf(&word, "%s.%s", name->value, option->name) < 0)
			return -ENOMEM;
		if (!cmdline_have(image, word, option->value))
			finding_warning(f, &option->name_at,
					"it takes options from the kernel command line only",
					"module '%s' is built into kernel %s, whose command line "
					"does not have %s=%s",
					name->value, l->release, word, option->value);
	}
	return found;
}

static int judge_block(const struct lookup *l, const struct node *blocked, struct findings *f)
{
	int found = find(l, blocked->value);

	if (found == FOUND_BUILTIN)
		finding_error(f, &blocked->at, NULL,
			      "module '%s' is built into kernel %s: it cannot be blocked",
			      blocked->value, l->release);
	return found;
}

/* What an answer that is none means for the kernel; NULL where it is one. */
static const char *problem_of(int found)
{
	if (found == FOUND_NO_LIBRARY)
		return "libkmod.so.2 is not here";
	return found < 0 || found == FOUND_NOTHING ? "its list of modules is damaged" : NULL;
}

/* What last_boot keeps its records with, unless it is known to be built into the kernel, or into
 * one of those of which there is only the configuration. */
static const struct node *ramoops_of(const struct image *image, const char *release,
				     const struct node *tree)
{
	bool built_in = release ? kconfig_release_has(image, release, "PSTORE_RAM") > 0
				: kconfig_any_has(image, "PSTORE_RAM");

	return built_in ? NULL : node_find(tree, "last_boot.ramoops");
}

/* What keeps from looking, or NULL. */
static const char *check_one(const struct lookup *l, const struct node *ramoops,
			     const struct image *image, const struct node *tree, struct findings *f)
{
	const char *problem = NULL;

	node_foreach(item, node_find(tree, "modules.load"))
		if (!problem)
			problem = problem_of(judge_load(l, image, item, f));
	node_foreach(blocked, node_find(tree, "modules.block"))
		if (!problem)
			problem = problem_of(judge_block(l, blocked, f));
	if (ramoops && !problem)
		problem = problem_of(judge_presence(l, &ramoops->name_at, "ramoops", true, f));
	return problem;
}

static void check_release(const struct image *image, const char *release, const struct node *tree,
			  struct findings *f)
{
	const struct node *modules = node_child(tree, "modules");
	const struct node *ramoops = ramoops_of(image, release, tree);
	const struct node *asking = modules && modules->first ? modules : ramoops;
	struct lookup l;
	const char *problem;

	if (!asking)
		return;
	problem = open_modules(image, release, &l);
	if (!problem)
		problem = check_one(&l, ramoops, image, tree, f);
	close_p(&l.dir);
	if (problem)
		finding_add(f, problem == no_builtins ? SEVERITY_WARNING : SEVERITY_ERROR,
			    &asking->name_at, NULL,
			    "/lib/modules/%s: the modules cannot be checked: %s", release, problem);
}

int kernel_check_modules(const struct image *image, const struct node *tree, struct findings *f)
{
	const struct node *modules = node_child(tree, "modules");
	const struct node *asking =
		modules && modules->first ? modules : ramoops_of(image, NULL, tree);

	if (image->modules_problem && asking)
		finding_warning(f, &asking->name_at, NULL,
				"/lib/modules of the image: %s: its modules are not checked",
				image->modules_problem);
	else if (!*image->releases && asking)
		finding_warning(f, &asking->name_at, "install the kernel first",
				"the image has no kernel modules below /lib/modules to check");
	for (const char **release = image->releases; *release; release++)
		check_release(image, *release, tree, f);
	return 0;
}

/* --- what the command line has to say in the place of modprobe --- */

static bool is_built_in(const struct image *image, const char *name)
{
	bool built_in = false;

	for (const char **release = image->releases; *release && !built_in; release++) {
		struct lookup l;

		built_in = !open_modules(image, *release, &l) && find(&l, name) == FOUND_BUILTIN;
		close_p(&l.dir);
	}
	return built_in;
}

int kernel_words(const struct image *image, const struct node *tree, cmdline_take each, void *data)
{
	int ret = 0;

	node_foreach(item, node_find(tree, "modules.load")) {
		const struct node *options = node_child(item, "options");

		if (!options || !options->first || !is_built_in(image, node_identity(item)))
			continue;
		node_foreach(option, options) {
			_cleanup_free_ char *name = NULL;

			if (asprintf(&name, "%s.%s", node_identity(item), option->name) < 0)
				return -ENOMEM;
			if (ret >= 0)
				ret = each(&(struct cmdline_word){ option, name, option->value,
								   "the module is built in" },
					   data);
		}
	}
	return ret;
}
