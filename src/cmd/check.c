#include "cmd/cmd.h"
#include "image/image.h"
#include "image/unit.h"

struct check {
	struct context *c;
	struct findings findings;
	struct arena arena;
	const char **files; /* what was looked at, in order */
	unsigned n_files;
	struct image image;   /* with --image */
	const char *examples; /* the directory whose profiles are not held against it, or NULL */
	unsigned n_examples;
};

/* Where the site has profiles of its own, the vendor's are examples: that they cannot work in this
 * image is no fault of it. */
static int find_examples(struct check *k)
{
	struct library site = k->c->library;
	const struct library_dir *last = site.n_dirs ? &site.dirs[site.n_dirs - 1] : NULL;
	char **names;
	int ret;

	if (k->c->profiles[0] || !last || !streq(last->inside, "usr/lib/holdfast/profiles"))
		return 0;
	site.n_dirs--;
	ret = library_names(&site, &k->arena, &names);
	if (ret >= 0 && *names)
		k->examples = last->path;
	return ret;
}

static int check_in_image(struct check *k, const struct profile *p)
{
	if (!k->examples || !after_prefix(p->file, k->examples))
		return image_check(&k->image, p, &k->findings);
	k->n_examples++;
	return 0;
}

static int check_one(struct check *k, struct profile *p)
{
	int ret;

	k->files[k->n_files] = arena_strdup(&k->arena, p->file);
	if (!k->files[k->n_files++])
		return -ENOMEM;
	ret = check_composed(&k->c->library, p, &k->findings);
	if (ret < 0 || !k->c->opt[OPT_ROOT]) /* this machine's units say nothing of the product's */
		return ret;
	ret = unit_check_limits(&k->c->machine.root, p, &k->findings);
	return ret < 0 || !k->c->opt[OPT_IMAGE] ? ret : check_in_image(k, p);
}

static int check_named(struct check *k, const char *name)
{
	_cleanup_(profile_free) struct profile p = { 0 };
	int ret = profile_read(&k->c->library, name, &k->findings, &p);

	if (ret == -ENOENT)
		log_error("there is no profile '%s'", name);
	return ret < 0 ? (ret == -ENOENT ? 0 : ret) : check_one(k, &p);
}

static int check_file(struct check *k, const char *file)
{
	_cleanup_(profile_free) struct profile p = { 0 };
	int ret = profile_read_file(file, &k->findings, &p);

	return ret < 0 ? ret : check_one(k, &p);
}

static int check_all(struct check *k, int argc, char **argv)
{
	const char *profile = k->c->opt[OPT_PROFILE];
	char **names;
	size_t n = 1;
	int ret;

	ret = library_names(&k->c->library, &k->arena, &names);
	if (ret < 0)
		return ret;
	for (char **name = names; *name; name++)
		n++;
	k->files = arena_alloc(&k->arena, (n + (size_t)argc) * sizeof(*k->files));
	if (!k->files)
		return -ENOMEM;
	for (int i = 0; i < argc && ret >= 0; i++)
		ret = check_file(k, argv[i]);
	if (argc == 0 && profile)
		return strpbrk(profile, "/") || has_suffix(profile, ".yaml")
			       ? check_file(k, profile)
			       : check_named(k, profile);
	if (argc == 0 && k->c->opt[OPT_IMAGE] && ret >= 0)
		ret = find_examples(k);
	for (; argc == 0 && *names && ret >= 0; names++)
		ret = check_named(k, *names);
	return ret;
}

static void finding_json(const struct finding *finding, struct json *j)
{
	json_open(j, NULL, '{');
	json_string(j, "severity", finding_severity(finding));
	json_int(j, "line", finding->at.line);
	json_int(j, "column", finding->at.column);
	json_string(j, "message", finding->message);
	json_string(j, "hint", finding->hint);
	json_close(j, '}');
}

