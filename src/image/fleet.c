#include "image/fleet.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/text.h"
#include "profile/key.h"

#define MAX_COLUMNS 64
#define MAX_FIELD 65536U /* of a file; as long may a table's line be */
#define EXPECT "expect"

/* Facts that are not the firmware's, by the names that the profile language has for them. */
static const char *const other_facts[] = {
	"devicetree.model", "devicetree.compatible", "memory", "arch", "cmdline",
};

/* Files beside the others in /sys/class/dmi/id that no profile can ask for. */
static const char *const without_use[] = { "modalias", "uevent" };

/* The fact that a column stands for: NULL where it says nothing to us, "" where it is unknown.
 * In static memory or @a. */
static const char *fact_of(struct arena *a, const char *column)
{
	const char *field = after_prefix(column, "dmi.");
	const char *path = arena_printf(a, "match.dmi.%s", field ? field : column);

	if (streq(column, EXPECT))
		return EXPECT;
	for (size_t i = 0; i < ARRAY_SIZE(other_facts); i++)
		if (streq(column, other_facts[i]))
			return other_facts[i];
	for (size_t i = 0; i < ARRAY_SIZE(without_use); i++)
		if (streq(column, without_use[i]))
			return NULL;
	if (*column == '#')
		return NULL;
	return path && key_find(path) ? path + strlen("match.") : "";
}

static int complain_of_column(const char *file, const char *column)
{
	struct nearest near = { .word = column };
	const struct key *k = NULL, *dmi = key_find("match.dmi");

	nearest_offer(&near, EXPECT);
	for (size_t i = 0; i < ARRAY_SIZE(other_facts); i++)
		nearest_offer(&near, other_facts[i]);
	while ((k = key_next_child(dmi, k)))
		nearest_offer(&near, key_name(k));
	if (near.best)
		log_error("%s:1: unknown column '%s' (did you mean '%s'?)", file, column,
			  near.best);
	else
		log_error("%s:1: unknown column '%s' (begin it with '#' to have it passed over)",
			  file, column);
	return -EINVAL;
}

