/* What a profile needs on the kernel command line: said, and looked for. */
#include <inttypes.h>

#include "base/text.h"
#include "image/image.h"
#include "profile/identity.h"

typedef int (*take_word)(const struct cmdline_word *word, void *data);

/* Bytes as people write them: 192M. */
static void print_size(int64_t bytes, char *text, size_t room)
{
	static const char suffixes[] = "KMG";
	int i = -1;

	while (i < 2 && bytes % 1024 == 0 && bytes > 0) {
		bytes /= 1024;
		i++;
	}
	snprintf(text, room, "%" PRId64 "%.*s", bytes, i >= 0, i >= 0 ? &suffixes[i] : "");
}

static int crashkernel_word(const struct node *tree, take_word each, void *data)
{
	const struct node *n = node_find(tree, "kdump.crashkernel");
	char size[32];

	if (!n)
		return 0;
	print_size(strtoll(n->value, NULL, 10), size, sizeof(size));
	return each(&(struct cmdline_word){ n, "crashkernel", size, "memory for the crash kernel" },
		    data);
}

/* Only x86 can cut memory out of the map by the command line; a device tree has a node for it. */
static int memmap_word(const struct image *image, const struct node *tree, take_word each,
		       void *data)
{
	const struct node *n = node_find(tree, "last_boot.ramoops");
	char size[32], value[80];

	if (!n || (image->arch && !streq(image->arch, "x86_64") && !streq(image->arch, "i686")))
		return 0;
	print_size(strtoll(node_text(n, "mem_size"), NULL, 10), size, sizeof(size));
	snprintf(value, sizeof(value), "%s$0x%" PRIx64, size,
		 (int64_t)strtoll(node_text(n, "mem_address"), NULL, 10));
	return each(&(struct cmdline_word){ n, "memmap", value,
					    "memory in which the kernel log survives a restart" },
		    data);
}

/* A pattern that says the very value; NULL where there is none. */
static const char *exact_value(const struct node *n)
{
	const struct node *pattern = n->kind == NODE_LIST ? n->first : n;

	if (!pattern || pattern->kind != NODE_SCALAR || pattern->is_pattern)
		return NULL;
	if (pattern->plain && streq(pattern->value, "false"))
		return NULL;
	return pattern->plain && streq(pattern->value, "true") ? "" : pattern->value;
}

/* The parameters by which the profile is chosen, if no alternative does without. */
static int match_words(const struct profile *p, take_word each, void *data)
{
	static const char why[] = "the profile is chosen by it";
	const struct node *match = node_child(p->tree, "match");
	int ret = 0;

	if (!match)
		return streq(p->name, "default")
			       ? 0
			       : each(&(struct cmdline_word){ p->tree, "holdfast.profile", p->name,
							      "nothing else chooses the profile" },
				      data);
	node_foreach(alternative, match)
		if (!node_child(alternative, "cmdline"))
			return 0;
	node_foreach(n, node_child(match->first, "cmdline")) {
		const char *value = exact_value(n);

		if (value && ret >= 0)
			ret = each(&(struct cmdline_word){ n, n->name, value, why }, data);
	}
	return ret;
}

/* What the kernel has to set aside before anything of ours runs. */
static int memory_words(const struct image *image, const struct node *tree, take_word each,
			void *data)
{
	int ret = crashkernel_word(tree, each, data);

	return ret < 0 ? ret : memmap_word(image, tree, each, data);
}

int cmdline_words(const struct image *image, const struct profile *p, take_word each, void *data)
{
	int ret = memory_words(image, p->tree, each, data);

	return ret < 0 ? ret : match_words(p, each, data);
}

/* --- is it there? --- */

/* The most that a crashkernel= reserves: "192M", "192M@16M", "2G-8G:192M,8G-:256M", "192M,high".
 * -EINVAL: something else. */
static int reserved_bytes(const char *value, int64_t *ret_bytes)
{
	_cleanup_free_ char *copy = strdup(value);
	char *part, *rest = copy;
	int64_t most = -1, bytes;

	if (!copy)
		return -ENOMEM;
	while ((part = strsep(&rest, ","))) {
		char *colon = strchr(part, ':');

		part = colon ? colon + 1 : part;
		part[strcspn(part, "@")] = '\0';
		if (most >= 0 && !colon) /* "high", "low" */
			continue;
		if (text_to_size(part, 1, &bytes) < 0)
			return -EINVAL;
		most = bytes > most ? bytes : most;
	}
	if (most < 0)
		return -EINVAL;
	*ret_bytes = most;
	return 0;
}

