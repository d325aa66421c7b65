/* profile/key.h: the table keeps its own promises. */
#include "profile/key.h"

#include "unit.h"

static void well_ordered(void)
{
	for (size_t i = 0; i < n_keys; i++) {
		const char *dot = strrchr(keys[i].path, '.');
		char parent[128];

		CHECK(key_find(keys[i].path) == &keys[i]); /* each path once */
		if (!dot)
			continue;
		snprintf(parent, sizeof(parent), "%.*s", (int)(dot - keys[i].path), keys[i].path);
		CHECK(key_find(parent) != NULL);
		CHECK(key_find(parent) && key_is_container(key_find(parent)));
		CHECK(key_child(key_find(parent), key_name(&keys[i])) == &keys[i]);
	}
}

static void reachable(void)
{
	const struct key *stack[8] = { NULL };
	size_t found = 0, depth = 1;

	/* every row is reached by walking from the top */
	for (const struct key *at[8] = { NULL }; depth > 0;) {
		at[depth] = key_next_child(stack[depth - 1], at[depth]);
		if (!at[depth]) {
			depth--;
			continue;
		}
		found++;
		if (key_is_container(at[depth]) && depth < 7) {
			stack[depth] = at[depth];
			at[++depth] = NULL;
		}
	}
	CHECK(found == n_keys);
}

static void sound_rows(void)
{
	for (size_t i = 0; i < n_keys; i++) {
		const struct key *k = &keys[i];

		CHECK(k->doc && *k->doc);
		CHECK(k->doc[strlen(k->doc) - 1] == '.');
		CHECK((k->type == KEY_CHOICE) == (k->choices != NULL));
		CHECK(k->min <= k->max);
		CHECK(k->type == KEY_INT || k->type == KEY_SIZE || (k->min == 0 && k->max == 0));
		CHECK(!k->file || k->kind == SETTING_SYSCTL);
		CHECK(!(k->flags & KEY_REQUIRED) || !k->fallback);
	}
}

static void lookups(void)
{
	CHECK(key_find("vm.panic_on_oom") != NULL);
	CHECK(key_find("vm.nothing") == NULL);
	CHECK(key_child(NULL, "vm") == key_find("vm"));
	CHECK(key_child(key_find("sysctl"), "kernel.panic") == key_find("sysctl.*"));
	CHECK(key_child(key_find("match.dmi"), "memory") == NULL);
	CHECK(streq(key_name(key_find("kdump.capture.keep")), "keep"));
}

UNIT_MAIN({ "every row stands below its parent, once", well_ordered },
	  { "every row is reached from the top", reachable },
	  { "every row is documented and its limits are sound", sound_rows },
	  { "rows are found by path and by name", lookups })
