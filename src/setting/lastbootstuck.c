/* Records that pstore does not let go of. The archive lists those that it has, by what is in them:
 * they are no evidence of a later boot, but the next crash may well use the name again. */
#include <fcntl.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "setting/lastboot.h"

/* The boot's identity, then a hash and a name on each line. */
#define STUCK ".uncleared"
#define STUCK_MAX 65536
#define RECORD_MAX (4U << 20)

/* As in the list, with the ends of the lines on both sides; NULL: it cannot be read. */
static char *line_of(int pstore, const char *name)
{
	const struct root dir = { .fd = pstore, .path = "", .no_links = true };
	_cleanup_free_ char *data = NULL;
	char *line;
	size_t size;

	if (root_read(&dir, name, RECORD_MAX, &data, &size) < 0 ||
	    asprintf(&line, "\n%016llx %s\n", (unsigned long long)hash_add(HASH_BEGIN, data, size),
		     name) < 0)
		return NULL;
	return line;
}

char *last_boot_stuck(const struct machine *m, const struct node *last_boot)
{
	_cleanup_(root_close) struct root archive = ROOT_NONE;
	char *list;
	size_t size;

	if (!last_boot || last_boot_open_archive(m, last_boot, false, &archive, NULL) < 0 ||
	    root_read(&archive, STUCK, STUCK_MAX, &list, &size) < 0)
		return NULL;
	return list;
}

bool last_boot_is_stuck(const char *list, int pstore, const char *name)
{
	_cleanup_free_ char *line = list ? line_of(pstore, name) : NULL;

	return line && strstr(list, line);
}

bool last_boot_counts_stuck(const struct machine *m, const struct node *last_boot,
			    const struct last_boot *l)
{
	_cleanup_close_ int pstore = root_openat(&m->sysfs, "fs/pstore", O_RDONLY | O_DIRECTORY);
	_cleanup_close_ int records =
		root_openat(&m->run, LAST_BOOT_RECORDS, O_RDONLY | O_DIRECTORY);
	_cleanup_free_ char *list = last_boot_stuck(m, last_boot), *id = NULL;
	bool found = false;

	/* What this boot has archived was its evidence. */
	if (!list || machine_boot_id(m, &id) < 0 || after_prefix(list, id))
		return false;
	for (const struct last_boot_line *seen = l->seen; seen; seen = seen->next) {
		if (!last_boot_is_stuck(list, pstore, seen->text))
			continue;
		found = true;
		if (records >= 0)
			unlinkat(records, seen->text, 0);
	}
	return found;
}

static void clear(int pstore, const char *name, FILE *list)
{
	_cleanup_free_ char *line = NULL;

	if (unlinkat(pstore, name, 0) == 0 || errno == ENOENT)
		return;
	log_warning("last_boot: pstore does not let %s go: %s; it is archived, and is no evidence "
		    "any more",
		    name, strerror(errno));
	line = line_of(pstore, name);
	if (line)
		fputs(line + 1, list);
}

int last_boot_clear_pstore(const struct machine *m, const struct root *archive,
			   const struct last_boot *l)
{
	_cleanup_close_ int pstore = root_openat(&m->sysfs, "fs/pstore", O_RDONLY | O_DIRECTORY);
	_cleanup_free_ char *list = NULL, *id = NULL;
	size_t size = 0, empty;
	FILE *f;
	int ret;

	if (pstore < 0 || machine_is_image(m)) /* not the image's */
		return 0;
	f = open_memstream(&list, &size);
	if (!f)
		return -ENOMEM;
	ret = machine_boot_id(m, &id);
	fprintf(f, "%s\n", ret < 0 ? "-" : id);
	empty = ret < 0 ? 2 : strlen(id) + 1;
	for (const struct last_boot_line *seen = l->seen; seen; seen = seen->next)
		if (!strchr(seen->text, '/'))
			clear(pstore, seen->text, f);
	ret = memstream_end(f, &list);
	if (ret < 0)
		return ret;
	if (size > empty)
		return write_whole(archive->fd, STUCK, list, size);
	return unlinkat(archive->fd, STUCK, 0) < 0 && errno != ENOENT ? -errno : 0;
}
