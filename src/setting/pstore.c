#include "setting/pstore.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/root.h"
#include "base/text.h"

/* Firmware takes its time to write a dump's parts; their numbers begin anew with each boot. */
#define SPAN 60

/* Parts of one dump: "dmesg-ramoops-0" is "Panic#1 Part1", "dmesg-ramoops-1" is "Panic#1 Part2". */
static bool belong_together(const struct pstore_part *a, const struct pstore_part *b)
{
	size_t backend = (size_t)(strrchr(a->name, '-') - a->name);

	return a->number > 0 && a->number == b->number && streq(a->reason, b->reason) &&
	       strncmp(a->name, b->name, backend + 1) == 0 && a->time - b->time <= SPAN &&
	       b->time - a->time <= SPAN;
}

/* The log is kept from its end backwards: the highest number is the oldest. False: there is such a
 * part, so it is another dump. */
static bool add_part(struct pstore_dump *d, struct pstore_part *p)
{
	struct pstore_part **at = &d->parts;

	if (d->parts && !belong_together(p, d->parts))
		return false;
	while (*at && (*at)->part > p->part)
		at = &(*at)->next;
	if (*at && (*at)->part == p->part)
		return false;
	p->next = *at;
	*at = p;
	if (!p->next)
		d->name = p->name;
	return true;
}

/* Of two in the same second the number tells. */
static bool is_later(const struct pstore_part *a, const struct pstore_part *b)
{
	if (a->time != b->time)
		return a->time > b->time;
	if (a->number != b->number)
		return a->number > b->number;
	return strcmp(a->name, b->name) > 0;
}

static int add_to_dumps(struct pstore_dump **first, struct arena *a, struct pstore_part *p)
{
	struct pstore_dump *d;

	for (d = *first; d; d = d->next)
		if (add_part(d, p))
			return 0;
	d = arena_alloc(a, sizeof(*d));
	if (!d)
		return -ENOMEM;
	add_part(d, p);
	while (*first && is_later(p, (*first)->parts))
		first = &(*first)->next;
	d->next = *first;
	*first = d;
	return 0;
}

/* NULL: without memory, or (with *@ret 0) passed over. */
static struct pstore_part *read_part(int dir, const char *name, size_t max, struct arena *a,
				     int *ret)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_free_ char *text = NULL;
	struct pstore_part *p;
	struct stat st;
	size_t size;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	*ret = read_all(fd, max, &text, &size);
	if (*ret < 0 && *ret != -ENOMEM)
		*ret = 0;
	if (!text)
		return NULL;
	for (size_t i = 0; i < size; i++) /* memory that was damaged */
		if (!text[i])
			text[i] = ' ';
	p = arena_alloc(a, sizeof(*p));
	*ret = p ? 0 : -ENOMEM;
	if (!p)
		return NULL;
	p->name = arena_strdup(a, name);
	p->text = arena_strndup(a, text, size);
	if (!p->name || !p->text)
		*ret = -ENOMEM;
	p->size = size;
	p->time = st.st_mtime;
	if (sscanf(text, "%15[A-Za-z]#%ld Part%ld", p->reason, &p->number, &p->part) != 3)
		p->number = p->part = 0;
	return p;
}

int pstore_dumps(int fd, size_t max, struct arena *a, struct pstore_dump **ret_first)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;
	_cleanup_closedir_ DIR *dir = own < 0 ? NULL : fdopendir(own);
	struct pstore_dump *first = NULL;

	if (!dir)
		return -errno;
	for (struct dirent *e; ret >= 0 && (e = readdir(dir));) {
		struct pstore_part *p = NULL;

		if (after_prefix(e->d_name, "dmesg-"))
			p = read_part(own, e->d_name, max, a, &ret);
		if (p && ret >= 0)
			ret = add_to_dumps(&first, a, p);
	}
	if (ret >= 0)
		*ret_first = first;
	return ret;
}

static void print_dump(const struct pstore_dump *d, FILE *f)
{
	for (const struct pstore_part *p = d->parts; p; p = p->next) {
		fwrite(p->text, 1, p->size, f);
		fputc('\n', f);
	}
}

int pstore_join(const struct pstore_dump *d, char **ret_text, size_t *ret_size)
{
	FILE *f = open_memstream(ret_text, ret_size);

	if (!f)
		return -ENOMEM;
	print_dump(d, f);
	return memstream_end(f, ret_text);
}

int pstore_read(int fd, size_t max, char **ret_data, size_t *ret_size)
{
	_cleanup_(arena_free) struct arena a = { 0 };
	_cleanup_free_ char *text = NULL;
	struct pstore_dump *first = NULL;
	size_t size = 0;
	FILE *f;
	int ret = pstore_dumps(fd, max, &a, &first);

	if (ret >= 0 && !first)
		ret = -ENOENT;
	if (ret < 0)
		return ret;
	f = open_memstream(&text, &size);
	if (!f)
		return -ENOMEM;
	for (const struct pstore_dump *d = first; d && ret >= 0; d = d->next) {
		print_dump(d, f);
		if (fflush(f) != 0)
			ret = -ENOMEM;
		else if (size > max)
			ret = -EFBIG;
	}
	GATHER(ret, memstream_end(f, &text));
	if (ret < 0)
		return ret;
	*ret_data = TAKE_PTR(text);
	*ret_size = size;
	return 0;
}
