/* Any bytes as the table of a fleet: each machine says of itself what the table has, and its
 * command line is taken apart. */
#include "image/fleet.h"
#include "tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int visit(struct fleet_machine *m, void *data)
{
	static const char *const names[] = { "dmi.product_name", "dmi.sys_vendor",
					     "devicetree.model", "devicetree.compatible",
					     "memory",           "arch" };
	unsigned *last = data;

	if (!m->name && m->line <= *last)
		abort(); /* lines come in order, each once */
	*last = m->line;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = identity_get(&m->identity, names[i]);

		if (value && streq(names[i], "memory") &&
		    strspn(value, "0123456789") != strlen(value))
			abort();
	}
	(void)identity_cmdline(&m->identity, "holdfast.profile");
	(void)identity_cmdline(&m->identity, "crashkernel");
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	unsigned line = 0, bad = 0;

	fuzz_lay_out("fleet/machines.tsv", data, size);
	snprintf(path, sizeof(path), "%s/fleet/machines.tsv", fuzz_dir);
	(void)!fleet_read(path, visit, &line, &bad);
	snprintf(path, sizeof(path), "%s/fleet", fuzz_dir);
	line = 0;
	(void)!fleet_read(path, visit, &line, &bad);
	return 0;
}
