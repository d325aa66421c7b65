#include "setting/outcome.h"

static const char *const result_names[] = {
	[RESULT_HOLDS] = "holds",           [RESULT_SET] = "set",
	[RESULT_WOULD_SET] = "would-set",   [RESULT_ABSENT] = "absent",
	[RESULT_FAILED] = "failed",         [RESULT_DRIFTED] = "drifted",
	[RESULT_OVERRIDDEN] = "overridden",
};

const char *result_name(enum result result)
{
	return result_names[result];
}

enum result result_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(result_names); i++)
		if (streq_null(name, result_names[i]))
			return (enum result)i;
	return RESULT_FAILED;
}

bool outcome_fails(const struct outcome *o)
{
	switch (o->result) {
	case RESULT_HOLDS:
	case RESULT_SET:
	case RESULT_WOULD_SET: /* with an error it is not what the profile means */
		return o->error && o->required;
	case RESULT_ABSENT:
		return o->required && !o->later;
	default:
		return o->required;
	}
}

bool outcome_breaks_boot(const struct outcome *o)
{
	/* A machine that cannot look back, its archive being read-only, say, runs as well as any.
	 */
	return outcome_fails(o) && o->error != -ENOSYS && !streq(o->kind, "last_boot");
}

/* What the values say, by the result. The caller frees. */
static char *values_text(const struct outcome *o)
{
	const char *before = o->before ? o->before : "nothing";
	const char *after = o->after ? o->after : o->wanted;
	char *text;
	int n;

	switch (o->result) {
	case RESULT_HOLDS:
		n = asprintf(&text, "%s", after);
		break;
	case RESULT_SET:
		n = asprintf(&text, "%s → %s", before, after);
		break;
	case RESULT_WOULD_SET:
		n = asprintf(&text, "%s → %s", before, o->wanted);
		break;
	default:
		n = asprintf(&text, "%s%s%s wanted", o->before ? o->before : "",
			     o->before ? ", " : "", o->wanted);
	}
	return n < 0 ? NULL : text;
}

char *outcome_text(const struct outcome *o)
{
	_cleanup_free_ char *values = values_text(o);
	bool plain = o->result == RESULT_SET;
	bool overridden = o->overridden_by && o->result != RESULT_FAILED;
	char *text;

	if (!values ||
	    asprintf(&text, "%s: %s%s%s%s%s%s%s%s", o->key, values, plain ? "" : " (",
		     plain ? "" : result_name(o->result), plain ? "" : ")", o->text ? ": " : "",
		     o->text ? o->text : "", overridden ? "; overridden by " : "",
		     overridden ? o->overridden_by : "") < 0)
		return NULL;
	return text;
}
