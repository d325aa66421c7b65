/* Giving back what starting took: a guard lives as long as the machine, and does little. */
#pragma once

/* Unmaps the pages of programs and libraries that were touched so far, which come back from the
 * page cache as they are needed, frees heap that is free, and locks what is touched from now on:
 * nothing of a guard may have to be read from a disk when memory runs out. 0 or -errno. */
int lean_settle(void);

/* The lock alone, which a child does not inherit. It writes nothing: what parent and child have not
 * written since is there once. 0 or -errno. */
int lean_lock(void);
