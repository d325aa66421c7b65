/* Rules: which program, run by whom and where, gets which score. */
#pragma once

#include "guard/process.h"
#include "profile/node.h"

enum rule_children {
	CHILDREN_RELEASE,
	CHILDREN_SAME_PROGRAM,
	CHILDREN_INHERIT,
};

struct rule {
	const char *service, *exe, *user, *unit, *args; /* unit, args: NULL for any */
	uid_t uid;
	int score;
	enum rule_children children;
	int release_to;
	int64_t max_rss; /* bytes; 0: no leash */
	bool has_user;   /* else its user does not exist: it matches nothing */

	/* The program as the path leads to it now. */
	bool resolved;
	struct file_id program;
	/* Of a #! script: what the processes run, and which of their arguments is the script. Where
	 * that is env(1), the same of the command that env executes. 0: it is none. */
	struct file_id interpreter, command;
	unsigned script_at, command_at;
	const char *problem; /* why it is not resolved; constant text */
};

struct rules {
	struct arena arena;
	struct rule *list;
	unsigned n;
};

/* Compiles `protect` of a valid profile; users are looked up in etc/passwd below @root. */
int rules_compile(const struct node *tree, const struct root *root,
		  struct rules *ret_rules) _must_check_;
void rules_free(struct rules *r);

/* Called for every directory on the way to a program, by its path below the root, and at the end
 * with the program itself (@is_program), opened for
 * marking. Borrowed descriptors. */
typedef void (*rule_visit)(int fd, bool is_program, void *data);

/* Finds the rule's program below @root. Refuses one that
 * somebody but root could have put there: it and each directory on the way must be root's and not
 * writable by others. @visit may be NULL. -errno where it fails for now: what was known
 * of the program stays, and where that is nothing, @r has a problem. */
int rule_resolve(struct rule *r, const struct root *root, rule_visit visit, void *data);

/* Looks the rule's user up again: one may be made, or numbered anew, later. Visits etc, unless the
 * user is root or a number. -errno as above. */
int rule_look_up_user(struct rule *r, const struct root *root, rule_visit visit,
		      void *data) _must_check_;

/* Whether process @p is one of the rule's by user, namespaces (ours: the
 * initial PID namespace, and @user_namespace), unit and,
 * where @after_exec says that they are there to be read, arguments: 1, 0, or -errno where it cannot
 * be known. */
int rule_fits(const struct rule *r, struct process *p, ino_t user_namespace, bool after_exec);

/* Whether a process that runs @exe may be the rule's, as far as the file tells. */
bool rule_could_run(const struct rule *r, const struct file_id *exe);

/* Whether the process is the rule's user's, and its arguments name the rule's #! script where the
 * kernel, or env(1), puts it: 1, 0, or -errno where that cannot be looked at for now. */
int rule_is_named(const struct rule *r, struct process *p);

/* Whether a running process's program @exe is the rule's: 1, 0 or -errno as above. */
int rule_runs(const struct rule *r, struct process *p, const struct file_id *exe);
