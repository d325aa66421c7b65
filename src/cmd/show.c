#include "cmd/cmd.h"
#include "profile/emit.h"

static int run_show(struct context *c, int argc, char **argv)
{
	_cleanup_(findings_free) struct findings f = { 0 };
	_cleanup_(selection_free) struct selection s = { 0 };
	int status = context_choose(c, argc > 0 ? argv[0] : NULL, &f, &s);

	if (status != EXIT_OK) {
		context_json_failure(c, &f);
		return status;
	}
	if (c->opt[OPT_JSON]) {
		struct json j = context_json();

		json_string(&j, "profile", s.profile.name);
		json_string(&j, "file", s.profile.file);
		json_string(&j, "reason", select_reason_name(s.reason));
		emit_json(s.profile.tree, "effective", &j);
		json_close(&j, '}');
	} else {
		emit_yaml(s.profile.tree, stdout);
	}
	return EXIT_OK;
}

const struct cmd cmd_show = {
	.name = "show",
	.args = "[NAME|FILE]",
	.summary = "Print the effective profile, after extends",
	.help = "The output is YAML that loads again; values are in their canonical form.",
	.max_args = 1,
	.run = run_show,
};
