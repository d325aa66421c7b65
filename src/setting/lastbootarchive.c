/* What of the last boot is kept on disk: the records of crashes, and a trace of how each boot ends.
 */
#include "setting/lastboot.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/text.h"
#include "setting/kdump.h"
#include "setting/kdumpdir.h"
#include "setting/kdumprow.h"

/* In the archive: the boot's identity, and "runs" or "ended". */
#define TRACE ".boot"
#define CAUSE_FILE "cause"
#define RECORD_MAX (4U << 20)

int last_boot_open_archive(const struct machine *m, const struct node *last_boot, bool make,
			   struct root *ret_dir, char **ret_why)
{
	_cleanup_free_ char *why = NULL;

	return kdumpdir_open(&m->root, node_setting(last_boot, "archive"), make, ret_dir,
			     ret_why ? ret_why : &why);
}

static int write_trace(const struct machine *m, const struct root *archive, const char *word)
{
	_cleanup_free_ char *id = NULL, *text = NULL;
	int n, ret = machine_boot_id(m, &id);

	n = asprintf(&text, "%s %s\n", ret < 0 ? "-" : id, word);
	if (n < 0) {
		text = NULL;
		return -ENOMEM;
	}
	ret = write_whole(archive->fd, TRACE, text, (size_t)n);
	if (ret >= 0 && fsync(archive->fd) < 0)
		ret = -errno;
	return ret;
}

/* *@ret_word: "runs" or "ended" of another boot than this one, in *@ret_text, which the caller
 * frees. */
static bool read_trace(const struct machine *m, const struct root *archive, char **ret_text,
		       const char **ret_word)
{
	_cleanup_free_ char *id = NULL;
	const char *word;

	if (root_read_text(archive, TRACE, 128, ret_text) < 0)
		return false;
	word = strchr(*ret_text, ' ');
	if (!word || (machine_boot_id(m, &id) >= 0 && after_prefix(*ret_text, id)))
		return false;
	*ret_word = word + 1;
	return true;
}

int last_boot_ask_trace(const struct machine *m, const struct node *last_boot, struct last_boot *l)
{
	_cleanup_(root_close) struct root archive = ROOT_NONE;
	_cleanup_free_ char *text = NULL;
	const char *word = l->trace;
	bool ended;

	if (!word && (last_boot_open_archive(m, last_boot, false, &archive, NULL) < 0 ||
		      !read_trace(m, &archive, &text, &word)))
		return 0;
	ended = streq(word, "ended");
	/* By what memory kept, this reset was none in order: it came later than that. */
	if (ended &&
	    (streq_null(l->cause, CAUSE_POWER_LOSS_OR_RESET) || last_boot_has(l, EVIDENCE_NO_END)))
		return last_boot_add(l, &l->evidence,
				     "a boot ended in order, but the machine was reset after that");
	last_boot_raise(l, ended ? CAUSE_REBOOT : CAUSE_POWER_LOSS_OR_RESET);
	return last_boot_add(l, &l->evidence,
			     ended ? "the boot before ended in order"
				   : "the boot before did not end in order");
}

bool last_boot_can_mark(const struct machine *m, const struct node *last_boot)
{
	_cleanup_(root_close) struct root archive = ROOT_NONE;
	_cleanup_free_ char *text = NULL;
	const char *word;

	return last_boot && last_boot_open_archive(m, last_boot, false, &archive, NULL) >= 0 &&
	       read_trace(m, &archive, &text, &word) && faccessat(archive.fd, ".", W_OK, 0) == 0;
}

int last_boot_mark(const struct machine *m, const struct node *last_boot, struct last_boot *l)
{
	_cleanup_(root_close) struct root archive = ROOT_NONE;
	_cleanup_free_ char *text = NULL;
	const char *word = "";
	int ret = last_boot_open_archive(m, last_boot, false, &archive, NULL);

	if (ret < 0 || !read_trace(m, &archive, &text, &word))
		return ret;
	l->trace = arena_strdup(&l->arena, word);
	ret = l->trace ? last_boot_save(l, m) : -ENOMEM;
	return ret < 0 ? ret : write_trace(m, &archive, "runs");
}

