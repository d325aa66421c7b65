/* Any bytes as the memory of a kernel that crashed, as a kernel, and as an initramfs: the log of
 * the first, and what the others say of themselves. */
#include "setting/kdump.h"

#include <sys/mman.h>

#include "chosen.h"
#include "setting/kdumplog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] =
	"holdfast: 1\nname: p\n"
	"kdump: { crashkernel: 192M, capture: { target: \"LABEL=d\", path: / } }\n";

static struct profile profile;

static void read_log(int vmcore)
{
	char *log = NULL;
	size_t n;
	FILE *f = open_memstream(&log, &n);

	if (!f)
		abort();
	(void)!kdump_log_write(vmcore, f);
	fclose(f);
	free(log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("file", MFD_CLOEXEC);
	int64_t needed = 1;
	char release[65];

	fuzz_choose(text, &profile);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	read_log(fd);
	if (kdump_measure(fd, fd, &needed) == 0 && needed <= 0)
		abort();
	if (kdump_release_of(fd, release, sizeof(release)) && strlen(release) >= sizeof(release))
		abort();
	if (kdump_longest_append(fd) == 0)
		abort();
	(void)kdump_is_signed(fd);
	(void)kdump_is_built_for(fd, profile.tree);
	(void)kdump_has_modules_for(fd, fd);
	close(fd);
	return 0;
}
