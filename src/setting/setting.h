/* A setting: one thing a profile wants of the machine; ops: how that kind of thing is read,
 * written and taken back. */
#pragma once

#include "base/arena.h"
#include "base/machine.h"
#include "profile/node.h"

struct setting {
	const struct setting_ops *ops;
	const char *key;    /* "vm.panic_on_oom", "modules.load.ramoops" */
	const char *path;   /* below the ops' own tree, or the thing's own name */
	const char *file;   /* the same as a person would name it */
	const char *wanted; /* NULL when it is being taken back */
	const struct node *node;
	const struct node *tree; /* the whole profile; NULL when it is being taken back */
	bool required;
	bool by_hand; /* a person asks for this one: what earlier boots came to is no obstacle */
};

/* What a read found. */
struct state {
	char *value; /* owned; NULL: not there */
	bool holds;  /* is as wanted */
	char *why;   /* why it does not hold, where the values do not show it; owned */
};

enum stage {
	STAGE_EARLY = 1 << 0,
	STAGE_DEVICES = 1 << 1,
	STAGE_ROOT = 1 << 2,
	STAGE_SYSTEM = 1 << 3,
	STAGE_ALL = 15,
};

struct setting_ops {
	const char *name; /* the kind, as in the report */
	unsigned stages;  /* when it is done: STAGE_ bits */

	/* Fills .path, .file and .wanted (.key, .node and .required are there). In @a. */
	int (*describe)(const struct machine *m, struct arena *a, struct setting *s);

	/* What the machine has now. -ENOENT: the machine has no such thing; -ENOSYS: not done by
	 * this version. */
	int (*read)(const struct machine *m, const struct setting *s, struct state *ret_state);

	/* Brings it to .wanted, once. *@why may get a reason, which the caller frees. */
	int (*write)(const struct machine *m, const struct setting *s, char **why);

	/* Puts back @before, as read() gave it. */
	int (*undo)(const struct machine *m, const struct setting *s, const char *before);
};

extern const struct setting_ops sysctl_ops, module_ops, block_ops, mount_ops;
extern const struct setting_ops kdump_ops, lock_ops, last_boot_ops, guard_ops;

static inline void state_free(struct state *s)
{
	free(s->value);
	free(s->why);
	*s = (struct state){ 0 };
}

/* The ops of a kind of setting, by the table's kind or by name; NULL where there is none. */
const struct setting_ops *setting_ops_of(enum setting_kind kind);
const struct setting_ops *setting_ops_named(const char *name);
