/* Sections that are checked but not yet carried out: named as not done, never as done. */
#include "setting/setting.h"

static int describe_as(struct arena *a, struct setting *s, const char *key, const char *wanted)
{
	s->key = s->path = key;
	s->file = "";
	s->wanted = wanted;
	(void)a;
	return key && wanted ? 0 : -ENOMEM;
}

static int kdump_describe(const struct machine *m, struct arena *a, struct setting *s)
{
	int ret = describe_as(a, s, "kdump", "armed");

	s->file = arena_printf(a, "%s/kernel/kexec_crash_loaded", m->sysfs.path);
	return s->file ? ret : -ENOMEM;
}

/* A crash kernel that somebody else loaded serves as well. */
static int kdump_read(const struct machine *m, const struct setting *s, struct state *ret_state)
{
	_cleanup_free_ char *loaded = NULL;
	bool armed = root_read_text(&m->sysfs, "kernel/kexec_crash_loaded", 16, &loaded) == 0 &&
		     streq(loaded, "1");

	(void)s;
	if (!armed)
		return -ENOSYS;
	ret_state->holds = true;
	ret_state->value = strdup("armed");
	return ret_state->value ? 0 : -ENOMEM;
}

static int last_boot_describe(const struct machine *m, struct arena *a, struct setting *s)
{
	(void)m;
	return describe_as(a, s, "last_boot", "recorded");
}

static int not_done(const struct machine *m, const struct setting *s, struct state *ret_state)
{
	(void)m;
	(void)s;
	(void)ret_state;
	return -ENOSYS;
}

static int cannot_write(const struct machine *m, const struct setting *s, char **why)
{
	(void)m;
	(void)s;
	(void)why;
	return -ENOSYS;
}

static int cannot_undo(const struct machine *m, const struct setting *s, const char *before)
{
	(void)m;
	(void)s;
	(void)before;
	return -ENOSYS;
}

const struct setting_ops kdump_ops = {
	.name = "kdump",
	.stages = STAGE_ROOT | STAGE_SYSTEM,
	.describe = kdump_describe,
	.read = kdump_read,
	.write = cannot_write,
	.undo = cannot_undo,
};

const struct setting_ops last_boot_ops = {
	.name = "last_boot",
	.stages = STAGE_DEVICES,
	.describe = last_boot_describe,
	.read = not_done,
	.write = cannot_write,
	.undo = cannot_undo,
};
