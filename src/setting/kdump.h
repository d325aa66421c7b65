/* The crash kernel: what it needs, whether it is armed, and arming it. */
#pragma once

#include "base/machine.h"
#include "profile/node.h"

struct kdump {
	int armed;          /* as kdump_armed() has it */
	bool locked;        /* kernel.kexec_load_disabled */
	int64_t reserved;   /* bytes for it; 0: none */
	int64_t required;   /* what the profile asks or the files need, whichever is more */
	int kernel, initrd; /* open for reading; negative: not found, or none is wanted */
	char *append;       /* the crash kernel's command line */
	int error;          /* why it cannot be armed: negative errno; 0: it can, or is */
	char *why;          /* the cause and the remedy, for a person; NULL with .error 0 */
	bool stale;         /* the initramfs was built for other settings */
	const char *note;   /* what else is to be said of one that is armed; or NULL */
};

#define KDUMP_NONE ((struct kdump){ .kernel = -EBADF, .initrd = -EBADF })

/* Whether a crash kernel is loaded, whoever loaded it: 1, 0, or -errno where that cannot be read.
 */
int kdump_armed(const struct machine *m) _must_check_;

/* Whether one is known to be. */
bool kdump_is_armed(const struct machine *m);

/* What kdump_armed() has said, for a person. */
const char *kdump_armed_text(int armed);

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

/* --- what is loaded (kdumploaded.c) --- */

/* Remembers what was loaded; a NULL @k: nothing is. 0 or -errno. */
int kdump_note_loaded(const struct machine *m, const struct kdump *k);

/* What a person should know of a crash kernel that is loaded, held against the files in @k: another
 * program has loaded it, or it was loaded from other files. NULL: nothing. */
const char *kdump_loaded_note(const struct machine *m, const struct kdump *k);

/* --- the files --- */

/* Where they are when the profile names none: with the kernel's release for "%s". */
extern const char *const kdump_kernels[], *const kdump_initrds[];

/* Bytes that must be reserved for a crash kernel of these two files: for the image, the initramfs
 * while it is unpacked, and to run in (kdumpimage.c). Descriptors that cannot be read (O_PATH)
 * count by the size of their files. -ENOEXEC: one is no such file. */
int kdump_measure(int kernel, int initrd, int64_t *ret_needed) _must_check_;

/* How many bytes of a command line, the NUL included, kernel image @kernel takes. */
size_t kdump_longest_append(int kernel);

/* Whether the image carries a signature of any kind that a kernel may ask for; whose, and whether
 * it is good, only the kernel says. */
bool kdump_is_signed(int kernel);

/* The line with which a capture image says that it was built for profile @tree as it is; NULL
 * without memory (kdumpstamp.c). The caller frees. */
char *kdump_stamp(const struct node *tree);

/* False: the image says what it was built for, and that is not profile @tree as it is now. */
bool kdump_is_built_for(int initrd, const struct node *tree);

/* False: the image says which kernel's modules it has, and that is not @kernel, as far as its own
 * header tells. */
bool kdump_has_modules_for(int initrd, int kernel);

/* The release of kernel image @kernel into @release, cut off; false where it does not say. */
bool kdump_release_of(int kernel, char *release, size_t size);
