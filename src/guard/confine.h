/* Giving up what a guard does not need, so that whoever finds a hole in it finds little behind. */
#pragma once

/* For the supervisor, and for what it starts: no new privileges, and only the capabilities that
 * guarding and the opening of its sources take; first in line for the processor. 0 or -errno. */
int confine_supervisor(void);

/* For a worker whose sources are open: only the capabilities and the system calls that guarding
 * takes; any other call fails with EPERM. 0 or -errno. */
int confine_worker(void);
