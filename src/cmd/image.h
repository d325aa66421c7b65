/* What the subcommands of image share. */
#pragma once

#include "cmd/cmd.h"
#include "image/install.h"

struct image_run {
	struct context *c;
	struct findings findings;
	struct json json; /* with --json */
};

static inline bool image_as_json(const struct image_run *r)
{
	return r->c->opt[OPT_JSON];
}

static inline bool image_is_path(const char *name)
{
	return strchr(name, '/') || has_suffix(name, ".yaml");
}

/* Reads profile @name, or the file of that path, composed and checked; what is wrong with it is
 * among the findings. EXIT_OK, EXIT_INVALID, EXIT_NO_PROFILE (logged), or -errno. */
int image_read_profile(struct image_run *r, const char *name,
		       struct profile *ret_profile) _must_check_;

/* What install_apply() and install_remove() tell, counted and printed. */
struct image_deeds {
	struct image_run *r;
	const struct install_kind *kind;
	const struct root *root;
	unsigned written, removed, foreign, changed;
};

/* Brings the root to @files; where they are NULL, takes everything back. An exit status, or
 * -errno. */
int image_carry_out(struct image_deeds *deeds, struct tree_files *files) _must_check_;

/* The subcommands: an exit status, or -errno. */
int image_install(struct image_run *r, int argc, char **argv) _must_check_;
int image_export(struct image_run *r, int argc, char **argv) _must_check_;
