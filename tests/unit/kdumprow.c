/* setting/kdumprow.h: boots in a row that came to a bad end, also when the crash kernel itself
 * fails. */
#include "setting/kdumprow.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "unit.h"

#define MAX 3

static const struct last_boot nothing_known;

/* A machine with a disk for dumps. */
struct world {
	char path[32];
	struct machine m;
	struct kdump_target t;
};

static void boot(const struct world *p, const char *id)
{
	int dir = openat(p->m.procfs.fd, "sys/kernel/random", O_RDONLY | O_DIRECTORY);

	CHECK(dir >= 0 && write_whole(dir, "boot_id", id, strlen(id)) == 0);
	close(dir);
}

static struct world new_world(void)
{
	struct world p = { .path = "/tmp/kdumprow.XXXXXX", .t = KDUMP_TARGET_NONE };

	CHECK(mkdtemp(p.path));
	p.m.procfs.fd = p.t.root.fd = open(p.path, O_RDONLY | O_DIRECTORY);
	close(root_make_dir(&p.m.procfs, "sys/kernel/random"));
	boot(&p, "first");
	return p;
}

static void remove_world(struct world *p)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", p->path);
	CHECK(system(command) == 0);
	close(p->t.root.fd);
}

static struct kdump_row row(const struct world *p, const struct last_boot *l)
{
	return kdump_row_read(&p->t, &p->m, l, MAX);
}

/* What the stage "system" of a boot that is armed notes. */
static void armed(const struct world *p, const struct last_boot *l)
{
	CHECK(kdump_row_note(&p->t, &p->m, row(p, l).unclear) == 0);
}

static void crashes(void)
{
	struct world p = new_world();

	CHECK(row(&p, &nothing_known).crashes == 0 && !row(&p, &nothing_known).noted);
	CHECK(kdump_row_set(&p.t, 2) == 0 && row(&p, &nothing_known).crashes == 2);
	CHECK(kdump_row_set(&p.t, 0) == 0 && row(&p, &nothing_known).crashes == 0);
	CHECK(kdump_row_set(&p.t, 0) == 0); /* it is gone already */
	remove_world(&p);
}

static void fails(void)
{
	static const char *const boots[] = { "second", "third", "fourth" };
	struct world p = new_world();

	armed(&p, &nothing_known);
	for (int i = 0; i < MAX; i++) {
		boot(&p, boots[i]);
		CHECK(row(&p, &nothing_known).unclear == i + 1);
		armed(&p, &nothing_known);
		CHECK(row(&p, &nothing_known).unclear == i + 1); /* the same boot, later */
	}
	/* The fourth was not armed: enough of them. */
	boot(&p, "fifth");
	CHECK(row(&p, &nothing_known).unclear == 0);
	remove_world(&p);
}

static void explained(void)
{
	struct last_boot ended = { .cause = CAUSE_REBOOT },
			 cut = { .cause = CAUSE_POWER_LOSS_OR_RESET };
	struct world p = new_world();

	armed(&p, &nothing_known);
	boot(&p, "second");
	CHECK(row(&p, &cut).unclear == 1);
	CHECK(row(&p, &ended).unclear == 0);
	CHECK(last_boot_add(&cut, &cut.evidence, "%s", EVIDENCE_LOST) == 0);
	CHECK(row(&p, &cut).unclear == 0);
	last_boot_free(&cut);
	/* The crash kernel has counted it, or the boot has ended in order. */
	CHECK(kdump_row_set(&p.t, 1) == 0);
	CHECK(row(&p, &nothing_known).unclear == 0 && !row(&p, &nothing_known).noted);
	remove_world(&p);
}

static void damaged(void)
{
	static const char *const texts[] = { "", "first", "x y", "x -7", "x 99999999999999999999" };
	struct world p = new_world();

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CHECK(write_whole(p.t.root.fd, ".armed", texts[i], strlen(texts[i])) == 0);
		CHECK(row(&p, &nothing_known).unclear <= 1 && row(&p, &nothing_known).unclear >= 0);
	}
	remove_world(&p);
}

UNIT_MAIN({ "crashes that were counted", crashes },
	  { "a crash kernel that fails: an armed boot that ends without a word", fails },
	  { "a loss of power, an end in order and a saved dump are none", explained },
	  { "a damaged note", damaged })
