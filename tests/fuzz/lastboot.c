/* Any records of the boot before, in pstore and in the archive: what they say of it, kept for the
 * stages to come, and archived. What has a copy is cleared, and what is not archived is not. */
#include "chosen.h"
#include "insight/lastboot.h"
#include "setting/lastboot.h"
#include "setting/pstore.h"
#include "setting/ramoops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] = "holdfast: 1\nname: p\n"
			   "last_boot: { archive: /var/crashes, keep: 2 }\n";

static struct profile profile;

static void same(const struct last_boot_line *a, const struct last_boot_line *b)
{
	for (; a && b; a = a->next, b = b->next)
		if (!streq(a->text, b->text))
			abort();
	if (a || b)
		abort();
}

/* What one stage stores the next one reads. */
static void store(const struct machine *m, const struct last_boot *l)
{
	struct last_boot stored;

	if (last_boot_save(l, m) < 0 || last_boot_load(m, &stored) < 0)
		abort();
	if (!streq(stored.cause, l->cause))
		abort();
	same(stored.evidence, l->evidence);
	same(stored.records, l->records);
	same(stored.seen, l->seen);
	last_boot_free(&stored);
}

static void archive(const struct machine *m, struct last_boot *l)
{
	const struct node *last_boot = node_child(profile.tree, "last_boot");
	char *why = NULL, path[320];

	if (last_boot_ask_trace(m, last_boot, l) < 0)
		abort();
	if (last_boot_archive(m, last_boot, l, &why) >= 0)
		for (const struct last_boot_line *seen = l->seen; seen; seen = seen->next) {
			snprintf(path, sizeof(path), "fs/pstore/%.255s", seen->text);
			if (root_exists(&m->sysfs, path) == 0)
				abort();
		}
	free(why);
	store(m, l);
}

/* All of them as one text, as they are explained where somebody names the directory. */
static void read_records(const struct machine *m)
{
	int dir = root_openat(&m->sysfs, "fs/pstore", O_RDONLY | O_DIRECTORY);
	char *records = NULL;
	size_t n;

	if (dir >= 0 && pstore_read(dir, 16384, &records, &n) == 0 && n > 16384)
		abort();
	free(records);
	if (dir >= 0)
		close(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int memories[] = { 0, RAMOOPS_KEPT_CONTENTS, RAMOOPS_LOST };
	struct last_boot l = { .cause = CAUSE_UNKNOWN };
	struct arena a = { 0 };
	struct machine m = { 0 };
	const struct oom_report *oom;

	fuzz_choose(text, &profile);
	fuzz_lay_out("sys/fs/pstore/console-ramoops-0", data, size);
	m.procfs = fuzz_root("proc");
	m.sysfs = fuzz_root("sys");
	m.root = fuzz_root("root");
	m.run = fuzz_root("run");
	read_records(&m);
	if (last_boot_find(&m, profile.tree, memories[size % ARRAY_SIZE(memories)], true, &l) < 0)
		abort();
	store(&m, &l);
	(void)!lastboot_oom(&m, &l, &a, &oom);
	archive(&m, &l);
	(void)!lastboot_oom(&m, &l, &a, &oom);
	last_boot_free(&l);
	arena_free(&a);
	root_close(&m.procfs);
	root_close(&m.sysfs);
	root_close(&m.root);
	root_close(&m.run);
	return 0;
}
