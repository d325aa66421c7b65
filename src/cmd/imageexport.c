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

/* Below @dir; without @files, takes back what was written there. */
static int write_files(struct image_run *r, const char *dir, struct tree_files *files)
{
	_cleanup_(root_close) struct root out = ROOT_NONE;
	struct image_deeds deeds = { r, &install_export, &out, 0, 0, 0, 0 };
	int ret = root_open(dir, true, &out);

	if (ret < 0) {
		log_error("%s: %s", dir, strerror(-ret));
		return EXIT_USAGE;
	}
	umask(022); /* what is made must not depend on who makes it */
	if (image_as_json(r)) {
		r->json = context_json();
		json_open(&r->json, "files", '[');
	}
	ret = image_carry_out(&deeds, files);
	if (image_as_json(r)) {
		json_close(&r->json, ']');
		json_close(&r->json, '}');
	}
	return ret;
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

	if (r->c->opt[OPT_REMOVE]) {
		if (argc == 0 && dir)
			return write_files(r, dir, NULL);
		log_error("--remove goes with --output, and without a profile");
		return EXIT_USAGE;
	}
	if (argc != 1) {
		log_error("which profile?");
		return EXIT_USAGE;
	}
	ret = image_read_profile(r, argv[0], &p);
	findings_log(&r->findings);
	if (ret != EXIT_OK)
		return ret;
	ret = export_files(&p, &files, leave_out, NULL);
	if (ret >= 0 && dir)
		ret = write_files(r, dir, &files);
	else if (ret >= 0)
		print_files(r, &files);
	tree_free(&files);
	return ret;
}
