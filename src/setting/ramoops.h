/* ramoops and pstore: memory in which the kernel log survives a warm reset. */
#pragma once

#include "base/machine.h"
#include "profile/node.h"

/* What ramoops found in its memory when it was loaded. Neither is an errno. */
#define RAMOOPS_KEPT_CONTENTS 1
#define RAMOOPS_LOST 2

/* Loads ramoops for the memory of last_boot.ramoops in profile @tree, unless it is there already.
 * @options (a map, or NULL) of modules.load, as text in @more, go with it. -EBUSY: the memory is in
 * use, or ramoops has none; -errno with the reason in *@ret_why, which the caller frees. */
int ramoops_load(const struct machine *m, const struct node *tree, const struct node *options,
		 const char *more, char **ret_why) _must_check_;

/* The same, and mounts pstore; without last_boot.ramoops in @tree, for what the firmware keeps.
 * RAMOOPS_KEPT_CONTENTS, RAMOOPS_LOST or 0 (the kernel does not say), or -errno as above. */
int ramoops_start(const struct machine *m, const struct node *tree, char **ret_why) _must_check_;

/* In a crash kernel without a disk: puts the end of the crashed kernel's log into our own, which
 * the memory of the profile's last_boot.ramoops keeps when we restart, and how many crashes in a
 * row there were. -ENOENT: there is no such memory. */
int ramoops_keep_log(const struct machine *m, const struct node *tree, const char *log, size_t size,
		     int64_t crashes) _must_check_;

/* If a crash kernel has put a log into @text, the kernel log of a record: true, @text is that log,
 * and *@ret_crashes how many crashes in a row there were. */
bool ramoops_take_kept_log(char *text, int64_t *ret_crashes);