/* --- archiving --- */

static int copy_records(int from, int to, unsigned *ret_n)
{
	int own = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;
	_cleanup_closedir_ DIR *d = own < 0 ? NULL : fdopendir(own);
	const struct root dir = { .fd = from, .path = "" };
	struct dirent *e;

	if (!d)
		return -errno;
	while (ret >= 0 && (e = readdir(d))) {
		_cleanup_free_ char *data = NULL;
		size_t size;

		if (*e->d_name == '.')
			continue;
		ret = root_read(&dir, e->d_name, RECORD_MAX, &data, &size);
		if (ret >= 0)
			ret = write_whole(to, e->d_name, data, size);
		*ret_n += ret >= 0;
	}
	return ret;
}

static int write_cause(const struct last_boot *l, int dir)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return -ENOMEM;
	fprintf(f, "%s\n", l->cause);
	for (const struct last_boot_line *line = l->evidence; line; line = line->next)
		fprintf(f, "%s\n", line->text);
	if (memstream_end(f, &text) < 0)
		return -ENOMEM;
	return write_whole(dir, CAUSE_FILE, text, size);
}

static int note_archived(struct last_boot *l, const char *path, const char *name)
{
	const char *leaf = l->log ? strrchr(l->log, '/') : NULL;

	if (leaf) {
		l->log = arena_printf(&l->arena, "%s/%s%s", path, name, leaf);
		return l->log ? last_boot_add(l, &l->records, "%s", l->log) : -ENOMEM;
	}
	return last_boot_add(l, &l->records, "%s/%s", path, name);
}

static int archive_records(const struct root *archive, const char *path, int records,
			   struct last_boot *l)
{
	_cleanup_close_ int fd = -EBADF;
	const char *temporary;
	unsigned n = 0;
	int ret = kdumpdir_begin(archive, &l->arena, &temporary, &fd);

	if (ret < 0)
		return ret;
	ret = copy_records(records, fd, &n);
	if (ret >= 0 && n > 0)
		ret = write_cause(l, fd);
	if (ret < 0 || n == 0) {
		kdumpdir_abandon(archive, temporary);
		return ret;
	}
	ret = kdumpdir_commit(archive, temporary, fd);
	return ret < 0 ? ret : note_archived(l, path, temporary + 1);
}

/* --- clearing: only what has a copy in the archive now --- */

