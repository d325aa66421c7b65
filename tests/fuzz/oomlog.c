/* Any bytes as a kernel log: every report is judged, advised on, and written as JSON. */
#include "insight/oomjudge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_report(struct arena *a, const struct oom_report *r, struct json *j)
{
	struct oom_judgement judgement;
	size_t n = 0;

	for (const struct oom_task *t = r->tasks; t; t = t->next) {
		if (!oom_known(t->pid) || !oom_known(t->oom_score_adj) || !*t->command)
			abort();
		n++;
	}
	if (n != r->n_tasks || (r->table_mixed && n > 0))
		abort();
	if (oom_judge(a, r, &judgement) < 0 || !judgement.text || oom_json(r, NULL, j) < 0)
		abort();
	if (judgement.verdict == OOM_FOLLOWS && !judgement.task)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };
	struct oom_log log;
	char *text = NULL;
	size_t length = 0, n = 0;
	struct json j = JSON_WRITER(open_memstream(&text, &length));

	if (!j.out || oomlog_parse(&a, (const char *)data, size, &log) < 0)
		abort();
	json_open(&j, NULL, '[');
	for (const struct oom_report *r = log.first; r; r = r->next) {
		check_report(&a, r, &j);
		n++;
	}
	json_close(&j, ']');
	fclose(j.out);
	free(text);
	arena_free(&a);
	if (n != log.n)
		abort();
	return 0;
}
