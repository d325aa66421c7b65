#include <sys/stat.h>

#include "cmd/image.h"

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

static void advise(const struct image_deeds *d)
{
	if (!image_as_json(d->r) && !d->written && !d->removed && !d->changed)
		log_info("everything is there already");
	else if (d->written)
		log_info("make the initramfs anew, if it has one, and run 'holdfast --root %s "
			 "check --image'",
			 d->r->c->opt[OPT_ROOT]);
}

static int install(struct image_deeds *d, int argc, char **argv)
{
	const struct context *c = d->r->c;
	struct tree_files files = { 0 };
	struct root from = ROOT_NONE;
	const char *from_dir = c->opt[OPT_FROM] ? c->opt[OPT_FROM] : "/";
	bool guard = false;
	int ret = root_open(from_dir, false, &from);

	if (ret < 0) {
		log_error("%s: %s", from_dir, strerror(-ret));
		return EXIT_USAGE;
	}
	ret = add_profiles(d->r, argc, argv, &files, &guard);
	if (ret == EXIT_OK)
		ret = install_add_program(&from, d->root, guard, &files);
	if (ret == EXIT_OK)
		ret = image_carry_out(d, &files);
	if (ret == EXIT_OK)
		advise(d);
	tree_free(&files);
	root_close(&from);
	return ret < 0 && ret != -ENOMEM ? EXIT_NOT_DONE : ret;
}

int image_install(struct image_run *r, int argc, char **argv)
{
	struct image_deeds d = { r, &install_program, &r->c->machine.root, 0, 0, 0, 0 };
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
	ret = remove ? image_carry_out(&d, NULL) : install(&d, argc, argv);
	if (image_as_json(r)) {
		json_close(&r->json, ']');
		context_json_errors(r->c, &r->findings, &r->json);
		json_close(&r->json, '}');
	}
	return ret;
}
