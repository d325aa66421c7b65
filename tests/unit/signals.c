/* base/signals.h: what ends a program, held until it may. */
#include "base/signals.h"

#include "base/run.h"
#include "unit.h"

static int come(void *data)
{
	bool early = signals_came();

	(void)data;
	signals_hold();
	raise(SIGTERM);
	return !early && signals_came();
}

static int come_and_release(void *data)
{
	come(data);
	signals_release();
	return 0;
}

static int release(void *data)
{
	(void)data;
	signals_hold();
	signals_release();
	return 0;
}

static void held(void)
{
	CHECK(run_apart(come, NULL) == 1);
	CHECK(run_apart(come_and_release, NULL) == -EBADMSG);
	CHECK(run_apart(release, NULL) == 0);
}

static void not_for_others(void)
{
	char shell[] = "/bin/sh", option[] = "-c", script[] = "kill -s TERM $$; exit 0";
	char *argv[] = { shell, option, script, NULL };

	signals_hold();
	CHECK(run_program(argv, -1, -1) == 128 + SIGTERM);
}

UNIT_MAIN({ "a signal that came is told, and ends the program when it is let", held },
	  { "what is executed meanwhile ends by it as ever", not_for_others })
