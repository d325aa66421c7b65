/* The one profile of those who are fuzzed with everything else. */
#pragma once

#include "profile/check.h"
#include "tree.h"

/* Reads @text, which is valid, where @ret_profile has not been read before. */
static void fuzz_choose(const char *text, struct profile *ret_profile)
{
	struct library l = { 0 };
	struct findings f = { 0 };
	char path[64];

	if (ret_profile->tree)
		return;
	fuzz_lay_out("profile/p.yaml", (const uint8_t *)text, strlen(text));
	snprintf(path, sizeof(path), "%s/profile/p.yaml", fuzz_dir);
	if (profile_read_file(path, &f, ret_profile) < 0 ||
	    profile_compose(&l, &f, ret_profile) < 0 || f.errors > 0) {
		findings_log(&f);
		abort();
	}
	findings_free(&f);
}
