#include "cmd/cmd.h"

/* How --explain is written: as text, or into a document. */
struct explain {
	struct context *c;
	struct json *j; /* NULL: text */
};

static void print_patterns(const struct match_condition *cond)
{
	const struct node *n = cond->patterns;
	const char *separator = "";

	if (cond->holds || !n || n->kind != NODE_LIST) {
		printf("%s", cond->pattern ? cond->pattern : "");
		return;
	}
	node_foreach(pattern, n) {
		printf("%s%s", separator, pattern->value ? pattern->value : "");
		separator = " or ";
	}
}

/* Of the key without the "*" that stands for a parameter's name. */
static int key_length(const struct match_condition *cond)
{
	return (int)strlen(cond->key) - (cond->parameter != NULL);
}

static void print_condition(const struct match_condition *cond)
{
	const char *here = !cond->value ? "nothing" : *cond->value ? cond->value : "present";

	printf("    %-3s %.*s%s: ", cond->holds ? "yes" : "no", key_length(cond), cond->key,
	       cond->parameter ? cond->parameter : "");
	print_patterns(cond);
	printf(", here %s", here);
	if (streq(cond->key, "memory") && cond->value)
		printf(" (%lld MiB)", strtoll(cond->value, NULL, 10) >> 20);
	if (cond->why_not)
		printf(" (%s)", cond->why_not);
	putchar('\n');
}

static bool explain_condition(const struct match_condition *cond, void *data)
{
	_cleanup_free_ char *key = NULL;
	struct json *j = ((struct explain *)data)->j;

	if (!j) {
		print_condition(cond);
		return true;
	}
	if (cond->parameter &&
	    asprintf(&key, "%.*s%s", key_length(cond), cond->key, cond->parameter) < 0)
		key = NULL;
	json_open(j, NULL, '{');
	json_string(j, "key", key ? key : cond->key);
	json_string(j, "pattern", cond->pattern);
	if (cond->patterns && cond->patterns->kind == NODE_LIST) {
		json_open(j, "patterns", '[');
		node_foreach(pattern, cond->patterns)
			json_string(j, NULL, pattern->value);
		json_close(j, ']');
	}
	json_string(j, "value", cond->value);
	json_bool(j, "holds", cond->holds);
	json_bool(j, "exact", cond->exact);
	if (cond->why_not)
		json_string(j, "why_not", cond->why_not);
	json_close(j, '}');
	return true;
}

static void explain_alternatives(struct explain *e, const struct node *match)
{
	unsigned number = 0;

	node_foreach(alternative, match) {
		if (e->j) {
			json_open(e->j, NULL, '{');
			json_open(e->j, "conditions", '[');
		} else {
			printf("  alternative %u\n", ++number);
		}
		match_each(alternative, &e->c->identity, explain_condition, e);
		if (e->j) {
			json_close(e->j, ']');
			json_close(e->j, '}');
		}
	}
}

static void explain_profile(struct explain *e, const struct profile *p)
{
	bool readable = p->tree && p->tree->kind == NODE_MAP;
	const struct node *match = readable ? node_child(p->tree, "match") : NULL;
	struct match_result result = match_profile(match, &e->c->identity);
	const char *priority = p->valid ? node_setting(p->tree, "priority") : "0";
	const char *invalid = p->valid ? "" : "invalid; ";

	if (e->j) {
		json_open(e->j, NULL, '{');
		json_string(e->j, "profile", p->name);
		json_string(e->j, "file", p->file);
		json_bool(e->j, "valid", p->valid);
		json_bool(e->j, "holds", result.holds);
		json_int(e->j, "priority", strtoll(priority, NULL, 10));
		json_int(e->j, "conditions", result.conditions);
		json_int(e->j, "exact", result.exact);
		json_open(e->j, "alternatives", '[');
		explain_alternatives(e, match);
		json_close(e->j, ']');
		json_close(e->j, '}');
		return;
	}
	printf("%s (%s): %s", p->name, p->file, invalid);
	if (!match)
		printf("no match section, chosen by name only\n");
	else if (!result.holds)
		printf("does not match\n");
	else
		printf("matches: priority %s, %u condition%s, %u exact\n", priority,
		       result.conditions, result.conditions == 1 ? "" : "s", result.exact);
	explain_alternatives(e, match);
}

static int explain_all(struct explain *e)
{
	_cleanup_(arena_free) struct arena a = { 0 };
	char **names;
	int ret = library_names(&e->c->library, &a, &names);

	for (; ret >= 0 && *names; names++) {
		/* What is wrong with it was said when it was considered. */
		_cleanup_(findings_free) struct findings said = { 0 };
		_cleanup_(profile_free) struct profile p = { 0 };

		ret = profile_read(&e->c->library, *names, &said, &p);
		if (ret == -ENOENT) {
			ret = 0;
			continue;
		}
		if (ret >= 0)
			explain_profile(e, &p);
	}
	return ret;
}

static int print_json(struct context *c, const struct selection *s, const struct findings *f,
		      int status)
{
	struct json j = context_json();
	struct explain e = { .c = c, .j = &j };
	int ret = 0;

	json_string(&j, "profile", status == EXIT_OK ? s->profile.name : NULL);
	json_string(&j, "reason", status == EXIT_OK ? select_reason_name(s->reason) : NULL);
	if (s->missing)
		json_string(&j, "missing", s->missing);
	if (s->tie) {
		json_open(&j, "tie", '[');
		json_string(&j, NULL, s->profile.name);
		json_string(&j, NULL, s->tie);
		json_close(&j, ']');
	}
	context_json_errors(c, f, &j);
	if (c->opt[OPT_EXPLAIN]) {
		json_open(&j, "candidates", '[');
		ret = explain_all(&e);
		json_close(&j, ']');
	}
	json_close(&j, '}');
	return ret;
}

static int run_select(struct context *c, int argc, char **argv)
{
	_cleanup_(findings_free) struct findings f = { 0 };
	_cleanup_(selection_free) struct selection s = { 0 };
	int status = context_choose(c, NULL, &f, &s), ret = 0;

	(void)argc;
	(void)argv;
	if (status < 0)
		return status;
	if (c->opt[OPT_JSON]) {
		ret = print_json(c, &s, &f, status);
	} else if (c->opt[OPT_EXPLAIN]) {
		ret = explain_all(&(struct explain){ .c = c });
		if (status == EXIT_OK)
			printf("chosen: %s (%s)\n", s.profile.name, select_reason_name(s.reason));
	} else if (status == EXIT_OK) {
		printf("%s\n", s.profile.name);
	}
	return ret < 0 ? ret : status;
}

const struct cmd cmd_select_one = {
	.name = "select",
	.summary = "Print the name of the machine's profile",
	.help = "The order: --profile; holdfast.profile= on the kernel command line; the best "
		"match by\n"
		"priority, then number of conditions, then exact ones; the profile called "
		"'default'.",
	.options = { OPT_EXPLAIN },
	.run = run_select,
};
