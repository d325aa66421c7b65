#include "image/export.h"

#include "base/text.h"

#define SYSCTL_CONF "etc/sysctl.d/90-holdfast.conf"
#define LOAD_CONF "etc/modules-load.d/holdfast.conf"
#define MODPROBE_CONF "etc/modprobe.d/holdfast.conf"
#define UNITS "etc/systemd/system/"
#define MANIFEST "usr/lib/holdfast/export.manifest"
#define DROPIN ".d/90-holdfast.conf"

typedef void (*left_out_fn)(const struct node *n, const char *why, void *data);

struct export
{
	const struct profile *profile;
	struct tree_files *files;
	left_out_fn left_out;
	void *data;
};

/* One file, as it is being written. */
struct text {
	FILE *out;
	char *data;
	size_t size;
};

static int text_begin(const struct export *e, struct text *t)
{
	*t = (struct text){ 0 };
	t->out = open_memstream(&t->data, &t->size);
	if (!t->out)
		return -ENOMEM;
	fprintf(t->out, "# From the holdfast profile %s.\n", e->profile->name);
	return 0;
}

/* Keeps the file if anything is in it. */
static int text_end(const struct export *e, struct text *t, const char *path)
{
	int ret = memstream_end(t->out, &t->data);
	const char *line = t->data ? strchr(t->data, '\n') : NULL;

	if (ret >= 0 && line && line[1])
		ret = tree_add(e->files, path, t->data, t->size, 0644);
	free(t->data);
	return ret;
}

/* sysctl.d(5): where the first separator is a slash, dots are parts of names. */
static void print_sysctl(FILE *out, const char *name, const char *value)
{
	bool dots = !strchr(name, '.');

	for (const char *c = name; *c; c++)
		fputc(dots && *c == '/' ? '.' : *c, out);
	fprintf(out, " = %s\n", value);
}

static int export_sysctls(const struct export *e)
{
	const struct node *vm = node_child(e->profile->tree, "vm"), *n = NULL;
	const struct node *kdump = node_child(e->profile->tree, "kdump");
	struct text t;
	int ret = text_begin(e, &t);

	if (ret < 0)
		return ret;
	while ((n = node_next(vm, n))) {
		const char *value = n->value;

		/* Nobody arms a crash kernel there. */
		if (kdump && streq(n->name, "panic_on_oom")) {
			value = node_setting(kdump, "panic_on_oom_unarmed");
			e->left_out(n, "no crash kernel will be armed: panic_on_oom_unarmed counts",
				    e->data);
		}
		print_sysctl(t.out, n->row->file + strlen("sys/"), value);
	}
	node_foreach(key, node_child(e->profile->tree, "sysctl"))
		print_sysctl(t.out, key->name, key->value);
	return text_end(e, &t, SYSCTL_CONF);
}

static int export_loads(const struct export *e)
{
	struct text t;
	int ret = text_begin(e, &t);

	if (ret < 0)
		return ret;
	node_foreach(item, node_find(e->profile->tree, "modules.load"))
		fprintf(t.out, "%s\n", node_identity(item));
	return text_end(e, &t, LOAD_CONF);
}

static int export_modprobe(const struct export *e)
{
	struct text t;
	int ret = text_begin(e, &t);

	if (ret < 0)
		return ret;
	node_foreach(item, node_find(e->profile->tree, "modules.load")) {
		const struct node *options = node_child(item, "options");

		if (options && options->first)
			fprintf(t.out, "options %s", node_identity(item));
		node_foreach(option, options)
			fprintf(t.out, strpbrk(option->value, " \t") ? " %s=\"%s\"" : " %s=%s",
				option->name, option->value);
		if (options && options->first)
			fputc('\n', t.out);
	}
	node_foreach(name, node_find(e->profile->tree, "modules.block"))
		fprintf(t.out, "blacklist %s\ninstall %s /bin/false\n", name->value, name->value);
	return text_end(e, &t, MODPROBE_CONF);
}

static bool has_file(const struct tree_files *files, const char *path)
{
	for (size_t i = 0; i < files->n; i++)
		if (streq(files->list[i].path, path))
			return true;
	return false;
}

