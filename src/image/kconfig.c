/* What a profile needs of the kernel's configuration, and what it costs where it is not there. */
#include "image/image.h"

struct need {
	const char *key;     /* of the profile: what asks for it */
	const char *instead; /* another option that does the same, or NULL */
	const char *option;  /* without CONFIG_ */
	bool module_ok;      /* may be a module */
	enum severity severity;
	const char *cost;
};

/* clang-format off */
static const struct need needs[] = {
	{ "protect", NULL, "FANOTIFY_ACCESS_PERMISSIONS", false, SEVERITY_WARNING,
	  "services are pinned only after they have started, on a busy machine some milliseconds late" },
	{ "protect", NULL, "PROC_EVENTS", false, SEVERITY_WARNING,
	  "children of protected services keep the protection until the next scan" },
	{ "protect.max_rss", NULL, "PSI", false, SEVERITY_WARNING,
	  "max_rss is looked at only from time to time, not when memory runs short" },
	{ "protect.unit", NULL, "CGROUPS", false, SEVERITY_ERROR,
	  "no process is in a unit's cgroup: the rule matches nothing" },
	{ "kdump", NULL, "CRASH_DUMP", false, SEVERITY_ERROR,
	  "the kernel cannot start a crash kernel, or be one" },
	{ "kdump", "KEXEC", "KEXEC_FILE", false, SEVERITY_ERROR,
	  "no crash kernel can be loaded" },
	{ "kdump", NULL, "PROC_VMCORE", false, SEVERITY_ERROR,
	  "the crash kernel finds nothing to save" },
	{ "last_boot.ramoops", NULL, "PSTORE", false, SEVERITY_ERROR,
	  "no kernel log survives a restart" },
	{ "last_boot.ramoops", NULL, "PSTORE_RAM", true, SEVERITY_ERROR,
	  "no kernel log survives a restart in reserved memory" },
	{ "modules.load", NULL, "MODULES", false, SEVERITY_ERROR, "no module can be loaded" },
	{ "vm", NULL, "SYSCTL", false, SEVERITY_ERROR, "no setting of vm can be made" },
	{ "sysctl", NULL, "SYSCTL", false, SEVERITY_ERROR, "no sysctl can be set" },
};
/* clang-format on */

bool kconfig_has(const char *config, const char *option, bool module_ok)
{
	char line[80];
	size_t n = (size_t)snprintf(line, sizeof(line), "CONFIG_%s=", option);

	for (const char *at = config; (at = strstr(at, line)); at += n)
		if ((at == config || at[-1] == '\n') &&
		    (at[n] == 'y' || (module_ok && at[n] == 'm')))
			return true;
	return false;
}

/* The key's node, or that of the first item that has it. */
static const struct node *asks(const struct node *tree, const char *path)
{
	const struct node *found = node_find(tree, path);
	const char *dot = strchr(path, '.');
	char list[32];

	if (found || !dot)
		return found;
	snprintf(list, sizeof(list), "%.*s", (int)(dot - path), path);
	node_foreach(item, node_child(tree, list))
		if (item->kind == NODE_MAP && node_child(item, dot + 1))
			return node_child(item, dot + 1);
	return NULL;
}

static void check_need(const struct image_text *config, const struct need *need,
		       const struct node *tree, struct findings *f)
{
	const struct node *n = asks(tree, need->key);

	if (!n || kconfig_has(config->text, need->option, need->module_ok) ||
	    (need->instead && kconfig_has(config->text, need->instead, need->module_ok)))
		return;
	finding_add(f, need->severity, &n->name_at, NULL, "%s has no CONFIG_%s%s%s: %s",
		    config->where, need->option, need->instead ? " or CONFIG_" : "",
		    need->instead ? need->instead : "", need->cost);
}

int kconfig_check(const struct image *image, const struct node *tree, struct findings *f)
{
	static const char *const asking[] = { "protect", "kdump", "last_boot" };

	for (unsigned i = 0; i < image->configs.n; i++)
		for (size_t need = 0; need < ARRAY_SIZE(needs); need++)
			check_need(&image->configs.list[i], &needs[need], tree, f);
	for (size_t i = 0; i < ARRAY_SIZE(asking) && image->configs.n == 0; i++) {
		const struct node *n = node_child(tree, asking[i]);

		if (!n)
			continue;
		finding_warning(f, &n->name_at, "give --kernel-config",
				"the image has no /boot/config-*: whether the kernel can do this "
				"is not checked");
		break;
	}
	return 0;
}
