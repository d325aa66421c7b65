/* image: holdfast and its profiles into an image, the command line they need, and what can be said
 * without holdfast. */
#include "base/term.h"
#include "cmd/image.h"
#include "image/image.h"

/* Reads profile @name, or the file of that path. EXIT_OK, EXIT_NO_PROFILE, or -errno. */
static int read_profile(struct image_run *r, const char *name, struct profile *ret_profile)
{
	int ret = image_is_path(name)
			  ? profile_read_file(name, &r->findings, ret_profile)
			  : profile_read(&r->c->library, name, &r->findings, ret_profile);

	if (ret != -ENOENT)
		return ret;
	log_error("there is no profile '%s'", name);
	return EXIT_NO_PROFILE;
}

int image_read_profile(struct image_run *r, const char *name, struct profile *p)
{
	int ret = read_profile(r, name, p);

	if (ret != EXIT_OK)
		return ret;
	ret = check_composed(&r->c->library, p, &r->findings);
	if (ret < 0)
		return ret;
	return p->valid ? EXIT_OK : EXIT_INVALID;
}

/* --- files --- */

static void tell(enum install_deed deed, const char *path, void *data)
{
	static const char *const words[] = {
		[INSTALL_WRITTEN] = "written", [INSTALL_KEPT] = "kept",
		[INSTALL_REMOVED] = "removed", [INSTALL_FOREIGN] = "in the way",
		[INSTALL_CHANGED] = "changed",
	};
	struct image_deeds *d = data;
	const char *root = d->root->path;

	d->written += deed == INSTALL_WRITTEN;
	d->removed += deed == INSTALL_REMOVED;
	d->foreign += deed == INSTALL_FOREIGN;
	d->changed += deed == INSTALL_CHANGED;
	if (deed == INSTALL_FOREIGN)
		log_error("%s/%s is there, is not as it should be, and was not put there by "
			  "'image %s'",
			  root, path, d->kind->command);
	if (deed == INSTALL_CHANGED)
		log_error("%s/%s was changed since 'image %s' put it there: it stays", root, path,
			  d->kind->command);
	if (image_as_json(d->r)) {
		json_open(&d->r->json, NULL, '{');
		json_string(&d->r->json, "path", path);
		json_string(&d->r->json, "result", words[deed]);
		json_close(&d->r->json, '}');
	} else if (deed == INSTALL_WRITTEN || deed == INSTALL_REMOVED) {
		struct term t = term_of(stdout);

		printf("%s: /", words[deed]);
		term_text(&t, path, 0, false); /* a list in the image may say anything */
		putchar('\n');
	}
}

int image_carry_out(struct image_deeds *d, struct tree_files *files)
{
	int ret = files ? install_apply(d->kind, d->root, files, tell, d)
			: install_remove(d->kind, d->root, tell, d);

	if (ret < 0)
		return ret == -ENOMEM ? ret : EXIT_NOT_DONE;
	return d->changed ? EXIT_NOT_DONE : EXIT_OK;
}

/* --- cmdline --- */

struct words {
	struct image_run *r;
	const char *separator;
};

static void tell_unsaid(const struct cmdline_word *word)
{
	const struct place *at = &word->for_key->name_at;

	log_warning("%s:%u:%u: warning: the kernel command line must have '%s', too: %s", at->file,
		    at->line, at->column, word->name, word->why);
}

static int print_word(const struct cmdline_word *word, void *data)
{
	struct words *w = data;
	struct json *j = &w->r->json;

	if (image_as_json(w->r)) {
		json_open(j, NULL, '{');
		json_string(j, "name", word->name);
		json_string(j, "value", word->value);
		json_string(j, "why", word->why);
		json_close(j, '}');
		return 0;
	}
	if (!word->value) {
		tell_unsaid(word);
		return 0;
	}
	printf(strpbrk(word->value, " \t") ? "%s%s%s\"%s\"" : "%s%s%s%s", w->separator, word->name,
	       *word->value ? "=" : "", word->value);
	w->separator = " ";
	return 0;
}

static int print_words(struct image_run *r, const struct image *image, const struct profile *p,
		       bool alone)
{
	struct words w = { r, "" };
	int ret;

	if (image_as_json(r)) {
		json_open(&r->json, NULL, '{');
		json_string(&r->json, "profile", p->name);
		json_open(&r->json, "words", '[');
	} else if (!alone) {
		printf("%s\t", p->name);
	}
	ret = cmdline_words(image, p, print_word, &w);
	if (image_as_json(r)) {
		json_close(&r->json, ']');
		json_close(&r->json, '}');
	} else {
		putchar('\n');
	}
	return ret;
}

