#include "image/install.h"

#include "base/log.h"

#define MANIFEST "usr/lib/holdfast/image.manifest"
#define MAX_MANIFEST (1U << 20)

static const char header[] = "# Put here by 'holdfast image install'; 'holdfast image install "
			     "--remove' takes it away.\n";

/* What an earlier run put there: files, and directories with a slash at their end. */
struct manifest {
	struct arena arena;
	const char **list;
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
		if (streq(m->list[i], path))
			return true;
	return false;
}

static int manifest_add(struct manifest *m, const char *path, const char *suffix)
{
	char *copy = arena_printf(&m->arena, "%s%s", path, suffix);
	const char **bigger = reallocarray(m->list, m->n + 1, sizeof(*bigger));

	if (bigger)
		m->list = bigger;
	if (!bigger || !copy)
		return -ENOMEM;
	if (!manifest_has(m, copy))
		m->list[m->n++] = copy;
	return 0;
}

/* The image may lie: what cannot have come from us is not ours to take away. Directories go only
 * when they are empty. */
static bool can_be_ours(const char *path)
{
	return has_suffix(path, "/") ? (after_prefix(path, "usr/") || after_prefix(path, "etc/")) &&
					       !strstr(path, "..")
				     : install_has_part(path);
}

/* None is an empty one. -EBADMSG: it is not what we write. */
static int manifest_read(const struct root *image, struct manifest *m)
{
	_cleanup_free_ char *text = NULL;
	char *line, *rest;
	size_t size;
	int ret = root_read(image, MANIFEST, MAX_MANIFEST, &text, &size);

	if (ret == -ENOENT)
		return 0;
	if (ret < 0)
		return ret;
	for (line = strtok_r(text, "\n", &rest); line && ret >= 0;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (*line == '#')
			continue;
		ret = can_be_ours(line) ? manifest_add(m, line, "") : -EBADMSG;
	}
	return ret;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int manifest_write(const struct root *image, struct manifest *m)
{
	_cleanup_free_ char *text = NULL;
	struct tree_file file = { .path = MANIFEST, .mode = 0644 };
	FILE *f = open_memstream(&text, &file.size);
	int ret;

	if (!f)
		return -ENOMEM;
	if (m->n > 0)
		qsort(m->list, m->n, sizeof(*m->list), compare_names);
	fputs(header, f);
	for (size_t i = 0; i < m->n; i++)
		fprintf(f, "%s\n", m->list[i]);
	if (fclose(f) != 0)
		return -ENOMEM;
	file.data = text;
	ret = tree_compare(image, &file);
	return ret == TREE_SAME || ret < 0 ? ret : tree_write(image, &file);
}

/* --- installing --- */

struct run {
	const struct root *image;
	struct manifest manifest;
	install_tell tell;
	void *data;
};

static int say(const struct root *image, const char *path, int error)
{
	_cleanup_free_ char *full = root_path(image, path);

	log_error("%s: %s", full ? full : path,
		  error == -EBADMSG ? "this is not the list that 'image install' writes"
				    : strerror(-error));
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
			return say(r->image, file->path, state);
		if (state == TREE_OTHER && !ours) {
			r->tell(INSTALL_FOREIGN, file->path, r->data);
			foreign = true;
		}
		/* What was there before us, and is as we would have it, stays when we go. */
		if (state == TREE_ABSENT && manifest_add(&r->manifest, file->path, "") < 0)
			return -ENOMEM;
	}
	return foreign ? -EEXIST : 0;
}

static int remember_dir(const char *dir, void *data)
{
	struct run *r = data;

	return manifest_add(&r->manifest, dir, "/");
}

static bool is_wanted(const struct tree_files *files, const char *path)
{
	for (size_t i = 0; i < files->n; i++)
		if (streq(files->list[i].path, path))
			return true;
	return false;
}

static int take_away(struct run *r, const char *path)
{
	char *copy = arena_strdup(&r->manifest.arena, path);
	size_t n = strlen(path);
	bool is_dir = path[n - 1] == '/';
	int ret;

	if (!copy)
		return -ENOMEM;
	copy[n - is_dir] = '\0';
	ret = tree_remove(r->image, copy, is_dir);
	if (ret < 0)
		return say(r->image, path, ret);
	if (!is_dir)
		r->tell(INSTALL_REMOVED, path, r->data);
	return 0;
}

/* Files of an earlier run that are not wanted any more. */
static int drop_old(struct run *r, const struct tree_files *files)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->manifest.n; i++) {
		const char *path = r->manifest.list[i];
		int ret;

		if (has_suffix(path, "/") || is_wanted(files, path)) {
			r->manifest.list[kept++] = path;
			continue;
		}
		ret = take_away(r, path);
		if (ret < 0)
			return ret;
	}
	r->manifest.n = kept;
	return 0;
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
		return say(r->image, file->path, ret);
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
	ret = tree_make_way(r->image, MANIFEST, remember_dir, r);
	if (ret >= 0)
		ret = manifest_write(r->image, &r->manifest);
	if (ret < 0)
		return say(r->image, MANIFEST, ret);
	ret = drop_old(r, files);
	for (size_t i = 0; i < files->n && ret >= 0; i++)
		ret = put(r, &files->list[i]);
	GATHER(ret, manifest_write(r->image, &r->manifest));
	return ret;
}

int install_apply(const struct root *image, struct tree_files *files, install_tell tell, void *data)
{
	struct run r = { .image = image, .tell = tell, .data = data };
	int ret = manifest_read(image, &r.manifest);

	ret = ret < 0 ? say(image, MANIFEST, ret) : carry_out(&r, files);
	manifest_free(&r.manifest);
	return ret;
}

/* Backwards in the order of names, so that what is in a directory goes before it. */
int install_remove(const struct root *image, install_tell tell, void *data)
{
	struct run r = { .image = image, .tell = tell, .data = data };
	int ret = manifest_read(image, &r.manifest);

	if (ret < 0)
		say(image, MANIFEST, ret);
	if (ret >= 0 && r.manifest.n == 0)
		log_info("nothing of 'image install' is in the image");
	if (ret >= 0 && r.manifest.n > 0)
		qsort(r.manifest.list, r.manifest.n, sizeof(*r.manifest.list), compare_names);
	for (size_t i = r.manifest.n; i > 0 && ret >= 0; i--)
		if (!has_suffix(r.manifest.list[i - 1], "/"))
			ret = take_away(&r, r.manifest.list[i - 1]);
	/* The list itself last: what could not be taken away can be tried again. */
	if (ret >= 0)
		ret = tree_remove(image, MANIFEST, false);
	for (size_t i = r.manifest.n; i > 0 && ret >= 0; i--)
		if (has_suffix(r.manifest.list[i - 1], "/"))
			ret = take_away(&r, r.manifest.list[i - 1]);
	manifest_free(&r.manifest);
	return ret;
}
