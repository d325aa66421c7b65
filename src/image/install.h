/* holdfast into an image: what belongs there, putting it there, and taking it back. */
#pragma once

#include "image/tree.h"

enum install_deed {
	INSTALL_WRITTEN,
	INSTALL_KEPT, /* it was so already */
	INSTALL_REMOVED,
	INSTALL_FOREIGN, /* something that we did not put there is in the way */
	INSTALL_CHANGED, /* not removed: somebody has changed it since we put it there */
};

typedef void (*install_tell)(enum install_deed deed, const char *path, void *data);

/* A kind of things that are put into images, with a list of its own there. */
struct install_kind {
	const char *command;  /* that does it */
	const char *manifest; /* the list, below the root */
	/* whether @path can be one of them, or a directory that leads to one */
	bool (*has_part)(const char *path, bool is_dir);
};

extern const struct install_kind install_program; /* image install */
extern const struct install_kind install_export;  /* image export */

/* Adds the program of @from (a root in which it is installed), and what @image has use for: hooks
 * of the initramfs generators found there, and the units, or the init script. @guard: the guard's
 * unit too. Logs what is missing in @from. 0 or -errno. */
int install_add_program(const struct root *from, const struct root *image, bool guard,
			struct tree_files *files) _must_check_;

/* Adds a profile's text. */
int install_add_profile(struct tree_files *files, const char *name, const char *text,
			size_t size) _must_check_;

/* Brings @image to @files: writes what differs, and removes what an earlier run put there and is
 * not among them. A list of what was put there is kept in the image. Nothing is written if anything
 * foreign is in the way: -EEXIST, after @tell said what. Other -errno are logged. */
int install_apply(const struct install_kind *kind, const struct root *image,
		  struct tree_files *files, install_tell tell, void *data) _must_check_;

/* Takes away everything that install_apply() put there, directories that it made included, but for
 * files that were changed since. */
int install_remove(const struct install_kind *kind, const struct root *image, install_tell tell,
		   void *data) _must_check_;