static int clear_records(const struct machine *m, const struct root *archive, int records,
			 const struct last_boot *l)
{
	int own = records < 0 ? -1 : openat(records, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = own < 0 ? NULL : fdopendir(own);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (*e->d_name != '.')
			unlinkat(records, e->d_name, 0);
	return last_boot_clear_pstore(m, archive, l);
}

static int64_t keep_of(const struct node *last_boot)
{
	int64_t keep;

	return text_to_int(node_setting(last_boot, "keep"), &keep) < 0 ? 1 : keep;
}

int last_boot_archive(const struct machine *m, const struct node *last_boot, struct last_boot *l,
		      char **ret_why)
{
	_cleanup_(root_close) struct root archive = ROOT_NONE;
	_cleanup_close_ int records =
		root_openat(&m->run, LAST_BOOT_RECORDS, O_RDONLY | O_DIRECTORY);
	int ret = last_boot_open_archive(m, last_boot, true, &archive, ret_why);

	if (ret >= 0 && records >= 0)
		ret = archive_records(&archive, node_setting(last_boot, "archive"), records, l);
	if (ret >= 0)
		ret = write_trace(m, &archive, "runs");
	if (ret >= 0)
		ret = clear_records(m, &archive, records, l);
	if (ret >= 0)
		kdumpdir_prune(&archive, keep_of(last_boot));
	return ret;
}

bool last_boot_goes_on(const struct machine *m, const struct node *tree)
{
	_cleanup_(root_close) struct root archive = ROOT_NONE;
	_cleanup_free_ char *text = NULL, *id = NULL;
	const struct node *last_boot = node_child(tree, "last_boot");

	return !last_boot || last_boot_open_archive(m, last_boot, false, &archive, NULL) < 0 ||
	       root_read_text(&archive, TRACE, 128, &text) < 0 || machine_boot_id(m, &id) < 0 ||
	       strncmp(text, id, strlen(id)) != 0 || !has_suffix(text, " ended");
}

/* --- the disk for dumps --- */

struct settling {
	bool is_new, ends, armed, reserve; /* what there is to do */
	int64_t unclear;
};

static bool is_told(const struct last_boot *l, const char *dump)
{
	for (const struct last_boot_line *r = l->records; r; r = r->next)
		if (strstr(r->text, dump))
			return true;
	return false;
}

/* A dump whose disk came too late for this boot is not for the next to take for its own. */
static void look(const struct kdump_target *t, const struct machine *m, const struct node *capture,
		 const struct last_boot *l, bool ended, struct settling *ret)
{
	int64_t max = kdump_row_max(capture);
	struct kdump_row row = kdump_row_read(t, m, l, max);
	_cleanup_free_ char *dump = NULL;

	if (root_read_text(&t->root, KDUMP_NEW, 256, &dump) >= 0) {
		ret->is_new = ended || is_told(l, dump);
		if (ended && !is_told(l, dump) && kdumpdir_number(dump) > 0)
			log_warning("last_boot: %s has a dump that came too late: %.64s",
				    node_text(capture, "target"), dump);
	}
	ret->ends = ended && (row.crashes > 0 || row.noted);
	ret->armed |= !ended && row.unclear >= max; /* not armed for that, which is to be known */
	ret->unclear = row.unclear;
	ret->reserve = !ended && !kdumpdir_has_reserve(&t->root);
}

/* What need not be written is not opened for it. */
int last_boot_settle(const struct machine *m, const struct node *tree, const struct last_boot *l,
		     bool ended)
{
	_cleanup_(kdump_target_close) struct kdump_target t = KDUMP_TARGET_NONE;
	const struct node *capture = node_find(tree, "kdump.capture");
	const char *target = node_text(capture, "target");
	_cleanup_free_ char *why = NULL;
	struct settling todo = { .armed = !ended && kdump_is_armed(m) };
	int ret;

	if (!target)
		return 0;
	ret = kdump_target_open(m, capture, false, 0, &t, &why);
	if (ret == -ENOENT && !why && !ended) /* no crash yet, not even the directory */
		todo.reserve = true;
	else if (ret < 0)
		return 0;
	else
		look(&t, m, capture, l, ended, &todo);
	kdump_target_close(&t);
	if (!todo.is_new && !todo.ends && !todo.armed && !todo.reserve)
		return 0;
	ret = kdump_target_open(m, capture, true, 0, &t, &why);
	if (ret >= 0 && todo.ends)
		ret = kdump_row_set(&t, 0);
	if (ret >= 0 && todo.armed)
		ret = kdump_row_note(&t, m, todo.unclear);
	if (ret >= 0 && todo.is_new)
		unlinkat(t.root.fd, KDUMP_NEW, 0);
	if (ret >= 0 && todo.reserve)
		ret = kdumpdir_reserve(&t.root);
	if (ret < 0)
		log_warning("last_boot: %s: %s", target, why ? why : strerror(-ret));
	return ret;
}

int last_boot_end(const struct machine *m, const struct node *tree, char **ret_why)
{
	_cleanup_(root_close) struct root archive = ROOT_NONE;
	_cleanup_(last_boot_free) struct last_boot l = { 0 };
	const struct node *last_boot = node_child(tree, "last_boot");
	int ret = 0;

	if (last_boot) {
		ret = last_boot_open_archive(m, last_boot, true, &archive, ret_why);
		if (ret >= 0)
			ret = write_trace(m, &archive, "ended");
	}
	if (last_boot_load(m, &l) < 0)
		l = (struct last_boot){ 0 };
	GATHER(ret, last_boot_settle(m, tree, &l, true));
	return ret;
}
