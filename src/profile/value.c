#include "profile/value.h"

#include <ctype.h>
#include <inttypes.h>
#include <strings.h>

#include "base/text.h"
#include "profile/comparison.h"
#include "profile/sysctlname.h"

/* One value on its way; parsers leave a problem, and perhaps a hint. */
struct value {
	struct arena *arena;
	const struct key *key;
	struct node *node;
	const char *text;
	const char *canonical;
	const char *problem; /* after "'KEY' " */
	const char *hint;
};

static int set(struct value *v, char *canonical)
{
	v->canonical = canonical;
	return canonical ? 0 : -ENOMEM;
}

static int set_int(struct value *v, int64_t number)
{
	return set(v, arena_printf(v->arena, "%" PRId64, number));
}

static int fail(struct value *v, const char *hint, const char *fmt, ...) _printf_(3, 4);

static int fail(struct value *v, const char *hint, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	v->problem = arena_vprintf(v->arena, fmt, ap);
	va_end(ap);
	v->hint = hint;
	return v->problem ? 0 : -ENOMEM;
}

static const char *did_you_mean(struct value *v, const char *word)
{
	return word && !after_prefix(v->text, word)
		       ? arena_printf(v->arena, "did you mean '%s'?", word)
		       : NULL;
}

static int parse_bool(struct value *v)
{
	static const char *const words[][2] = {
		{ "false", "true" }, { "no", "yes" }, { "off", "on" }, { "0", "1" }
	};
	struct nearest near = { .word = v->text };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		for (int b = 0; b < 2; b++)
			if (strcasecmp(v->text, words[i][b]) == 0)
				return set_int(v, b);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		for (int b = 0; b < 2; b++)
			if (words[i][b][1]) /* a digit is near to anything */
				nearest_offer(&near, words[i][b]);
	return fail(v, did_you_mean(v, near.best), "takes true or false, not '%s'", v->text);
}

static int check_range(struct value *v, int ret, int64_t number)
{
	const struct key *k = v->key;

	if (ret < 0 && ret != -ERANGE)
		return ret;
	if (ret == 0 && number >= k->min && number <= k->max)
		return set_int(v, number);
	if (k->max == INT64_MAX)
		return fail(v, NULL, "must be at least %" PRId64 "%s, not %s", k->min,
			    k->min && k->unit ? " bytes" : "", v->text);
	if (k->min == k->max)
		return fail(v, NULL, "must be %" PRId64 ", not %s", k->min, v->text);
	return fail(v, NULL, "must be from %" PRId64 " to %" PRId64 ", not %s", k->min, k->max,
		    v->text);
}

static int parse_int(struct value *v)
{
	int64_t number = 0;
	int ret = text_to_int(v->text, &number);

	if (ret == -EINVAL)
		return fail(v, NULL, "takes a whole number, not '%s'", v->text);
	return check_range(v, ret, number);
}

static int parse_size(struct value *v)
{
	int64_t number = 0, unit = v->key->unit ? v->key->unit : 1;
	int ret = text_to_size(v->text, unit, &number);

	if (ret == -EINVAL)
		return fail(v, "a number in the key's own unit, or with K, M or G",
			    "takes a size such as 16M, not '%s'", v->text);
	return check_range(v, ret, number);
}

static const char *choice_names(struct value *v)
{
	const char *list = "";

	for (const struct choice *c = v->key->choices; c->name && list; c++)
		list = arena_printf(v->arena, "%s%s%s%s%s", list, *list ? ", " : "", c->name,
				    streq(c->name, c->value) ? "" : " = ",
				    streq(c->name, c->value) ? "" : c->value);
	return list;
}

static int parse_choice(struct value *v)
{
	struct nearest near = { .word = v->text };
	const char *names;
	int64_t number, value;

	for (const struct choice *c = v->key->choices; c->name; c++) {
		if (streq(v->text, c->name) || streq(v->text, c->value))
			return set(v, arena_strdup(v->arena, c->value));
		if (text_to_int(v->text, &number) == 0 && text_to_int(c->value, &value) == 0 &&
		    number == value)
			return set(v, arena_strdup(v->arena, c->value));
		nearest_offer(&near, c->name);
	}
	names = choice_names(v);
	if (!names)
		return -ENOMEM;
	return fail(v, did_you_mean(v, near.best), "takes one of %s, not '%s'", names, v->text);
}

