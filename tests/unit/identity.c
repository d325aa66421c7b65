/* profile/identity.h and profile/match.h: the command line, memory, placeholders, patterns. */
#include "profile/identity.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "profile/match.h"
#include "unit.h"

static bool says(const char *cmdline, const char *name, const char *wanted)
{
	struct identity id = { 0 };
	bool same;

	if (identity_set(&id, "cmdline", cmdline) < 0)
		return false;
	same = streq_null(identity_cmdline(&id, name), wanted);
	identity_free(&id);
	return same;
}

static void cmdlines(void)
{
	CHECK(says("quiet acme.product=eg200 ro", "acme.product", "eg200"));
	CHECK(says("quiet acme.product=eg200 ro", "quiet", ""));
	CHECK(says("quiet acme.product=eg200 ro", "acme", NULL));
	CHECK(says("quiet", "quie", NULL));
	CHECK(says("x=1 x=2", "x", "2")); /* the last one wins */
	CHECK(says("x=1 x", "x", ""));
	CHECK(says("x=", "x", ""));
	CHECK(says("x=a=b", "x", "a=b"));
	CHECK(says("x=\"a b\" y=1", "x", "a b"));
	CHECK(says("\"x=a b\" y=1", "x", "a b"));
	CHECK(says("x=\"a b", "x", "a b"));
	CHECK(says("  x=1\t\ty=2\n", "y", "2"));
	CHECK(says("init=/bin/x -- x=1", "x", NULL)); /* that is init's */
	CHECK(says("", "x", NULL));
	CHECK(says(NULL, "x", NULL));
}

/* Facts from a procfs made of one file. */
static const char *memory_of(const char *file, const char *text, char *buffer, size_t size)
{
	char path[] = "/tmp/holdfast-unit-XXXXXX", name[64], command[96];
	struct root root;
	struct identity id = { .procfs = &root, .sysfs = &root };
	const char *value;
	FILE *f;

	if (!mkdtemp(path) || root_open(path, false, &root) < 0)
		return "no directory";
	snprintf(name, sizeof(name), "%s/%s", path, file);
	f = fopen(name, "w");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		return "no file";
	value = identity_get(&id, "memory");
	snprintf(buffer, size, "%s", value ? value : "nothing");
	identity_free(&id);
	root_close(&root);
	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	return system(command) == 0 ? buffer : "not removed";
}

static void memory(void)
{
	char got[64];

	/* 640 KiB and 511 MiB: a machine of 512 MiB; a crash kernel's part counts once */
	CHECK(streq(memory_of("iomem",
			      "00000000-00000fff : Reserved\n"
			      "00001000-0009ffff : System RAM\n"
			      "00100000-1fffffff : System RAM\n"
			      "  01000000-01ffffff : Kernel code\n"
			      "  10000000-1bffffff : Crash kernel\n"
			      "fed00000-fed003ff : HPET 0\n",
			      got, sizeof(got)),
		    "536870912"));
	CHECK(streq(memory_of("iomem", "00000000-3fffffff : System RAM\n", got, sizeof(got)),
		    "1073741824"));
	CHECK(streq(memory_of("iomem",
			      "00000000-7fffffff : System RAM\n"
			      "100000000-17fffffff : System RAM\n",
			      got, sizeof(got)),
		    "4294967296"));
	CHECK(streq(memory_of("iomem", "00000000-3fffffff : System RAM buffer\n", got, sizeof(got)),
		    "nothing"));
	CHECK(streq(memory_of("meminfo", "MemTotal:         507904 kB\nMemFree: 1 kB\n", got,
			      sizeof(got)),
		    "520093696"));
	CHECK(streq(memory_of("meminfo", "MemFree: 1 kB\n", got, sizeof(got)), "nothing"));
}

