/* What a profile needs of the kernel's configuration, and what it costs where it is not there. */
#include "image/image.h"

struct need {
	const char *key;     /* of the profile: what asks for it */
	const char *instead; /* another option that does the same, or NULL */
	const char *option;  /* without CONFIG_ */
	bool module_ok;      /* may be a module */
	bool unwanted;       /* must not be y */
	const char *word;    /* NAME=VALUE on the command line that does as well, or NULL */
	const char *program; /* of the image that does as well, or NULL */
	enum severity severity;
	const char *cost;
};

/* clang-format off */
static const struct need needs[] = {
	{ "protect", .option = "FANOTIFY_ACCESS_PERMISSIONS", .severity = SEVERITY_WARNING,
	  .cost = "services are pinned only after they have started, on a busy machine some milliseconds late" },
	{ "protect", .option = "PROC_EVENTS", .severity = SEVERITY_WARNING,
	  .cost = "children of protected services keep the protection until the next scan" },
	{ "protect.max_rss", .option = "PSI", .severity = SEVERITY_WARNING,
	  .cost = "max_rss is looked at only from time to time, not when memory runs short" },
	{ "protect.max_rss", .option = "PSI_DEFAULT_DISABLED", .unwanted = true, .word = "psi=1",
	  .severity = SEVERITY_WARNING,
	  .cost = "without psi=1 on the kernel command line max_rss is looked at only from time to time" },
	{ "protect.unit", .option = "CGROUPS", .severity = SEVERITY_ERROR,
	  .cost = "no process is in a unit's cgroup: the rule matches nothing" },
	{ "kdump", .option = "CRASH_DUMP", .severity = SEVERITY_ERROR,
	  .cost = "the kernel cannot start a crash kernel, or be one" },
	{ "kdump", .option = "KEXEC_FILE", .instead = "KEXEC", .severity = SEVERITY_ERROR,
	  .cost = "no crash kernel can be loaded" },
	{ "kdump", .option = "KEXEC_FILE", .program = "sbin/kexec", .severity = SEVERITY_ERROR,
	  .cost = "only kexec(8) can load a crash kernel, and the image does not have it" },
	{ "kdump", .option = "PROC_VMCORE", .severity = SEVERITY_ERROR,
	  .cost = "the crash kernel finds nothing to save" },
	{ "last_boot.ramoops", .option = "PSTORE", .module_ok = true, .severity = SEVERITY_ERROR,
	  .cost = "no kernel log survives a restart" },
	{ "last_boot.ramoops", .option = "PSTORE_RAM", .module_ok = true, .severity = SEVERITY_ERROR,
	  .cost = "no kernel log survives a restart in reserved memory" },
	{ "vm", .option = "SYSCTL", .severity = SEVERITY_ERROR, .cost = "no setting of vm can be made" },
	{ "sysctl", .option = "SYSCTL", .severity = SEVERITY_ERROR, .cost = "no sysctl can be set" },
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

bool kconfig_any_has(const struct image *image, const char *option)
{
	for (unsigned i = 0; i < image->configs.n; i++)
		if (image->configs.list[i].text &&
		    kconfig_has(image->configs.list[i].text, option, false))
			return true;
	return false;
}

int kconfig_release_has(const struct image *image, const char *release, const char *option)
{
	for (unsigned i = 0; i < image->configs.n; i++)
		if (image->configs.list[i].text &&
		    image_is_config_of(image, &image->configs.list[i], release))
			return kconfig_has(image->configs.list[i].text, option, false);
	return -ENOENT;
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

static bool is_met(const struct image *image, const char *config, const struct need *need)
{
	_cleanup_free_ char *name = NULL;

	if (kconfig_has(config, need->option, need->module_ok) != need->unwanted ||
	    (need->instead && kconfig_has(config, need->instead, need->module_ok)))
		return true;
	if (need->word) {
		name = strndup(need->word, strcspn(need->word, "="));
		return name && cmdline_have(image, name, strchr(need->word, '=') + 1);
	}
	return need->program && root_exists(image->root, need->program) == 0;
}

static void check_need(const struct image *image, const struct image_text *config,
		       const struct need *need, const struct node *tree, struct findings *f)
{
	const struct node *n = asks(tree, need->key);

	if (n && !is_met(image, config->text, need))
		finding_add(f, need->severity, &n->name_at, NULL, "%s has %sCONFIG_%s%s%s: %s",
			    config->where, need->unwanted ? "" : "no ", need->option,
			    need->instead ? " or CONFIG_" : "", need->instead ? need->instead : "",
			    need->cost);
}

/* Said once, at the first section that makes demands. @text: one that cannot be read, or NULL. */
static void miss_config(const struct image_text *text, const struct node *tree, struct findings *f)
{
	static const char *const asking[] = { "protect", "kdump", "last_boot" };
	const struct node *n = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(asking) && !n; i++)
		n = node_child(tree, asking[i]);
	if (n && text)
		finding_warning(f, &n->name_at, "give --kernel-config",
				"%s: %s: whether the kernel can do this is not checked",
				text->where, text->problem);
	else if (n)
		finding_warning(f, &n->name_at, "give --kernel-config",
				"the image has no /boot/config-*: whether the kernel can do this "
				"is not checked");
}

int kconfig_check(const struct image *image, const struct node *tree, struct findings *f)
{
	for (unsigned i = 0; i < image->configs.n; i++) {
		const struct image_text *config = &image->configs.list[i];

		if (!config->text)
			miss_config(config, tree, f);
		for (size_t need = 0; config->text && need < ARRAY_SIZE(needs); need++)
			check_need(image, config, &needs[need], tree, f);
	}
	if (image->configs.n == 0)
		miss_config(NULL, tree, f);
	return 0;
}

int kconfig_words(const struct image *image, const struct node *tree, cmdline_take each, void *data)
{
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
		const struct node *n = needs[i].word ? asks(tree, needs[i].key) : NULL;
		_cleanup_free_ char *name = NULL;
		const char *value;
		int ret;

		if (!n || !kconfig_any_has(image, needs[i].option))
			continue;
		value = strchr(needs[i].word, '=') + 1;
		name = strndup(needs[i].word, (size_t)(value - needs[i].word) - 1);
		if (!name)
			return -ENOMEM;
		ret = each(
			&(struct cmdline_word){ n, name, value, "the kernel has it switched off" },
			data);
		if (ret < 0)
			return ret;
	}
	return 0;
}
