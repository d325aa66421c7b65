/* What a capture image was built for: in front of it, not packed, lies an archive with one file
 * that says so, so that an image of yesterday's profile, or of another kernel, is not taken for
 * today's. */
#include "base/hash.h"
#include "setting/kdump.h"

#define STAMP "holdfast-built-for"
#define STAMP_MAX 65536
/* A line of its own, behind which the kernel's release stands; no profile has such a name. */
#define MODULES "\n/lib/modules/"

static uint64_t hash_text(uint64_t h, const char *text)
{
	return hash_add(h, text, strlen(text) + 1);
}

/* A default that is written out changes nothing. */
static uint64_t hash_section(uint64_t h, const struct node *section)
{
	for (struct node *n = node_next(section, NULL); n; n = node_next(section, n))
		if (n->kind == NODE_SCALAR && !streq_null(n->row->fallback, n->value))
			h = hash_text(hash_text(h, n->name), n->value);
	return h;
}

char *kdump_stamp(const struct node *tree)
{
	const char *name = node_text(tree, "name");
	uint64_t h = hash_section(HASH_BEGIN, node_find(tree, "kdump.capture"));
	char *text;

	h = hash_section(h, node_find(tree, "last_boot.ramoops"));
	return asprintf(&text, "%s %016llx\n", name ? name : "-", (unsigned long long)h) < 0 ? NULL
											     : text;
}

/* Documentation/driver-api/early-userspace/buffer-format.rst: 110 bytes of header, then the name.
 */
static char *read_stamp(int initrd)
{
	char header[111] = "", name[sizeof(STAMP)], *text;
	unsigned size, name_size;
	ssize_t n;

	if (pread(initrd, header, 110, 0) != 110 ||
	    sscanf(header, "070701%*48x%8x%*32x%8x", &size, &name_size) != 2 ||
	    name_size != sizeof(STAMP) || size > STAMP_MAX ||
	    pread(initrd, name, sizeof(name), 110) != sizeof(name) ||
	    memcmp(name, STAMP, sizeof(name)) != 0)
		return NULL;
	text = calloc(1, size + 2UL);
	if (!text)
		return NULL;
	*text = '\n';
	n = pread(initrd, text + 1, size, (110 + (off_t)sizeof(STAMP) + 3) & ~3);
	if (n == (ssize_t)size)
		return text;
	free(text);
	return NULL;
}

bool kdump_has_modules_for(int initrd, int kernel)
{
	_cleanup_free_ char *has = read_stamp(initrd);
	char wanted[sizeof(MODULES) + 65] = MODULES;

	if (!has || !strstr(has, MODULES) ||
	    !kdump_release_of(kernel, wanted + strlen(MODULES), 65))
		return true;
	strcat(wanted, "\n");
	return strstr(has, wanted);
}

bool kdump_is_built_for(int initrd, const struct node *tree)
{
	_cleanup_free_ char *has = read_stamp(initrd), *line = kdump_stamp(tree), *wanted = NULL;

	if (!has || !line || asprintf(&wanted, "\n%s", line) < 0)
		return true; /* somebody else's */
	return strstr(has, wanted);
}
