/* Any image: the configuration of its kernels, its boot loader's files and its users, held against
 * a profile that needs much. */
#include "chosen.h"
#include "image/image.h"
#include "image/unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char profile[] =
	"holdfast: 1\nname: p\n"
	"match: [ { cmdline: { board: [ a, \"b*\" ] }, memory: \">=512M,<=1G\" } ]\n"
	"kdump: { crashkernel: 192M, capture: { target: \"LABEL=d\", path: / } }\n"
	"last_boot: { ramoops: { mem_address: 0x20000000, mem_size: 1M } }\n"
	"protect: [ { service: s, exe: /bin/s, unit: s.service, user: nobody, max_rss: 64M }, "
	"{ service: old, exe: /bin/old } ]\n";

static struct profile needs;

static int take(const struct cmdline_word *word, void *data)
{
	(void)data;
	return *word->name ? 0 : -EINVAL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const units[] = { "getty@tty1.service", "old.service", "masked.service",
					     "alias.service" };
	struct findings f = { 0 };
	struct root root;
	struct image image;

	fuzz_choose(profile, &needs);
	fuzz_lay_out("image/boot/config-6.1.0", data, size);
	root = fuzz_root("image");
	if (image_open(&root, NULL, NULL, &image) == 0) {
		if (program_check(&image, needs.tree, &f) < 0 ||
		    kconfig_check(&image, needs.tree, &f) < 0 ||
		    crash_check(&image, needs.tree, &f) < 0 ||
		    cmdline_check(&image, needs.tree, &f) < 0 ||
		    cmdline_words(&image, &needs, take, NULL) < 0 ||
		    unit_check_limits(&root, &needs, &f) < 0)
			abort();
		for (size_t i = 0; i < ARRAY_SIZE(units); i++)
			(void)!unit_find(&root, units[i]);
		image_close(&image);
	}
	findings_free(&f);
	root_close(&root);
	return 0;
}
