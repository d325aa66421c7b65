#include "setting/setting.h"

static const struct setting_ops *const all_ops[SETTING_KINDS] = {
	[SETTING_BLOCK] = &block_ops, [SETTING_MODULE] = &module_ops,
	[SETTING_MOUNT] = &mount_ops, [SETTING_SYSCTL] = &sysctl_ops,
	[SETTING_KDUMP] = &kdump_ops, [SETTING_LAST_BOOT] = &last_boot_ops,
	[SETTING_GUARD] = &guard_ops, [SETTING_LOCK] = &lock_ops,
};

const struct setting_ops *setting_ops_of(enum setting_kind kind)
{
	return all_ops[kind];
}

const struct setting_ops *setting_ops_named(const char *name)
{
	for (size_t i = 0; i < SETTING_KINDS; i++)
		if (all_ops[i] && streq(all_ops[i]->name, name))
			return all_ops[i];
	return NULL;
}
