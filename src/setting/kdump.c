/* The crash kernel as a setting: armed, if all is as it must be. */
#include "setting/kdump.h"
#include "setting/kdumpdir.h"
#include "setting/kdumptarget.h"
#include "setting/mount.h"
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

/* Room for a kernel log, once in the disk's life: only this opens it for writing. */
static void make_reserve(const struct machine *m, const struct node *capture)
{
	_cleanup_(kdump_target_close) struct kdump_target t = KDUMP_TARGET_NONE;
	_cleanup_free_ char *why = NULL;
	int ret = kdump_target_open(m, capture, true, 0, &t, &why);

	if (ret >= 0)
		ret = kdumpdir_reserve(&t.root);
	if (ret < 0)
		log_warning("kdump: %s: no room could be reserved for a kernel log: %s",
			    node_text(capture, "target"), why ? why : strerror(-ret));
}

/* Where crashes cannot be counted, there is no disk to fill with them either. */
static int check_attempts(const struct machine *m, const struct setting *s, char **why)
{
	_cleanup_(kdump_target_close) struct kdump_target t = KDUMP_TARGET_NONE;
	const struct node *capture = node_child(s->node, "capture");
	_cleanup_free_ char *reason = NULL;
	int64_t n, max = kdump_max_attempts(capture);
	int ret;

	if (!capture || !node_text(capture, "target"))
		return 0;
	ret = kdump_target_open(m, capture, false, m->wait ? MOUNT_WAIT : 0, &t, &reason);
	if (ret == -ENOENT && !reason) { /* no crash yet */
		make_reserve(m, capture);
		return 0;
	}
	if (ret < 0) {
		log_warning("kdump: %s: %s; crashes are not counted", node_text(capture, "target"),
			    reason ? reason : strerror(-ret));
		return ret == -ENOMEM ? ret : 0;
	}
	n = kdump_attempts(&t);
	if (!kdumpdir_has_reserve(&t.root)) {
		kdump_target_close(&t);
		make_reserve(m, capture);
	}
	if (n < max)
		return 0;
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
	ret = check_attempts(m, s, why);
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
