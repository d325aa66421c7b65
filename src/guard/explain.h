/* Why a process is not pinned. */
#pragma once

#include "guard/pin.h"

/* Says so in @buffer of @size, a line a rule; or that it is pinned. */
void explain_process(struct policy *p, pid_t pid, char *buffer, size_t size);
