/* Locks between processes of ours. */
#pragma once

#include "base/util.h"

/* Locks file @name of directory @dir_fd until the descriptor that is returned is closed; makes it
 * where it is missing. It is root's alone: whoever can open a file can lock it, for ever. -EAGAIN
 * while another has it, or -errno. */
int lock_try(int dir_fd, const char *name) _must_check_;
