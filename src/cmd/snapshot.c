#include <ctype.h>
#include <inttypes.h>

#include "base/text.h"
#include "cmd/cmd.h"
#include "profile/emit.h"
#include "profile/schema.h"
#include "setting/sysctl.h"

/* Worth keeping besides the typed keys, where they are not at zero. */
static const char *const extra_sysctls[] = {
	"kernel/panic",
	"kernel/panic_on_oops",
	"kernel/kptr_restrict",
	"kernel/dmesg_restrict",
	"kernel/sysrq",
	"vm/swappiness",
	"vm/watermark_scale_factor",
};

static const char *const dmi_conditions[] = { "sys_vendor", "product_name", "board_name" };

/* "Acme Corp EG-200" to "acme-corp-eg-200". */
static void slug(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text && n + 1 < size; text++) {
		if (isalnum((unsigned char)*text))
			out[n++] = (char)tolower((unsigned char)*text);
		else if (n > 0 && out[n - 1] != '-')
			out[n++] = '-';
	}
	while (n > 0 && out[n - 1] == '-')
		n--;
	out[n] = '\0';
}

static bool is_name(const char *name)
{
	if (!isalnum((unsigned char)*name))
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("._-", *name))
			return false;
	return true;
}

static bool says(struct identity *id, const char *fact, const char **ret_value)
{
	*ret_value = identity_get(id, fact);
	return *ret_value && !identity_is_placeholder(*ret_value);
}

static void choose_name(struct context *c, char *name, size_t size)
{
	static const char *const facts[] = { "dmi.product_name", "devicetree.model" };
	const char *value;

	*name = '\0';
	if (c->opt[OPT_NAME])
		snprintf(name, size, "%s", c->opt[OPT_NAME]);
	for (size_t i = 0; i < ARRAY_SIZE(facts) && !*name; i++)
		if (says(&c->identity, facts[i], &value))
			slug(value, name, size);
	if (!*name)
		snprintf(name, size, "this-machine");
}

/* A value with a wildcard in it would become a pattern: no condition. */
static bool identifies(struct identity *id, const char *fact, const char **ret_value)
{
	return says(id, fact, ret_value) && !strpbrk(*ret_value, "*?[");
}

static void print_match(FILE *out, struct context *c)
{
	const char *value, *lead = "match:\n  - dmi:\n      ";
	char fact[64];

	for (size_t i = 0; i < ARRAY_SIZE(dmi_conditions); i++) {
		snprintf(fact, sizeof(fact), "dmi.%s", dmi_conditions[i]);
		if (!identifies(&c->identity, fact, &value))
			continue;
		fprintf(out, "%s%s: ", lead, dmi_conditions[i]);
		emit_scalar(value, out);
		fputc('\n', out);
		lead = "      ";
	}
	if (*lead == ' ')
		return;
	if (identifies(&c->identity, "devicetree.model", &value)) {
		fprintf(out, "match:\n  - devicetree:\n      model: ");
		emit_scalar(value, out);
		fputc('\n', out);
		return;
	}
	fprintf(out,
		"# match: nothing here identifies the product; choose it by holdfast.profile=\n");
}

/* Prints one key, and the section's name before the first. */
static void print_value(FILE *out, const struct machine *m, const char *file, const char *name,
			const char **section)
{
	_cleanup_free_ char *value = NULL;
	const struct key *typed = schema_typed_sysctl(file + strlen("sys/"));

	if (root_read_text(&m->procfs, file, SYSCTL_MAX, &value) < 0)
		return;
	if (*section)
		fprintf(out, "%s:\n", *section);
	*section = NULL;
	fprintf(out, "  %s: ", name);
	if (typed && typed->type == KEY_BOOL) /* the kernel takes any number */
		fputs(streq(value, "0") ? "false" : "true", out);
	else
		emit_scalar(value, out);
	fputc('\n', out);
}

static bool is_zero(const struct machine *m, const char *file)
{
	_cleanup_free_ char *value = NULL;

	return root_read_text(&m->procfs, file, SYSCTL_MAX, &value) < 0 || streq(value, "0");
}

/* Of ratio and kbytes the kernel reports the one that is not in force as 0; both count under
 * overcommit_memory 2 only. */
static void print_vm(FILE *out, const struct machine *m)
{
	_cleanup_free_ char *mode = NULL;
	const struct key *vm = key_find("vm");
	bool limited = root_read_text(&m->procfs, "sys/vm/overcommit_memory", 16, &mode) == 0 &&
		       streq(mode, "2");
	const char *section = "vm";

	for (const struct key *k = key_next_child(vm, NULL); k; k = key_next_child(vm, k))
		if (!k->sibling || (limited && !is_zero(m, k->file)))
			print_value(out, m, k->file, key_name(k), &section);
}

static void print_sysctls(FILE *out, const struct machine *m)
{
	_cleanup_(arena_free) struct arena a = { 0 };
	const char *section = "sysctl";

	for (size_t i = 0; i < ARRAY_SIZE(extra_sysctls); i++) {
		const char *key = sysctl_key(&a, extra_sysctls[i]);
		char file[128];

		snprintf(file, sizeof(file), "sys/%s", extra_sysctls[i]);
		if (!key || is_zero(m, file) || schema_typed_sysctl(extra_sysctls[i]))
			continue;
		print_value(out, m, file, key, &section);
	}
}

static void print_snapshot(FILE *out, struct context *c, const char *name)
{
	fprintf(out,
		"# A starter profile, taken from the running machine. Save it as %s.yaml, keep "
		"what\n"
		"# the product needs, and try it with: holdfast check %s.yaml\n",
		name, name);
	fprintf(out, "holdfast: 1\nname: %s\n", name);
	print_match(out, c);
	print_vm(out, &c->machine);
	print_sysctls(out, &c->machine);
}

static int print_json(struct context *c, const char *name)
{
	_cleanup_free_ char *yaml = NULL;
	size_t size;
	struct json j;
	FILE *f = open_memstream(&yaml, &size);

	if (!f)
		return -ENOMEM;
	print_snapshot(f, c, name);
	if (memstream_end(f, &yaml) < 0)
		return -ENOMEM;
	j = context_json();
	json_string(&j, "name", name);
	json_string(&j, "yaml", yaml);
	json_close(&j, '}');
	return EXIT_OK;
}

static int run_snapshot(struct context *c, int argc, char **argv)
{
	char name[128];

	(void)argc;
	(void)argv;
	choose_name(c, name, sizeof(name));
	if (!is_name(name)) {
		log_error("'%s' is no name for a profile: letters, digits, '.', '_' and '-'", name);
		return EXIT_USAGE;
	}
	if (c->opt[OPT_JSON])
		return print_json(c, name);
	print_snapshot(stdout, c, name);
	return EXIT_OK;
}

const struct cmd cmd_snapshot = {
	.name = "snapshot",
	.summary = "Write a starter profile from the running machine",
	.help = "Prints YAML: the conditions that identify the product, and the settings as they "
		"are now.",
	.options = { OPT_NAME },
	.run = run_snapshot,
};
