/* The crash kernel as a setting: armed, if all is as it must be. */
#include "setting/kdump.h"
#include "setting/kdumprow.h"
#include "setting/lastboot.h"
#include "setting/setting.h"

#include "base/log.h"

static int kdump_describe(const struct machine *m, struct arena *a, struct setting *s)
{
	s->key = s->path = "kdump";
	s->file = arena_printf(a, "%s/kernel/kexec_crash_loaded", m->sysfs.path);
	s->wanted = "armed";
	return s->file ? 0 : -ENOMEM;
}

/* A crash kernel that somebody else loaded serves as well: to load another, the kernel would first
 * forget it. */
static int kdump_read(const struct machine *m, const struct setting *s, struct state *ret_state)
{
	_cleanup_(kdump_free) struct kdump k = KDUMP_NONE;
	int ret = kdump_armed(m);

	if (ret < 0)
		return ret;
	ret_state->holds = ret;
	ret = 0;
	if (!ret_state->holds && s->tree)
		ret = kdump_examine(m, s->tree, &k);
	ret_state->why = TAKE_PTR(k.why);
	if (ret < 0 || k.error == -ENOENT) /* its files may come with the next stage */
		return ret < 0 ? ret : k.error;
	ret_state->value = strdup(ret_state->holds ? "armed" : "not armed");
	return ret_state->value ? 0 : -ENOMEM;
}

/* The disk for dumps, as far as it can be had: to look at, in the initramfs; else to note there
 * that the machine is armed, too. */
static int open_target(const struct machine *m, const struct node *capture,
		       struct kdump_target *ret_t)
{
	_cleanup_free_ char *why = NULL, *reason = NULL;
	int ret = m->wait ? -EROFS : kdump_target_open(m, capture, true, 0, ret_t, &why);

	if (ret < 0 && ret != -ENOMEM)
		ret = kdump_target_open(m, capture, false, 0, ret_t, &reason);
	if (ret < 0 && (ret != -ENOENT || reason)) /* else there was no crash yet */
		log_warning("kdump: %s: %s; crashes are not counted there",
			    node_text(capture, "target"), reason ? reason : strerror(-ret));
	return ret == -ENOMEM ? ret : 0;
}

/* The row by the disk, or by what a crash kernel that had none has kept in memory. */
static struct kdump_row read_row(const struct machine *m, const struct node *capture,
				 const struct kdump_target *t)
{
	_cleanup_(last_boot_free) struct last_boot l = { 0 };
	struct kdump_row row = { 0 };

	if (last_boot_load(m, &l) < 0)
		l = (struct last_boot){ 0 };
	if (t->mounted_at)
		row = kdump_row_read(t, m, &l, kdump_row_max(capture));
	if (l.crashes > row.crashes)
		row.crashes = l.crashes;
	return row;
}

#define BY_HAND "'holdfast kdump load' arms it again"

/* A crash kernel must know the row even where it finds no disk. */
static int check_row(const struct kdump_row *row, int64_t max, struct kdump *k, char **why)
{
	_cleanup_free_ char *append = TAKE_PTR(k->append);
	bool crashed = row->crashes >= max;

	if (!crashed && row->unclear < max)
		return asprintf(&k->append, "%s " KDUMP_CRASHES "%lld", append,
				(long long)row->crashes) < 0
			       ? -ENOMEM
			       : 0;
	if (asprintf(why,
		     crashed ? "%lld crashes in a row (max_attempts): " BY_HAND
			     : "%lld boots in a row ended neither in order nor in a dump "
			       "(max_attempts): " BY_HAND ", and so does the next boot",
		     (long long)(crashed ? row->crashes : row->unclear)) < 0)
		*why = NULL;
	return -ECANCELED;
}

/* By hand the row is taken for ended. What is noted then takes the place of what was. */
static int forgive(const struct machine *m, const struct kdump_target *t)
{
	_cleanup_(last_boot_free) struct last_boot l = { 0 };
	int ret = last_boot_load(m, &l);

	if (ret >= 0 && l.crashes > 0) {
		l.crashes = 0;
		ret = last_boot_save(&l, m);
	}
	if (ret < 0 && ret != -ENOENT)
		return ret;
	return t->mounted_at && kdump_row_read(t, m, &l, 0).crashes > 0 ? kdump_row_set(t, 0) : 0;
}

/* Should the crash kernel fail, nobody else tells the next boot that there was one. In the
 * initramfs nothing is written to the disk: there the stage "system" does this later. */
static void note_armed(const struct machine *m, const struct setting *s,
		       const struct kdump_target *t, int64_t unclear)
{
	int ret = s->by_hand ? forgive(m, t) : 0;

	if (ret >= 0 && t->mounted_at && !m->wait)
		ret = kdump_row_note(t, m, unclear);
	if (ret < 0)
		log_warning("kdump: %s: %s; a crash kernel that fails is not counted",
			    node_text(node_child(s->node, "capture"), "target"), strerror(-ret));
}

static int kdump_write(const struct machine *m, const struct setting *s, char **why)
{
	_cleanup_(kdump_target_close) struct kdump_target t = KDUMP_TARGET_NONE;
	const struct node *capture = node_child(s->node, "capture");
	_cleanup_(kdump_free) struct kdump k = KDUMP_NONE;
	bool counts = node_text(capture, "target");
	struct kdump_row row = { 0 };
	int ret = kdump_examine(m, s->tree, &k);

	if (ret < 0)
		return ret;
	if (k.error < 0) {
		*why = TAKE_PTR(k.why);
		return k.error;
	}
	if (counts)
		ret = open_target(m, capture, &t);
	if (ret >= 0 && counts && !s->by_hand)
		row = read_row(m, capture, &t);
	if (ret >= 0)
		ret = check_row(&row, kdump_row_max(capture), &k, why);
	if (ret >= 0)
		ret = kdump_load(m, &k, why);
	if (ret >= 0 && counts)
		note_armed(m, s, &t, row.unclear);
	return ret;
}

static int kdump_undo(const struct machine *m, const struct setting *s, const char *before)
{
	_cleanup_free_ char *why = NULL;

	(void)s;
	(void)before; /* it was not armed */
	return kdump_unload(m, &why);
}

const struct setting_ops kdump_ops = {
	.name = "kdump",
	.stages = STAGE_DEVICES | STAGE_ROOT | STAGE_SYSTEM,
	.describe = kdump_describe,
	.read = kdump_read,
	.write = kdump_write,
	.undo = kdump_undo,
};
