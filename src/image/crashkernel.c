/* crashkernel= on a command line: is it enough, on each machine that the profile is for? */
#include <ctype.h>

#include "base/text.h"
#include "image/image.h"
#include "profile/comparison.h"
#include "profile/identity.h"

/* "512M-2G:64M"; without a range it is for every machine. Bytes; @end is not in it. */
struct reserve {
	int64_t start, end, size;
	const char *range; /* its text */
};

#define MAX_RESERVES 32

/* How much memory the profile's machines may have. */
struct memory {
	int64_t min, max;
	bool known; /* each alternative of match says */
};

static struct memory memory_of(const struct node *tree)
{
	const struct node *match = node_child(tree, "match");
	struct memory m = { .min = INT64_MAX, .known = match && match->first };

	node_foreach(alternative, match) {
		const char *text = node_text(alternative, "memory");
		int64_t min = 0, max = INT64_MAX;

		if (text)
			comparison_bounds(text, &min, &max);
		m.known = m.known && text;
		m.min = min < m.min ? min : m.min;
		m.max = max > m.max ? max : m.max;
	}
	return m.known ? m : (struct memory){ 0, INT64_MAX, false };
}

/* As the kernel's memparse(): units that a profile does not know, and small letters. */
static int parse_size(const char *text, int64_t *ret_size)
{
	static const char suffixes[] = "KMGTPE";
	size_t n = strlen(text);
	const char *suffix = n > 0 ? strchr(suffixes, toupper((unsigned char)text[n - 1])) : NULL;
	char number[32] = "";
	int64_t v;
	int ret;

	if (n >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, n - !!suffix);
	ret = text_to_int(number, &v);
	if (ret >= 0 && suffix &&
	    __builtin_mul_overflow(v, INT64_C(1024) << (10 * (suffix - suffixes)), &v))
		ret = -ERANGE;
	if (ret >= 0)
		*ret_size = v;
	return ret;
}

static int parse_range(char *text, struct reserve *r)
{
	char *dash = strchr(text, '-');
	int ret;

	if (!dash)
		return -EINVAL;
	*dash = '\0';
	ret = parse_size(text, &r->start);
	if (ret >= 0 && dash[1])
		ret = parse_size(dash + 1, &r->end);
	*dash = '-';
	return ret;
}

/* Their number; -EINVAL: something else. Changes @text, to which they point. */
static int parse(char *text, struct reserve *reserves)
{
	int n = 0;

	text[strcspn(text, "@")] = '\0'; /* where it lies is no matter */
	for (char *part; (part = strsep(&text, ","));) {
		struct reserve r = { .end = INT64_MAX };
		char *colon = strchr(part, ':');

		if (!colon && n > 0) /* "high" */
			continue;
		if (colon) {
			*colon = '\0';
			r.range = part;
		}
		if (n == MAX_RESERVES || (colon && parse_range(part, &r) < 0) ||
		    parse_size(colon ? colon + 1 : part, &r.size) < 0)
			return -EINVAL;
		reserves[n++] = r;
	}
	return n > 0 ? n : -EINVAL;
}

/* The least that a machine of the profile's gets, among those that get something; NULL: none. */
static const struct reserve *least_of(const struct reserve *reserves, int n, struct memory m)
{
	const struct reserve *least = NULL;

	for (int i = 0; i < n; i++)
		if (reserves[i].start <= m.max && reserves[i].end > m.min &&
		    (!least || reserves[i].size < least->size))
			least = &reserves[i];
	return least;
}

/* Whether there is an amount of memory that no range has. *@ret_end: that up to which there is
 * none; INT64_MAX: from *@ret_start on. */
static bool find_gap(const struct reserve *reserves, int n, struct memory m, int64_t *ret_start,
		     int64_t *ret_end)
{
	int64_t at = m.min, end = INT64_MAX;

	for (int i = 0; i < n; i++) {
		if (reserves[i].start > at || reserves[i].end <= at)
			continue;
		if (reserves[i].end > m.max)
			return false;
		at = reserves[i].end;
		i = -1; /* another may go on from there */
	}
	if (at > m.max || at == INT64_MAX)
		return false;
	for (int i = 0; i < n; i++)
		if (reserves[i].start > at && reserves[i].start < end)
			end = reserves[i].start;
	*ret_start = at;
	*ret_end = end;
	return true;
}

static void judge(const struct image_text *line, const char *value, const struct reserve *reserves,
		  int n, const struct node *tree, struct findings *f)
{
	const struct node *wanted = node_find(tree, "kdump.crashkernel");
	struct memory m = memory_of(tree);
	const struct reserve *least = least_of(reserves, n, m);
	int64_t start, end, bytes = strtoll(wanted->value, NULL, 10);
	char size[IMAGE_SIZE], bound[IMAGE_SIZE];

	if (least && least->size < bytes)
		finding_error(f, &wanted->at, NULL,
			      "the kernel command line of %s has crashkernel=%s: less than %s%s%s",
			      line->where, value, image_size(size, bytes),
			      least->range ? " on a machine with " : "",
			      least->range ? least->range : "");
	else if (find_gap(reserves, n, m, &start, &end))
		finding_add(f, m.known ? SEVERITY_ERROR : SEVERITY_WARNING, &wanted->at,
			    m.known ? NULL
				    : "say below match how much memory the profile's machines have",
			    "the kernel command line of %s has crashkernel=%s: nothing is reserved "
			    "on a machine with %s%s%s",
			    line->where, value, end < INT64_MAX ? "less than " : "",
			    image_size(bound, end < INT64_MAX ? end : start),
			    end < INT64_MAX ? "" : " or more");
}

static bool is_high(const char *value)
{
	return has_suffix(value, ",high");
}

/* The last one counts, but of one with ",high" only where none is plain; "SIZE,low" only goes with
 * such a one. The caller frees. */
static char *find_value(const char *text)
{
	_cleanup_free_ char *word = malloc(strlen(text) + 1);
	char *found = NULL;

	while (word && (text = identity_next_word(text, word)) && !streq(word, "--")) {
		const char *value = cmdline_value(word, "crashkernel");

		if (!value || has_suffix(value, ",low") || has_suffix(value, ",cma") ||
		    (found && !is_high(found) && is_high(value)))
			continue;
		free(found);
		found = strdup(value);
	}
	return found;
}

void crashkernel_check(const struct image_text *line, const struct node *tree, struct findings *f)
{
	const struct node *wanted = node_find(tree, "kdump.crashkernel");
	_cleanup_free_ char *value = find_value(line->text), *copy = value ? strdup(value) : NULL;
	struct reserve reserves[MAX_RESERVES];
	char size[IMAGE_SIZE];
	int n = copy ? parse(copy, reserves) : 0;

	if (!value)
		finding_error(f, &wanted->at, NULL,
			      "the kernel command line of %s has no crashkernel=%s: nothing is "
			      "reserved",
			      line->where, image_size(size, strtoll(wanted->value, NULL, 10)));
	else if (n < 0)
		finding_warning(f, &wanted->at, NULL,
				"crashkernel=%s of %s: how much that reserves is not known here",
				value, line->where);
	else
		judge(line, value, reserves, n, tree, f);
}
