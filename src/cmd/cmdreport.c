#include "cmd/cmdreport.h"

int cmdreport_errors(struct report *r, const struct context *c, const struct findings *f)
{
	int ret = 0;

	for (const struct finding *finding = f->first; finding; finding = finding->next) {
		_cleanup_free_ char *text = finding_text(finding);

		if (finding->severity == SEVERITY_ERROR)
			GATHER(ret, text ? report_add_error(r, "%s", text) : -ENOMEM);
	}
	if (c->problem)
		GATHER(ret, report_add_error(r, "%s", c->problem));
	return ret;
}
