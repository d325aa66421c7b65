/* What a profile needs on the kernel command line: said, and looked for. */
#include <inttypes.h>

#include "base/text.h"
#include "image/image.h"
#include "profile/identity.h"

const char *image_size(char buffer[IMAGE_SIZE], int64_t bytes)
{
	static const char suffixes[] = "KMG";
	int i = -1;

	while (i < 2 && bytes % 1024 == 0 && bytes > 0) {
		bytes /= 1024;
		i++;
	}
	snprintf(buffer, IMAGE_SIZE, "%" PRId64 "%.*s", bytes, i >= 0, i >= 0 ? &suffixes[i] : "");
	return buffer;
}

static int crashkernel_word(const struct node *tree, cmdline_take each, void *data)
{
	const struct node *n = node_find(tree, "kdump.crashkernel");
	char size[IMAGE_SIZE];

	if (!n)
		return 0;
	return each(&(struct cmdline_word){ n, "crashkernel",
					    image_size(size, strtoll(n->value, NULL, 10)),
					    "memory for the crash kernel" },
		    data);
}

/* What a built-in driver has nobody else to tell it. */
static int ramoops_words(const struct node *ramoops, cmdline_take each, void *data)
{
	static const char *const options[] = { "mem_address", "mem_size" };
	int ret = 0;

	for (size_t i = 0; i < ARRAY_SIZE(options) && ret >= 0; i++) {
		char name[40], value[24];

		snprintf(name, sizeof(name), "ramoops.%s", options[i]);
		snprintf(value, sizeof(value), "0x%llx",
			 strtoll(node_text(ramoops, options[i]), NULL, 10));
		ret = each(&(struct cmdline_word){ ramoops, name, value, "ramoops is built in" },
			   data);
	}
	return ret;
}

/* Only x86 can cut memory out of the map by the command line; a device tree has a node for it,
 * which the driver reads. */
static int memmap_word(const struct image *image, const struct node *tree, cmdline_take each,
		       void *data)
{
	const struct node *n = node_find(tree, "last_boot.ramoops");
	char size[IMAGE_SIZE], value[80];
	int ret;

	if (!n || (image->arch && !streq(image->arch, "x86_64") && !streq(image->arch, "i686")))
		return 0;
	snprintf(value, sizeof(value), "%s$0x%" PRIx64,
		 image_size(size, strtoll(node_text(n, "mem_size"), NULL, 10)),
		 (int64_t)strtoll(node_text(n, "mem_address"), NULL, 10));
	ret = each(&(struct cmdline_word){ n, "memmap", value,
					   "memory in which the kernel log survives a restart" },
		   data);
	return ret < 0 || !kconfig_any_has(image, "PSTORE_RAM") ? ret
								: ramoops_words(n, each, data);
}

static bool says(const struct node *pattern, const char *boolean)
{
	return pattern->plain && streq(pattern->value, boolean);
}

/* A pattern that says the very value, the first of a list; NULL where there is none. */
static const struct node *exact_pattern(const struct node *n)
{
	const struct node *first = n->kind == NODE_LIST ? n->first : n;

	for (const struct node *pattern = first; pattern; pattern = pattern->next) {
		if (pattern->kind == NODE_SCALAR && !pattern->is_pattern &&
		    !strchr(pattern->value, '"'))
			return pattern;
		if (n->kind != NODE_LIST)
			break;
	}
	return NULL;
}

static int match_word(const struct node *n, cmdline_take each, void *data)
{
	const struct node *pattern = exact_pattern(n);
	struct cmdline_word word = { n, n->name, NULL, "the profile is chosen by it" };

	if (!pattern)
		word.why = "match has no value that a word could have";
	else if (says(pattern, "false")) /* it must not be there */
		return 0;
	else
		word.value = says(pattern, "true") ? "" : pattern->value;
	return each(&word, data);
}

/* The parameters by which the profile is chosen, if no alternative does without. */
static int match_words(const struct profile *p, cmdline_take each, void *data)
{
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
	node_foreach(n, node_child(match->first, "cmdline"))
		if (ret >= 0)
			ret = match_word(n, each, data);
	return ret;
}

/* What the kernel has to set aside before anything of ours runs. */
static int memory_words(const struct image *image, const struct node *tree, cmdline_take each,
			void *data)
{
	int ret = crashkernel_word(tree, each, data);

	return ret < 0 ? ret : memmap_word(image, tree, each, data);
}

