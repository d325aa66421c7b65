#include "image/manifest.h"

#include "base/text.h"

#include <inttypes.h>

#define MAX_MANIFEST (1U << 20)

void manifest_free(struct manifest *m)
{
	arena_free(&m->arena);
	free(m->list);
}

bool manifest_has(const struct manifest *m, const char *path)
{
	for (size_t i = 0; i < m->n; i++)
		if (!m->list[i].is_dir && streq(m->list[i].path, path))
			return true;
	return false;
}

bool manifest_same(const struct manifest_entry *a, const struct manifest_entry *b)
{
	return a->hash == b->hash && a->is_dir == b->is_dir && streq(a->path, b->path);
}

int manifest_add(struct manifest *m, struct manifest_entry entry)
{
	struct manifest_entry *bigger;

	for (size_t i = 0; i < m->n; i++)
		if (manifest_same(&m->list[i], &entry))
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

/* "HASH PATH", or "PATH/" */
static int parse_line(const struct install_kind *kind, char *line, struct manifest_entry *ret_entry)
{
	struct manifest_entry e = { .path = line, .is_dir = has_suffix(line, "/") };
	char *end = line;

	if (e.is_dir) {
		line[strlen(line) - 1] = '\0';
	} else {
		e.hash = strtoull(line, &end, 16);
		if (end != line + 16 || *end != ' ')
			return -EBADMSG;
		e.path = end + 1;
	}
	/* The image may lie: what cannot have come from us is not ours to take away. */
	if (!kind->has_part(e.path, e.is_dir))
		return -EBADMSG;
	*ret_entry = e;
	return 0;
}

int manifest_read(const struct install_kind *kind, const struct root *image, struct manifest *m)
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
		struct manifest_entry e;

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
	const struct manifest_entry *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	return order ? order : (x->hash > y->hash) - (x->hash < y->hash);
}

void manifest_sort(struct manifest *m)
{
	if (m->n > 0)
		qsort(m->list, m->n, sizeof(*m->list), compare_entries);
}

int manifest_write(const struct install_kind *kind, const struct root *image, struct manifest *m)
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
	if (memstream_end(f, &text) < 0)
		return -ENOMEM;
	file.data = text;
	ret = tree_compare(image, &file);
	return ret == TREE_SAME || ret < 0 ? ret : tree_write(image, &file);
}
