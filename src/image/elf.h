/* The head of a program, of whatever architecture: what it is for, and what it takes to run it. */
#pragma once

#include "base/root.h"

struct program {
	const char *arch;      /* as in uname -m; NULL: a script, or unknown */
	char interpreter[256]; /* of a script, or the loader of an ELF file; "": none */
	bool is_script;
};

/* Reads it from @fd. What is neither a script nor an ELF file leaves it empty. */
void program_read(int fd, struct program *ret_program);
