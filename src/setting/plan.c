#include "setting/plan.h"

#include "base/signals.h"
#include "base/text.h"
#include "setting/kdump.h"
#include "setting/sysctl.h"
#include "setting/sysctld.h"

struct plan {
	const struct machine *machine;
	const struct node *tree;
	enum plan_mode mode;
	unsigned stages;
	bool by_hand;
	struct report *report;
};

static bool is_panic_on_oom(const struct node *n)
{
	return n->row->file && streq(n->row->file, "sys/vm/panic_on_oom");
}

/* What the initramfs hands on to the real root is mounted there; the rest below the real root. */
static bool survives_initramfs(const struct node *mount)
{
	static const char *const moved[] = { "/run", "/dev", "/proc", "/sys" };
	const char *where = node_text(mount, "where");

	for (size_t i = 0; i < ARRAY_SIZE(moved); i++)
		if (is_below(where, moved[i]))
			return true;
	return false;
}

static unsigned stages_of(const struct plan *p, const struct node *n)
{
	unsigned stages = setting_ops_of(n->row->kind)->stages;
	const struct node *last_boot = node_child(p->tree, "last_boot");

	if (is_panic_on_oom(n) && node_child(p->tree, "kdump"))
		return STAGE_ROOT | STAGE_SYSTEM; /* once the crash kernel is armed */
	/* The crash kernel's captures are looked at with the rest of the last boot, if anything is.
	 */
	if (n->row->kind == SETTING_LAST_BOOT && last_boot && n != last_boot)
		return 0;
	if (n->row->kind == SETTING_MOUNT)
		return stages & ~(unsigned)(survives_initramfs(n) ? STAGE_ROOT : STAGE_DEVICES);
	return stages;
}

/* --- one setting --- */

static const char *source_of(struct report *r, const struct node *n)
{
	const char *slash = strrchr(n->at.file, '/');

	return arena_printf(&r->arena, "%s:%u", slash ? slash + 1 : n->at.file, n->name_at.line);
}

/* Why an error is one, where errno's own words say too little. */
static const char *why_error(struct report *r, const struct setting *s, int error)
{
	switch (-error) {
	case ENOSYS:
		return "not done: this version cannot do it yet";
	case ENOENT:
		return s->ops == &sysctl_ops ? "this kernel has no such key" : strerror(ENOENT);
	default:
		return report_keep(r, strerror(-error));
	}
}

void plan_fail(struct report *r, struct outcome *o, const struct setting *s, int error,
	       const char *why)
{
	bool absent = error == -ENOENT || error == -ENOSYS;

	o->result = absent ? RESULT_ABSENT : RESULT_FAILED;
	o->error = error;
	o->text = why ? report_keep(r, why) : why_error(r, s, error);
}

/* Of two keys that exclude each other the kernel forgets the one not in force. */
static void remember_sibling(const struct plan *p, const struct setting *s, struct outcome *o)
{
	_cleanup_free_ char *value = NULL;
	const char *sibling = s->node->row->sibling;

	if (!sibling || !o->before || !streq(o->before, "0") ||
	    root_read_text(&p->machine->procfs, sibling, SYSCTL_MAX, &value) < 0)
		return;
	o->undo_path = sibling;
	o->undo_value = report_keep(p->report, value);
}

/* Writes once and believes only what is read back. */
static int write_and_read_back(const struct plan *p, const struct setting *s, struct outcome *o)
{
	_cleanup_(state_free) struct state after = { 0 };
	_cleanup_free_ char *why = NULL;
	int ret, read;

	remember_sibling(p, s, o);
	ret = s->ops->write(p->machine, s, &why);
	if (ret == -ENOMEM)
		return ret;
	read = s->ops->read(p->machine, s, &after);
	o->after = read < 0 ? NULL : report_keep(p->report, after.value);
	if (ret < 0)
		plan_fail(p->report, o, s, ret, why);
	else if (read < 0)
		plan_fail(p->report, o, s, read, "written, but it cannot be read back");
	else if (after.holds)
		o->result = RESULT_SET;
	else
		plan_fail(p->report, o, s, -EIO,
			  after.why ? after.why : "it reads otherwise afterwards");
	return 0;
}

/* Names the line of the system's own configuration that gave the setting another value. */
static int find_override(const struct plan *p, const struct setting *s, struct outcome *o)
{
	const char *where, *value;
	int ret;

	if (s->ops != &sysctl_ops)
		return 0;
	ret = sysctld_find(&p->machine->root, &p->report->arena, s->path + strlen("sys/"), &where,
			   &value);
	if (ret == -ENOMEM)
		return ret;
	if (ret >= 0 && where && !text_same_value(value, s->wanted))
		o->overridden_by = where;
	return 0;
}

static int differs(const struct plan *p, const struct setting *s, const struct state *now,
		   struct outcome *o)
{
	bool look = p->mode == PLAN_VERIFY || p->stages == STAGE_SYSTEM;
	int ret = look ? find_override(p, s, o) : 0;

	if (ret < 0)
		return ret;
	if (p->mode == PLAN_APPLY)
		return write_and_read_back(p, s, o);
	if (p->mode == PLAN_DRY_RUN && now->why) { /* it would be refused */
		plan_fail(p->report, o, s, -EBUSY, now->why);
		return 0;
	}
	o->result = p->mode == PLAN_DRY_RUN ? RESULT_WOULD_SET
		    : o->overridden_by      ? RESULT_OVERRIDDEN
					    : RESULT_DRIFTED;
	o->after = o->before;
	if (now->why)
		o->text = report_keep(p->report, now->why);
	return 0;
}

