/* setting/outcome.h: which results are failures, and which of them on_error is for. */
#include "setting/outcome.h"

#include "unit.h"

static struct outcome failed(const char *kind, bool required)
{
	return (struct outcome){
		.kind = kind, .result = RESULT_FAILED, .error = -EROFS, .required = required
	};
}

static void failures(void)
{
	struct outcome o = failed("sysctl", true);

	CHECK(outcome_fails(&o) && outcome_breaks_boot(&o));
	o = failed("mount", false);
	CHECK(!outcome_fails(&o) && !outcome_breaks_boot(&o));
	o = failed("sysctl", true);
	o.result = RESULT_ABSENT;
	o.later = true; /* the next stage tries again */
	CHECK(!outcome_fails(&o) && !outcome_breaks_boot(&o));
	o = failed("sysctl", true);
	o.result = RESULT_SET; /* something else, in the place of what could not be known */
	CHECK(outcome_fails(&o) && outcome_breaks_boot(&o));
	o.error = 0;
	CHECK(!outcome_fails(&o) && !outcome_breaks_boot(&o));
}

static void last_boot(void)
{
	struct outcome o = failed("last_boot", true);

	CHECK(outcome_fails(&o));
	CHECK(!outcome_breaks_boot(&o));
}

UNIT_MAIN({ "what is required and failed is for on_error", failures },
	  { "an archive that cannot be written fails, and is no reason for a reboot", last_boot })