static int parse_text(struct value *v)
{
	return set(v, arena_strdup(v->arena, v->text));
}

/* An option's text reaches the module in one string with the others, where a quote would end it. */
static int parse_option(struct value *v)
{
	if (strchr(v->text, '"'))
		return fail(v, NULL, "holds no double quote");
	return parse_text(v);
}

static int parse_name(struct value *v)
{
	const char *t = v->text;

	if (strlen(t) > 255)
		return fail(v, NULL, "is longer than 255 characters");
	if (!isalnum((unsigned char)*t) && *t != '_')
		return fail(v, NULL, "begins with a letter or a digit, not as '%s' does", t);
	for (; *t; t++)
		if (!isalnum((unsigned char)*t) && *t != '_' && !strchr(v->key->extra, *t))
			return fail(v, NULL, "takes letters, digits and %s, not '%s'",
				    v->key->extra, v->text);
	return parse_text(v);
}

static int parse_module(struct value *v)
{
	char *name = arena_strdup(v->arena, v->text);

	if (!name)
		return -ENOMEM;
	for (char *c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_')
			return fail(v, NULL, "takes letters, digits, _ and -, not '%s'", v->text);
	return set(v, name);
}

/* Doubled and last slashes and "." go, so that one file has one spelling. */
static int parse_path(struct value *v)
{
	char *out = arena_alloc(v->arena, strlen(v->text) + 2);
	const char *t = v->text;
	size_t len = 0;

	if (!out)
		return -ENOMEM;
	if (*t != '/')
		return fail(v, NULL, "takes an absolute path, not '%s'", t);
	while (*t) {
		size_t n;

		t += strspn(t, "/");
		n = strcspn(t, "/");
		if (n == 2 && strncmp(t, "..", 2) == 0)
			return fail(v, NULL, "takes a path without '..', not '%s'", v->text);
		if (n > 0 && !(n == 1 && *t == '.')) {
			out[len++] = '/';
			memcpy(out + len, t, n);
			len += n;
		}
		t += n;
	}
	if (len == 0)
		out[0] = '/';
	return set(v, out);
}

static int parse_device(struct value *v)
{
	static const char *const tags[] = { "LABEL", "UUID", "PARTLABEL", "PARTUUID", "ID" };
	const char *equals = strchr(v->text, '=');
	struct nearest near = {
		.word = arena_strndup(v->arena, v->text, strcspn(v->text, "=")),
	};

	if (!near.word)
		return -ENOMEM;
	if (*v->text == '/')
		return parse_path(v);
	for (size_t i = 0; i < ARRAY_SIZE(tags) && equals; i++) {
		const char *rest = after_prefix(v->text, tags[i]);

		if (rest && *rest == '=' && rest[1])
			return parse_text(v);
		nearest_offer(&near, tags[i]);
	}
	for (const char *t = v->text; *t; t++)
		if (!isalnum((unsigned char)*t) && !strchr("_-.", *t))
			return fail(v, did_you_mean(v, near.best),
				    "takes LABEL=, UUID=, PARTLABEL=, PARTUUID=, an absolute path "
				    "or a virtual file system's name, not '%s'",
				    v->text);
	return parse_text(v);
}

static bool has_wildcard(const char *text)
{
	const char *bracket = strchr(text, '[');

	return strpbrk(text, "*?") || (bracket && strchr(bracket, ']'));
}

static int parse_pattern(struct value *v)
{
	v->node->is_pattern = has_wildcard(v->text);
	return parse_text(v);
}

static int parse_cmdline(struct value *v)
{
	if (!v->node->plain || (strcasecmp(v->text, "true") && strcasecmp(v->text, "false"))) {
		v->node->plain = false;
		return parse_pattern(v);
	}
	return set(v, arena_strdup(v->arena, strcasecmp(v->text, "true") ? "false" : "true"));
}

static int parse_comparison(struct value *v)
{
	char *copy = arena_strdup(v->arena, v->text), *rest, *part;
	const char *out = "";

	if (!copy)
		return -ENOMEM;
	for (part = strtok_r(copy, ", \t", &rest); part; part = strtok_r(NULL, ", \t", &rest)) {
		size_t len;
		const char *operator= comparison_operator(part, &len);
		int64_t number;

		if (part[len] == '\0') { /* "> 512M" */
			part = strtok_r(NULL, ", \t", &rest);
			len = 0;
		}
		if (!part || text_to_size(part + len, 1, &number) < 0 || number < 0)
			return fail(v, NULL, "takes comparisons such as \">=512M\", not '%s'",
				    v->text);
		out = arena_printf(v->arena, "%s%s%s%" PRId64, out, *out ? "," : "", operator,
				   number);
		if (!out)
			return -ENOMEM;
	}
	if (!*out)
		return fail(v, NULL, "takes comparisons such as \">=512M\", not '%s'", v->text);
	v->canonical = out;
	return 0;
}

static const struct {
	const char *noun;
	int (*parse)(struct value *v);
} types[] = {
	[KEY_MAP] = { "a map", NULL },
	[KEY_ITEMS] = { "a list of maps", NULL },
	[KEY_BOOL] = { "a boolean", parse_bool },
	[KEY_INT] = { "a number", parse_int },
	[KEY_SIZE] = { "a size", parse_size },
	[KEY_CHOICE] = { "a word", parse_choice },
	[KEY_TEXT] = { "a text", parse_text },
	[KEY_OPTION] = { "a text", parse_option },
	[KEY_NAME] = { "a name", parse_name },
	[KEY_MODULE] = { "a module", parse_module },
	[KEY_PATH] = { "a path", parse_path },
	[KEY_DEVICE] = { "a device", parse_device },
	[KEY_PATTERN] = { "a pattern", parse_pattern },
	[KEY_CMDLINE] = { "a pattern or a boolean", parse_cmdline },
	[KEY_COMPARISON] = { "a comparison", parse_comparison },
	[KEY_SYSCTL_VALUE] = { "a text", parse_text },
};

const char *value_noun(const struct key *k)
{
	return types[k->type].noun;
}

static bool is_null(const struct node *n)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };

	for (size_t i = 0; i < ARRAY_SIZE(words) && n->plain; i++)
		if (streq(n->value, words[i]))
			return true;
	return false;
}

