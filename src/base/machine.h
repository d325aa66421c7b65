/* The trees that make up the machine we work on, real or made for a test. */
#pragma once

#include "base/root.h"

struct machine {
	struct root procfs, sysfs;
	struct root root; /* programs, modules, configuration: "/" or an image */
	struct root run;  /* what lives until power-off; not open where there is none */
	bool wait;        /* devices may still be appearing: wait for them */
	bool entering;    /* the root is not entered yet, but is mounted for it */
};

/* Opens the trees; NULL stands for /proc, /sys and /, of which the first two may be missing. @run
 * is taken below the root where @run_in_root says so; a missing one is no error: .run.fd is then
 * why it cannot be opened, -errno. The paths are borrowed. -errno after logging which one failed.
 */
int machine_open(const char *procfs, const char *sysfs, const char *root, const char *run,
		 bool run_in_root, struct machine *ret_machine) _must_check_;
void machine_close(struct machine *m);

/* Whether procfs and sysfs are this kernel's, and the root its system's, or about to be: nothing is
 * loaded or mounted for trees that were made for a test, nor for an image. */
bool machine_is_real(const struct machine *m);

/* Whether only the root is another one: an image, beside the trees of the kernel that runs here. */
bool machine_is_image(const struct machine *m);

/* What is not done where the machine is not real: -EOPNOTSUPP, and why ("...: nothing is @done") in
 * *@ret_why, which the caller frees. */
int machine_refuse(const struct machine *m, const char *done, char **ret_why);

/* The running boot's identity; the caller frees. */
int machine_boot_id(const struct machine *m, char **ret_id) _must_check_;
