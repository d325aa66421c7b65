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
};

static int is_list(const struct dirent *e)
{
	return after_prefix(e->d_name, "modules.") != NULL;
}

/* What libkmod may read. It follows links by itself, which in a foreign tree may lead anywhere, and
 * waits for the writer of a FIFO. */
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
		free(list[i]);
	}
	free(list);
	return problem;
}

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
	return run_apart(answer, &(struct question){ l, name });
}

static void judge_presence(const struct lookup *l, const struct place *at, const char *name,
			   enum found found, bool required, struct findings *f)
{
	enum severity severity = required ? SEVERITY_ERROR : SEVERITY_WARNING;

	if (found == FOUND_NONE)
		finding_add(f, severity, at, NULL, "kernel %s in the image has no module '%s'",
			    l->release, name);
	if (found == FOUND_NOBODY)
		finding_add(f, severity, at, NULL,
			    "kernel %s in the image: the file of module '%s' is empty, or no file",
			    l->release, name);
}

static void judge_load(const struct lookup *l, const struct image *image, const struct node *item,
		       enum found found, struct findings *f)
{
	const struct node *name = node_child(item, "name");

	judge_presence(l, &name->at, name->value, found,
		       !streq_null(node_text(item, "required"), "0"), f);
	if (found != FOUND_BUILTIN)
		return;
	node_foreach(option, node_child(item, "options")) {
		_cleanup_free_ char *word = NULL;

		if (asprintf(&word, "%s.%s", name->value, option->name) < 0)
			return;
		if (!cmdline_have(image, word, option->value))
			finding_warning(f, &option->name_at,
					"it takes options from the kernel command line only",
					"module '%s' is built into kernel %s, whose command line "
					"does not have %s=%s",
					name->value, l->release, word, option->value);
	}
}

/* What an answer that is none means for the kernel; NULL where it is one. */
static const char *problem_of(int found)
{
	if (found == FOUND_NO_LIBRARY)
		return "libkmod.so.2 is not here";
	return found < 0 || found == FOUND_NOTHING ? "its list of modules is damaged" : NULL;
}

/* What last_boot keeps its records with, unless it is known to be built in. */
static const struct node *ramoops_of(const struct image *image, const struct node *tree)
{
	return kconfig_any_has(image, "PSTORE_RAM") ? NULL : node_find(tree, "last_boot.ramoops");
}

/* What keeps from looking, or NULL. */
static const char *check_one(const struct lookup *l, const struct image *image,
			     const struct node *tree, struct findings *f)
{
	const struct node *ramoops = ramoops_of(image, tree);
	int found;

	node_foreach(item, node_find(tree, "modules.load")) {
		found = find(l, node_identity(item));
		if (problem_of(found))
			return problem_of(found);
		judge_load(l, image, item, (enum found)found, f);
	}
	node_foreach(blocked, node_find(tree, "modules.block")) {
		found = find(l, blocked->value);
		if (problem_of(found))
			return problem_of(found);
		if (found == FOUND_BUILTIN)
			finding_error(f, &blocked->at, NULL,
				      "module '%s' is built into kernel %s: it cannot be blocked",
				      blocked->value, l->release);
	}
	if (ramoops) {
		found = find(l, "ramoops");
		if (problem_of(found))
			return problem_of(found);
		judge_presence(l, &ramoops->name_at, "ramoops", (enum found)found, true, f);
	}
	return NULL;
}

int kernel_check_modules(const struct image *image, const struct node *tree, struct findings *f)
{
	const struct node *modules = node_child(tree, "modules");
	const struct node *asking = modules && modules->first ? modules : ramoops_of(image, tree);

	if (!asking)
		return 0;
	if (image->modules_problem)
		finding_warning(f, &asking->name_at, NULL,
				"/lib/modules of the image: %s: its modules are not checked",
				image->modules_problem);
	else if (!*image->releases)
		finding_warning(f, &asking->name_at, "install the kernel first",
				"the image has no kernel modules below /lib/modules to check");
	for (const char **release = image->releases; *release; release++) {
		struct lookup l;
		const char *problem = open_modules(image, *release, &l);

		if (!problem)
			problem = check_one(&l, image, tree, f);
		close_p(&l.dir);
		if (problem)
			finding_error(f, &asking->name_at, NULL,
				      "/lib/modules/%s: the modules cannot be checked: %s",
				      *release, problem);
	}
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
