/* Whether a line of a report was cut: by a terminal, a pager or a collector of logs. */
#include "insight/oomparse.h"

/* What a line that begins and goes on like this has further on, in every kernel: a name, a number
 * and a unit; without a unit (NULL) the name alone. */
static const struct {
	const char *begins, *has, *name, *unit;
} forms[] = {
	{ "", " invoked oom-killer: ", "oom_score_adj=", "" },
	{ "active_anon:", "", "isolated_anon:", "" },
	{ "active_file:", "", "isolated_file:", "" },
	{ "unevictable:", "", "writeback:", "" },
	{ "slab_reclaimable:", "", "slab_unreclaimable:", "" },
	{ "mapped:", "", "pagetables:", "" },
	{ "Node ", "kB min:", "managed:", "kB" },
	{ "Node ", "*", " = ", "kB" },
	{ "Node ", "hugepages_total=", "hugepages_size=", "kB" },
	{ "Free swap ", "", "= ", "kB" },
	{ "Total swap ", "", "= ", "kB" },
	{ "memory: usage ", "", "failcnt ", "" },
	{ "swap: usage ", "", "failcnt ", "" },
	{ "memory+swap: usage ", "", "failcnt ", "" },
	{ "kmem: usage ", "", "failcnt ", "" },
	{ "[ pid ]", "", "oom_score_adj name", NULL },
	{ "[  pid  ]", "", "oom_score_adj name", NULL },
	{ "oom-kill:constraint=", "", ",uid=", "" },
	{ "Out of memory: Kill process ", "", ") score ", " or sacrifice child" },
	{ "Memory cgroup out of memory: Kill process ", "", ") score ", " or sacrifice child" },
	{ "Killed process ", "", ", file-rss:", "kB" },
	{ "Out of memory: Killed process ", "", " oom_score_adj:", "" },
	{ "Memory cgroup out of memory: Killed process ", "", " oom_score_adj:", "" },
};

bool oomcut_is(const char *text)
{
	text += strspn(text, " ");
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const char *at;
		int64_t number;

		if (!after_prefix(text, forms[i].begins) || !strstr(text, forms[i].has))
			continue;
		at = oom_last(text, forms[i].name);
		if (!at)
			return true;
		at += strlen(forms[i].name);
		if (forms[i].unit && !(oom_number(&at, &number) && after_prefix(at, forms[i].unit)))
			return true;
	}
	return false;
}
