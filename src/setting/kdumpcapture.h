/* What the crash kernel does: saving the dump. */
#pragma once

#include "base/machine.h"
#include "profile/node.h"

/* Saves the kernel log and, if the profile says so, the dump to the profile's target; where that
 * cannot be had, the log goes to the memory of last_boot.ramoops, or to the console. Says on
 * stderr what it does. 0 when all was saved that was asked for, else -errno. */
int kdump_capture(const struct machine *m, const struct node *tree);
