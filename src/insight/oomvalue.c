/* Numbers and words of log lines. */
#include "insight/oomparse.h"

void oom_note(int64_t *number, int64_t value)
{
	*number = *number == OOM_UNKNOWN || *number == value ? value : OOM_MIXED;
}

bool oom_number(const char **p, int64_t *ret_value)
{
	char *end;
	const char *digits = *p + (**p == '-');
	long long value;

	if (*digits < '0' || *digits > '9')
		return false;
	errno = 0;
	value = strtoll(*p, &end, 10);
	if (errno || !oom_known(value))
		return false;
	*p = end;
	*ret_value = value;
	return true;
}

bool oom_field(const char *text, const char *name, int64_t *ret_value)
{
	for (const char *p = text; (p = strstr(p, name)); p++) {
		const char *number = p + strlen(name);

		if (p == text || strchr(" ,:", p[-1]))
			return oom_number(&number, ret_value);
	}
	return false;
}

void oom_note_field(int64_t *number, const char *text, const char *name)
{
	int64_t value;

	if (oom_field(text, name, &value))
		oom_note(number, value);
}

char *oom_copy(struct oom_parser *p, const char *start, size_t len)
{
	char *text = arena_strndup(p->arena, start, len);

	if (!text)
		p->error = -ENOMEM;
	return text;
}

/* As oom_note() for words: of two different ones none is known. */
void oom_note_text(struct oom_parser *p, const char **word, const char *start, size_t len)
{
	if (!*word)
		*word = oom_copy(p, start, len);
	else if (strlen(*word) != len || memcmp(*word, start, len) != 0)
		*word = "";
}

const char *oom_last(const char *text, const char *part)
{
	const char *found = NULL;

	for (const char *p = text; (p = strstr(p, part)); p++)
		found = p;
	return found;
}

int oom_kernel_since(const struct oom_report *r, int major, int minor)
{
	const char *p = r->kernel;
	int64_t a, b;

	if (!p || !oom_number(&p, &a) || *p++ != '.' || !oom_number(&p, &b))
		return -1;
	return a > major || (a == major && b >= minor);
}

int64_t oom_kb(const struct oom_report *r, int64_t pages)
{
	int64_t kb;

	if (!oom_known(pages) || !oom_known(r->memory.page_kb) ||
	    __builtin_mul_overflow(pages, r->memory.page_kb, &kb))
		return OOM_UNKNOWN;
	return kb;
}

static int64_t add_known(int64_t sum, int64_t value)
{
	if (!oom_known(value))
		return sum;
	return !oom_known(sum)                            ? value
	       : __builtin_add_overflow(sum, value, &sum) ? OOM_UNKNOWN
							  : sum;
}

int64_t oom_cgroup_kernel_kb(const struct oom_report *r)
{
	const struct oom_stats *s = &r->stats;
	int64_t bytes = s->kernel;

	if (!oom_known(bytes) && oom_known(s->slab)) {
		bytes = add_known(s->slab, s->kernel_stack);
		bytes = add_known(bytes, s->pagetables);
		bytes = add_known(bytes, s->percpu);
	}
	return oom_known(bytes) ? bytes / 1024 : r->kmem_limit.usage_kb;
}

int64_t oom_cgroup_fixed_kb(const struct oom_report *r)
{
	int64_t all = oom_cgroup_kernel_kb(r), loose = r->stats.slab_reclaimable;

	return oom_known(all) && oom_known(loose) && loose / 1024 <= all ? all - loose / 1024
									 : OOM_UNKNOWN;
}
