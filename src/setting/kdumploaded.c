/* What the crash kernel was loaded from: noted when it is, since the kernel does not tell. */
#include <sys/stat.h>

#include "base/hash.h"
#include "base/text.h"
#include "setting/kdump.h"
#include "setting/report.h"

#define FILE_NAME "kdump"

/* The ends of a file are enough to know another by: headers are in front, checksums are behind. */
#define END 4096

static void print_file(const char *what, int fd, FILE *f)
{
	uint64_t h = HASH_BEGIN;
	uint8_t bytes[END];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	for (int end = 0; end < 2; end++) {
		ssize_t n = pread(fd, bytes, END, end && st.st_size > END ? st.st_size - END : 0);

		if (n > 0)
			h = hash_add(h, bytes, (size_t)n);
	}
	fprintf(f, "%s %lld %016llx\n", what, (long long)st.st_size, (unsigned long long)h);
}

static void print_files(FILE *f, const void *data)
{
	const struct kdump *k = data;

	print_file("kernel", k->kernel, f);
	print_file("initrd", k->initrd, f);
}

int kdump_note_loaded(const struct machine *m, const struct kdump *k)
{
	return report_store(m, FILE_NAME, print_files, k ? k : &KDUMP_NONE);
}

/* NULL: without memory. */
static char *describe(const struct kdump *k)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	print_files(f, k);
	return memstream_end(f, &text) == 0 ? text : NULL;
}

const char *kdump_loaded_note(const struct machine *m, const struct kdump *k)
{
	_cleanup_free_ char *then = NULL, *now = describe(k);

	if (m->run.fd < 0 || root_read_text(&m->run, REPORT_DIR "/" FILE_NAME, 1024, &then) < 0 ||
	    !*then)
		return "another program has loaded it: what it does is not known";
	if (!now || k->kernel < 0 || k->initrd < 0)
		return NULL;
	if (!text_same_value(now, then))
		return "it was loaded from other files than those that are there now: "
		       "'holdfast kdump unload' and 'load' take these, or the next boot";
	return k->stale ? "its capture image was not built for the profile as it is now: "
			  "update-initramfs -u builds it anew"
			: NULL;
}