static int carry_out(const struct plan *p, const struct setting *s, struct outcome *o)
{
	_cleanup_(state_free) struct state now = { 0 };
	int ret = s->ops->read(p->machine, s, &now);

	if (ret == -ENOMEM)
		return ret;
	if (ret < 0) {
		plan_fail(p->report, o, s, ret, now.why);
		/* Modules that bring it may come in the real root only. */
		o->later = ret == -ENOENT && !(p->stages & STAGE_SYSTEM);
		return 0;
	}
	o->before = report_keep(p->report, now.value);
	if (!now.holds)
		return differs(p, s, &now, o);
	o->result = RESULT_HOLDS;
	o->after = o->before;
	return 0;
}

/* Armed, or, where nothing is written, about to be: 1, 0, or -errno where nobody can know. */
static int will_be_armed(const struct plan *p)
{
	const struct outcome *kdump = report_find(p->report, "kdump");

	return kdump && kdump->result == RESULT_WOULD_SET ? 1 : kdump_armed(p->machine);
}

/* vm.panic_on_oom is only safe as wanted once the crash kernel is known to be armed. -errno where
 * nobody can know. */
static int adapt_to_kdump(const struct plan *p, struct setting *s, struct outcome *o)
{
	const struct node *kdump = node_child(p->tree, "kdump");
	int armed = kdump && is_panic_on_oom(s->node) ? will_be_armed(p) : 1;

	if (armed > 0)
		return 0;
	s->wanted = node_setting(kdump, "panic_on_oom_unarmed");
	o->text = armed < 0 ? "whether kdump is armed cannot be read: panic_on_oom_unarmed applies"
			    : "kdump is not armed: panic_on_oom_unarmed applies";
	return armed;
}

static bool is_required(const struct node *n)
{
	const char *required = n->kind == NODE_MAP && n->row->kind != SETTING_GUARD
				       ? node_setting(n, "required")
				       : NULL;

	return !required || streq(required, "1") || streq(required, "true");
}

static int do_setting(const struct plan *p, const struct node *n)
{
	struct setting s = { .ops = setting_ops_of(n->row->kind),
			     .node = n,
			     .tree = p->tree,
			     .required = is_required(n),
			     .by_hand = p->by_hand };
	struct outcome *o = arena_alloc(&p->report->arena, sizeof(*o));
	int ret, adapted;

	if (p->mode == PLAN_APPLY && signals_came())
		return -EINTR;
	if (!o)
		return -ENOMEM;
	ret = s.ops->describe(p->machine, &p->report->arena, &s);
	if (ret < 0)
		return ret;
	adapted = adapt_to_kdump(p, &s, o);
	o->kind = s.ops->name;
	o->key = s.key;
	o->path = s.path;
	o->file = s.file;
	o->wanted = s.wanted;
	o->source = source_of(p->report, n);
	o->required = s.required;
	ret = carry_out(p, &s, o);
	if (ret < 0)
		return ret;
	if (adapted < 0 && !o->error) /* done, and a failure all the same */
		o->error = adapted;
	report_add(p->report, o);
	return 0;
}

/* --- all of them --- */

static int do_if_due(const struct plan *p, const struct node *n, enum setting_kind kind,
		     bool panic_on_oom)
{
	if (n->row->kind != kind || is_panic_on_oom(n) != panic_on_oom ||
	    !(stages_of(p, n) & p->stages))
		return 0;
	return do_setting(p, n);
}

/* Walks the tree for the settings of one kind: a value, each value of a list, each item of a list
 * of maps, or a map as a whole. */
static int do_kind(const struct plan *p, const struct node *map, enum setting_kind kind,
		   bool panic_on_oom)
{
	int ret = 0;

	for (struct node *n = node_next(map, NULL); n && ret >= 0; n = node_next(map, n)) {
		if (n->kind == NODE_LIST) {
			node_foreach(item, n)
				if (ret >= 0)
					ret = do_if_due(p, item, kind, panic_on_oom);
		} else if (n->row->kind == kind) {
			ret = do_if_due(p, n, kind, panic_on_oom);
		} else if (n->kind == NODE_MAP) {
			ret = do_kind(p, n, kind, panic_on_oom);
		}
	}
	return ret;
}

/* What is safe only once the crash kernel is armed, in this order. */
static int do_after_kdump(struct plan *p)
{
	const struct node *lock = node_find(p->tree, "kdump.lock");
	int ret = do_kind(p, p->tree, SETTING_SYSCTL, true);

	if (ret < 0 || !lock || streq(lock->value, "0") || will_be_armed(p) <= 0)
		return ret;
	return do_if_due(p, lock, SETTING_LOCK, false);
}

int plan_run(const struct machine *m, const struct node *tree, enum plan_mode mode, unsigned stages,
	     struct report *r)
{
	struct plan p = { .machine = m, .tree = tree, .mode = mode, .stages = stages, .report = r };
	int ret = 0;

	for (int kind = SETTING_NONE + 1; kind < SETTING_LOCK && ret >= 0; kind++)
		ret = do_kind(&p, tree, (enum setting_kind)kind, false);
	return ret < 0 ? ret : do_after_kdump(&p);
}

int plan_run_kdump(const struct machine *m, const struct node *tree, enum plan_mode mode,
		   struct report *r)
{
	struct plan p = { .machine = m,
			  .tree = tree,
			  .mode = mode,
			  .stages = STAGE_ALL,
			  .by_hand = true,
			  .report = r };
	int ret = do_kind(&p, tree, SETTING_KDUMP, false);

	return ret < 0 ? ret : do_after_kdump(&p);
}
