/* Any profiles on any machine: which one is chosen by DMI, device tree, memory and command line,
 * and what each becomes together with its parents. What is chosen by its name is that one, and what
 * is valid alone can be merged or says why not. */
#include "profile/check.h"
#include "profile/select.h"
#include "tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compose_each(const struct library *l, struct findings *f)
{
	struct arena names = { 0 };
	char **list = NULL;

	if (library_names(l, &names, &list) < 0)
		abort();
	for (; *list; list++) {
		struct profile p;
		unsigned errors = f->errors;

		if (profile_read(l, *list, f, &p) < 0)
			continue;
		if (p.valid != (f->errors == errors) && p.valid)
			abort();
		if (profile_compose(l, f, &p) < 0)
			abort();
		if (p.tree && p.tree->kind == NODE_MAP)
			check_profile(&p, f);
		profile_free(&p);
	}
	arena_free(&names);
}

static void choose(const struct library *l, struct identity *id, const char *wanted,
		   struct findings *f)
{
	struct selection s;

	if (select_profile(l, id, wanted, f, &s) < 0)
		abort();
	if (wanted && s.reason != SELECT_NONE && !streq(s.profile.name, wanted))
		abort();
	selection_free(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct root procfs, sysfs;
	struct identity id = { .procfs = &procfs, .sysfs = &sysfs };
	struct findings f = { 0 };
	struct library l;
	char path[64], *dirs[] = { path, NULL };

	fuzz_lay_out("profiles/a.yaml", data, size);
	procfs = fuzz_root("proc");
	sysfs = fuzz_root("sys");
	root_close(&(struct root){ .fd = fuzz_root("profiles").fd });
	snprintf(path, sizeof(path), "%s/profiles", fuzz_dir);
	if (library_open(NULL, dirs, &l) < 0)
		abort();
	choose(&l, &id, NULL, &f);
	choose(&l, &id, "a", &f);
	compose_each(&l, &f);
	for (const struct finding *finding = f.first; finding; finding = finding->next) {
		char *line = finding_text(finding);

		if (!line || !strstr(line, ".yaml"))
			abort();
		free(line);
	}
	findings_free(&f);
	library_close(&l);
	identity_free(&id);
	root_close(&procfs);
	root_close(&sysfs);
	return 0;
}