/* Takes what a machine says. @place is for messages; -EINVAL after one. */
static int take(struct fleet_machine *m, const char *fact, char *value, const char *place)
{
	char bytes[24];
	int64_t memory;
	size_t n;

	value += strspn(value, " \r\n");
	n = strlen(value);
	while (n > 0 && strchr(" \r\n", value[n - 1]))
		value[--n] = '\0';
	if (n == 0)
		return 0;
	for (char *c = value; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	if (streq(fact, EXPECT)) {
		m->expect = arena_strdup(&m->identity.arena, value);
		return m->expect ? 0 : -ENOMEM;
	}
	if (streq(fact, "memory")) {
		if (text_to_size(value, 1, &memory) < 0 || memory <= 0) {
			log_error("%s: memory takes bytes, or a size such as 512M, not '%s'", place,
				  value);
			return -EINVAL;
		}
		snprintf(bytes, sizeof(bytes), "%" PRIu64, identity_round_memory((uint64_t)memory));
		value = bytes;
	}
	return identity_set(&m->identity, fact, value);
}

/* --- a table --- */

struct table {
	const char *file;
	struct arena arena;
	const char *facts[MAX_COLUMNS]; /* NULL: a column without use */
	unsigned n;
	unsigned least;  /* fields of a row: those up to what is expected */
	unsigned number; /* of the line */
	char line[MAX_FIELD + 1];
};

static int read_header(struct table *t)
{
	char *line = t->line;

	line = after_prefix(line, "\xef\xbb\xbf") ? line + 3 : line;
	for (char *column; (column = strsep(&line, "\t"));) {
		const char *fact = fact_of(&t->arena, column);

		if (fact && !*fact)
			return complain_of_column(t->file, column);
		for (unsigned i = 0; i < t->n && fact; i++) {
			if (!streq_null(t->facts[i], fact))
				continue;
			log_error("%s:1: column '%s' is there twice", t->file, column);
			return -EINVAL;
		}
		if (t->n == MAX_COLUMNS) {
			log_error("%s:1: more than %d columns", t->file, MAX_COLUMNS);
			return -EINVAL;
		}
		t->facts[t->n++] = fact;
		if (fact && streq(fact, EXPECT))
			t->least = t->n;
	}
	return 0;
}

static int read_row(struct table *t, fleet_visit visit, void *data)
{
	struct fleet_machine m = { .line = t->number };
	char place[4096], *line = t->line;
	unsigned i = 0;
	int ret = 0;

	snprintf(place, sizeof(place), "%s:%u", t->file, t->number);
	for (char *field; ret >= 0 && (field = strsep(&line, "\t")); i++) {
		if (i == t->n) {
			log_error("%s: more fields than columns", place);
			ret = -EINVAL;
		} else if (t->facts[i]) {
			ret = take(&m, t->facts[i], field, place);
		}
	}
	if (ret >= 0 && i < t->least) {
		log_error("%s: it ends before the column '" EXPECT "'", place);
		ret = -EINVAL;
	}
	if (ret >= 0)
		ret = visit(&m, data);
	identity_free(&m.identity);
	return ret;
}

/* Reads the next line, without its end. -ENODATA: there is none; -EFBIG: it is too long to be one;
 * -EINVAL: it goes on behind a NUL, where nobody looks. */
static int read_line(struct table *t, FILE *f)
{
	size_t n = 0;
	int c = getc_unlocked(f);

	if (c == EOF)
		return -ENODATA;
	t->number++;
	for (; c != EOF && c != '\n'; c = getc_unlocked(f)) {
		if (n == MAX_FIELD) {
			log_error("%s:%u: a line of more than %u KiB: no more is read", t->file,
				  t->number, MAX_FIELD >> 10);
			return -EFBIG;
		}
		t->line[n++] = (char)c;
	}
	while (n > 0 && t->line[n - 1] == '\r')
		n--;
	t->line[n] = '\0';
	if (strlen(t->line) == n)
		return 0;
	log_error("%s:%u: a NUL byte", t->file, t->number);
	return -EINVAL;
}

/* A row that cannot be read is no reason to leave out those behind it. */
static int pass_over(int ret, unsigned *bad)
{
	*bad += ret == -EINVAL;
	return ret == -EINVAL ? 0 : ret;
}

static int read_rows(struct table *t, FILE *f, fleet_visit visit, void *data, unsigned *bad)
{
	int ret = read_line(t, f);

	if (ret >= 0)
		ret = read_header(t);
	while (ret >= 0) {
		ret = read_line(t, f);
		if (ret >= 0 && *t->line)
			ret = read_row(t, visit, data);
		ret = pass_over(ret, bad);
	}
	return ret == -EFBIG ? -EINVAL : ret;
}

static int read_table(const char *path, FILE *f, fleet_visit visit, void *data, unsigned *bad)
{
	struct table t = { .file = path };
	int ret = read_rows(&t, f, visit, data, bad);

	arena_free(&t.arena);
	if (ret != -ENODATA)
		return ret;
	if (!ferror(f) && t.number > 0)
		return 0;
	log_error("%s: %s", path, ferror(f) ? strerror(EIO) : "no line that names the columns");
	return -EINVAL;
}

/* --- directories --- */

struct member {
	const struct root *dir; /* of all machines */
	const char *name;
	struct fleet_machine machine;
	unsigned facts;
};

static int take_file(struct member *m, const char *file, const char *fact)
{
	_cleanup_free_ char *path = NULL, *text = NULL, *place = NULL;
	int ret;

	if (asprintf(&path, "%s/%s", m->name, file) < 0)
		return -ENOMEM;
	ret = root_read_text(m->dir, path, MAX_FIELD, &text);
	/* A device tree has directories of such names, with facts for the kernel. */
	if (ret == -ENOENT || ret == -EISDIR || ret == -ENOMEM)
		return ret == -ENOMEM ? ret : 0;
	place = root_path(m->dir, path);
	if (!place)
		return -ENOMEM;
	if (ret == -EACCES) { /* as serial numbers are, but to root */
		log_warning("%s: %s: it counts as not said", place, strerror(-ret));
		return 0;
	}
	if (ret < 0) {
		log_error("%s: %s", place, strerror(-ret));
		return -EINVAL;
	}
	m->facts += !streq(fact, EXPECT);
	return take(&m->machine, fact, text, place);
}

static int take_files(struct member *m)
{
	const struct key *k = NULL, *dmi = key_find("match.dmi");
	int ret = take_file(m, EXPECT, EXPECT);

	while (ret >= 0 && (k = key_next_child(dmi, k)))
		ret = take_file(m, key_name(k), k->path + strlen("match."));
	for (size_t i = 0; ret >= 0 && i < ARRAY_SIZE(other_facts); i++) {
		const char *short_name = after_prefix(other_facts[i], "devicetree.");

		ret = take_file(m, other_facts[i], other_facts[i]);
		if (ret >= 0 && short_name)
			ret = take_file(m, short_name, other_facts[i]);
	}
	return ret;
}

static int read_member(const struct root *dir, const char *name, fleet_visit visit, void *data)
{
	_cleanup_close_ int fd = root_openat(dir, name, O_PATH | O_DIRECTORY);
	struct member m = { .dir = dir, .name = name, .machine.name = name };
	int ret;

	if (fd == -ENOTDIR)
		return 0;
	if (fd < 0) {
		log_error("%s/%s: %s", dir->path, name, strerror(-fd));
		return -EINVAL;
	}
	ret = take_files(&m);
	if (ret >= 0 && m.facts == 0) {
		log_error("%s/%s: no file that tells what machine it is", dir->path, name);
		ret = -EINVAL;
	}
	if (ret >= 0)
		ret = visit(&m.machine, data);
	identity_free(&m.machine.identity);
	return ret;
}

/* /sys/class/dmi/id itself, or a device tree: what is below it are no machines. */
static bool is_one_machines(const struct root *dir)
{
	static const char *const signs[] = { "sys_vendor", "product_name", "model", "compatible" };

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		_cleanup_close_ int fd = root_openat(dir, signs[i], O_PATH);
		struct stat st;

		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
			return true;
	}
	return false;
}