static void placeholders(void)
{
	static const char *const texts[] = {
		"",
		" ",
		"\t",
		"To Be Filled By O.E.M.",
		"To be filled by O.E.M.",
		"TO BE FILLED BY O.E.M. ",
		"Default string",
		"default string",
		" Default string ",
		"System Product Name",
		"System manufacturer",
		"System Version",
		"System SKU#",
		"Not Specified",
		"Not Applicable                  ",
		"Not Available",
		"Not Defined",
		"None",
		"N/A",
		"Unknown",
		"INVALID",
		"Undefined",
		"OEM",
		"O.E.M.",
		"0",
		"0000000000",
		"00000000-0000-0000-0000-000000000000",
		"FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
		"x.x",
		"Type1ProductConfigId",
		"Type1Sku0",
		"Type1Family",
		"Chassis Manufacture",
		"Base Board Version",
		"0123456789",
		"123456789",
		"No Enclosure",
		"<BAD INDEX>",
		"...",
		"Rev X.0x",
		"System Serial Number",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CHECK(identity_is_placeholder(texts[i]));
		if (!identity_is_placeholder(texts[i]))
			printf("# '%s'\n", texts[i]);
	}
}

static void products(void)
{
	static const char *const texts[] = {
		"Acme Corp",
		"EG-200",
		"EG-2",
		"A",
		"1.0",
		"Rev 3",
		"Default",
		"Systems Inc.",
		"0x7f",
		"System X",
		"Not A Toaster",
		"Fillmore",
		"ff",
		"Product Name 200",
		"OEMtek",
		"1234-EG",
		"000200",
		"Unknown Worlds",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (streq(texts[i], "Default"))
			continue; /* one word, and nobody's name */
		CHECK(!identity_is_placeholder(texts[i]));
		if (identity_is_placeholder(texts[i]))
			printf("# '%s'\n", texts[i]);
	}
}

static void facts(void)
{
	struct identity id = { 0 };

	CHECK(identity_get(&id, "dmi.product_name") == NULL);
	CHECK(identity_set(&id, "dmi.product_name", "EG-200") == 0);
	CHECK(streq_null(identity_get(&id, "dmi.product_name"), "EG-200"));
	CHECK(identity_get(&id, "dmi.sys_vendor") == NULL);
	identity_free(&id);
}

/* Whether one condition on dmi.product_name holds. */
static bool matches(const char *pattern, bool wild, const char *value)
{
	struct node leaf = { .kind = NODE_SCALAR,
			     .name = "product_name",
			     .value = pattern,
			     .row = key_find("match.dmi.product_name"),
			     .is_pattern = wild };
	struct node dmi = {
		.kind = NODE_MAP, .name = "dmi", .row = key_find("match.dmi"), .first = &leaf
	};
	struct node alternative = { .kind = NODE_MAP, .first = &dmi };
	struct node match = { .kind = NODE_LIST, .first = &alternative };
	struct identity id = { 0 };
	struct match_result result;

	if (identity_set(&id, "dmi.product_name", value) < 0)
		return false;
	result = match_profile(&match, &id);
	identity_free(&id);
	return result.holds && result.conditions == 1 && result.exact == !wild;
}

static void patterns(void)
{
	CHECK(matches("EG-200", false, "EG-200"));
	CHECK(!matches("EG-200", false, "EG-2000"));
	CHECK(!matches("eg-200", false, "EG-200"));
	CHECK(matches("EG-2*", true, "EG-200"));
	CHECK(matches("EG-2*", true, "EG-2"));
	CHECK(!matches("EG-2*", true, "My EG-200")); /* anchored at both ends */
	CHECK(!matches("*EG", true, "EG-200"));
	CHECK(matches("EG-2?0", true, "EG-210"));
	CHECK(!matches("EG-2?0", true, "EG-20"));
	CHECK(matches("EG-2[01]0", true, "EG-210"));
	CHECK(!matches("EG-2[01]0", true, "EG-220"));
	CHECK(matches("EG/*", true, "EG/200"));
	CHECK(!matches("*", true, "Default string"));
	CHECK(!matches("*", true, NULL));
}

UNIT_MAIN({ "parameters of the command line: the last one, quotes, init's own", cmdlines },
	  { "memory is the sum of System RAM, or else MemTotal", memory },
	  { "what firmware says for want of anything is a placeholder", placeholders },
	  { "what might be a product is none", products },
	  { "facts can be put in, and then are all there is", facts },
	  { "patterns are exact, or anchored at both ends; a placeholder never matches", patterns })
