#include "base/log.h"
#include "guard/guard.h"
#include "guard/scan.h"

int guard_once(const struct machine *m, struct rules *rules)
{
	_cleanup_free_ struct family *family = calloc(1, sizeof(*family));
	struct policy policy = { 0 }, *p = &policy;
	int failed = 0, ret;

	if (!family)
		return -ENOMEM;
	ret = policy_open(p, &m->procfs, rules, family);
	if (ret < 0)
		return ret;
	for (unsigned i = 0; i < p->rules.n; i++) {
		rule_resolve(&p->rules.list[i], &m->root, NULL, NULL);
		if (p->rules.list[i].problem)
			log_warning("guard: %s: %s", p->rules.list[i].service,
				    p->rules.list[i].problem);
		failed += p->rules.list[i].problem != NULL;
	}
	scan_run(p);
	pin_say_failure(p);
	failed += (int)p->failed;
	rules_free(&p->rules);
	return failed;
}
