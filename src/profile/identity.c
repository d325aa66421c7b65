#include "profile/identity.h"

#include <ctype.h>
#include <inttypes.h>
#include <strings.h>
#include <sys/utsname.h>

#define MAX_FACT 65536U
#define RAM_GRANULE (16U << 20) /* firmware keeps less than that for itself below each boundary */

struct fact {
	struct fact *next;
	const char *name, *value;
};

/* clang-format off */
/* Found in SMBIOS tables of real machines; compared without case and surrounding blanks. */
static const char *const placeholders[] = {
	"", "-", "--", "0", "000", "none", "null", "n/a", "na", "unknown", "undefined", "unspecified",
	"invalid", "empty", "blank", "default", "default string", "not specified", "not applicable",
	"not available", "not defined", "not set", "not present", "not provided", "no asset tag",
	"no asset information", "o.e.m.", "oem", "oem string", "oem default string", "tbd",
	"o.e.m", "oem chassis manufacturer", "system_product_name", "system_manufacturer",
	"system skunumber", "00000000not defined", "type2 - board version",
	"type2 - board product name1", "type2 - board vendor name1", "rev",
	"system manufacturer", "system manufacture", "system product name", "system product",
	"system name", "system version", "system serial number", "system sku", "system sku#",
	"system family", "sku", "sku number", "product name", "product version", "family",
	"type1family", "type1sku0", "type1productconfigid", "type2 - board product name",
	"type2 - board asset tag", "base board manufacturer", "base board product name",
	"base board version", "base board serial number", "base board asset tag",
	"board manufacturer", "board product name", "board version", "board serial number",
	"chassis manufacturer", "chassis manufacture", "chassis version", "chassis serial number",
	"chassis asset tag", "asset tag", "asset-1234567890", "serial number", "serial", "version",
	"manufacturer", "vendor", "model", "name", "string", "x.x", "rev x.0x", "rev 1.xx",
	"rev x.xx", "1234567890", "0123456789", "123456789", "standard", "all", "*", "**", ".", "..",
	"no enclosure", "reserved", "test", "empty string", "bad index", "<bad index>",
};
/* clang-format on */

bool identity_is_placeholder(const char *text)
{
	char word[40];
	size_t n;

	while (isspace((unsigned char)*text))
		text++;
	n = strlen(text);
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	/* all zeros, blanks, dots, x or f: serial numbers and UUIDs that were never set */
	if (strspn(text, "0 .-_") >= n || (n >= 2 && strspn(text, "xX .-_") >= n) ||
	    (n >= 8 && strspn(text, "fF-") >= n))
		return true;
	if (strncasecmp(text, "to be filled", 12) == 0 || strncasecmp(text, "tobefilled", 10) == 0)
		return true;
	if (n >= sizeof(word))
		return false;
	memcpy(word, text, n);
	word[n] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(placeholders); i++)
		if (strcasecmp(word, placeholders[i]) == 0)
			return true;
	return false;
}

int identity_set(struct identity *id, const char *name, const char *value)
{
	struct fact *fact = arena_alloc(&id->arena, sizeof(*fact));

	if (!fact)
		return -ENOMEM;
	fact->name = arena_strdup(&id->arena, name);
	fact->value = value ? arena_strdup(&id->arena, value) : NULL;
	if (!fact->name || (value && !fact->value))
		return -ENOMEM;
	fact->next = id->facts;
	id->facts = fact;
	return 0;
}

static char *read_text(const struct root *tree, const char *path)
{
	char *text;

	return root_read_text(tree, path, MAX_FACT, &text) < 0 ? NULL : text;
}

/* The firmware's tables and the device tree are below /sys; old kernels link the latter from
 * /proc as well. NULs, which separate strings there, come back as blanks. */
static char *read_devicetree(const struct identity *id, const char *name)
{
	char path[64];
	char *text;

	snprintf(path, sizeof(path), "firmware/devicetree/base/%s", name);
	text = read_text(id->sysfs, path);
	if (text)
		return text;
	snprintf(path, sizeof(path), "device-tree/%s", name);
	return read_text(id->procfs, path);
}

