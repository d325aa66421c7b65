/* base/machine.c: which machine is meant, by the trees that are given. */
#include "base/machine.h"

#include "unit.h"

static char dir[] = "/tmp/machine.XXXXXX";

struct given {
	const char *procfs, *root;
	bool run_apart, wait;
};

/* Opens what is given and looks: 'r'eal, an 'i'mage, or neither. */
static char kind_of(struct given g)
{
	_cleanup_free_ char *why = NULL;
	struct machine m;
	char kind;

	CHECK(machine_open(g.procfs, NULL, g.root, g.run_apart ? "/tmp" : "/run", !g.run_apart,
			   &m) == 0);
	m.wait = g.wait;
	kind = machine_is_real(&m) ? 'r' : machine_is_image(&m) ? 'i' : '-';
	CHECK(machine_refuse(&m, "loaded", &why) == -EOPNOTSUPP);
	CHECK(kind != 'i' || streq(why, "--root is not the running system: nothing is loaded"));
	CHECK(kind != '-' ||
	      streq(why, "procfs or sysfs is not the running kernel's: nothing is loaded"));
	machine_close(&m);
	return kind;
}

static void kinds(void)
{
	CHECK(mkdtemp(dir));
	CHECK(kind_of((struct given){ 0 }) == 'r');
	CHECK(kind_of((struct given){ .root = "/" }) == 'r');
	CHECK(kind_of((struct given){ .root = dir }) == 'i');
	/* As an initramfs does it, for the root that it is about to enter. */
	CHECK(kind_of((struct given){ .root = dir, .wait = true }) == 'r');
	CHECK(kind_of((struct given){ .root = dir, .run_apart = true }) == 'r');
	/* Made for a test. */
	CHECK(kind_of((struct given){ .root = dir, .procfs = dir }) == '-');
	CHECK(kind_of((struct given){ .procfs = dir }) == '-');
	CHECK(rmdir(dir) == 0);
}

UNIT_MAIN({ "the running one, one that is about to run, an image, one made for a test", kinds })
