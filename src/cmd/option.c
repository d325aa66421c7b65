#include <getopt.h>

#include "base/text.h"
#include "cmd/cmd.h"

#ifndef VERSION
#define VERSION "unknown"
#endif

const struct option_row option_rows[N_OPTIONS] = {
	[OPT_PROFILES] = { "profiles", 'P', "DIR",
			   "look for profiles in DIR instead; repeatable, the first hit wins",
			   true },
	[OPT_PROFILE] = { "profile", 'p', "NAME|FILE", "use this profile", true },
	[OPT_ROOT] = { "root", 'r', "DIR", "an image or a mounted root to work on", true },
	[OPT_PROCFS] = { "procfs", 0, "DIR", "where the kernel's /proc is", true },
	[OPT_SYSFS] = { "sysfs", 0, "DIR", "where the kernel's /sys is", true },
	[OPT_RUNDIR] = { "rundir", 0, "DIR", "where the report is kept; ROOT/run by default",
			 true },
	[OPT_JSON] = { "json", 'j', NULL, "print one JSON document", true },
	[OPT_QUIET] = { "quiet", 'q', NULL, "errors only", true },
	[OPT_VERBOSE] = { "verbose", 'v', NULL, "say more", true },
	[OPT_HELP] = { "help", 'h', NULL, "explain the program, or the command", true },
	[OPT_VERSION] = { "version", 'V', NULL, "print the version", true },
	[OPT_STRICT] = { "strict", 0, NULL, "treat warnings as errors", false },
	[OPT_EXPLAIN] = { "explain", 'e', NULL,
			  "show every profile and condition: held or not, and why", false },
	[OPT_DRY_RUN] = { "dry-run", 'n', NULL, "write nothing, say what would change", false },
	[OPT_STAGE] = { "stage", 0, "STAGE",
			"do one boot stage: early, devices, root or system; or all", false },
	[OPT_FORMAT] = { "format", 0, "FORMAT", "text, man or schema", false },
	[OPT_ONCE] = { "once", 0, NULL, "pin what runs now, and end", false },
	[OPT_STOP] = { "stop", 0, NULL, "end the guard that runs", false },
	[OPT_DAEMON] = { "daemon", 0, NULL, "go to the background once ready", false },
	[OPT_WHY] = { "why", 0, "PID", "say why a process is pinned or not", false },
	[OPT_FLEET] = { "fleet", 0, "FILE",
			"choose for every machine of a table, or of a directory", false },
	[OPT_IMAGE] = { "image", 0, NULL, "check against the image at --root as well", false },
	[OPT_KERNEL_CONFIG] = { "kernel-config", 0, "FILE",
				"the kernel's configuration; the image's /boot/config-* by default",
				false },
	[OPT_CMDLINE] = { "cmdline", 0, "STRING",
			  "the kernel command line; the image's boot loader entry by default",
			  false },
	[OPT_FROM] = { "from", 0, "DIR",
		       "where holdfast is installed that goes into the image; / by default",
		       false },
	[OPT_REMOVE] = { "remove", 0, NULL, "take back what was installed", false },
	[OPT_OUTPUT] = { "output", 0, "DIR", "write the files below DIR", false },
	[OPT_LINES] = { "lines", 'n', "N", "show N processes; 0 for all", false },
	[OPT_SORT] = { "sort", 's', "COLUMN",
		       "sort by score, adj, rss, swap, pid, user, unit or command", false },
	[OPT_WATCH] = { "watch", 'w', NULL, "redraw every two seconds; q ends it", false },
	[OPT_CGROUP] = { "cgroup", 'c', "PATH", "for this memory cgroup", false },
	[OPT_IF] = { "if", 'i', "PROFILE", "beside it, what another profile would change", false },
	[OPT_PID] = { "pid", 0, "PID", "suppose that this process asks for the memory", false },
	[OPT_ENDS] = { "ends", 0, NULL, "note that this boot ends in order", false },
	[OPT_NAME] = { "name", 0, "NAME", "the name of the new profile", false },
};

