/* The crash kernel: what it needs, whether it is armed, and arming it. */
#pragma once

#include "base/machine.h"
#include "profile/node.h"

struct kdump {
	bool armed;         /* kernel/kexec_crash_loaded */
	bool locked;        /* kernel.kexec_load_disabled */
	int64_t reserved;   /* bytes for it; 0: none */
	int64_t required;   /* what the profile asks or the files need, whichever is more */
	int kernel, initrd; /* open for reading; negative: not found, or none is wanted */
	char *append;       /* the crash kernel's command line */
	int error;          /* why it cannot be armed: negative errno; 0: it can, or is */
	char *why;          /* the cause and the remedy, for a person; NULL with .error 0 */
};

#define KDUMP_NONE ((struct kdump){ .kernel = -EBADF, .initrd = -EBADF })

/* Whether a crash kernel is loaded, whoever loaded it. */
bool kdump_is_armed(const struct machine *m);

/* Whether this kernel is a crash kernel that has a dump to save. */
bool kdump_is_capture_kernel(const struct machine *m);

/* What there is, held against what profile @tree (with a section kdump) wants; opens the files.
 * What keeps it from being armed is no failure, but .error and .why. 0 or -ENOMEM. */
int kdump_examine(const struct machine *m, const struct node *tree,
		  struct kdump *ret_k) _must_check_;

/* Loads what was found. -errno with the cause and the remedy in *@ret_why, which the caller frees
 * (NULL without memory). */
int kdump_load(const struct machine *m, const struct kdump *k, char **ret_why) _must_check_;

/* Takes the crash kernel out again. Errors as those of kdump_load(). */
int kdump_unload(const struct machine *m, char **ret_why) _must_check_;

void kdump_free(struct kdump *k);

/* --- the files (kdumpimage.c) --- */

/* Bytes of memory that the image needs to start, by its header; its file's size where the header
 * does not say. -ENOEXEC: not a file that can be one. */
int kdump_kernel_size(int fd, int64_t *ret_size) _must_check_;

/* Bytes of memory that the initramfs takes: packed and unpacked, while the second is made of the
 * first. */
int kdump_initrd_size(int fd, int64_t *ret_size) _must_check_;
