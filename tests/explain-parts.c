/* What `holdfast --json explain` says of each of the logs on stdin, in one process: a NUL byte ends
 * each log. */
#include "insight/oomlog.h"

static int explain(const char *text, size_t size)
{
	_cleanup_(arena_free) struct arena a = { 0 };
	struct json j = JSON_WRITER(stdout);
	struct oom_log log = { 0 };
	int ret = oomlog_parse(&a, text, size, &log);

	json_open(&j, NULL, '{');
	json_open(&j, "reports", '[');
	for (const struct oom_report *r = log.first; r && ret >= 0; r = r->next)
		ret = oom_json(r, NULL, &j);
	json_close(&j, ']');
	json_close(&j, '}');
	return ret;
}

int main(void)
{
	_cleanup_free_ char *text = NULL;
	size_t allocated = 0;
	ssize_t n;

	while ((n = getdelim(&text, &allocated, '\0', stdin)) > 0)
		if (explain(text, (size_t)n - (text[n - 1] == '\0')) < 0)
			return 1;
	return 0;
}
