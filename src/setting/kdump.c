/* The crash kernel as a setting: armed, if all is as it must be. */
#include "setting/kdump.h"
#include "setting/kdumptarget.h"
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
	int ret = 0;

	ret_state->holds = kdump_is_armed(m);
	if (!ret_state->holds && s->tree)
		ret = kdump_examine(m, s->tree, &k);
	ret_state->why = TAKE_PTR(k.why);
	if (ret < 0 || k.error == -ENOENT) /* its files may come with the next stage */
		return ret < 0 ? ret : k.error;
	ret_state->value = strdup(ret_state->holds ? "armed" : "not armed");
	return ret_state->value ? 0 : -ENOMEM;
}

/* How many crashes in a row there were, by the disk, or by what a crash kernel that had none has
 * kept in memory. 0 or -ENOMEM. */
static int count_crashes(const struct machine *m, const struct node *capture, int64_t *ret_n)
{
	_cleanup_(kdump_target_close) struct kdump_target t = KDUMP_TARGET_NONE;
	_cleanup_(last_boot_free) struct last_boot l = { 0 };
	_cleanup_free_ char *reason = NULL;
	int ret;

	if (last_boot_load(m, &l) >= 0)
		*ret_n = l.crashes;
	ret = kdump_target_open(m, capture, false, 0, &t, &reason);
	if (ret >= 0 && kdump_attempts(&t) > *ret_n)
		*ret_n = kdump_attempts(&t);
	if (ret < 0 && (ret != -ENOENT || reason)) /* else there was no crash yet */
		log_warning("kdump: %s: %s; crashes are not counted there",
			    node_text(capture, "target"), reason ? reason : strerror(-ret));
	return ret == -ENOMEM ? ret : 0;
}

/* A crash kernel must know it even where it finds no disk. */
static int check_attempts(const struct machine *m, const struct setting *s, struct kdump *k,
			  char **why)
{
	const struct node *capture = node_child(s->node, "capture");
	_cleanup_free_ char *append = TAKE_PTR(k->append);
	int64_t n = 0;
	int ret = 0;

	if (node_text(capture, "target"))
		ret = count_crashes(m, capture, &n);
	if (ret < 0)
		return ret;
	if (n < kdump_max_attempts(capture))
		return asprintf(&k->append, "%s " KDUMP_CRASHES "%lld", append, (long long)n) < 0
			       ? -ENOMEM
			       : 0;
	if (asprintf(why,
		     "%lld crashes in a row (max_attempts): 'holdfast kdump load' arms it again",
		     (long long)n) < 0)
		*why = NULL;
	return -ECANCELED;
}

static int kdump_write(const struct machine *m, const struct setting *s, char **why)
{
	_cleanup_(kdump_free) struct kdump k = KDUMP_NONE;
	int ret = kdump_examine(m, s->tree, &k);

	if (ret < 0)
		return ret;
	if (k.error < 0) {
		*why = TAKE_PTR(k.why);
		return k.error;
	}
	ret = check_attempts(m, s, &k, why);
	return ret < 0 ? ret : kdump_load(m, &k, why);
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
