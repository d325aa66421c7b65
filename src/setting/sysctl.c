#include "setting/sysctl.h"

#include "base/text.h"
#include "profile/sysctlname.h"

static const struct {
	const char *path;
	const char *value; /* NULL: any but 0 */
	const char *why;
} one_way[] = {
	{ "kernel/kexec_load_disabled", NULL, "the kernel keeps it until the next boot" },
	{ "kernel/modules_disabled", NULL, "the kernel keeps it until the next boot" },
	{ "kernel/unprivileged_bpf_disabled", "1", "the kernel keeps 1 until the next boot" },
	{ "kernel/yama/ptrace_scope", "3", "the kernel keeps 3 until the next boot" },
};

const char *sysctl_one_way(const char *path, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(one_way); i++) {
		if (!streq(path, one_way[i].path) || text_same_value(value, "0"))
			continue;
		if (!one_way[i].value || text_same_value(value, one_way[i].value))
			return one_way[i].why;
	}
	return NULL;
}

const char *sysctl_key(struct arena *a, const char *path)
{
	char *key = arena_strdup(a, path);

	if (key)
		sysctlname_swap(key);
	return key;
}

static int sysctl_describe(const struct machine *m, struct arena *a, struct setting *s)
{
	const struct node *n = s->node;

	s->path = n->row->file ? n->row->file : arena_printf(a, "sys/%s", n->name);
	if (!s->path)
		return -ENOMEM;
	s->key = n->row->file ? n->row->path : sysctl_key(a, n->name);
	s->file = arena_printf(a, "%s/%s", m->procfs.path, s->path);
	s->wanted = n->value;
	return s->key && s->file ? 0 : -ENOMEM;
}

static int sysctl_read(const struct machine *m, const struct setting *s, struct state *ret_state)
{
	char *text;
	int ret = root_read_text(&m->procfs, s->path, SYSCTL_MAX, &text);

	if (ret < 0)
		return ret == -ENOTDIR ? -ENOENT : ret;
	for (char *t = text; *t; t++)
		if (*t == '\t')
			*t = ' ';
	ret_state->value = text;
	ret_state->holds = s->wanted && text_same_value(s->wanted, text);
	return 0;
}

static int write_value(const struct machine *m, const struct setting *s, const char *value,
		       char **why)
{
	int ret = root_write_text(&m->procfs, s->path, value);

	if (ret == -EROFS && why)
		*why = strdup("/proc/sys is read-only here");
	else if (ret == -EINVAL && why)
		*why = strdup("the kernel refuses this value");
	return ret;
}

static int sysctl_write(const struct machine *m, const struct setting *s, char **why)
{
	return write_value(m, s, s->wanted, why);
}

static int sysctl_undo(const struct machine *m, const struct setting *s, const char *before)
{
	return write_value(m, s, before, NULL);
}

const struct setting_ops sysctl_ops = {
	.name = "sysctl",
	.stages = STAGE_EARLY | STAGE_DEVICES | STAGE_SYSTEM,
	.describe = sysctl_describe,
	.read = sysctl_read,
	.write = sysctl_write,
	.undo = sysctl_undo,
};

/* kdump.lock: a sysctl under another name, which counts only once a crash kernel is loaded. */
static int lock_describe(const struct machine *m, struct arena *a, struct setting *s)
{
	s->key = "kernel.kexec_load_disabled";
	s->path = "sys/kernel/kexec_load_disabled";
	s->file = arena_printf(a, "%s/%s", m->procfs.path, s->path);
	s->wanted = "1";
	return s->file ? 0 : -ENOMEM;
}

const struct setting_ops lock_ops = {
	.name = "sysctl",
	.stages = STAGE_ROOT | STAGE_SYSTEM,
	.describe = lock_describe,
	.read = sysctl_read,
	.write = sysctl_write,
	.undo = sysctl_undo,
};
