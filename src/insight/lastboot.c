#include "insight/lastboot.h"

#define LOG_MAX (16U << 20)

/* Paths below /run are in this boot's own, wherever it is. */
static int read_log(const struct machine *m, const char *path, char **ret_text, size_t *ret_size)
{
	const char *below_run = after_prefix(path, "/run/");

	return below_run ? root_read(&m->run, below_run, LOG_MAX, ret_text, ret_size)
			 : root_read(&m->root, path, LOG_MAX, ret_text, ret_size);
}

int lastboot_oom(const struct machine *m, const struct last_boot *l, struct arena *a,
		 const struct oom_report **ret_report)
{
	_cleanup_free_ char *text = NULL;
	const struct oom_report *last = NULL;
	struct oom_log log;
	size_t size;
	int ret;

	if (streq(l->cause, CAUSE_OOM_PANIC) && l->log) {
		ret = read_log(m, l->log, &text, &size);
		if (ret < 0)
			return ret;
		ret = oomlog_parse(a, text, size, &log);
		if (ret < 0)
			return ret;
		for (const struct oom_report *r = log.first; r; r = r->next)
			last = r;
	}
	*ret_report = last;
	return 0;
}