static int is_visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int read_dirs(const char *path, fleet_visit visit, void *data, unsigned *bad)
{
	_cleanup_(root_close) struct root dir = ROOT_NONE;
	struct dirent **list = NULL;
	int ret = root_open(path, true, &dir);
	int n = ret < 0 ? ret : scandirat(dir.fd, ".", &list, is_visible, alphasort);

	if (n < 0) {
		log_error("%s: %s", path, strerror(ret < 0 ? -ret : errno));
		return -EINVAL;
	}
	if (is_one_machines(&dir)) {
		log_error("%s: this is one machine's own: name the directory that has one for "
			  "each machine",
			  path);
		ret = -EINVAL;
	}
	for (int i = 0; i < n; i++) {
		if (ret >= 0)
			ret = pass_over(read_member(&dir, list[i]->d_name, visit, data), bad);
		free(list[i]);
	}
	free(list);
	return ret;
}

int fleet_read(const char *path, fleet_visit visit, void *data, unsigned *ret_bad)
{
	_cleanup_fclose_ FILE *f = fopen(streq(path, "-") ? "/dev/stdin" : path, "re");
	unsigned bad = 0;
	struct stat st;
	int ret;

	if (!f || fstat(fileno(f), &st) < 0) {
		log_error("%s: %s", path, strerror(errno));
		return -EINVAL;
	}
	ret = S_ISDIR(st.st_mode) ? read_dirs(path, visit, data, &bad)
				  : read_table(path, f, visit, data, &bad);
	if (ret >= 0)
		*ret_bad = bad;
	return ret;
}