static const struct cmd *find_command(const char *name)
{
	for (const struct cmd *const *c = commands; *c; c++)
		if (streq((*c)->name, name))
			return *c;
	return NULL;
}

static bool accepts(const struct cmd *cmd, enum option_id id)
{
	if (option_rows[id].global)
		return true;
	for (size_t i = 0; cmd && i < CMD_MAX_OPTIONS; i++)
		if (cmd->options[i] == id)
			return true;
	return false;
}

/* Of the options with that letter the command's own, else the first one. */
static enum option_id by_letter(const struct cmd *cmd, int letter)
{
	enum option_id found = OPT_NONE;

	for (int id = OPT_NONE + 1; id < N_OPTIONS; id++) {
		if (option_rows[id].letter != letter)
			continue;
		if (accepts(cmd, (enum option_id)id))
			return (enum option_id)id;
		if (found == OPT_NONE)
			found = (enum option_id)id;
	}
	return found;
}

/* Whether the option's argument is the next word. */
static bool takes_next(const char *word)
{
	for (int id = OPT_NONE + 1; id < N_OPTIONS; id++) {
		const struct option_row *row = &option_rows[id];

		if (row->arg && row->global &&
		    ((word[1] == '-' && streq(word + 2, row->name)) ||
		     (row->letter && word[1] == row->letter && !word[2])))
			return true;
	}
	return false;
}

/* The command, as far as it shows before the options are read: a letter may be its own. */
static const struct cmd *guess_command(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const struct cmd *cmd = *argv[i] == '-' ? NULL : find_command(argv[i]);

		if (cmd)
			return cmd;
		i += *argv[i] == '-' && takes_next(argv[i]);
	}
	return NULL;
}

static void print_options(const struct cmd *cmd, bool global)
{
	for (int id = OPT_NONE + 1; id < N_OPTIONS; id++) {
		const struct option_row *row = &option_rows[id];
		char left[64];

		if (row->global != global || !accepts(cmd, (enum option_id)id))
			continue;
		snprintf(left, sizeof(left), "%c%c%c --%s%s%s", row->letter ? '-' : ' ',
			 row->letter ? row->letter : ' ', row->letter ? ',' : ' ', row->name,
			 row->arg ? " " : "", row->arg ? row->arg : "");
		printf("  %-24s %s\n", left, row->doc);
	}
}

void option_help(const struct cmd *cmd)
{
	if (cmd) {
		printf("Usage: holdfast [OPTION…] %s%s%s%s\n\n%s.\n", cmd->name,
		       cmd->options[0] ? " [OPTION…]" : "", cmd->args ? " " : "",
		       cmd->args ? cmd->args : "", cmd->summary);
		if (cmd->help)
			printf("\n%s\n", cmd->help);
		if (cmd->options[0]) {
			printf("\nOptions of %s:\n", cmd->name);
			print_options(cmd, false);
		}
	} else {
		printf("Usage: holdfast [OPTION…] COMMAND [ARGUMENT…]\n\n"
		       "Brings this machine to the profile of its product.\n\nCommands:\n");
		for (const struct cmd *const *c = commands; *c; c++)
			printf("  %-12s %s\n", (*c)->name, (*c)->summary);
		printf("\n'holdfast COMMAND --help' explains a command.\n");
	}
	printf("\nOptions:\n");
	print_options(cmd, true);
	if (!cmd)
		printf("\nExit status: 0 all holds; 1 something was not done, or drifts; 2 wrong "
		       "usage;\n"
		       "3 invalid profile; 4 no profile, or a tie.\n\n"
		       "See holdfast(8) and holdfast-profile(5).\n");
}

static int usage(const char *fmt, const char *what)
{
	log_error(fmt, what);
	log_error("'holdfast --help' explains the usage");
	return EXIT_USAGE - 256;
}

