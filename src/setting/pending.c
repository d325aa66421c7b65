/* Sections that are checked but not yet carried out: named as not done, never as done. */
#include "setting/setting.h"

static int last_boot_describe(const struct machine *m, struct arena *a, struct setting *s)
{
	(void)m;
	(void)a;
	s->key = s->path = "last_boot";
	s->file = "";
	s->wanted = "recorded";
	return 0;
}

static int not_done(const struct machine *m, const struct setting *s, struct state *ret_state)
{
	(void)m;
	(void)s;
	(void)ret_state;
	return -ENOSYS;
}

const struct setting_ops last_boot_ops = {
	.name = "last_boot",
	.stages = STAGE_DEVICES,
	.describe = last_boot_describe,
	.read = not_done,
};
