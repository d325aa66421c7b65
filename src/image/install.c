#include "image/install.h"

#include "base/log.h"
#include "image/manifest.h"

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

static int remember_dir(const char *dir, void *data)
{
	struct run *r = data;

	return manifest_add(&r->manifest, (struct manifest_entry){ dir, 0, true });
}

/* Looks before anything is written, and lists what is to be written and made as ours. */
static int plan(struct run *r, const struct tree_files *files)
{
	bool foreign = false;

	for (size_t i = 0; i < files->n; i++) {
		const struct tree_file *file = &files->list[i];
		bool ours = manifest_has(&r->manifest, file->path);
		int state = tree_compare(r->image, file);

		GATHER(state, tree_missing_way(r->image, file->path, remember_dir, r));
		if (state < 0)
			return say(r, file->path, state);
		if (state == TREE_OTHER && !ours) {
			r->tell(INSTALL_FOREIGN, file->path, r->data);
			foreign = true;
		}
		/* What was there before us, and is as we would have it, stays when we go. */
		if ((state == TREE_ABSENT || ours) &&
		    manifest_add(&r->manifest,
				 (struct manifest_entry){ file->path, tree_hash(file), false }) < 0)
			return -ENOMEM;
	}
	return foreign ? -EEXIST : tree_missing_way(r->image, r->kind->manifest, remember_dir, r);
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
	struct manifest_entry now = { .path = path };
	int ret = tree_hash_at(r->image, path, &now.hash);

	if (ret == -ENOENT)
		return 0;
	for (size_t i = 0; i < r->manifest.n && ret >= 0; i++) {
		if (!manifest_same(&r->manifest.list[i], &now))
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
		const struct manifest_entry *e = &r->manifest.list[i];
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

/* What was not written to its end. */
static void sweep(const struct run *r)
{
	tree_sweep(r->image, r->kind->manifest);
	for (size_t i = 0; i < r->manifest.n; i++)
		if (!r->manifest.list[i].is_dir)
			tree_sweep(r->image, r->manifest.list[i].path);
}

static bool leads_to_wanted(const struct run *r, const struct tree_files *files, const char *dir)
{
	for (size_t i = 0; i < files->n; i++)
		if (tree_leads_to(dir, files->list[i].path))
			return true;
	return files->n > 0 && tree_leads_to(dir, r->kind->manifest);
}

/* Empty directories that we made and that lead to nothing wanted; backwards in the order of names,
 * so that what is in one goes before it. */
static int drop_dirs(struct run *r, const struct tree_files *files)
{
	int ret = 0;

	for (size_t i = r->manifest.n; i > 0 && ret >= 0; i--) {
		const struct manifest_entry *e = &r->manifest.list[i - 1];

		if (e->is_dir && !leads_to_wanted(r, files, e->path))
			ret = tree_remove(r->image, e->path, true);
	}
	return ret;
}

/* Keeps what is so now: files that were wanted and are as they were wanted, and directories that
 * are there. */
static void forget_old(struct run *r, const struct tree_files *files)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->manifest.n; i++) {
		const struct manifest_entry *e = &r->manifest.list[i];
		const struct tree_file *file = find_wanted(files, e->path);

		if (e->is_dir ? root_exists(r->image, e->path) != -ENOENT
			      : file && tree_hash(file) == e->hash)
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
	ret = state < 0 ? state : tree_make_way(r->image, file->path);
	if (ret >= 0)
		ret = tree_write(r->image, file);
	if (ret < 0)
		return say(r, file->path, ret);
	r->tell(INSTALL_WRITTEN, file->path, r->data);
	return 0;
}

/* The list is written before the files, so that what is cut off can be taken away, and again at the
 * end without what went. */
static int carry_out(struct run *r, struct tree_files *files)
{
	int ret;

	tree_sort(files);
	ret = plan(r, files);
	if (ret < 0)
		return ret;
	ret = tree_make_way(r->image, r->kind->manifest);
	if (ret >= 0)
		ret = manifest_write(r->kind, r->image, &r->manifest);
	if (ret < 0) {
		(void)!drop_dirs(r, &(struct tree_files){ 0 });
		return say(r, r->kind->manifest, ret);
	}
	sweep(r);
	ret = drop_old(r, files);
	for (size_t i = 0; i < files->n && ret >= 0; i++)
		ret = put(r, &files->list[i]);
	if (ret >= 0)
		ret = drop_dirs(r, files);
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
		sweep(&r);
	if (ret >= 0)
		ret = drop_old(&r, &nothing);
	/* The list itself last: what could not be taken away can be tried again. */
	if (ret >= 0)
		ret = tree_remove(image, kind->manifest, false);
	if (ret >= 0)
		ret = drop_dirs(&r, &nothing);
	manifest_free(&r.manifest);
	return ret;
}
