#include <sys/stat.h>

#include "cmd/image.h"
#include "image/install.h"

struct installing {
	struct image_run *r;
	unsigned written, removed, foreign;
};

static void tell(enum install_deed deed, const char *path, void *data)
{
	static const char *const words[] = {
		[INSTALL_WRITTEN] = "written",
		[INSTALL_KEPT] = "kept",
		[INSTALL_REMOVED] = "removed",
		[INSTALL_FOREIGN] = "in the way",
	};
	struct installing *i = data;

	i->written += deed == INSTALL_WRITTEN;
	i->removed += deed == INSTALL_REMOVED;
	if (deed == INSTALL_FOREIGN)
		log_error("%s/%s is there, is not as it should be, and was not put there by "
			  "'image install'",
			  i->r->c->machine.root.path, path);
	if (image_as_json(i->r)) {
		json_open(&i->r->json, NULL, '{');
		json_string(&i->r->json, "path", path);
		json_string(&i->r->json, "result", words[deed]);
		json_close(&i->r->json, '}');
	} else if (deed == INSTALL_WRITTEN || deed == INSTALL_REMOVED) {
		printf("%s: /%s\n", words[deed], path);
	}
}

static int add_text(const struct profile *p, const struct library *l, struct tree_files *files)
{
	_cleanup_(arena_free) struct arena a = { 0 };
	_cleanup_free_ char *text = NULL;
	const char *file;
	size_t size;
	int ret = p->by_path ? library_read_file(p->file, &text, &size)
			     : library_read(l, p->name, &a, &file, &text, &size);

	if (ret < 0) {
		log_error("%s: %s", p->file, strerror(-ret));
		return ret;
	}
	for (size_t i = 0; i < files->n; i++) {
		const char *there = strrchr(files->list[i].path, '/') + 1;

		if (strncmp(there, p->name, strlen(p->name)) != 0 ||
		    !streq(there + strlen(p->name), ".yaml"))
			continue;
		if (files->list[i].size == size && memcmp(files->list[i].data, text, size) == 0)
			return 0; /* two profiles' parent */
		log_error("%s: another profile '%s' is to be installed", p->file, p->name);
		return -EEXIST;
	}
	return install_add_profile(files, p->name, text, size);
}

/* A profile and its parents, from the youngest on. */
static int add_family(struct image_run *r, const char *name, struct tree_files *files)
{
	_cleanup_(findings_free) struct findings said = { 0 };
	struct profile p = { 0 };
	int ret = image_is_path(name) ? profile_read_file(name, &said, &p)
				      : profile_read(&r->c->library, name, &said, &p);

	while (ret >= 0) {
		struct profile parent = { 0 };

		ret = add_text(&p, &r->c->library, files);
		if (ret < 0)
			break;
		ret = profile_read_parent(&r->c->library, &said, &p, &parent);
		if (ret < 0)
			break;
		profile_free(&p);
		p = parent;
	}
	profile_free(&p);
	return ret == -ENOENT ? 0 : ret;
}

/* All that are named, checked first. @ret_guard: one protects services. */
static int add_profiles(struct image_run *r, int argc, char **argv, struct tree_files *files,
			bool *ret_guard)
{
	int status = EXIT_OK;

	for (int i = 0; i < argc; i++) {
		_cleanup_(profile_free) struct profile p = { 0 };
		int ret = image_read_profile(r, argv[i], &p);

		if (ret < 0)
			return ret;
		status = status == EXIT_OK ? ret : status;
		*ret_guard = *ret_guard || (p.tree && node_child(p.tree, "protect"));
	}
	findings_log(&r->findings);
	for (int i = 0; i < argc && status == EXIT_OK; i++)
		status = add_family(r, argv[i], files);
	return status;
}

static void advise(const struct installing *i)
{
	if (!image_as_json(i->r) && !i->written && !i->removed)
		log_info("everything is there already");
	else if (i->written && !i->foreign)
		log_info("make the initramfs anew, and run 'holdfast --root %s check --image'",
			 i->r->c->opt[OPT_ROOT]);
}

static int install(struct image_run *r, int argc, char **argv)
{
	struct installing i = { .r = r };
	struct tree_files files = { 0 };
	struct root from = ROOT_NONE;
	const char *from_dir = r->c->opt[OPT_FROM] ? r->c->opt[OPT_FROM] : "/";
	bool guard = false;
	int ret = root_open(from_dir, false, &from);

	if (ret < 0) {
		log_error("%s: %s", from_dir, strerror(-ret));
		return EXIT_USAGE;
	}
	ret = add_profiles(r, argc, argv, &files, &guard);
	if (ret == EXIT_OK)
		ret = install_add_program(&from, &r->c->machine.root, guard, &files);
	if (ret == EXIT_OK)
		ret = install_apply(&r->c->machine.root, &files, tell, &i);
	if (ret == EXIT_OK)
		advise(&i);
	tree_free(&files);
	root_close(&from);
	return ret < 0 && ret != -ENOMEM ? EXIT_NOT_DONE : ret;
}

static int take_back(struct image_run *r)
{
	struct installing i = { .r = r };
	int ret = install_remove(&r->c->machine.root, tell, &i);

	return ret < 0 && ret != -ENOMEM ? EXIT_NOT_DONE : ret;
}

int image_install(struct image_run *r, int argc, char **argv)
{
	bool remove = r->c->opt[OPT_REMOVE];
	int ret;

	if (!r->c->machine.root.confined) {
		log_error("'image install' needs --root: which image?");
		return EXIT_USAGE;
	}
	if (remove != (argc == 0)) {
		log_error(remove ? "--remove takes everything back, and no profile"
				 : "which profiles?");
		return EXIT_USAGE;
	}
	umask(022); /* what is made must not depend on who makes it */
	if (image_as_json(r)) {
		r->json = context_json();
		json_open(&r->json, "files", '[');
	}
	ret = remove ? take_back(r) : install(r, argc, argv);
	if (image_as_json(r)) {
		json_close(&r->json, ']');
		context_json_errors(r->c, &r->findings, &r->json);
		json_close(&r->json, '}');
	}
	return ret;
}