/* The key as it would be written. In @a; NULL without memory. */
static const char *spelt(struct arena *a, const struct node *n)
{
	char *name;

	if (!n->name || n->row->type != KEY_SYSCTL_VALUE)
		return n->name ? n->name : key_name(n->row);
	name = arena_strdup(a, n->name);
	if (name)
		sysctlname_swap(name);
	return name;
}

int value_apply(struct arena *a, struct node *n, struct findings *f)
{
	struct value v = { .arena = a, .key = n->row, .node = n, .text = n->value };
	int ret = 0;

	if (is_null(n) || (!*n->value && !(n->row->flags & KEY_EMPTY_OK)))
		v.problem = "needs a value";
	else
		ret = types[n->row->type].parse(&v);
	if (ret < 0)
		return ret;
	if (v.problem) {
		const char *name = spelt(a, n);

		if (!name)
			return -ENOMEM;
		finding_error(f, &n->at, v.hint, "'%s' %s", name, v.problem);
		n->kind = NODE_BROKEN;
		return 0;
	}
	n->value = v.canonical;
	return 0;
}

static int sysctl_name(struct arena *a, struct node *n, struct findings *f)
{
	char *path = arena_alloc(a, strlen(n->name) + 1);

	if (!path)
		return -ENOMEM;
	if (!sysctlname_to_path(n->name, path)) {
		finding_error(f, &n->name_at,
			      "as in kernel.panic or net/ipv4/conf/eth0.1/forwarding",
			      "'%s' names no sysctl", n->name);
		n->kind = NODE_BROKEN;
		return 0;
	}
	n->name = path;
	return 0;
}

int value_apply_name(struct arena *a, struct node *n, struct findings *f)
{
	const char *t = n->name;

	if (n->row->type == KEY_SYSCTL_VALUE)
		return sysctl_name(a, n, f);
	while (isalnum((unsigned char)*t) || (*t && strchr("._-", *t)))
		t++;
	if (*t || t == n->name) {
		finding_error(f, &n->name_at, NULL, "'%s' is no parameter's name", n->name);
		n->kind = NODE_BROKEN;
	}
	return 0;
}
