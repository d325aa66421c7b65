/* The list, in an image, of what was put there. It is read as hostile. */
#pragma once

#include "image/install.h"

/* A file with the hash of what was written, or a directory that was made. A file that is about to
 * be written anew is there twice, so that whatever cuts the run off, it is ours. */
struct manifest_entry {
	const char *path;
	uint64_t hash;
	bool is_dir;
};

struct manifest {
	struct arena arena;
	struct manifest_entry *list;
	size_t n;
};

/* None is an empty one. -EBADMSG: it is not what we write. */
int manifest_read(const struct install_kind *kind, const struct root *image,
		  struct manifest *m) _must_check_;

/* Writes it, sorted, if it is not so already. */
int manifest_write(const struct install_kind *kind, const struct root *image,
		   struct manifest *m) _must_check_;

/* Each entry once; the path is copied. */
int manifest_add(struct manifest *m, struct manifest_entry entry) _must_check_;

/* By path, and by hash. */
void manifest_sort(struct manifest *m);

/* Whether a file of that path is in it. */
bool manifest_has(const struct manifest *m, const char *path);
bool manifest_same(const struct manifest_entry *a, const struct manifest_entry *b);
void manifest_free(struct manifest *m);