static char *read_dmi(const struct identity *id, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "class/dmi/id/%s", name);
	return read_text(id->sysfs, path);
}

/* The sum of all "START-END : System RAM", nested reservations being part of them. Addresses read
 * as zero without CAP_SYS_ADMIN. */
static uint64_t iomem_bytes(const char *text)
{
	uint64_t sum = 0;

	while (*text) {
		uint64_t start, end;
		int at = 0;

		if (sscanf(text, " %" SCNx64 "-%" SCNx64 " : %n", &start, &end, &at) == 2 &&
		    at > 0 && end > start) {
			const char *rest = after_prefix(text + at, "System RAM");

			if (rest && (*rest == '\n' || !*rest))
				sum += end - start + 1;
		}
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return (sum + RAM_GRANULE - 1) / RAM_GRANULE * RAM_GRANULE;
}

static char *read_memory(const struct identity *id)
{
	_cleanup_free_ char *iomem = NULL, *meminfo = NULL;
	uint64_t bytes = 0;
	const char *total;
	char *text;

	if (root_read_text(id->procfs, "iomem", 1U << 20, &iomem) == 0)
		bytes = iomem_bytes(iomem);
	if (bytes == 0 && root_read_text(id->procfs, "meminfo", MAX_FACT, &meminfo) == 0) {
		total = strstr(meminfo, "MemTotal:");
		bytes = total ? strtoull(total + 9, NULL, 10) * 1024 : 0;
	}
	if (bytes == 0 || asprintf(&text, "%" PRIu64, bytes) < 0)
		return NULL;
	return text;
}

static char *read_arch(void)
{
	struct utsname u;

	return uname(&u) < 0 ? NULL : strdup(u.machine);
}

static char *read_fact(const struct identity *id, const char *name)
{
	const char *rest;

	if ((rest = after_prefix(name, "dmi.")))
		return read_dmi(id, rest);
	if ((rest = after_prefix(name, "devicetree.")))
		return read_devicetree(id, rest);
	if (streq(name, "memory"))
		return read_memory(id);
	if (streq(name, "arch"))
		return read_arch();
	return streq(name, "cmdline") ? read_text(id->procfs, "cmdline") : NULL;
}

const char *identity_get(struct identity *id, const char *name)
{
	_cleanup_free_ char *text = NULL;
	const char *start;

	for (const struct fact *fact = id->facts; fact; fact = fact->next)
		if (streq(fact->name, name))
			return fact->value;
	if (!id->procfs || !id->sysfs)
		return NULL;
	text = read_fact(id, name);
	start = text ? text + strspn(text, " \t") : NULL;
	for (char *c = text; c && *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?'; /* firmware must not talk to the terminal */
	if (identity_set(id, name, start) < 0)
		return NULL;
	return id->facts->value;
}

/* One word of a command line: double quotes hold blanks together, and are not part of it. */
static const char *next_word(const char *text, char *word)
{
	bool quoted = false;

	while (isspace((unsigned char)*text))
		text++;
	if (!*text)
		return NULL;
	for (; *text && (quoted || !isspace((unsigned char)*text)); text++) {
		if (*text == '"')
			quoted = !quoted;
		else
			*word++ = *text;
	}
	*word = '\0';
	return text;
}

const char *identity_cmdline(struct identity *id, const char *name)
{
	const char *text = identity_get(id, "cmdline"), *found = NULL;
	char *word = text ? arena_alloc(&id->arena, strlen(text) + 1) : NULL;

	if (!word)
		return NULL;
	while ((text = next_word(text, word)) && !streq(word, "--")) {
		const char *rest = after_prefix(word, name);

		if (rest && (*rest == '=' || !*rest))
			found = arena_strdup(&id->arena, *rest ? rest + 1 : "");
	}
	return found;
}

void identity_free(struct identity *id)
{
	arena_free(&id->arena);
	id->facts = NULL;
}
