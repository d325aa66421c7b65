/* Where profiles are looked up: a list of directories, the first hit wins for a name. */
#pragma once

#include "base/root.h"
#include "profile/finding.h"

#define LIBRARY_MAX_DIRS 16

struct library_dir {
	struct root base;   /* the image's root, borrowed; or the directory itself */
	const char *inside; /* the directory below the base */
	char *path;         /* as a person would name it; owned */
	bool owned;
};

struct library {
	struct library_dir dirs[LIBRARY_MAX_DIRS]; /* in order */
	unsigned n_dirs;
};

/* Opens the directories of @dirs (ends with NULL), or the standard ones below @root (which must
 * outlive the library) where @dirs is NULL. A standard one may be missing, or come later; a given
 * one that cannot be opened is logged and -errno. */
int library_open(const struct root *root, char *const *dirs,
		 struct library *ret_library) _must_check_;
void library_close(struct library *l);

/* Reads NAME.yaml of the first directory that has it. *@ret_file is its path, in @a. 0, -ENOENT
 * when there is none, else what prevented the reading (-EISDIR, -EFBIG, -EACCES, …), with
 * *@ret_file set. */
int library_read(const struct library *l, const char *name, struct arena *a, const char **ret_file,
		 char **ret_data, size_t *ret_size) _must_check_;

/* All names, sorted, each once; ends with NULL. In @a. */
int library_names(const struct library *l, struct arena *a, char ***ret_names) _must_check_;

/* As library_read() for a file's path. */
int library_read_file(const char *path, char **ret_data, size_t *ret_size) _must_check_;
