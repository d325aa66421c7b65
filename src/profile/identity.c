#include "profile/identity.h"

#include <ctype.h>
#include <inttypes.h>
#include <strings.h>
#include <sys/utsname.h>

#include "base/iomem.h"

#define MAX_FACT 65536U
#define RAM_GRANULE (16U << 20) /* firmware keeps less than that for itself below each boundary */

/* clang-format off */
/* Found in SMBIOS tables of real machines; compared as letters and digits only, without case. */
static const char *const placeholders[] = {
	"0", "000", "none", "null", "na", "unknown", "undefined", "unspecified", "invalid",
	"empty", "blank", "default", "defaultstring", "notspecified", "notapplicable",
	"notavailable", "notdefined", "notset", "notpresent", "notprovided", "noassettag",
	"noassetinformation", "oem", "oemstring", "oemdefaultstring", "tbd",
	"oemchassismanufacturer", "systemproductname", "systemmanufacturer", "systemskunumber",
	"00000000notdefined", "type2boardversion", "type2boardproductname1",
	"type2boardvendorname1", "rev", "systemmanufacture", "systemproduct", "systemname",
	"systemversion", "systemserialnumber", "systemsku", "systemfamily", "sku", "skunumber",
	"productname", "productversion", "family", "type1family", "type1sku0",
	"type1productconfigid", "type2boardproductname", "type2boardassettag",
	"baseboardmanufacturer", "baseboardproductname", "baseboardversion",
	"baseboardserialnumber", "baseboardassettag", "boardmanufacturer", "boardproductname",
	"boardversion", "boardserialnumber", "chassismanufacturer", "chassismanufacture",
	"chassisversion", "chassisserialnumber", "chassisassettag", "assettag",
	"asset1234567890", "serialnumber", "serial", "version", "manufacturer", "vendor",
	"model", "name", "string", "xx", "revx0x", "rev1xx", "revxxx", "1234567890",
	"0123456789", "123456789", "standard", "all", "noenclosure", "reserved", "test",
	"emptystring", "badindex", "outofspec", "notsettable", "nodata", "oemproduct",
	"0x00000000", "tobedefined", "lenovoproduct",
};
/* clang-format on */

/* And what such texts have inside them: "To Be Filled By O.E.M.", "$(DEFAULT_STRING)". */
static const char *const placeholder_parts[] = {
	"filledby", "fillby", "setbyoem", "definedbyoem", "defaultstring", "notprovided",
};

/* Serial numbers and UUIDs that were never set are all of one digit. */
static bool is_one_digit(const char *word, char digit, size_t least)
{
	size_t n = strlen(word);

	for (size_t i = 0; i < n; i++)
		if (word[i] != digit)
			return false;
	return n >= least;
}

bool identity_is_placeholder(const char *text)
{
	char word[64];
	size_t n = 0;

	for (; *text && n + 1 < sizeof(word); text++) {
		if (!isascii((unsigned char)*text))
			return false; /* somebody took care */
		if (isalnum((unsigned char)*text))
			word[n++] = (char)tolower((unsigned char)*text);
	}
	word[n] = '\0';
	if (is_one_digit(word, '0', 0) || is_one_digit(word, 'x', 2) || is_one_digit(word, 'f', 8))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(placeholder_parts); i++)
		if (strstr(word, placeholder_parts[i]))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(placeholders); i++)
		if (streq(word, placeholders[i]))
			return true;
	return false;
}

static bool is_firmware(const char *name)
{
	return after_prefix(name, "dmi.") || after_prefix(name, "devicetree.");
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
	fact->placeholder = value && is_firmware(name) && identity_is_placeholder(value);
	fact->next = id->facts;
	id->facts = fact;
	memset(id->recent, 0, sizeof(id->recent));
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

uint64_t identity_round_memory(uint64_t bytes)
{
	return (bytes + RAM_GRANULE - 1) / RAM_GRANULE * RAM_GRANULE;
}

/* The sum of all System RAM; what is indented below one is part of it. */
static uint64_t iomem_bytes(char *text)
{
	size_t ram_indent = SIZE_MAX;
	struct iomem_line line;
	uint64_t sum = 0;

	while (iomem_next(&text, &line)) {
		if (line.indent > ram_indent)
			continue;
		ram_indent = iomem_is_ram(&line) ? line.indent : SIZE_MAX;
		if (iomem_is_ram(&line) && line.end > line.start)
			sum += line.end - line.start + 1;
	}
	return identity_round_memory(sum);
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

const struct fact *identity_fact(struct identity *id, const char *name)
{
	_cleanup_free_ char *text = NULL;
	const char *start;

	for (const struct fact *fact = id->facts; fact; fact = fact->next)
		if (streq(fact->name, name))
			return fact;
	if (!id->procfs || !id->sysfs)
		return NULL;
	text = read_fact(id, name);
	start = text ? text + strspn(text, " \t") : NULL;
	for (char *c = text; c && *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?'; /* firmware must not talk to the terminal */
	return identity_set(id, name, start) < 0 ? NULL : id->facts;
}

const struct fact *identity_fact_of(struct identity *id, const struct key *row)
{
	size_t slot = (size_t)(row - keys) % ARRAY_SIZE(id->recent);

	if (id->recent[slot].row != row) {
		const struct fact *fact = identity_fact(id, row->path + strlen("match."));

		id->recent[slot].row = row;
		id->recent[slot].fact = fact;
	}
	return id->recent[slot].fact;
}

const char *identity_get(struct identity *id, const char *name)
{
	const struct fact *fact = identity_fact(id, name);

	return fact ? fact->value : NULL;
}

const char *identity_next_word(const char *text, char *word)
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
	while ((text = identity_next_word(text, word)) && !streq(word, "--")) {
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
