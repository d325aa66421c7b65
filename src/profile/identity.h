/* What this machine says it is. */
#pragma once

#include "base/arena.h"
#include "base/root.h"
#include "profile/key.h"

struct fact {
	struct fact *next;
	const char *name, *value; /* value: NULL where the machine does not say */
	bool placeholder;         /* firmware put it there for want of anything to say */
};

/* One condition's subject; values are read when first asked for and kept. Zero the cache;
 * release with identity_free(). A caller may put facts in by identity_set() and leave the trees
 * unopened: then those are all there is. */
struct identity {
	const struct root *procfs, *sysfs; /* NULL: only what was set */
	struct arena arena;
	struct fact *facts;
	struct {
		const struct key *row;
		const struct fact *fact;
	} recent[16]; /* what identity_fact_of() found */
};

/* A fact by its name in the profile language below match: "dmi.product_name",
 * "devicetree.model", "devicetree.compatible" (blank-separated), "arch", "memory" (bytes),
 * "cmdline". White space around it is gone. NULL: the machine does not say. */
const char *identity_get(struct identity *id, const char *name);

/* The same with what is known about the value; NULL without memory, and where the machine does not
 * say. */
const struct fact *identity_fact(struct identity *id, const char *name);

/* The same for a row of match. For a fleet: a lookup by name costs more than a comparison. */
const struct fact *identity_fact_of(struct identity *id, const struct key *row);

/* Puts a fact in. -ENOMEM or 0. */
int identity_set(struct identity *id, const char *name, const char *value) _must_check_;

/* The last value of parameter @name of the kernel command line, "" where it has none, NULL where
 * it is not there. Words after "--" belong to init. In the identity's arena. */
const char *identity_cmdline(struct identity *id, const char *name);

/* Takes one word of a command line off @text, into @word, which has room for all of @text: double
 * quotes hold blanks together, and are not part of it. What is left, or NULL at the end. */
const char *identity_next_word(const char *text, char *word);

/* Installed RAM in bytes from what is seen of it, of which firmware keeps some. */
uint64_t identity_round_memory(uint64_t bytes);

/* Whether firmware put @text there for want of anything to say. */
bool identity_is_placeholder(const char *text);

void identity_free(struct identity *id);
