/* Reports that are in the log twice, as where dmesg's and the journal's output were put together.
 */
#include "base/hash.h"
#include "insight/oomparse.h"

#define BUCKETS 1024U
#define MAX_LOOKS 64U /* at others of a bucket: a log may be made to fill one */

#define SAME(a, b, member) (memcmp(&(a)->member, &(b)->member, sizeof((a)->member)) == 0)

/* All numbers of two structures from member @first up to before @last. */
#define SAME_NUMBERS(a, b, first, last)                                                            \
	(memcmp(&(a)->first, &(b)->first,                                                          \
		offsetof(__typeof__(*(a)), last) - offsetof(__typeof__(*(a)), first)) == 0)

bool oomsame_line(const struct oom_parser *p, const struct logline *before,
		  const struct logtime *time)
{
	const struct logline *l = &p->line;
	struct logtime now = logtime_of(l);

	if (!before->text ||
	    !streq(l->text + strspn(l->text, " "), before->text + strspn(before->text, " ")) ||
	    !slice_equal(&l->caller, &before->caller))
		return false;
	if (l->prefixed && before->prefixed && !slice_equal(&l->host, &before->host))
		return false;
	return now.kind != time->kind || (now.us == time->us && slice_equal(&now.day, &time->day));
}

static bool is_uptime(const struct logtime *t)
{
	return t->us < INT64_C(1000000000) * 1000000; /* no machine runs for 30 years */
}

/* Whether the times speak against one event; *@ret_for: they speak for it. */
static bool times_differ(const struct logtime *a, const struct logtime *b, bool *ret_for)
{
	*ret_for = false;
	if (!a->kind || a->kind != b->kind || a->kind == LOGTIME_DELTA ||
	    (a->kind == LOGTIME_SECONDS && is_uptime(a) != is_uptime(b)))
		return false;
	*ret_for = a->us == b->us && slice_equal(&a->day, &b->day);
	return !*ret_for;
}

static bool same_word(const char *a, const char *b)
{
	return streq(a ? a : "", b ? b : "");
}

static bool same_victim(const struct oom_victim *a, const struct oom_victim *b)
{
	return a->said == b->said && SAME_NUMBERS(a, b, pid, score) && a->score == b->score &&
	       same_word(a->command, b->command);
}

static bool same_tasks(const struct oom_report *x, const struct oom_report *y)
{
	const struct oom_task *a = x->tasks, *b = y->tasks;

	for (; a && b; a = a->next, b = b->next)
		if (!SAME_NUMBERS(a, b, pid, command) || !same_word(a->command, b->command))
			return false;
	return !a && !b;
}

static bool has_memory(const struct oom_report *r)
{
	return r->invoked && (oom_known(r->memory.free) || oom_known(r->limit.usage_kb));
}

/* In every number: chance does not repeat what the memory was, but a kill alone it may. */
static bool same(const struct oom_source *x, const struct oom_source *y)
{
	const struct oom_report *a = x->report, *b = y->report;
	bool at_once;

	if (times_differ(&x->first, &y->first, &at_once) || (!at_once && !has_memory(a)))
		return false;
	return a->invoked == b->invoked && SAME_NUMBERS(a, b, pid, gfp_flags) &&
	       SAME(a, b, limit) && SAME(a, b, memsw_limit) && SAME(a, b, stats) &&
	       SAME_NUMBERS(&a->memory, &b->memory, free, last_zone) && !a->panic == !b->panic &&
	       same_victim(&a->victim, &b->victim) && same_tasks(a, b);
}

static uint64_t hash_of(const struct oom_report *r)
{
	uint64_t h = hash_add(HASH_BEGIN, &r->victim.pid, sizeof(r->victim.pid));

	h = hash_add(h, &r->victim.total_vm_kb, sizeof(r->victim.total_vm_kb));
	return hash_add(h, &r->memory.free, sizeof(r->memory.free));
}

static void keep_or_drop(struct oom_source *buckets[BUCKETS], struct oom_source *s)
{
	struct oom_source **bucket = &buckets[hash_of(s->report) % BUCKETS];
	unsigned looks = 0;

	for (struct oom_source *at = *bucket; at && looks < MAX_LOOKS; at = at->bucket, looks++)
		if (same(at, s)) {
			s->proven = false;
			return;
		}
	s->bucket = *bucket;
	*bucket = s;
}

void oomsame_drop(struct oom_parser *p)
{
	struct oom_source *buckets[BUCKETS] = { 0 };
	struct oom_source **oldest_first;
	size_t n = 0;

	for (const struct oom_source *s = p->sources; s; s = s->next)
		n += s->proven;
	oldest_first = arena_alloc(p->arena, (n + 1) * sizeof(struct oom_source *));
	if (!oldest_first) {
		p->error = -ENOMEM;
		return;
	}
	for (struct oom_source *s = p->sources, **at = oldest_first + n; s; s = s->next)
		if (s->proven)
			*--at = s;
	for (size_t i = 0; i < n; i++)
		keep_or_drop(buckets, oldest_first[i]);
}
