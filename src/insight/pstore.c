#include "insight/pstore.h"

#include <dirent.h>
#include <fcntl.h>

#include "base/root.h"

/* "dmesg-ramoops-0", "dmesg-efi-168432", which begin with "Panic#1 Part1". */
struct record {
	char *data;
	size_t size;
	long crash, part;
	char name[NAME_MAX + 1];
};

struct records {
	struct record *list;
	size_t n;
};

static void records_free(struct records *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->list[i].data);
	free(r->list);
}

/* The log is kept from its end backwards: part 1 is the newest. */
static int in_order(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	if (x->crash != y->crash)
		return x->crash < y->crash ? -1 : 1;
	if (x->part != y->part)
		return x->part > y->part ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int add_record(struct records *r, int dir, const char *name, size_t max)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct record *bigger, *record;
	int ret;

	if (fd < 0)
		return -errno;
	bigger = reallocarray(r->list, r->n + 1, sizeof(*r->list));
	if (!bigger)
		return -ENOMEM;
	r->list = bigger;
	record = &r->list[r->n];
	*record = (struct record){ 0 };
	ret = read_all(fd, max, &record->data, &record->size);
	if (ret < 0)
		return ret;
	snprintf(record->name, sizeof(record->name), "%s", name);
	if (sscanf(record->data, "%*[A-Za-z]#%ld Part%ld", &record->crash, &record->part) != 2)
		record->crash = record->part = 0;
	r->n++;
	return 0;
}

static int join(struct records *r, size_t max, char **ret_data, size_t *ret_size)
{
	size_t size = 0, at = 0;
	char *data;

	for (size_t i = 0; i < r->n; i++)
		size += r->list[i].size + 1;
	if (size > max)
		return -EFBIG;
	data = malloc(size + 1);
	if (!data)
		return -ENOMEM;
	qsort(r->list, r->n, sizeof(*r->list), in_order);
	for (size_t i = 0; i < r->n; i++) {
		memcpy(data + at, r->list[i].data, r->list[i].size);
		at += r->list[i].size;
		data[at++] = '\n';
	}
	*ret_data = data;
	*ret_size = at;
	return 0;
}

int pstore_read(int fd, size_t max, char **ret_data, size_t *ret_size)
{
	_cleanup_(records_free) struct records records = { 0 };
	_cleanup_closedir_ DIR *dir = NULL;
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;

	dir = own < 0 ? NULL : fdopendir(own);
	if (!dir)
		return -errno;
	for (struct dirent *e; ret >= 0 && (e = readdir(dir));)
		if (after_prefix(e->d_name, "dmesg-"))
			ret = add_record(&records, own, e->d_name, max);
	if (ret < 0)
		return ret;
	if (records.n == 0)
		return -ENOENT;
	return join(&records, max, ret_data, ret_size);
}
