/* Files that earlier runs, packages or the makers of an image have left: the report, the list of
 * what was installed, the system's sysctl.d, programs; and what /proc and the device tree say of
 * physical memory. What is read is written again, and then read as the same. */
#include "base/iomem.h"
#include "image/elf.h"
#include "image/manifest.h"
#include "setting/report.h"
#include "setting/sysctld.h"
#include "tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_report(const struct machine *m)
{
	struct report r = { 0 }, again = { 0 };

	if (report_load(m, &r) < 0)
		return;
	if (report_save(&r, m) < 0 || report_load(m, &again) < 0)
		abort();
	if (!again.stages != !r.stages || !again.settings != !r.settings)
		abort();
	report_free(&again);
	report_free(&r);
}

static void try_manifest(const struct root *image)
{
	struct manifest m = { 0 }, again = { 0 };

	if (manifest_read(&install_program, image, &m) == 0) {
		manifest_sort(&m);
		if (m.n > 0 && (manifest_write(&install_program, image, &m) < 0 ||
				manifest_read(&install_program, image, &again) < 0 ||
				again.n != m.n || manifest_has(&m, "etc/passwd")))
			abort();
	}
	manifest_free(&again);
	manifest_free(&m);
}

static void try_program(const struct root *image)
{
	struct program p = { 0 };
	int fd = root_openat(image, "usr/sbin/program", O_RDONLY);

	if (fd < 0)
		return;
	program_read(fd, &p);
	if (strlen(p.interpreter) >= sizeof(p.interpreter))
		abort();
	close(fd);
}

static void try_memory(const struct root *procfs, const struct root *sysfs)
{
	static const uint64_t starts[] = { 0, 0x20000000, UINT64_MAX - 4095 };
	char *user = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		if (iomem_is_free(procfs, sysfs, starts[i], 4096, &user) == -EBUSY && !user)
			abort();
		free(user);
		user = NULL;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct machine m = { 0 };
	struct arena a = { 0 };
	const char *where, *value;

	fuzz_lay_out("run/holdfast/report.json", data, size);
	m.run = fuzz_root("run");
	m.root = fuzz_root("root");
	m.procfs = fuzz_root("proc");
	m.sysfs = fuzz_root("sys");
	try_report(&m);
	try_manifest(&m.root);
	try_program(&m.root);
	try_memory(&m.procfs, &m.sysfs);
	if (sysctld_find(&m.root, &a, "vm/panic_on_oom", &where, &value) == 0 && where && !value)
		abort();
	arena_free(&a);
	root_close(&m.run);
	root_close(&m.root);
	root_close(&m.procfs);
	root_close(&m.sysfs);
	return 0;
}
