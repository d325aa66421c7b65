#include "cmd/cmd.h"
#include "cmd/keydoc.h"

static int run_keys(struct context *c, int argc, char **argv)
{
	const char *format = c->opt[OPT_FORMAT] ? c->opt[OPT_FORMAT] : "text";

	(void)argc;
	(void)argv;
	if (c->opt[OPT_JSON] || streq(format, "schema"))
		keydoc_schema(stdout);
	else if (streq(format, "man"))
		keydoc_man(stdout);
	else if (streq(format, "text"))
		keydoc_text(stdout);
	else {
		log_error("unknown format '%s': text, man or schema", format);
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

const struct cmd cmd_keys = {
	.name = "keys",
	.summary = "Print the table of profile keys",
	.help = "As text, as the manual page holdfast-profile(5), or as a JSON Schema for editors.",
	.options = { OPT_FORMAT },
	.run = run_keys,
};
