/* What other commands do of apply. */
#pragma once

#include "cmd/cmd.h"

/* Arms the crash kernel and what depends on it, as apply would by the profile of @s, which was
 * chosen with findings @f, and keeps the report. An exit status or -errno. */
int apply_kdump(struct context *c, const struct selection *s, const struct findings *f);