int cmdline_words(const struct image *image, const struct profile *p, cmdline_take each, void *data)
{
	int ret = memory_words(image, p->tree, each, data);

	if (ret >= 0)
		ret = kconfig_words(image, p->tree, each, data);
	if (ret >= 0)
		ret = kernel_words(image, p->tree, each, data);
	return ret < 0 ? ret : match_words(p, each, data);
}

/* --- is it there? --- */

const char *cmdline_value(const char *word, const char *name)
{
	for (; *name; name++, word++)
		if ((*name == '-' ? '_' : *name) != (*word == '-' ? '_' : *word))
			return NULL;
	return *word == '=' ? word + 1 : *word ? NULL : word;
}

/* Takes the next word; NULL at the end of what is the kernel's. */
static const char *next_word(const char *text, char *word)
{
	text = identity_next_word(text, word);
	return text && !streq(word, "--") ? text : NULL;
}

static bool has_parameter(const char *text, const char *name, const char *wanted)
{
	_cleanup_free_ char *word = malloc(strlen(text) + 1);
	bool same = false;

	while (word && (text = next_word(text, word))) {
		const char *value = cmdline_value(word, name);

		same = value ? text_same_value(value, wanted) : same;
	}
	return same;
}

bool cmdline_have(const struct image *image, const char *name, const char *value)
{
	bool any = false;

	for (unsigned i = 0; i < image->cmdlines.n; i++) {
		const char *text = image->cmdlines.list[i].text;

		if (text && !has_parameter(text, name, value))
			return false;
		any = any || text;
	}
	return any;
}

bool cmdline_is_rescue(const char *text)
{
	static const char *const signs[] = { "single", "recovery", "rescue",
					     "systemd.unit=rescue.target",
					     "systemd.unit=emergency.target" };
	_cleanup_free_ char *word = malloc(strlen(text) + 1);

	while (word && (text = next_word(text, word)))
		for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
			if (streq(word, signs[i]))
				return true;
	return false;
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
	_cleanup_free_ char *word = malloc(strlen(text) + 1);

	while (word && (text = next_word(text, word))) {
		char *range, *more = (char *)cmdline_value(word, "memmap");

		while (more && (range = strsep(&more, ",")))
			if (same_range(range, wanted))
				return true;
	}
	return false;
}

struct looking {
	const struct image_text *line;
	const struct node *tree;
	struct findings *findings;
};

static int look_for(const struct cmdline_word *word, void *data)
{
	struct looking *l = data;
	const struct place *at = &word->for_key->name_at;

	if (streq(word->name, "crashkernel"))
		crashkernel_check(l->line, l->tree, l->findings);
	else if (streq(word->name, "memmap") && !has_memmap(l->line->text, word->value))
		finding_error(l->findings, at, NULL,
			      "the kernel command line of %s has no memmap=%s: the memory is not "
			      "kept",
			      l->line->where, word->value);
	else if (!streq(word->name, "memmap") &&
		 !has_parameter(l->line->text, word->name, word->value))
		finding_warning(l->findings, at, NULL,
				"the kernel command line of %s has no %s=%s: %s", l->line->where,
				word->name, word->value, word->why);
	return 0;
}

struct missing {
	const struct image_text *line; /* that cannot be read, or NULL: there is none */
	struct findings *findings;
};

static int miss_it(const struct cmdline_word *word, void *data)
{
	const struct missing *m = data;
	const struct place *at = &word->for_key->name_at;

	if (m->line)
		finding_warning(m->findings, at, "give --cmdline",
				"%s: %s: whether the kernel command line has %s=%s is not checked",
				m->line->where, m->line->problem, word->name, word->value);
	else
		finding_warning(m->findings, at, "give --cmdline",
				"the image has no boot loader entry: whether the kernel command "
				"line has %s=%s is not checked",
				word->name, word->value);
	return 0;
}

int cmdline_check(const struct image *image, const struct node *tree, struct findings *f)
{
	int ret = 0;

	if (image->cmdlines.n == 0)
		return memory_words(image, tree, miss_it, &(struct missing){ NULL, f });
	for (unsigned i = 0; i < image->cmdlines.n && ret >= 0; i++) {
		const struct image_text *line = &image->cmdlines.list[i];

		ret = line->text ? memory_words(image, tree, look_for,
						&(struct looking){ line, tree, f })
				 : memory_words(image, tree, miss_it, &(struct missing){ line, f });
	}
	return ret;
}
