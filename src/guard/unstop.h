/* A process that was stopped cannot see to it that it goes on; the kernel can, by a signal. */
#pragma once

#include "base/util.h"

/* Lets the kernel send us SIGCONT every @ms: a stopped process goes on, one that runs is not even
 * woken. *@ret_fd is to be kept open, or negative where nothing has to be. -errno where the kernel
 * offers no way. */
int unstop_start(int ms, int *ret_fd) _must_check_;
