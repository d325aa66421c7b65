/* An image on disk, and what a profile needs of it. Everything is looked at below the image's root,
 * with its links resolved inside; nothing is run, so that a foreign architecture is no matter. */
#pragma once

#include "profile/profile.h"

/* A text of the image or from the command line, and what people call the place it is from. */
struct image_text {
	const char *where, *text;
};

struct image_texts {
	struct image_text *list;
	unsigned n;
};

struct image {
	const struct root *root; /* borrowed */
	struct arena arena;
	const char **releases; /* of the kernels that have modules; ends with NULL */
	struct image_texts configs;
	struct image_texts cmdlines;
	const char *arch; /* as in uname -m, or NULL: unknown */
};

/* Opens the image below @root. @config is a file with the kernel's configuration, @cmdline the
 * kernel's command line; where NULL, the image's own are looked for. -errno after logging. */
int image_open(const struct root *root, const char *config, const char *cmdline,
	       struct image *ret_image) _must_check_;
void image_close(struct image *image);

/* The architecture of a program below @root, or NULL. */
const char *image_program_arch(const struct root *root, const char *path);

/* Keeps a text; both are copied. */
int image_add_text(struct image *image, struct image_texts *texts, const char *where,
		   const char *text) _must_check_;

/* Holds the composed profile against the image: errors where it cannot work there, warnings where
 * it works less well or nothing tells. -ENOMEM or 0. */
int image_check(const struct image *image, const struct profile *p,
		struct findings *f) _must_check_;

/* The parts of image_open() and image_check(). */
int bootloader_read(struct image *image) _must_check_;
int program_check(const struct image *image, const struct node *tree,
		  struct findings *f) _must_check_;
int kernel_check_modules(const struct image *image, const struct node *tree,
			 struct findings *f) _must_check_;
int kconfig_check(const struct image *image, const struct node *tree,
		  struct findings *f) _must_check_;
int crash_check(const struct image *image, const struct node *tree,
		struct findings *f) _must_check_;
int cmdline_check(const struct image *image, const struct node *tree,
		  struct findings *f) _must_check_;

/* Whether a kernel's configuration has CONFIG_@option as y, or as m where @module_ok. */
bool kconfig_has(const char *config, const char *option, bool module_ok);

/* What the kernel command line must have for the profile, one word after the other: calls @each
 * with the word and why. @arch as in struct image. -ENOMEM or 0. */
struct cmdline_word {
	const struct node *for_key; /* what asks for it */
	const char *name;           /* "crashkernel" */
	const char *value;
	const char *why;
};
int cmdline_words(const struct image *image, const struct profile *p,
		  int (*each)(const struct cmdline_word *word, void *data),
		  void *data) _must_check_;
