#include <sys/stat.h>

#include "cmd/image.h"
#include "image/export.h"

static void leave_out(const struct node *n, const char *why, void *data)
{
	const struct place *at = n->name ? &n->name_at : &n->at;
	const char *what = n->name ? n->name : node_identity(n);

	(void)data;
	log_warning("%s:%u:%u: warning: '%s' is not exported as it is: %s", at->file, at->line,
		    at->column, what ? what : "?", why);
}

static int no_matter(const char *dir, void *data)
{
	(void)dir;
	(void)data;
	return 0;
}

static int write_files(const struct tree_files *files, const char *dir)
{
	_cleanup_(root_close) struct root out = ROOT_NONE;
	int ret = root_open(dir, true, &out);

	if (ret < 0) {
		log_error("%s: %s", dir, strerror(-ret));
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < files->n; i++) {
		ret = tree_make_way(&out, files->list[i].path, no_matter, NULL);
		if (ret >= 0)
			ret = tree_write(&out, &files->list[i]);
		if (ret < 0) {
			log_error("%s/%s: %s", dir, files->list[i].path, strerror(-ret));
			return EXIT_NOT_DONE;
		}
		printf("/%s\n", files->list[i].path);
	}
	return EXIT_OK;
}

static void print_files(const struct image_run *r, const struct tree_files *files)
{
	struct json j;

	if (!image_as_json(r)) {
		for (size_t i = 0; i < files->n; i++)
			printf("%s# --- /%s\n%s", i > 0 ? "\n" : "", files->list[i].path,
			       files->list[i].data);
		return;
	}
	j = context_json();
	json_open(&j, "files", '[');
	for (size_t i = 0; i < files->n; i++) {
		json_open(&j, NULL, '{');
		json_string(&j, "path", files->list[i].path);
		json_string(&j, "text", files->list[i].data);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
}

int image_export(struct image_run *r, int argc, char **argv)
{
	_cleanup_(profile_free) struct profile p = { 0 };
	struct tree_files files = { 0 };
	const char *dir = r->c->opt[OPT_OUTPUT];
	int ret;

	if (argc != 1) {
		log_error("which profile?");
		return EXIT_USAGE;
	}
	ret = image_read_profile(r, argv[0], &p);
	findings_log(&r->findings);
	if (ret != EXIT_OK)
		return ret;
	umask(022);
	ret = export_files(&p, &files, leave_out, NULL);
	if (ret >= 0 && dir)
		ret = write_files(&files, dir);
	else if (ret >= 0)
		print_files(r, &files);
	tree_free(&files);
	return ret;
}