static int print_all_words(struct image_run *r, const struct image *image, int argc, char **argv)
{
	int status = EXIT_OK;

	for (int i = 0; i < argc; i++) {
		_cleanup_(profile_free) struct profile p = { 0 };
		int ret = image_read_profile(r, argv[i], &p);

		if (ret == EXIT_OK)
			ret = print_words(r, image, &p, argc == 1);
		if (ret < 0)
			return ret;
		status = status == EXIT_OK ? ret : status;
	}
	return status;
}

static int run_cmdline(struct image_run *r, int argc, char **argv)
{
	struct image image;
	int ret;

	if (argc == 0) {
		log_error("there is no profile");
		return EXIT_NO_PROFILE;
	}
	ret = image_open(&r->c->machine.root, NULL, NULL, &image);
	if (ret < 0)
		return ret;
	if (image_as_json(r)) {
		r->json = context_json();
		json_open(&r->json, "profiles", '[');
	}
	ret = print_all_words(r, &image, argc, argv);
	findings_log(&r->findings);
	if (image_as_json(r)) {
		json_close(&r->json, ']');
		context_json_errors(r->c, &r->findings, &r->json);
		json_close(&r->json, '}');
	}
	image_close(&image);
	return ret;
}

/* --- the command --- */

static const struct subcommand {
	const char *name;
	int (*run)(struct image_run *r, int argc, char **argv);
	enum option_id own[3]; /* options that the others do not take */
} subcommands[] = {
	{ "install", image_install, { OPT_FROM, OPT_REMOVE } },
	{ "cmdline", run_cmdline, { OPT_NONE } },
	{ "export", image_export, { OPT_OUTPUT, OPT_REMOVE } },
};

/* The profiles that are meant: those named, else --profile's, else all of --profiles, and for the
 * command line all that there are. Empty where nothing says. */
static int find_names(struct image_run *r, bool all, struct arena *a, int *argc, char ***argv)
{
	const char *profile = r->c->opt[OPT_PROFILE];
	char **names;
	int ret;

	if (*argc > 0 || r->c->opt[OPT_REMOVE] || (!profile && !all && !r->c->profiles[0]))
		return 0;
	if (profile) {
		names = arena_alloc(a, 2 * sizeof(*names));
		if (!names || !(names[0] = arena_strdup(a, profile)))
			return -ENOMEM;
	} else {
		ret = library_names(&r->c->library, a, &names);
		if (ret < 0)
			return ret;
	}
	for (*argv = names; *names; names++)
		++*argc;
	return 0;
}

static bool takes(const struct subcommand *s, enum option_id id)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->own); i++)
		if (s->own[i] == id)
			return true;
	return false;
}

static int run_image(struct context *c, int argc, char **argv)
{
	_cleanup_(arena_free) struct arena a = { 0 };
	struct image_run r = { .c = c };
	const struct subcommand *s = NULL;
	char **names = argv + 1;
	int n = argc - 1, ret;

	for (size_t i = 0; i < ARRAY_SIZE(subcommands) && argc > 0; i++)
		if (streq(subcommands[i].name, argv[0]))
			s = &subcommands[i];
	if (!s) {
		log_error("image: install, cmdline or export?");
		return EXIT_USAGE;
	}
	for (size_t i = 0; c->cmd->options[i] != OPT_NONE; i++) {
		if (!c->opt[c->cmd->options[i]] || takes(s, c->cmd->options[i]))
			continue;
		log_error("'image %s' takes no --%s", s->name,
			  option_rows[c->cmd->options[i]].name);
		return EXIT_USAGE;
	}
	if (!tree_epoch_is_valid()) {
		log_error("SOURCE_DATE_EPOCH is '%s': it takes seconds since 1970",
			  getenv("SOURCE_DATE_EPOCH"));
		return EXIT_USAGE;
	}
	ret = find_names(&r, s->run == run_cmdline, &a, &n, &names);
	if (ret >= 0)
		ret = s->run(&r, n, names);
	findings_free(&r.findings);
	return ret;
}

const struct cmd cmd_image = {
	.name = "image",
	.args = "install|cmdline|export [NAME|FILE]…",
	.summary = "Put holdfast into an image, or what its profiles say",
	.help = "install puts the program, the named profiles with their parents, hooks for the "
		"initramfs\n"
		"generator found in the image at --root and units there, and enables the units; "
		"with --remove\n"
		"it takes all of that back. cmdline prints what the kernel command line must have. "
		"export\n"
		"prints a profile as sysctl.d, modules-load.d and modprobe.d files and systemd "
		"drop-ins, or\n"
		"writes these below --output, from where --remove takes them back. Without a name "
		"it is the profile of --profile, or all of --profiles.",
	.options = { OPT_FROM, OPT_REMOVE, OPT_OUTPUT },
	.max_args = -1,
	.run = run_image,
};
