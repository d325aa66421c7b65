/* The guard's socket in /run/holdfast: for status, and for the next guard to take over. Text lines
 * with tabs; root only. */
#pragma once

#include "base/machine.h"

/* Binds RUN/holdfast/guard.sock in the place of an older one. A descriptor to poll, or -errno. */
int control_listen(const struct machine *m) _must_check_;

/* Takes one request of root's and hands it, without its newline, to @answer, which writes to
 * @out. -EMFILE, -ENFILE or -ENOMEM: there is no descriptor to take it with. */
int control_serve(int socket, void (*answer)(const char *request, FILE *out, void *data),
		  void *data) _must_check_;

/* Asks the running guard. *@ret_answer is the caller's. -ENOENT or -ECONNREFUSED: none runs. */
int control_ask(const struct machine *m, const char *request, char **ret_answer) _must_check_;
