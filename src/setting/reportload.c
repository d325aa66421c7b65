/* The report back from its file. */
#include <ctype.h>

#include "profile/parse.h"
#include "profile/sysctlname.h"
#include "setting/report.h"

#define REPORT_MAX (4U << 20)

/* JSON's null comes through YAML as a plain word. */
static const char *text_or_null(const struct node *map, const char *name)
{
	const struct node *n = node_child(map, name);

	if (!n || n->kind != NODE_SCALAR || (n->plain && streq(n->value, "null")))
		return NULL;
	return n->value;
}

/* A report may come with an image: what it names must be what a profile could have named. */
static bool is_sound(const struct outcome *o)
{
	const char *sysctl = o->path ? after_prefix(o->path, "sys/") : NULL;
	const char *undo = o->undo_path ? after_prefix(o->undo_path, "sys/") : "vm";

	if (!o->kind || !o->key || !o->undo_path != !o->undo_value || !o->path)
		return false;
	if (!undo || !sysctlname_is_path(undo))
		return false;
	if (streq(o->kind, "sysctl"))
		return sysctl && sysctlname_is_path(sysctl);
	if (streq(o->kind, "mount"))
		return *o->path == '/' && sysctlname_is_path(o->path + 1);
	for (const char *c = o->path; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_.@:-", *c))
			return false;
	return true;
}

static int load_outcome(struct report *r, const struct node *n)
{
	struct outcome *o = arena_alloc(&r->arena, sizeof(*o));

	if (!o)
		return -ENOMEM;
	*o = (struct outcome){
		.kind = text_or_null(n, "kind"),
		.key = text_or_null(n, "key"),
		.path = text_or_null(n, "path"),
		.file = text_or_null(n, "file"),
		.wanted = text_or_null(n, "wanted"),
		.before = text_or_null(n, "before"),
		.after = text_or_null(n, "after"),
		.source = text_or_null(n, "source"),
		.overridden_by = text_or_null(n, "overridden_by"),
		.undo_path = text_or_null(n, "undo_path"),
		.undo_value = text_or_null(n, "undo_value"),
		.text = text_or_null(n, "text"),
		.result = result_named(text_or_null(n, "result")),
		.required = streq_null(text_or_null(n, "required"), "true"),
	};
	if (!is_sound(o))
		return -EBADMSG;
	if (node_text(n, "errno"))
		o->error = -(int)(strtoul(node_text(n, "errno"), NULL, 10) % 4096);
	report_add(r, o);
	return 0;
}

static int load_stage(struct report *r, const struct node *n)
{
	const char *name = text_or_null(n, "stage"), *us = node_text(n, "duration_us");
	int ret = 0;

	node_foreach(error, node_child(n, "errors"))
		if (error->kind == NODE_SCALAR)
			GATHER(ret, report_add_error(r, "%s", error->value));
	if (!name || !us)
		return -EBADMSG;
	GATHER(ret, report_add_stage(r, name, strtoll(us, NULL, 10)));
	return ret;
}

static int load_tree(struct report *r, const struct node *root)
{
	int ret = 0;

	if (!streq_null(node_text(root, "version"), "1"))
		return -EBADMSG;
	r->profile = text_or_null(root, "profile");
	r->reason = text_or_null(root, "reason");
	node_foreach(n, node_child(root, "settings"))
		GATHER(ret, load_outcome(r, n));
	node_foreach(n, node_child(root, "stages"))
		GATHER(ret, load_stage(r, n));
	return ret;
}

int report_load(const struct machine *m, struct report *ret_report)
{
	_cleanup_(report_free) struct report r = { 0 };
	_cleanup_(findings_free) struct findings f = { 0 };
	_cleanup_free_ char *text = NULL;
	struct node *root;
	size_t size;
	int ret;

	ret = root_read(&m->run, REPORT_DIR "/" REPORT, REPORT_MAX, &text, &size);
	if (ret >= 0)
		ret = parse_tree(&r.arena, REPORT, text, size, PARSE_REPORT, &f, &root);
	if (ret >= 0)
		ret = f.errors ? -EBADMSG : load_tree(&r, root);
	if (ret < 0)
		return ret;
	*ret_report = r;
	r = (struct report){ 0 };
	return 0;
}