/* getopt's tables, from ours. Identities above the characters are options without a letter. */
static void fill_tables(const struct cmd *cmd, struct option *longs, char *shorts)
{
	*shorts++ = '-'; /* give us words in their place: the first one is the command */
	*shorts++ = ':';
	for (int id = OPT_NONE + 1; id < N_OPTIONS; id++) {
		const struct option_row *row = &option_rows[id];

		*longs++ = (struct option){ row->name, row->arg ? 1 : 0, NULL, 256 + id };
		if (!row->letter || (int)by_letter(cmd, row->letter) != id)
			continue;
		*shorts++ = row->letter;
		if (row->arg)
			*shorts++ = ':';
	}
	*longs = (struct option){ 0 };
	*shorts = '\0';
}

static enum option_id identify(const struct cmd *cmd, int got)
{
	return got > 256 ? (enum option_id)(got - 256) : by_letter(cmd, got);
}

/* getopt says which letter it was, or leaves the whole word behind. */
static int unknown_option(char **argv)
{
	char letter[] = { '-', (char)optopt, '\0' };

	return usage("unknown option '%s'", optopt > 0 && optopt < 128 ? letter : argv[optind - 1]);
}

static int take_option(struct context *c, enum option_id id, unsigned *n_profiles)
{
	if (id == OPT_PROFILES) {
		if (*n_profiles == LIBRARY_MAX_DIRS)
			return usage("too many --profiles%s", "");
		c->profiles[(*n_profiles)++] = optarg;
	}
	c->opt[id] = option_rows[id].arg ? optarg : "";
	return 0;
}

/* Words and options may come in any order; the words end up in front of @argv. */
static int read_words(int argc, char **argv, struct context *c, int *ret_n)
{
	const struct cmd *cmd = guess_command(argc, argv);
	struct option longs[N_OPTIONS];
	char shorts[2 * N_OPTIONS + 4];
	unsigned n_profiles = 0;
	int n = 0, got, ret = 0;

	fill_tables(cmd, longs, shorts);
	opterr = 0;
	while (ret == 0 && (got = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (got == 1)
			argv[n++] = optarg;
		else if (got == ':')
			ret = usage("option '%s' needs an argument", argv[optind - 1]);
		else if (got == '?')
			ret = unknown_option(argv);
		else
			ret = take_option(c, identify(cmd, got), &n_profiles);
	}
	while (optind < argc)
		argv[n++] = argv[optind++]; /* after "--" */
	*ret_n = n;
	return ret;
}

static int check_options(const struct context *c, int n_args)
{
	for (int id = OPT_NONE + 1; id < N_OPTIONS; id++)
		if (c->opt[id] && !accepts(c->cmd, (enum option_id)id))
			return usage("this command takes no --%s", option_rows[id].name);
	if (c->cmd->max_args >= 0 && n_args > c->cmd->max_args)
		return usage("too many arguments for '%s'", c->cmd->name);
	return 0;
}

static int nearest_command(const char *word)
{
	struct nearest near = { .word = word };

	for (const struct cmd *const *cmd = commands; *cmd; cmd++)
		nearest_offer(&near, (*cmd)->name);
	if (near.best)
		log_error("unknown command '%s' (did you mean '%s'?)", word, near.best);
	else
		log_error("unknown command '%s'", word);
	log_error("'holdfast --help' lists the commands");
	return EXIT_USAGE - 256;
}

int option_parse(int argc, char **argv, struct context *c, int *ret_n)
{
	int n = 0, ret = read_words(argc, argv, c, &n);

	if (ret != 0)
		return ret;
	c->cmd = n > 0 ? find_command(argv[0]) : NULL;
	if (c->opt[OPT_VERSION]) {
		printf("holdfast %s\n", VERSION);
		return EXIT_OK - 256;
	}
	if (n > 0 && !c->cmd)
		return nearest_command(argv[0]);
	if (c->opt[OPT_HELP]) {
		option_help(c->cmd);
		return EXIT_OK - 256;
	}
	if (!c->cmd)
		return usage("which command?%s", "");
	*ret_n = n - 1;
	return check_options(c, n - 1);
}
