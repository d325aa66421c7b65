/* ramoops and pstore: memory in which the kernel log survives a warm reset. */
#pragma once

#include "base/machine.h"
#include "profile/node.h"

/* What ramoops found in its memory when it was loaded. Neither is an errno. */
#define RAMOOPS_KEPT_CONTENTS 1
#define RAMOOPS_LOST 2

/* Loads ramoops for the memory of section last_boot.ramoops, and mounts pstore. What is there
 * already is left as it is. RAMOOPS_KEPT_CONTENTS, RAMOOPS_LOST or 0 (the kernel does not say), or
 * -errno with the reason in *@ret_why, which the caller frees. */
int ramoops_start(const struct machine *m, const struct node *ramoops, char **ret_why) _must_check_;

/* In a crash kernel without a disk: puts the end of the crashed kernel's log into our own, which
 * the memory of the profile's last_boot.ramoops keeps when we restart. -ENOENT: there is none. */
int ramoops_keep_log(const struct machine *m, const struct node *tree, const char *log,
		     size_t size) _must_check_;

/* What stands before each line of it. */
#define RAMOOPS_KEPT "crashed: "
