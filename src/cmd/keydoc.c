#include "cmd/keydoc.h"

#include <inttypes.h>

#include "base/text.h"
#include "profile/value.h"

static void values(const struct key *k, FILE *out)
{
	const char *separator = "";

	if (k->type == KEY_CHOICE) {
		for (const struct choice *c = k->choices; c->name; c++) {
			bool number = !streq(c->name, c->value);

			fprintf(out, "%s%s%s%s", separator, c->name, number ? " or " : "",
				number ? c->value : "");
			separator = ", ";
		}
	} else if (k->type == KEY_INT && k->min == k->max) {
		fprintf(out, "%" PRId64, k->min);
		return;
	} else {
		fputs(value_noun(k), out);
	}
	if ((k->type == KEY_INT || k->type == KEY_SIZE) && k->max != INT64_MAX &&
	    k->max != INT64_MAX / 1024)
		fprintf(out, ", %" PRId64 " to %" PRId64, k->min, k->max);
	if (k->flags & KEY_LIST)
		fputs("; a list of them", out);
	if (k->flags & KEY_LISTABLE)
		fputs(", or a list: any of them", out);
}

char *keydoc_values(const struct key *k)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	values(k, f);
	return memstream_end(f, &text) == 0 ? text : NULL;
}

/* The facts behind the sentence: required, default, kernel file, since. */
static void remarks(const struct key *k, FILE *out)
{
	if (k->flags & KEY_REQUIRED)
		fputs(" Required.", out);
	if (k->flags & KEY_IDENTITY)
		fputs(" Items with the same one merge.", out);
	if (k->flags & KEY_OWN)
		fputs(" Not inherited.", out);
	if (k->fallback)
		fprintf(out, " Default: %s.", k->fallback);
	if (k->file)
		fprintf(out, " Kernel file: /proc/%s.", k->file);
	if (k->since)
		fprintf(out, " Since Linux %s.", k->since);
}

void keydoc_text(FILE *out)
{
	for (size_t i = 0; i < n_keys; i++) {
		_cleanup_free_ char *v = keydoc_values(&keys[i]);

		fprintf(out, "%s%s (%s)\n    %s", i > 0 ? "\n" : "", keys[i].path, v ? v : "?",
			keys[i].doc);
		remarks(&keys[i], out);
		fputc('\n', out);
		if (keys[i].example)
			fprintf(out, "    Example: %s\n", keys[i].example);
	}
}

/* --- man --- */

/* roff takes a dot or quote that begins a line, and every backslash and hyphen, for its own. */
static void roff(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else
			fputc(*text, out);
	}
}

static const char man_head[] =
	".TH HOLDFAST\\-PROFILE 5 \"\" holdfast \"File formats\"\n"
	".SH NAME\n"
	"holdfast\\-profile \\- what holdfast brings a machine to\n"
	".SH SYNOPSIS\n"
	".nf\n"
	"/etc/holdfast/profiles/NAME.yaml\n"
	"/run/holdfast/profiles/NAME.yaml\n"
	"/usr/lib/holdfast/profiles/NAME.yaml\n"
	".fi\n"
	".SH DESCRIPTION\n"
	"A profile is a YAML file that says which machines it is for and what they are brought to. "
	"For a name, the first directory that has it wins.\n"
	".PP\n"
	"Sizes are plain numbers in the key's own unit, or have K, M or G (powers of 1024). "
	"Booleans are true or false, yes or no, on or off, 1 or 0. Numbers are decimal or 0x. "
	"Paths are absolute and without \"..\"; a value holds no newline. "
	"Unknown keys, duplicates, anchors, aliases, tags, several documents, files over 256 KiB "
	"and "
	"invalid UTF\\-8 are errors.\n"
	".PP\n"
	"With \\fBextends\\fR the parent's maps merge key by key with this profile's, which wins; "
	"items of \\fBprotect\\fR, \\fBmodules.load\\fR and \\fBmounts\\fR merge by their "
	"\\fBservice\\fR, \\fBname\\fR and \\fBwhere\\fR; other lists are replaced.\n"
	".PP\n"
	"Patterns are exact unless they contain *, ? or [...]. What firmware puts where nothing "
	"was "
	"filled in (\"To Be Filled By O.E.M.\", \"Default string\" and their kin) never matches.\n"
	".SH KEYS\n";

static const char man_tail[] =
	".SH CHOOSING A PROFILE\n"
	"1. \\fBholdfast.profile=\\fINAME\\fR on the kernel command line, or "
	"\\fB\\-\\-profile\\fR.\n"
	".br\n"
	"2. Among profiles whose \\fBmatch\\fR holds: the highest \\fBpriority\\fR, then the one "
	"with "
	"the most conditions, then the one with the most exact ones. A tie is an error.\n"
	".br\n"
	"3. The profile called default.\n"
	".SH EXAMPLE\n"
	".nf\n"
	"holdfast: 1\n"
	"name: edge\\-gateway\n"
	"extends: base\n"
	"match:\n"
	"  \\- dmi: { sys_vendor: Acme Corp, product_name: \"EG\\-2*\" }\n"
	"    memory: \">=512M\"\n"
	"vm:\n"
	"  overcommit_memory: never\n"
	"  overcommit_ratio: 80\n"
	"sysctl:\n"
	"  kernel.panic: 10\n"
	".fi\n"
	".SH SEE ALSO\n"
	".BR holdfast (8),\n"
	".BR sysctl.d (5),\n"
	".BR proc (5)\n";

void keydoc_man(FILE *out)
{
	fputs(man_head, out);
	for (size_t i = 0; i < n_keys; i++) {
		_cleanup_free_ char *v = keydoc_values(&keys[i]);

		fputs(".TP\n\\fB", out);
		roff(keys[i].path, out);
		fputs("\\fR (", out);
		roff(v ? v : "?", out);
		fputs(")\n", out);
		roff(keys[i].doc, out);
		remarks(&keys[i], out);
		if (keys[i].example) {
			fputs(" Example: \\fI", out);
			roff(keys[i].example, out);
			fputs("\\fR", out);
		}
		fputc('\n', out);
	}
	fputs(man_tail, out);
}
