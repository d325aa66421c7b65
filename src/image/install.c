#include "image/install.h"

#include <inttypes.h>

#include "base/log.h"

#define MAX_MANIFEST (1U << 20)

/* What an earlier run put there: a file with the hash of what was written, or a directory. A file
 * that is about to be written anew is there twice, so that whatever cuts the run off, it is ours.
 */
struct entry {
	const char *path;
	uint64_t hash;
	bool is_dir;
};

struct manifest {
	struct arena arena;
	struct entry *list;
	size_t n;
};

static void manifest_free(struct manifest *m)
{
	arena_free(&m->arena);
	free(m->list);
}

static bool manifest_has(const struct manifest *m, const char *path)
{
	for (size_t i = 0; i < m->n; i++)
		if (!m->list[i].is_dir && streq(m->list[i].path, path))
			return true;
	return false;
}

static bool same_entry(const struct entry *a, const struct entry *b)
{
	return a->hash == b->hash && a->is_dir == b->is_dir && streq(a->path, b->path);
}

/* The path is copied. */
static int manifest_add(struct manifest *m, struct entry entry)
{
	struct entry *bigger;

	for (size_t i = 0; i < m->n; i++)
		if (same_entry(&m->list[i], &entry))
			return 0;
	entry.path = arena_strdup(&m->arena, entry.path);
	bigger = reallocarray(m->list, m->n + 1, sizeof(*bigger));
	if (bigger)
		m->list = bigger;
	if (!bigger || !entry.path)
		return -ENOMEM;
	m->list[m->n++] = entry;
	return 0;
}

/* The image may lie: what cannot have come from us is not ours to take away. Directories go only
 * when they are empty. */
static bool can_be_ours(const struct install_kind *kind, const struct entry *e)
{
	size_t top = strcspn(e->path, "/");

	if (!e->is_dir)
		return kind->has_part(e->path);
	return top == 3 && (after_prefix(e->path, "usr") || after_prefix(e->path, "etc")) &&
	       !strstr(e->path, "..");
}

/* "HASH PATH", or "PATH/" */
static int parse_line(const struct install_kind *kind, char *line, struct entry *ret_entry)
{
	struct entry e = { .path = line, .is_dir = has_suffix(line, "/") };
	char *end = line;

	if (e.is_dir) {
		line[strlen(line) - 1] = '\0';
	} else {
		e.hash = strtoull(line, &end, 16);
		if (end != line + 16 || *end != ' ')
			return -EBADMSG;
		e.path = end + 1;
	}
	if (!can_be_ours(kind, &e))
		return -EBADMSG;
	*ret_entry = e;
	return 0;
}

/* None is an empty one. -EBADMSG: it is not what we write. */
static int manifest_read(const struct install_kind *kind, const struct root *image,
			 struct manifest *m)
{
	_cleanup_free_ char *text = NULL;
	char *line, *rest;
	size_t size;
	int ret = root_read(image, kind->manifest, MAX_MANIFEST, &text, &size);

	if (ret == -ENOENT)
		return 0;
	if (ret < 0)
		return ret;
	for (line = strtok_r(text, "\n", &rest); line && ret >= 0;
	     line = strtok_r(NULL, "\n", &rest)) {
		struct entry e;

		if (*line == '#')
			continue;
		ret = parse_line(kind, line, &e);
		if (ret >= 0)
			ret = manifest_add(m, e);
	}
	return ret;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	return order ? order : (x->hash > y->hash) - (x->hash < y->hash);
}

static void manifest_sort(struct manifest *m)
{
	if (m->n > 0)
		qsort(m->list, m->n, sizeof(*m->list), compare_entries);
}

static int manifest_write(const struct install_kind *kind, const struct root *image,
			  struct manifest *m)
{
	_cleanup_free_ char *text = NULL;
	struct tree_file file = { .path = kind->manifest, .mode = 0644 };
	FILE *f = open_memstream(&text, &file.size);
	int ret;

	if (!f)
		return -ENOMEM;
	manifest_sort(m);
	fprintf(f,
		"# Put here by 'holdfast image %s'; 'holdfast image %s --remove' takes it away.\n",
		kind->command, kind->command);
	for (size_t i = 0; i < m->n; i++)
		if (m->list[i].is_dir)
			fprintf(f, "%s/\n", m->list[i].path);
		else
			fprintf(f, "%016" PRIx64 " %s\n", m->list[i].hash, m->list[i].path);
	if (fclose(f) != 0)
		return -ENOMEM;
	file.data = text;
	ret = tree_compare(image, &file);
	return ret == TREE_SAME || ret < 0 ? ret : tree_write(image, &file);
}

/* --- installing --- */

struct run {
	const struct install_kind *kind;
	const struct root *image;
	struct manifest manifest;
	install_tell tell;
	void *data;
};

static int say(const struct run *r, const char *path, int error)
{
	_cleanup_free_ char *full = root_path(r->image, path);

	if (error == -EBADMSG)
		log_error("%s: this is not the list that 'image %s' writes", full ? full : path,
			  r->kind->command);
	else
		log_error("%s: %s", full ? full : path, strerror(-error));
	return error;
}

