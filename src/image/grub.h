/* GRUB's language, and the shell's where they are alike: variables, quotes, commands. */
#pragma once

#include "base/arena.h"

/* More than any kernel takes for its command line, and than all menus expand: what doubles itself
 * is cut off. */
#define GRUB_MAX_VALUE 16384
#define GRUB_MAX_EXPANDED (4U << 20)

/* What variables stand for. The shell's assignments and grub.cfg's `set` look alike to us. */
struct grub_variable {
	struct grub_variable *next;
	const char *name, *value;
};

struct grub {
	struct arena arena;
	struct grub_variable *variables;
	unsigned n;
	size_t expanded;    /* bytes of all variables that were looked up */
	bool keeps_unknown; /* an unset variable stays as it is written, instead of being nothing */
};

/* What the @n bytes at @name stand for; NULL: they are not set. */
const char *grub_value(struct grub *g, const char *name, size_t n);

/* Both strings are in the arena, or NULL without memory. -ENOMEM or 0. */
int grub_set(struct grub *g, const char *name, const char *value) _must_check_;

/* "NAME=VALUE", or the shell's "NAME+=VALUE", and more of them behind it. -ENOMEM or 0. */
int grub_assign(struct grub *g, const char *text) _must_check_;

/* At a dollar sign. What it stands for goes to @out; an unset variable is nothing, and so are $0
 * and its kin, which is how an address behind a bare dollar gets lost. What comes behind it. */
const char *grub_expand(struct grub *g, FILE *out, const char *at);

/* The word at @text in the arena; NULL without memory. *@ret_rest, unless NULL: behind it. */
const char *grub_word(struct grub *g, const char *text, const char **ret_rest);

const char *grub_skip_blanks(const char *text);

/* Takes a command off *@text into @command, which has room for all of the text: up to the end of a
 * line that is not continued, a semicolon or a comment. A brace is a command of its own. False:
 * there is none any more. */
bool grub_next_command(const char **text, char *command);
