/* Why the machine started again: what is known of it in this boot. */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "base/machine.h"
#include "profile/node.h"

struct last_boot_line {
	struct last_boot_line *next;
	const char *text;
};

/* Zero-initialise; release with last_boot_free(). */
struct last_boot {
	struct arena arena;
	const char *cause; /* one of those below */
	struct last_boot_line *evidence, *records;
	struct last_boot_line *seen; /* files of pstore that have a copy, or had one */
	const char *log;   /* the kernel log of the boot before, below the root; or NULL */
	int64_t crashes;   /* in a row, where a crash kernel had no disk to count on */
	const char *trace; /* what the disk said of the boot before, until this one took its place;
			      or NULL */
	bool archived;     /* nothing is left to do */
	int uncopied; /* -errno: a record has no copy, and stays where it is; or 0. Not stored. */
};

#define CAUSE_OOM_PANIC "oom-panic"
#define CAUSE_PANIC "panic"
#define CAUSE_REBOOT "reboot"
#define CAUSE_POWER_LOSS_OR_RESET "power-loss-or-reset"
#define CAUSE_WATCHDOG "watchdog"
#define CAUSE_UNKNOWN "unknown"

/* Evidence that others ask for. */
#define EVIDENCE_LOST "the reserved memory lost its contents, or had none"
#define EVIDENCE_NO_END "the reserved memory has no record of an end in order"

/* What the stages of this boot found out. -ENOENT: nothing yet. */
int last_boot_load(const struct machine *m, struct last_boot *ret_l) _must_check_;
int last_boot_save(const struct last_boot *l, const struct machine *m) _must_check_;
void last_boot_free(struct last_boot *l);

/* Says more of the cause than was known, or leaves it. */
void last_boot_raise(struct last_boot *l, const char *cause);

/* Adds a line to one of the lists of @l, unless it is there. 0 or -ENOMEM. */
int last_boot_add(struct last_boot *l, struct last_boot_line **list, const char *fmt, ...)
	_printf_(3, 4);

/* Whether @text is among the evidence. */
bool last_boot_has(const struct last_boot *l, const char *text);

/* The fields "cause", "evidence" and "records" of an open object. */
void last_boot_json(const struct last_boot *l, struct json *j);

/* --- gathering (lastbootfind.c) --- */

/* Where copies of the records lie until they are archived, below /run. */
#define LAST_BOOT_RECORDS "holdfast/records"

/* What pstore, the dumps of profile @tree (may be NULL) and the watchdogs say; @memory as
 * ramoops_start() gives it. Adds to what @l has. With @copy the records are copied to
 * LAST_BOOT_RECORDS, or @l->uncopied says why not. 0 or -ENOMEM: what cannot be read is no
 * evidence. */
int last_boot_find(const struct machine *m, const struct node *tree, int memory, bool copy,
		   struct last_boot *l) _must_check_;

/* --- the archive (lastbootarchive.c) --- */

/* Opens the archive of @last_boot (the section), made where @make says so: -EPERM and *@ret_why
 * (@ret_why may be NULL) as kdumpdir_open(). */
int last_boot_open_archive(const struct machine *m, const struct node *last_boot, bool make,
			   struct root *ret_dir, char **ret_why) _must_check_;

/* Adds what the disk of @last_boot says of the boot before. 0 or -ENOMEM. */
int last_boot_ask_trace(const struct machine *m, const struct node *last_boot,
			struct last_boot *l) _must_check_;

/* Archives the copied records, clears the originals, and notes that this boot runs. -errno where
 * the archive cannot be written, with the reason in *@ret_why (which may stay NULL; the caller
 * frees it); the records stay where they are then. */
int last_boot_archive(const struct machine *m, const struct node *last_boot, struct last_boot *l,
		      char **ret_why) _must_check_;

/* Whether the disk's trace is of a boot before this one, and can be replaced. */
bool last_boot_can_mark(const struct machine *m, const struct node *last_boot);

/* Notes that this boot runs; @l remembers what the trace was. 0 or -errno. */
int last_boot_mark(const struct machine *m, const struct node *last_boot,
		   struct last_boot *l) _must_check_;

/* Whether this boot has not been noted as ended: after a soft reboot it has, and goes on. */
bool last_boot_goes_on(const struct machine *m, const struct node *tree);

/* On the disk for dumps: what @l has of its dumps is no news any more; room for a kernel log. With
 * @ended no dump is, nor does the row of crashes go on. 0 or -errno. */
int last_boot_settle(const struct machine *m, const struct node *tree, const struct last_boot *l,
		     bool ended);

/* Notes that this boot ends in order, and the row of crashes with it. 0 or -errno, with *@ret_why
 * as above. */
int last_boot_end(const struct machine *m, const struct node *tree, char **ret_why) _must_check_;

/* --- records that pstore does not let go of (lastbootstuck.c) --- */

/* The list of those that earlier boots have archived; NULL: there are none. The caller frees. */
char *last_boot_stuck(const struct machine *m, const struct node *last_boot);

/* Whether file @name of directory @pstore is on @list (may be NULL), as it is now. */
bool last_boot_is_stuck(const char *list, int pstore, const char *name);

/* Whether @l, of a stage that had no archive, counts one as evidence; their copies are removed. */
bool last_boot_counts_stuck(const struct machine *m, const struct node *last_boot,
			    const struct last_boot *l);

/* Clears pstore of what @l has seen, which is archived, and lists what it does not let go. 0 or
 * -errno: the list could not be written. */
int last_boot_clear_pstore(const struct machine *m, const struct root *archive,
			   const struct last_boot *l) _must_check_;
