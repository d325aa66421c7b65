/* Files put below a root that may be hostile: links are followed inside it only, and what stands at
 * the end of a path is replaced, never followed. */
#pragma once

#include <sys/types.h>

#include "base/arena.h"
#include "base/root.h"

struct tree_file {
	const char *path; /* below the root, without a leading slash */
	const char *data; /* of a link: its target */
	size_t size;
	mode_t mode; /* of a file */
	bool is_link;
};

struct tree_files {
	struct arena arena;
	struct tree_file *list;
	size_t n;
};

/* Adds a file; path and data are copied. -ENOMEM or 0. */
int tree_add(struct tree_files *files, const char *path, const char *data, size_t size,
	     mode_t mode) _must_check_;
int tree_add_link(struct tree_files *files, const char *path, const char *target) _must_check_;

/* Sorts them by path. */
void tree_sort(struct tree_files *files);
void tree_free(struct tree_files *files);

enum tree_state {
	TREE_ABSENT,
	TREE_SAME,  /* kind, content and mode, and to root root's own */
	TREE_OTHER, /* something else is there */
};

/* Whether directory @dir is on the way to @path. */
bool tree_leads_to(const char *dir, const char *path);

/* What stands at the file's path, or -errno. */
int tree_compare(const struct root *root, const struct tree_file *file) _must_check_;

/* A hash of kind and content, to tell whether a file is still what was written: not against anybody
 * who means harm. */
uint64_t tree_hash(const struct tree_file *file);

/* The same of what stands at @path. -ENOENT; other -errno. */
int tree_hash_at(const struct root *root, const char *path, uint64_t *ret_hash) _must_check_;

/* Takes away what a run that was cut off left of writing @path. */
void tree_sweep(const struct root *root, const char *path);

/* Whether SOURCE_DATE_EPOCH, where there is one, is a time: seconds since 1970. */
bool tree_epoch_is_valid(void);

/* Writes the file whole, in place of anything but a directory, below directories that exist. With
 * SOURCE_DATE_EPOCH in the environment, its time is that one, and so is that of each directory that
 * the functions below change. -errno. */
int tree_write(const struct root *root, const struct tree_file *file) _must_check_;

/* Takes @path away, a directory only if it is one and empty. 0 also where there is nothing; -errno.
 */
int tree_remove(const struct root *root, const char *path, bool is_dir) _must_check_;

/* Calls @each for each missing directory on the way to @path, outermost first. -errno: @each's,
 * or why it cannot be known. */
int tree_missing_way(const struct root *root, const char *path,
		     int (*each)(const char *dir, void *data), void *data) _must_check_;

/* Makes them. */
int tree_make_way(const struct root *root, const char *path) _must_check_;
