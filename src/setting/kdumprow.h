/* Boots in a row that came to a bad end, on the disk for dumps: so that a crash at each boot ends.
 */
#pragma once

#include "setting/kdumptarget.h"
#include "setting/lastboot.h"

/* On a crash kernel's command line: as many crashes there were when it was loaded. */
#define KDUMP_CRASHES "holdfast.crashes="

struct kdump_row {
	int64_t crashes; /* counted by the crash kernel */
	int64_t unclear; /* ended neither in order nor in a dump: the crash kernel may have failed
			  */
	bool noted;      /* an end would count as unclear, should nothing better be known of it */
};

/* The row before this boot; @l is what is known of how the last one ended. Of @max boots in a row
 * with an unclear end the last was not armed: the row begins anew. */
struct kdump_row kdump_row_read(const struct kdump_target *t, const struct machine *m,
				const struct last_boot *l, int64_t max);

/* Counts anew from so many crashes, the last of which is clear. 0 or -errno. */
int kdump_row_set(const struct kdump_target *t, int64_t crashes) _must_check_;

/* Notes that this boot has a crash kernel, behind so many with an unclear end. 0 or -errno. */
int kdump_row_note(const struct kdump_target *t, const struct machine *m,
		   int64_t unclear) _must_check_;

/* After this many in a row the machine boots unarmed. */
int64_t kdump_row_max(const struct node *capture);
