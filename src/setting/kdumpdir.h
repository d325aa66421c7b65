/* The directory of dumps: one directory each, called NUMBER-TIME, with what was saved in it. A
 * dump that is there is whole: what is being written has a name that begins with a dot. */
#pragma once

#include "base/arena.h"
#include "base/root.h"

/* Opens directory @path below @r, made where @make says so. What others than root could have put
 * there is believed as little as what is there is removed for them: -EPERM, with the remedy in
 * *@ret_why, which the caller frees. Else -errno. */
int kdumpdir_open(const struct root *r, const char *path, bool make, struct root *ret_dir,
		  char **ret_why) _must_check_;

/* The number in @name, or 0 where it is no dump's. */
int64_t kdumpdir_number(const char *name);

/* The latest dump: its name in @a, or NULL where there is none. 0 or -errno. */
int kdumpdir_latest(const struct root *dir, struct arena *a, const char **ret_name) _must_check_;

/* Begins a new one, named after the time: under a temporary name in @a, with its directory open in
 * *@ret_fd. */
int kdumpdir_begin(const struct root *dir, struct arena *a, const char **ret_temporary,
		   int *ret_fd) _must_check_;

/* Gives it its name, which is @temporary's from its second letter on, or removes it where that
 * fails. */
int kdumpdir_commit(const struct root *dir, const char *temporary, int fd) _must_check_;

/* Removes it. */
void kdumpdir_abandon(const struct root *dir, const char *temporary);

/* Removes what was never finished and all dumps but the latest @keep; how many of these. What
 * cannot be removed keeps none of the others. */
unsigned kdumpdir_prune(const struct root *dir, int64_t keep);

/* Removes the oldest dumps, but not the latest @keep, until that gave back @bytes; none where all
 * of them have less. Whether it gave back anything: what cannot be removed may be in the way. */
bool kdumpdir_make_room(const struct root *dir, int64_t bytes, int64_t keep);

#define KDUMP_LOG "dmesg"
#define KDUMP_CORE "vmcore"
#define KDUMP_PARTIAL ".vmcore"
#define KDUMP_NEW ".new" /* holds the name of a dump that no boot has looked at */

/* Keeps room for a kernel log on a disk that others fill; given back by kdumpdir_release(). */
int kdumpdir_reserve(const struct root *dir);
bool kdumpdir_has_reserve(const struct root *dir);
bool kdumpdir_release(const struct root *dir);
