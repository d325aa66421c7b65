/* The one table: every key of the profile language is one row of it. Parsing, ranges, errors,
 * defaults, merging, apply, documentation and the JSON Schema are driven by the rows. */
#pragma once

#include "base/util.h"

enum key_type {
	KEY_MAP,     /* keys of its own: the rows whose path begins with this one's */
	KEY_ITEMS,   /* a list of such maps */
	KEY_BOOL,    /* canonical: 1 or 0 */
	KEY_INT,     /* canonical: decimal */
	KEY_SIZE,    /* K, M, G in units of .unit bytes; canonical: decimal */
	KEY_CHOICE,  /* one of .choices; canonical: its value */
	KEY_TEXT,    /* any one line */
	KEY_OPTION,  /* a module parameter's value: a line without double quotes */
	KEY_NAME,    /* letters, digits, and the characters in .extra after the first */
	KEY_MODULE,  /* a kernel module; canonical: with underscores, as the kernel has it */
	KEY_PATH,    /* absolute, no ".." */
	KEY_DEVICE,  /* what mount(8) takes: TAG=value, an absolute path, or a file system's name */
	KEY_PATTERN, /* exact, or with * ? [ ] */
	KEY_CMDLINE, /* a pattern, or true: the parameter is present, false: it is not */
	KEY_COMPARISON,   /* sizes with < <= = >= >, all of which must hold */
	KEY_SYSCTL_VALUE, /* any one line; the key's name is a sysctl */
};

enum key_flags {
	KEY_REQUIRED = 1 << 0, /* must be given in each map */
	KEY_IDENTITY = 1 << 1, /* names its item: items merge by it */
	KEY_OWN = 1 << 2,      /* not inherited through extends */
	KEY_LIST = 1 << 3,     /* a list of such values */
	KEY_LISTABLE = 1 << 4, /* one such value or a list of them: any */
	KEY_EMPTY_OK = 1 << 5, /* the empty string is a value */
};

/* Which ops (setting/setting.h) bring the key's value into the machine. */
enum setting_kind {
	SETTING_NONE,
	SETTING_BLOCK,
	SETTING_MODULE,
	SETTING_MOUNT,
	SETTING_SYSCTL,
	SETTING_LAST_BOOT,
	SETTING_KDUMP,
	SETTING_GUARD,
	SETTING_LOCK, /* last of all: kdump.lock */
	SETTING_KINDS,
};

struct choice {
	const char *name;
	const char *value; /* canonical; also accepted */
};

struct key {
	const char *path; /* dotted; a last part "*" stands for any key */
	enum key_type type;
	unsigned flags;
	int64_t min, max; /* KEY_INT, and KEY_SIZE in its unit */
	int64_t unit;     /* KEY_SIZE: bytes that a plain number counts; 0 is 1 */
	const char *extra;
	const struct choice *choices; /* ends with a row without name */
	const char *fallback; /* the default, for documentation and item_text(); NULL: none */
	const char *file;     /* below procfs, for SETTING_SYSCTL */
	const char *sibling;  /* a file like .file that reads 0 while this one is in force */
	enum setting_kind kind;
	const char *since;   /* kernel version, NULL: always there */
	const char *doc;     /* one sentence or two, mdoc-free */
	const char *example; /* for documentation, in YAML flow style */
};

extern const struct key keys[];
extern const size_t n_keys;

/* The row of @path, or NULL. */
const struct key *key_find(const char *path);

/* The row of key @name in the map of @parent (NULL: the profile itself); a "*" row is found by any
 * name. NULL where there is none. */
const struct key *key_child(const struct key *parent, const char *name);

/* Walks the rows directly below @parent: give NULL first, then the last result; NULL at the end. */
const struct key *key_next_child(const struct key *parent, const struct key *last);

/* The last part of the path. */
const char *key_name(const struct key *k);

static inline bool key_is_container(const struct key *k)
{
	return k->type == KEY_MAP || k->type == KEY_ITEMS;
}
