/* What the crash kernel was loaded from: noted when it is, since the kernel does not tell. */
#include <sys/stat.h>

#include "base/text.h"
#include "setting/kdump.h"
#include "setting/report.h"

#define FILE_NAME "kdump"

/* The ends of a file are enough to know another by: headers are in front, checksums are behind. */
#define END 4096

/* FNV-1a */
static uint64_t hash(uint64_t h, const uint8_t *bytes, ssize_t n)
{
	for (ssize_t i = 0; i < n; i++)
		h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
	return h;
}

static void print_file(const char *what, int fd, FILE *f)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	uint8_t bytes[END];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	h = hash(h, bytes, pread(fd, bytes, END, 0));
	h = hash(h, bytes, pread(fd, bytes, END, st.st_size > END ? st.st_size - END : 0));
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
	return fclose(f) == 0 ? text : NULL;
}

const char *kdump_loaded_note(const struct machine *m, const struct kdump *k)
{
	_cleanup_free_ char *then = NULL, *now = describe(k);

	if (m->run.fd < 0 || root_read_text(&m->run, REPORT_DIR "/" FILE_NAME, 1024, &then) < 0 ||
	    !*then)
		return "another program has loaded it: what it does is not known";
	if (!now || k->kernel < 0 || k->initrd < 0)
		return NULL;
	return text_same_value(now, then)
		       ? NULL
		       : "it was loaded from other files than those that are there now: "
			 "'holdfast kdump unload' and 'load' take these, or the next boot";
}
