/* An image on disk, and what a profile needs of it. Everything is looked at below the image's root,
 * with its links resolved inside; nothing is run, so that a foreign architecture is no matter. */
#pragma once

#include "profile/profile.h"

/* A text of the image or from the command line, and what people call the place it is from. */
struct image_text {
	const char *where;
	const char *text;    /* NULL: it is there and cannot be read, */
	const char *problem; /* for this reason */
};

struct image_texts {
	struct image_text *list;
	unsigned n;
};

struct image {
	const struct root *root;       /* borrowed */
	const struct library *library; /* its profiles, borrowed; NULL: not known */
	struct arena arena;
	const char **releases;       /* of the kernels that have modules; ends with NULL */
	const char *modules_problem; /* why they cannot be listed, or NULL */
	struct image_texts configs;
	bool config_is_given; /* it is from the command line */
	struct image_texts cmdlines;
	const char *arch; /* as in uname -m, or NULL: unknown */
};

/* Opens the image below @root. @config is a file with the kernel's configuration, @cmdline the
 * kernel's command line; where NULL, the image's own are looked for. -errno after logging. */
int image_open(const struct root *root, const char *config, const char *cmdline,
	       struct image *ret_image) _must_check_;
void image_close(struct image *image);

/* Whether a configuration is that of kernel @release, by its place; a given one is every kernel's.
 */
bool image_is_config_of(const struct image *image, const struct image_text *config,
			const char *release);

/* The architecture of a program below @root, or NULL. */
const char *image_program_arch(const struct root *root, const char *path);

/* Keeps a text; both are copied. */
int image_add_text(struct image *image, struct image_texts *texts, const char *where,
		   const char *text) _must_check_;

/* Reads file @path of the image (at most @max bytes) into *@ret_text, which the caller frees; NULL
 * where there is none. What cannot be read is kept among @texts, by the outermost directory that
 * bars the way. -ENOMEM or 0. */
int image_read(struct image *image, struct image_texts *texts, const char *path, size_t max,
	       char **ret_text) _must_check_;

/* The entries of directory @path below the root that @is_wanted, sorted, for the caller to free,
 * each and all: their number. Where it cannot be read, as above. -ENOMEM; -ENOTDIR. */
int image_list(struct image *image, struct image_texts *texts, const char *path,
	       int (*is_wanted)(const struct dirent *e), struct dirent ***ret_list) _must_check_;

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
int choice_check(const struct image *image, const struct profile *p,
		 struct findings *f) _must_check_;

/* Brings the kernels' built-in command lines (CONFIG_CMDLINE) and the boot loader's together, as
 * the kernels do. -ENOMEM or 0. */
int builtin_add(struct image *image) _must_check_;

/* Holds the crashkernel= of a command line against the profile's, for each size of memory that its
 * machines may have by their `match`. */
void crashkernel_check(const struct image_text *line, const struct node *tree, struct findings *f);

/* Bytes as people write them: 192M. */
#define IMAGE_SIZE 32
const char *image_size(char buffer[IMAGE_SIZE], int64_t bytes);

/* Whether a kernel's configuration has CONFIG_@option as y, or as m where @module_ok. */
bool kconfig_has(const char *config, const char *option, bool module_ok);

/* The value of parameter @name in a word of a command line, "" where it has none; NULL: it is
 * another's. A dash is an underscore, as to the kernel. */
const char *cmdline_value(const char *word, const char *name);

/* Whether each kernel command line of the image, and there is one, gives parameter @name that
 * value; of several the last counts. */
bool cmdline_have(const struct image *image, const char *name, const char *value);

/* Grub's languages. The command lines of @text, a grub.cfg that @where names: of entries that boot
 * the product, outside submenus. -ENOMEM or 0. */
int grub_take_entries(struct image *image, const char *where, const char *text) _must_check_;

/* The same of etc/default/grub and etc/default/grub.d, of which a grub.cfg is made later. */
int grub_take_defaults(struct image *image) _must_check_;

/* The options of an entry of the Boot Loader Specification, with GRUB's variables where these are
 * set; without options, GRUB's default ones. *@ret_options lies in the image's arena. -ENOMEM or 0.
 */
int grub_expand_options(struct image *image, const char *options,
			const char **ret_options) _must_check_;

/* Whether a command line is that of a rescue system, which is not how the product boots. */
bool cmdline_is_rescue(const char *text);

/* What the kernel command line must have for the profile, one word after the other: calls @each
 * with the word and why. @arch as in struct image. -ENOMEM or 0. */
struct cmdline_word {
	const struct node *for_key; /* what asks for it */
	const char *name;           /* "crashkernel" */
	const char *value;          /* NULL: none can be said, */
	const char *why;            /* because of this */
};
typedef int (*cmdline_take)(const struct cmdline_word *word, void *data);
int cmdline_words(const struct image *image, const struct profile *p, cmdline_take each,
		  void *data) _must_check_;

/* Those that the kernels' configuration makes necessary, and the options of modules to load that
 * are built in. */
int kconfig_words(const struct image *image, const struct node *tree, cmdline_take each,
		  void *data) _must_check_;
int kernel_words(const struct image *image, const struct node *tree, cmdline_take each,
		 void *data) _must_check_;

/* Whether one of the image's kernels has CONFIG_@option as y. */
bool kconfig_any_has(const struct image *image, const char *option);

/* Whether kernel @release has it: 1, 0; -ENOENT: its configuration is not known. */
int kconfig_release_has(const struct image *image, const char *release, const char *option);
