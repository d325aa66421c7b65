/* What a failure at boot leads to, by the profile's on_error. */
#pragma once

#include "base/machine.h"

/* Carries out @action ("continue", "emergency", "reboot", "panic"); @in_system says that the real
 * root's init runs, which is then asked, instead of the kernel. Comes back for "continue", for
 * "emergency" (which init or the script around us carries out: it finds the file
 * holdfast/emergency in /run), and where the action failed. */
void onerror_run(const struct machine *m, const char *action, bool in_system);
