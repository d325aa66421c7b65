/* setting/kdumpcheck.c: what the crash kernel is told. */
#define kdump_kernels kdump_kernels_here
#define kdump_initrds kdump_initrds_here
#define kdump_armed kdump_armed_here
#define kdump_is_armed kdump_is_armed_here
#define kdump_armed_text kdump_armed_text_here
#define kdump_is_capture_kernel kdump_is_capture_kernel_here
#define kdump_examine kdump_examine_here
#define kdump_free kdump_free_here
#include "setting/kdumpcheck.c"

#include "profile/parse.h"
#include "unit.h"

/* Whether a profile with @text tells the crash kernel @expected. */
static bool tells(const char *text, const char *expected)
{
	struct findings f = { 0 };
	struct arena a = { 0 };
	struct node *tree = NULL;
	struct kdump k = { 0 };
	bool same;

	CHECK(parse_tree(&a, "p.yaml", text, strlen(text), PARSE_PROFILE, &f, &tree) == 0);
	CHECK(make_append(NULL, tree, &k) == 0);
	same = streq(k.append, expected);
	free(k.append);
	findings_free(&f);
	arena_free(&a);
	return same;
}

static void append(void)
{
	CHECK(tells("{ name: car, kdump: { append: quiet } }", "holdfast.profile=car quiet"));
	CHECK(tells("{ name: car, kdump: { append: 'quiet -- single' } }",
		    "holdfast.profile=car quiet -- single"));
}

UNIT_MAIN({ "the profile's name comes first, where nothing in 'append' can end the options",
	    append })