/* Looks before anything is written, and lists what is to be written as ours. */
static int plan(struct run *r, const struct tree_files *files)
{
	bool foreign = false;

	for (size_t i = 0; i < files->n; i++) {
		const struct tree_file *file = &files->list[i];
		bool ours = manifest_has(&r->manifest, file->path);
		int state = tree_compare(r->image, file);

		if (state < 0)
			return say(r, file->path, state);
		if (state == TREE_OTHER && !ours) {
			r->tell(INSTALL_FOREIGN, file->path, r->data);
			foreign = true;
		}
		/* What was there before us, and is as we would have it, stays when we go. */
		if ((state == TREE_ABSENT || ours) &&
		    manifest_add(&r->manifest,
				 (struct entry){ file->path, tree_hash(file), false }) < 0)
			return -ENOMEM;
	}
	return foreign ? -EEXIST : 0;
}

static int remember_dir(const char *dir, void *data)
{
	struct run *r = data;

	return manifest_add(&r->manifest, (struct entry){ dir, 0, true });
}

static const struct tree_file *find_wanted(const struct tree_files *files, const char *path)
{
	for (size_t i = 0; i < files->n; i++)
		if (streq(files->list[i].path, path))
			return &files->list[i];
	return NULL;
}

/* Takes a file away that is as we wrote it. */
static int take_away(struct run *r, const char *path)
{
	struct entry now = { .path = path };
	int ret = tree_hash_at(r->image, path, &now.hash);

	if (ret == -ENOENT)
		return 0;
	for (size_t i = 0; i < r->manifest.n && ret >= 0; i++) {
		if (!same_entry(&r->manifest.list[i], &now))
			continue;
		ret = tree_remove(r->image, path, false);
		if (ret < 0)
			return say(r, path, ret);
		r->tell(INSTALL_REMOVED, path, r->data);
		return 0;
	}
	r->tell(INSTALL_CHANGED, path, r->data);
	return 0;
}

/* Files of an earlier run that are not wanted any more. Those with two hashes are gone at the first
 * of them. */
static int drop_old(struct run *r, const struct tree_files *files)
{
	const char *last = "";

	manifest_sort(&r->manifest);
	for (size_t i = 0; i < r->manifest.n; i++) {
		const struct entry *e = &r->manifest.list[i];
		int ret;

		if (e->is_dir || streq(e->path, last) || find_wanted(files, e->path))
			continue;
		last = e->path;
		ret = take_away(r, e->path);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* Keeps what is so now: files that were wanted and are as they were wanted. */
static void forget_old(struct run *r, const struct tree_files *files)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->manifest.n; i++) {
		const struct entry *e = &r->manifest.list[i];
		const struct tree_file *file = find_wanted(files, e->path);

		if (e->is_dir || (file && tree_hash(file) == e->hash))
			r->manifest.list[kept++] = *e;
	}
	r->manifest.n = kept;
}

static int put(struct run *r, const struct tree_file *file)
{
	int state = tree_compare(r->image, file), ret = 0;

	if (state == TREE_SAME) {
		r->tell(INSTALL_KEPT, file->path, r->data);
		return 0;
	}
	ret = state < 0 ? state : tree_make_way(r->image, file->path, remember_dir, r);
	if (ret >= 0)
		ret = tree_write(r->image, file);
	if (ret < 0)
		return say(r, file->path, ret);
	r->tell(INSTALL_WRITTEN, file->path, r->data);
	return 0;
}

/* The list is written before the files, so that what is cut off can be taken away, and again at the
 * end with the directories that were made and without what went. */
static int carry_out(struct run *r, struct tree_files *files)
{
	int ret;

	tree_sort(files);
	ret = plan(r, files);
	if (ret < 0)
		return ret;
	ret = tree_make_way(r->image, r->kind->manifest, remember_dir, r);
	if (ret >= 0)
		ret = manifest_write(r->kind, r->image, &r->manifest);
	if (ret < 0)
		return say(r, r->kind->manifest, ret);
	ret = drop_old(r, files);
	for (size_t i = 0; i < files->n && ret >= 0; i++)
		ret = put(r, &files->list[i]);
	if (ret >= 0)
		forget_old(r, files);
	GATHER(ret, manifest_write(r->kind, r->image, &r->manifest));
	return ret;
}

int install_apply(const struct install_kind *kind, const struct root *image,
		  struct tree_files *files, install_tell tell, void *data)
{
	struct run r = { .kind = kind, .image = image, .tell = tell, .data = data };
	int ret = manifest_read(kind, image, &r.manifest);

	ret = ret < 0 ? say(&r, kind->manifest, ret) : carry_out(&r, files);
	manifest_free(&r.manifest);
	return ret;
}

/* Directories backwards in the order of names, so that what is in one goes before it. */
static int remove_dirs(struct run *r)
{
	int ret = 0;

	for (size_t i = r->manifest.n; i > 0 && ret >= 0; i--)
		if (r->manifest.list[i - 1].is_dir)
			ret = tree_remove(r->image, r->manifest.list[i - 1].path, true);
	return ret;
}

int install_remove(const struct install_kind *kind, const struct root *image, install_tell tell,
		   void *data)
{
	static const struct tree_files nothing;
	struct run r = { .kind = kind, .image = image, .tell = tell, .data = data };
	int ret = manifest_read(kind, image, &r.manifest);

	if (ret < 0)
		say(&r, kind->manifest, ret);
	else if (r.manifest.n == 0)
		log_info("nothing of 'image %s' is in the image", kind->command);
	if (ret >= 0)
		ret = drop_old(&r, &nothing);
	/* The list itself last: what could not be taken away can be tried again. */
	if (ret >= 0)
		ret = tree_remove(image, kind->manifest, false);
	if (ret >= 0)
		ret = remove_dirs(&r);
	manifest_free(&r.manifest);
	return ret;
}
