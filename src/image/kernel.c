/* The modules of a profile, for every kernel that is installed in the image. */
#include <fcntl.h>
#include <sys/stat.h>

#include "image/image.h"
#include "setting/module.h"

/* What libkmod reads. It follows links by itself, which in a foreign tree may lead anywhere. */
static const char *const indexes[] = {
	"modules.dep.bin",     "modules.alias.bin",         "modules.symbols.bin",
	"modules.builtin.bin", "modules.builtin.alias.bin",
};

struct lookup {
	const char *release;
	int dir; /* the kernel's directory of modules */
	char path[32];
};

static bool is_plain_file(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT;
	return S_ISREG(st.st_mode);
}

/* libkmod takes a path; this one leads to the directory that we have opened, wherever it lies. */
static const char *open_modules(const struct image *image, const char *release, struct lookup *l)
{
	_cleanup_free_ char *path = NULL;

	*l = (struct lookup){ .release = release, .dir = -EBADF };
	if (asprintf(&path, "lib/modules/%s", release) < 0)
		return strerror(ENOMEM);
	l->dir = root_openat(image->root, path, O_PATH | O_DIRECTORY);
	if (l->dir < 0)
		return strerror(-l->dir);
	if (faccessat(l->dir, "modules.dep.bin", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return "there is no modules.dep.bin: depmod has not been run";
	for (size_t i = 0; i < ARRAY_SIZE(indexes); i++)
		if (!is_plain_file(l->dir, indexes[i]))
			return "its list of modules is no plain file";
	snprintf(l->path, sizeof(l->path), "/proc/self/fd/%d", l->dir);
	if (access(l->path, F_OK) < 0)
		return "modules can be looked up only where /proc is mounted";
	return NULL;
}

/* 0: a module of its own; 1: built in; -ENOENT: none, or its file is missing. */
static int find(const struct lookup *l, const char *name)
{
	_cleanup_free_ char *path = NULL;
	const char *file;
	int ret = module_find(l->path, name, &path);

	if (ret < 0)
		return ret;
	if (!path)
		return 1;
	file = after_prefix(path, l->path);
	return file && faccessat(l->dir, file + 1, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ? -ENOENT : 0;
}

static void judge_load(const struct lookup *l, const struct image *image, const struct node *item,
		       int found, struct findings *f)
{
	const struct node *name = node_child(item, "name");
	bool required = !streq_null(node_text(item, "required"), "0");

	if (found == -ENOENT)
		finding_add(f, required ? SEVERITY_ERROR : SEVERITY_WARNING, &name->at, NULL,
			    "kernel %s in the image has no module '%s'", l->release, name->value);
	if (found != 1)
		return;
	node_foreach(option, node_child(item, "options")) {
		_cleanup_free_ char *word = NULL;
		bool given = image->cmdlines.n > 0;

		if (asprintf(&word, "%s.%s", name->value, option->name) < 0)
			return;
		for (unsigned i = 0; i < image->cmdlines.n; i++)
			given = given && strstr(image->cmdlines.list[i].text, word);
		if (!given)
			finding_warning(f, &option->name_at,
					"it takes options from the kernel command line only",
					"module '%s' is built into kernel %s, whose command line "
					"does not have %s=%s",
					name->value, l->release, word, option->value);
	}
}

static int check_one(const struct lookup *l, const struct image *image, const struct node *tree,
		     struct findings *f)
{
	int ret;

	node_foreach(item, node_find(tree, "modules.load")) {
		ret = find(l, node_identity(item));
		if (ret < 0 && ret != -ENOENT)
			return ret;
		judge_load(l, image, item, ret, f);
	}
	node_foreach(blocked, node_find(tree, "modules.block")) {
		ret = find(l, blocked->value);
		if (ret < 0 && ret != -ENOENT)
			return ret;
		if (ret == 1)
			finding_error(f, &blocked->at, NULL,
				      "module '%s' is built into kernel %s: it cannot be blocked",
				      blocked->value, l->release);
	}
	return 0;
}

int kernel_check_modules(const struct image *image, const struct node *tree, struct findings *f)
{
	const struct node *modules = node_child(tree, "modules");
	int ret = 0;

	if (!modules || !modules->first)
		return 0;
	if (!*image->releases)
		finding_warning(f, &modules->name_at, "install the kernel first",
				"the image has no kernel modules below /lib/modules to check");
	for (const char **release = image->releases; ret >= 0 && *release; release++) {
		struct lookup l;
		const char *problem = open_modules(image, *release, &l);

		if (!problem)
			ret = check_one(&l, image, tree, f);
		close_p(&l.dir);
		if (ret == -ELIBACC) {
			problem = "libkmod.so.2 is not here";
			ret = 0;
		}
		if (problem)
			finding_error(f, &modules->name_at, NULL,
				      "/lib/modules/%s: the modules cannot be checked: %s",
				      *release, problem);
	}
	return ret;
}