/* What a unit's setting cannot say of a rule. */
static void leave_out_of_rule(const struct export *e, const struct node *rule)
{
	const struct node *args = node_child(rule, "args"), *max_rss = node_child(rule, "max_rss");
	const char *children = node_text(rule, "children");

	if (!node_text(rule, "unit")) {
		_cleanup_free_ char *why = NULL;

		if (asprintf(&why, "no unit is named: it is taken to be %s.service",
			     node_identity(rule)) >= 0)
			e->left_out(rule, why, e->data);
	}
	if (!streq_null(children, "inherit"))
		e->left_out(rule, "its children keep the score: nothing releases them", e->data);
	if (args)
		e->left_out(args, "every process of the unit gets the score", e->data);
	if (max_rss)
		e->left_out(max_rss, "nothing looks at it", e->data);
}

/* Named by the rule's unit, or by the service of the rule's name. */
static int export_rule(const struct export *e, const struct node *rule)
{
	_cleanup_free_ char *path = NULL;
	const char *unit = node_text(rule, "unit");
	struct text t;
	int ret;

	if (unit && !has_suffix(unit, ".service") && !has_suffix(unit, ".socket") &&
	    !has_suffix(unit, ".mount") && !has_suffix(unit, ".swap")) {
		e->left_out(rule, "only services have an OOMScoreAdjust", e->data);
		return 0;
	}
	if (asprintf(&path, UNITS "%s%s" DROPIN, unit ? unit : node_identity(rule),
		     unit ? "" : ".service") < 0)
		return -ENOMEM;
	if (has_file(e->files, path)) {
		e->left_out(rule, "another rule is for the same unit", e->data);
		return 0;
	}
	ret = text_begin(e, &t);
	if (ret < 0)
		return ret;
	fprintf(t.out,
		"# Every process of the unit gets it, and all that they start.\n"
		"[%s]\nOOMScoreAdjust=%s\n",
		!unit || has_suffix(unit, ".service") ? "Service"
		: has_suffix(unit, ".socket")         ? "Socket"
		: has_suffix(unit, ".mount")          ? "Mount"
						      : "Swap",
		node_setting(rule, "oom_score_adj"));
	leave_out_of_rule(e, rule);
	return text_end(e, &t, path);
}

static void list_left_out(const struct export *e)
{
	static const struct {
		const char *key, *why;
	} rows[] = {
		{ "match", "every machine with these files gets them" },
		{ "on_error", "nothing acts on it" },
		{ "mounts", "give them in /etc/fstab" },
		{ "kdump", "nothing arms a crash kernel" },
		{ "last_boot", "nothing keeps records" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct node *n = node_child(e->profile->tree, rows[i].key);

		if (n)
			e->left_out(n, rows[i].why, e->data);
	}
}

int export_files(const struct profile *p, struct tree_files *files,
		 void (*left_out)(const struct node *n, const char *why, void *data), void *data)
{
	const struct export e = { p, files, left_out, data };
	int ret = export_sysctls(&e);

	if (ret >= 0)
		ret = export_loads(&e);
	if (ret >= 0)
		ret = export_modprobe(&e);
	node_foreach(rule, node_child(p->tree, "protect"))
		if (ret >= 0)
			ret = export_rule(&e, rule);
	list_left_out(&e);
	tree_sort(files);
	return ret;
}

static bool has_part(const char *path, bool is_dir)
{
	static const char *const files[] = { SYSCTL_CONF, LOAD_CONF, MODPROBE_CONF, MANIFEST };
	const char *unit = after_prefix(path, UNITS);

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (is_dir ? tree_leads_to(path, files[i]) : streq(path, files[i]))
			return true;
	if (unit && is_dir)
		return has_suffix(unit, ".d") && !strchr(unit, '/');
	if (is_dir)
		return tree_leads_to(path, UNITS);
	return unit && has_suffix(unit, DROPIN) && strchr(unit, '/') == strrchr(unit, '/');
}

const struct install_kind install_export = {
	.command = "export",
	.manifest = MANIFEST,
	.has_part = has_part,
};