static void check_crashkernel(const struct image_text *line, struct identity *id,
			      const struct node *wanted, struct findings *f)
{
	const char *value = identity_cmdline(id, "crashkernel");
	int64_t bytes, least = strtoll(wanted->value, NULL, 10);
	char size[32];

	print_size(least, size, sizeof(size));
	if (!value)
		finding_error(f, &wanted->at, NULL,
			      "the kernel command line of %s has no crashkernel=%s: nothing is "
			      "reserved",
			      line->where, size);
	else if (reserved_bytes(value, &bytes) < 0)
		finding_warning(f, &wanted->at, NULL,
				"crashkernel=%s of %s: how much that reserves is not known here",
				value, line->where);
	else if (bytes < least)
		finding_error(f, &wanted->at, NULL,
			      "the kernel command line of %s has crashkernel=%s: less than %s",
			      line->where, value, size);
}

/* "1M$0x20000000" and "0x100000$512M" say the same. */
static bool same_range(const char *a, const char *b)
{
	const char *x = strchr(a, '$'), *y = strchr(b, '$');
	char size_a[40], size_b[40];
	int64_t n[4];

	if (!x || !y)
		return false;
	snprintf(size_a, sizeof(size_a), "%.*s", (int)(x - a), a);
	snprintf(size_b, sizeof(size_b), "%.*s", (int)(y - b), b);
	return text_to_size(size_a, 1, &n[0]) == 0 && text_to_size(size_b, 1, &n[1]) == 0 &&
	       text_to_size(x + 1, 1, &n[2]) == 0 && text_to_size(y + 1, 1, &n[3]) == 0 &&
	       n[0] == n[1] && n[2] == n[3];
}

/* memmap= may be there more than once, and each may hold several ranges. */
static bool has_memmap(const char *text, const char *wanted)
{
	_cleanup_free_ char *copy = strdup(text);
	char *word, *rest;

	for (word = copy ? strtok_r(copy, " \t", &rest) : NULL; word;
	     word = strtok_r(NULL, " \t", &rest)) {
		const char *ranges = after_prefix(word, "memmap=");
		char *range, *more = (char *)ranges;

		while (ranges && (range = strsep(&more, ",")))
			if (same_range(range, wanted))
				return true;
	}
	return false;
}

struct looking {
	const struct image_text *line;
	struct identity *id;
	struct findings *findings;
};

static int look_for(const struct cmdline_word *word, void *data)
{
	struct looking *l = data;

	if (streq(word->name, "crashkernel"))
		check_crashkernel(l->line, l->id, word->for_key, l->findings);
	else if (!has_memmap(l->line->text, word->value))
		finding_error(l->findings, &word->for_key->name_at, NULL,
			      "the kernel command line of %s has no memmap=%s: the memory is not "
			      "kept",
			      l->line->where, word->value);
	return 0;
}

static int check_line(const struct image *image, const struct image_text *line,
		      const struct node *tree, struct findings *f)
{
	struct identity id = { 0 };
	int ret = identity_set(&id, "cmdline", line->text);
	const char *word = ret < 0 ? NULL : identity_cmdline(&id, "holdfast");

	if (word && streq(word, "off"))
		finding_error(f, &tree->at, NULL,
			      "the kernel command line of %s has holdfast=off: nothing would be "
			      "done",
			      line->where);
	if (ret >= 0)
		ret = memory_words(image, tree, look_for, &(struct looking){ line, &id, f });
	identity_free(&id);
	return ret;
}

static int miss_it(const struct cmdline_word *word, void *data)
{
	finding_warning(data, &word->for_key->name_at, "give --cmdline",
			"the image has no boot loader entry: whether the kernel command line has "
			"%s=%s is not checked",
			word->name, word->value);
	return 0;
}

int cmdline_check(const struct image *image, const struct node *tree, struct findings *f)
{
	int ret = 0;

	if (image->cmdlines.n == 0)
		return memory_words(image, tree, miss_it, f);
	for (unsigned i = 0; i < image->cmdlines.n && ret >= 0; i++)
		ret = check_line(image, &image->cmdlines.list[i], tree, f);
	return ret;
}
