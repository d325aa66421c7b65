/* The command lines that kernels bring with them. */
#include "image/image.h"

/* CONFIG_CMDLINE without its quotes, in the arena; NULL: none, or empty. */
static char *builtin_of(struct image *image, const char *config)
{
	static const char option[] = "CONFIG_CMDLINE=\"";
	const char *at = strstr(config, option);
	char *text, *to;

	while (at && at != config && at[-1] != '\n')
		at = strstr(at + 1, option);
	text = at ? arena_strdup(&image->arena, at + strlen(option)) : NULL;
	if (!text)
		return NULL;
	to = text;
	for (const char *c = text; *c && *c != '"' && *c != '\n'; c++) {
		c += *c == '\\' && c[1];
		*to++ = *c;
	}
	*to = '\0';
	return *text ? text : NULL;
}

static int add(struct image *image, struct image_texts *texts, const struct image_text *boot,
	       const char *config, const char *first, const char *second)
{
	const char *text = arena_printf(&image->arena, "%s %s", first, second);
	const char *where = arena_printf(&image->arena, "%s%sCONFIG_CMDLINE in %s",
					 boot ? boot->where : "", boot ? " and " : "", config);

	return where && text ? image_add_text(image, texts, where, text) : -ENOMEM;
}

/* The command lines of one kernel. Where its own is only for want of the boot loader's, which
 * usually gives one, it says nothing: *@ret_plain. */
static int add_kernel(struct image *image, const struct image_text *config,
		      struct image_texts *texts, bool *ret_plain)
{
	const char *own = config->text ? builtin_of(image, config->text) : NULL;
	bool behind = own && kconfig_has(config->text, "CMDLINE_EXTEND", false);
	int ret = 0;

	if (!own || (!behind && !kconfig_has(config->text, "CMDLINE_BOOL", false) &&
		     !kconfig_has(config->text, "CMDLINE_FORCE", false))) {
		*ret_plain = true;
		return 0;
	}
	if (image->cmdlines.n == 0 || kconfig_has(config->text, "CMDLINE_FORCE", false) ||
	    kconfig_has(config->text, "CMDLINE_OVERRIDE", false))
		return add(image, texts, NULL, config->where, own, "");
	for (unsigned i = 0; i < image->cmdlines.n && ret >= 0; i++) {
		const struct image_text *boot = &image->cmdlines.list[i];

		if (!boot->text)
			*ret_plain = true;
		else
			ret = add(image, texts, boot, config->where, behind ? boot->text : own,
				  behind ? own : boot->text);
	}
	return ret;
}

int builtin_add(struct image *image)
{
	struct image_texts texts = { 0 };
	bool plain = image->configs.n == 0;
	int ret = 0;

	for (unsigned i = 0; i < image->configs.n && ret >= 0; i++)
		ret = add_kernel(image, &image->configs.list[i], &texts, &plain);
	for (unsigned i = 0; plain && i < texts.n && ret >= 0; i++)
		ret = image_add_text(image, &image->cmdlines, texts.list[i].where,
				     texts.list[i].text);
	if (!plain)
		image->cmdlines = texts;
	return ret;
}