static void file_json(const struct check *k, const char *file, struct json *j)
{
	json_open(j, NULL, '{');
	json_string(j, "file", file);
	json_open(j, "findings", '[');
	for (const struct finding *f = k->findings.first; f; f = f->next)
		if (streq(f->at.file, file))
			finding_json(f, j);
	json_close(j, ']');
	json_close(j, '}');
}

static bool is_listed(const struct check *k, const char *file)
{
	for (unsigned i = 0; i < k->n_files; i++)
		if (streq(k->files[i], file))
			return true;
	return false;
}

static void print_json(const struct check *k)
{
	struct json j = context_json();
	const char *last = NULL;

	json_open(&j, "files", '[');
	for (unsigned i = 0; i < k->n_files; i++)
		file_json(k, k->files[i], &j);
	/* Parents that were not asked for; findings of one file stand together. */
	for (const struct finding *f = k->findings.first; f; f = f->next) {
		if (!is_listed(k, f->at.file) && !streq_null(f->at.file, last))
			file_json(k, f->at.file, &j);
		last = f->at.file;
	}
	json_close(&j, ']');
	json_close(&j, '}');
}

static int report_check(struct check *k)
{
	const struct context *c = k->c;
	unsigned errors = k->findings.errors, warnings = k->findings.warnings;

	if (c->opt[OPT_STRICT]) {
		findings_make_errors(&k->findings);
		errors += warnings;
		warnings = 0;
	}
	if (c->opt[OPT_JSON])
		print_json(k);
	else
		findings_log(&k->findings);
	if (k->n_files == 0) {
		log_error("there is no profile to check");
		return EXIT_NO_PROFILE;
	}
	if (k->n_examples)
		log_info("%u example%s in %s: not held against the image", k->n_examples,
			 k->n_examples == 1 ? "" : "s", k->examples);
	if (!c->opt[OPT_JSON] && !c->opt[OPT_QUIET])
		printf("%u profile%s checked: %u error%s, %u warning%s\n", k->n_files,
		       k->n_files == 1 ? "" : "s", errors, errors == 1 ? "" : "s", warnings,
		       warnings == 1 ? "" : "s");
	return errors ? EXIT_INVALID : EXIT_OK;
}

/* EXIT_OK, EXIT_USAGE (which is told) or -errno. */
static int open_image(struct check *k)
{
	const struct context *c = k->c;
	int ret;

	if (!c->opt[OPT_IMAGE]) {
		if (!c->opt[OPT_KERNEL_CONFIG] && !c->opt[OPT_CMDLINE])
			return EXIT_OK;
		log_error("--kernel-config and --cmdline go with --image");
		return EXIT_USAGE;
	}
	if (!c->opt[OPT_ROOT]) {
		log_error("--image needs --root: which image?");
		return EXIT_USAGE;
	}
	ret = image_open(&c->machine.root, c->opt[OPT_KERNEL_CONFIG], c->opt[OPT_CMDLINE],
			 &k->image);
	k->image.library = &c->library;
	return ret < 0 && ret != -ENOMEM ? EXIT_USAGE : ret;
}

static int run_check(struct context *c, int argc, char **argv)
{
	struct check k = { .c = c };
	int ret = open_image(&k);

	if (ret == EXIT_OK) {
		ret = check_all(&k, argc, argv);
		ret = ret < 0 ? ret : report_check(&k);
	}
	findings_free(&k.findings);
	arena_free(&k.arena);
	image_close(&k.image);
	return ret;
}

const struct cmd cmd_check = {
	.name = "check",
	.args = "[FILE…]",
	.summary = "Validate profiles",
	.help = "Checks the files, or every profile of the search path. All errors are reported, "
		"as\n"
		"FILE:LINE:COLUMN: error: MESSAGE. Exit status 3 if there is one.\n\n"
		"With --root and --image, also against that image: programs, users, units, kernel "
		"modules,\n"
		"kdump's files, the kernel's configuration and command line.",
	.options = { OPT_STRICT, OPT_IMAGE, OPT_KERNEL_CONFIG, OPT_CMDLINE },
	.max_args = -1,
	.run = run_check,
};
