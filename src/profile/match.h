/* Whether a profile's conditions hold for a machine. */
#pragma once

#include "profile/identity.h"
#include "profile/node.h"

/* What a profile has to say for itself where its match holds. */
struct match_result {
	bool holds;
	unsigned conditions, exact; /* of the best alternative that holds */
};

/* One condition, for `select --explain`; @value is NULL where the machine does not say. */
struct match_condition {
	const struct node *patterns; /* one value, or a list of them */
	const char *key;             /* "dmi.product_name", "cmdline.*" */
	const char *parameter;       /* the name that the "*" stands for, or NULL */
	const char *pattern;         /* the one that held, else the first */
	const char *value;
	const char *why_not; /* where the reason is not plain from the values */
	bool holds, exact;
};

/* Holds @match (the node of the key, or NULL) against the machine. */
struct match_result match_profile(const struct node *match, struct identity *id);

/* Calls @each for every condition of one alternative, in the file's order, until it gives false. */
void match_each(const struct node *alternative, struct identity *id,
		bool (*each)(const struct match_condition *c, void *data), void *data);
