/* What every command is made of: a row, its options, and the context it runs in. */
#pragma once

#include "base/json.h"
#include "base/log.h"
#include "base/machine.h"
#include "profile/check.h"
#include "profile/select.h"

enum exit_status {
	EXIT_OK = 0,
	EXIT_NOT_DONE = 1, /* something asked for was not done, or drifts */
	EXIT_USAGE = 2,
	EXIT_INVALID = 3,
	EXIT_NO_PROFILE = 4, /* none, or a tie */
};

/* All options of all commands; the rows are in option.c. */
enum option_id {
	OPT_NONE,
	OPT_PROFILES,
	OPT_PROFILE,
	OPT_ROOT,
	OPT_PROCFS,
	OPT_SYSFS,
	OPT_RUNDIR,
	OPT_JSON,
	OPT_QUIET,
	OPT_VERBOSE,
	OPT_HELP,
	OPT_VERSION,
	OPT_STRICT,
	OPT_EXPLAIN,
	OPT_DRY_RUN,
	OPT_STAGE,
	OPT_FORMAT,
	OPT_NAME,
	OPT_ONCE,
	OPT_DAEMON,
	OPT_STOP,
	OPT_WHY,
	OPT_ENDS,
	OPT_FLEET,
	OPT_IMAGE,
	OPT_KERNEL_CONFIG,
	OPT_CMDLINE,
	OPT_FROM,
	OPT_REMOVE,
	OPT_OUTPUT,
	OPT_LINES,
	OPT_SORT,
	OPT_WATCH,
	OPT_CGROUP,
	OPT_IF,
	OPT_PID,
	N_OPTIONS,
};

struct option_row {
	const char *name;
	char letter;     /* or 0 */
	const char *arg; /* what it takes, or NULL */
	const char *doc;
	bool global;
};

extern const struct option_row option_rows[N_OPTIONS];

#define CMD_MAX_OPTIONS 6

struct context;

struct cmd {
	const char *name;
	const char *args; /* as in usage: "[FILE…]", or NULL */
	const char *summary;
	const char *help;                                     /* more, for --help; may be NULL */
	enum option_id options[CMD_MAX_OPTIONS];              /* ends with OPT_NONE */
	int max_args;                                         /* -1: any number */
	int (*run)(struct context *c, int argc, char **argv); /* an exit status, or -errno */
};

extern const struct cmd cmd_apply, cmd_check, cmd_explain, cmd_guard, cmd_image, cmd_kdump,
	cmd_keys, cmd_last_boot, cmd_predict, cmd_revert, cmd_select, cmd_show, cmd_snapshot,
	cmd_status, cmd_top, cmd_verify;

/* select for this machine only, as an initramfs has it. */
extern const struct cmd cmd_select_one;

/* The program's commands, ending with NULL, in the order of --help: commands.c, or
 * commands-initramfs.c. */
extern const struct cmd *const commands[];

/* What the command line said, and what was opened for it. */
struct context {
	const struct cmd *cmd;
	const char *opt[N_OPTIONS]; /* the argument; "" for a flag; NULL: not given */
	char *profiles[LIBRARY_MAX_DIRS + 1];
	char *rundir;  /* owned */
	char *problem; /* of context_complain(); owned */
	struct machine machine;
	struct library library;
	struct identity identity;
};

/* Reads the command line (without the program's name) into @c. 0: the command's own *@ret_n
 * arguments stand behind its name in @argv. Else (after --help, say) an exit status minus 256. */
int option_parse(int argc, char **argv, struct context *c, int *ret_n) _must_check_;

/* Prints the help of a command, or of the program (NULL). */
void option_help(const struct cmd *cmd);

/* Opens the trees and the profile directories. */
int context_open(struct context *c) _must_check_;

/* Opens the profiles' directories, anew if they were open; those stay where it fails. */
int context_open_library(struct context *c) _must_check_;
void context_close(struct context *c);

/* Chooses the profile (by @wanted, else by the options), composes and checks it. What is wrong is
 * logged. EXIT_OK, EXIT_INVALID or EXIT_NO_PROFILE with *@ret_selection filled as far as it goes,
 * or -errno. */
int context_choose(struct context *c, const char *wanted, struct findings *f,
		   struct selection *ret_selection) _must_check_;

/* Whether the kernel command line (holdfast=off) or the kind of kernel (a capture kernel) forbids
 * doing anything; says so. */
bool context_stands_back(struct context *c);

/* Whether the kernel command line (holdfast=plan) lets nothing but reports be written. */
bool context_only_plans(struct context *c);

/* Says what is wrong, and keeps it for the document of --json. @status, or -ENOMEM. */
int context_complain(struct context *c, int status, const char *fmt, ...) _printf_(3, 4);

/* Writes "errors": those of the findings (may be NULL), and what was complained of. */
void context_json_errors(const struct context *c, const struct findings *f, struct json *j);

/* With --json, prints the document of a command that cannot do its work: its errors, as above. */
void context_json_failure(const struct context *c, const struct findings *f);

/* Begins the document of --json on stdout, with its version. */
struct json context_json(void);
