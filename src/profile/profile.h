/* A profile: one file's tree, and what it becomes together with its parents. */
#pragma once

#include "profile/library.h"

struct profile {
	struct arena arena;
	const char *name; /* of the file, without .yaml */
	const char *file;
	struct node *tree; /* its own after profile_read(), merged after profile_compose() */
	bool by_path;      /* read by path, not by name */
	bool valid;        /* no error so far */
};

/* Reads profile @name of the library and holds it against the table. What is wrong with the file,
 * a failure to read it included, is in @f, and .valid then false. -ENOENT: there is no such
 * profile; -ENOMEM. */
int profile_read(const struct library *l, const char *name, struct findings *f,
		 struct profile *ret_profile) _must_check_;

/* The same for the file at @path. */
int profile_read_file(const char *path, struct findings *f,
		      struct profile *ret_profile) _must_check_;

/* Merges the parents (extends) into @p: looked up beside the file first if it was read by path,
 * then in the library. Missing parents, cycles and bad parents go to @f. 0 or -ENOMEM. */
int profile_compose(const struct library *l, struct findings *f, struct profile *p) _must_check_;

/* Reads the profile that @p extends, found as in profile_compose(). -ENOENT: it extends none, or
 * none that is there. */
int profile_read_parent(const struct library *l, struct findings *f, struct profile *p,
			struct profile *ret_parent) _must_check_;

void profile_free(struct profile *p);
