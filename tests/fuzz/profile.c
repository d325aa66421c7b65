/* Any bytes as a profile: parsed, held against the table and against itself. A profile without
 * errors is then written as show does it, read again without an error, and written again as the
 * same text. */
#include "profile/check.h"
#include "profile/emit.h"
#include "profile/parse.h"
#include "profile/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The profile's tree, or NULL; *@ret_errors counts what is wrong with it. */
static struct node *digest(struct arena *a, const char *text, size_t size, unsigned *ret_errors)
{
	struct profile p = { .name = "fuzz", .file = "fuzz.yaml" };
	struct findings f = { 0 };
	struct node *tree = NULL;

	if (parse_tree(a, "fuzz.yaml", text, size, PARSE_PROFILE, &f, &tree) == 0 &&
	    schema_apply(a, tree, &f) == 0 && tree->kind == NODE_MAP) {
		p.tree = tree;
		check_profile(&p, &f);
	}
	for (const struct finding *finding = f.first; finding; finding = finding->next) {
		char *line = finding_text(finding);

		if (!line || !strstr(line, "fuzz.yaml:"))
			abort();
		free(line);
	}
	*ret_errors = f.errors;
	findings_free(&f);
	return tree;
}

static char *emit(const struct node *tree, size_t *ret_size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_size);

	if (!out)
		abort();
	emit_yaml(tree, out);
	fclose(out);
	return text;
}

/* JSON has its own writer of the same tree. */
static void emit_nowhere(const struct node *tree)
{
	char *text = NULL;
	size_t size = 0;
	struct json j = JSON_WRITER(open_memstream(&text, &size));

	json_open(&j, NULL, '{');
	emit_json(tree, "effective", &j);
	json_close(&j, '}');
	fclose(j.out);
	free(text);
}

static void check_fixed_point(const struct node *tree)
{
	struct arena a = { 0 };
	unsigned errors = 0;
	size_t size = 0, again_size = 0;
	char *text = emit(tree, &size), *again;
	const struct node *reread;

	emit_nowhere(tree);
	reread = digest(&a, text, size, &errors);
	if (!reread || errors > 0) {
		fprintf(stderr, "does not load again:\n%s\n", text);
		abort();
	}
	again = emit(reread, &again_size);
	if (!streq(text, again)) {
		fprintf(stderr, "no fixed point:\n%s\n--- then\n%s\n", text, again);
		abort();
	}
	free(again);
	free(text);
	arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };
	unsigned errors = 0;
	char *text = malloc(size + 1); /* a NUL follows, and the sanitizer sees what is beyond */
	const struct node *tree;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	tree = digest(&a, text, size, &errors);
	if (tree && errors == 0)
		check_fixed_point(tree);
	arena_free(&a);
	free(text);
	return 0;
}
