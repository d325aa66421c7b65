/* setting/kdumpload.c: what kexec(8) says is not lost. */
#define kdump_load kdump_load_here
#define kdump_unload kdump_unload_here
#include "setting/kdumpload.c"

#include "unit.h"

/* As kexec(8) would: ends as @script does; whether @says is its last word. */
static int ran(const char *script, const char *says)
{
	_cleanup_free_ char *copy = strdup(script), *said = NULL;
	char shell[] = "/bin/sh", option[] = "-c";
	char *argv[] = { shell, option, copy, NULL };
	int ret = run_kexec(argv, &said);

	CHECK(streq_null(said, says));
	return ret;
}

static void words(void)
{
	CHECK(ran("echo one; echo 'Cannot open x' >&2; echo; exit 255", "Cannot open x") == -EIO);
	CHECK(ran("exit 1", NULL) == -EIO);
	CHECK(ran("echo fine", "fine") == 0);
}

static void reasons(void)
{
	_cleanup_free_ char *why = NULL, *silent = NULL;

	CHECK(explain(NULL, -EIO, "Cannot open x", &why) == -EIO);
	CHECK(streq(why, "kexec(8) failed: Cannot open x"));
	CHECK(explain(NULL, -EIO, NULL, &silent) == -EIO);
	CHECK(streq(silent, "kexec(8) failed: it does not say why"));
}

UNIT_MAIN({ "its last line is told, whichever way it comes", words },
	  { "and is the cause", reasons })
