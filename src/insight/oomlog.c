/* From lines to reports: where one begins and ends, and to which one a line belongs. */
#include "insight/gfp.h"
#include "insight/oomparse.h"

/* Every number of a new report is unknown. */
static void forget_all(struct oom_report *r)
{
	r->pid = r->oom_score_adj = r->gfp_mask = r->order = OOM_UNKNOWN;
	r->chosen = r->reaped = OOM_UNKNOWN;
	oom_forget(&r->limit, sizeof(r->limit));
	oom_forget(&r->swap_limit, sizeof(r->swap_limit));
	oom_forget(&r->memsw_limit, sizeof(r->memsw_limit));
	oom_forget(&r->kmem_limit, sizeof(r->kmem_limit));
	oom_forget(&r->stats, sizeof(r->stats));
	oom_forget(&r->memory, offsetof(struct oom_memory, last_zone));
	oomkill_forget(&r->victim);
}

static const char *time_of(struct oom_parser *p, const struct logline *l)
{
	const char *start = l->time.start;
	int64_t microseconds;
	char *text;

	if (l->time.len == 0)
		return NULL;
	if (!l->kmsg || !oom_number(&start, &microseconds))
		return oom_copy(p, l->time.start, l->time.len);
	text = arena_printf(p->arena, "%lld.%06lld", (long long)(microseconds / 1000000),
			    (long long)(microseconds % 1000000));
	if (!text)
		p->error = -ENOMEM;
	return text;
}

bool oomparse_open(struct oom_parser *p)
{
	struct oom_source *source;
	struct oom_report *r;

	if (p->line.again)
		return false;
	source = arena_alloc(p->arena, sizeof(*source));
	r = arena_alloc(p->arena, sizeof(*r));
	if (!source || !r) {
		p->error = -ENOMEM;
		return false;
	}
	forget_all(r);
	r->time = time_of(p, &p->line);
	if (p->line.host.len > 0)
		r->host = oom_copy(p, p->line.host.start, p->line.host.len);
	*source = (struct oom_source){
		.next = p->sources, .host = p->line.host, .caller = p->line.caller, .report = r
	};
	source->first = p->time;
	source->warned = p->warns && slice_equal(&p->warning_host, &p->line.host) &&
			 !logtime_apart(&p->warning, &p->time);
	source->memory_mixed = source->warned;
	p->sources = p->current = source;
	p->report = r;
	return true;
}

/* The report that a line may belong to: the latest one of its host and caller, if it is one of the
 * latest of all. A line without any prefix goes where the one before went. */
static void find_source(struct oom_parser *p)
{
	struct oom_source *found = p->sources;
	unsigned looked_at = 0;

	if (!p->line.prefixed && p->current)
		return;
	while (found && !(slice_equal(&found->host, &p->line.host) &&
			  slice_equal(&found->caller, &p->line.caller)))
		found = ++looked_at < OOM_MAX_OPEN ? found->next : NULL;
	p->current = found;
	p->report = found ? found->report : NULL;
}

/* For a line that a report has once at most, or that begins one whose beginning is lost. */
bool oomparse_need_open(struct oom_parser *p)
{
	return (p->current && !p->current->ended) || oomparse_open(p);
}

bool oomparse_need_proven(struct oom_parser *p)
{
	if (!oomparse_need_open(p))
		return false;
	p->current->proven = true;
	return true;
}

static bool take_heading(struct oom_parser *p)
{
	bool mixed;

	if (!oomtask_is_heading(p->line.text))
		return false;
	mixed = oomorder_step(p, OOM_STEP_HEADING);
	if (oomparse_need_proven(p)) {
		p->report->table_mixed |= mixed;
		oomtask_line(p, p->line.text);
	}
	return true;
}

/* Not only OOM reports have rows like these: which it is shows later. */
static bool take_row(struct oom_parser *p)
{
	if (!oomtask_is_row(p->line.text))
		return false;
	oomorder_step(p, OOM_STEP_ROW);
	if (oomparse_need_open(p))
		oomtask_line(p, p->line.text);
	return true;
}

/* Whether the line is one of these; what it says goes nowhere. */
static bool is_line(struct oom_parser *p, bool (*take)(struct oom_parser *, const char *),
		    struct oom_report *nowhere)
{
	struct oom_report *r = p->report;
	bool known;

	forget_all(nowhere);
	p->report = nowhere;
	known = take(p, p->line.text);
	p->report = r;
	return known;
}

static bool take_memory_line(struct oom_parser *p)
{
	struct oom_report nowhere = { 0 };
	bool machine;

	if (!p->current || p->current->ended)
		return false;
	/* In this order: the others look much like theirs. */
	machine = !is_line(p, oommem_cgroup_line, &nowhere);
	if (machine && !is_line(p, oommem_machine_line, &nowhere))
		return false;
	oomorder_step(p, machine ? OOM_STEP_MACHINE_LINE : OOM_STEP_CGROUP_LINE);
	if (!p->current)
		return true;
	if (nowhere.memory.reserved != OOM_UNKNOWN)
		oomorder_memory_ends(p);
	if (!p->current->memory_mixed || (!machine && p->current->warned))
		(machine ? oommem_machine_line : oommem_cgroup_line)(p, p->line.text);
	return true;
}

/* The beginning of what is said of the memory. Warnings of failed allocations have Mem-Info, too.
 */
static bool take_memory(struct oom_parser *p)
{
	const char *text = p->line.text, *usage = after_prefix(text, "memory: usage ");
	const char *info = after_prefix(text, "Mem-Info:");
	bool machine = info && !info[strspn(info, " \t")], mixed;
	int64_t kb;

	if (!machine && !(usage && oom_number(&usage, &kb) && after_prefix(usage, "kB")))
		return false;
	mixed = oomorder_step(p, machine ? OOM_STEP_MACHINE : OOM_STEP_CGROUP);
	if (!(machine ? oomparse_need_open(p) : oomparse_need_proven(p)))
		return true;
	p->current->memory_mixed |= mixed;
	p->current->machine |= machine;
	p->current->cgroup |= !machine;
	if (!machine)
		p->report->constraint = OOM_CONSTRAINT_MEMCG;
	return machine || take_memory_line(p);
}

/* What follows only lines of the report itself. */
static bool follows_closely(const char *text)
{
	static const char *const begins[] = {
		"oom-kill:",       "Out of memory", "Memory cgroup out of memory: ",
		"Killed process ", "Tasks in ",     "Kernel panic",
	};

	for (size_t i = 0; i < ARRAY_SIZE(begins); i++)
		if (after_prefix(text, begins[i]))
			return true;
	return oomtask_is_row(text);
}

/* What a program may have made says nothing by itself. A line that has but the time of the one
 * before counts in a report that others have shown to be one; of those that follow only the
 * report's own lines, where it does. */
static bool is_kernels(const struct oom_parser *p)
{
	const struct oom_source *s = p->current;

	if (!p->line.again)
		return !p->line.others;
	return !p->line.others && s && s->proven &&
	       (p->taken == s || !follows_closely(p->line.text));
}

/* Whether a further line may be of memory, as the message was; where it is a message's piece,
 * others may have come in between. */
static bool is_of_memory(const struct oom_parser *p)
{
	return p->of_memory && (p->taken || p->line.kmsg);
}

/* Of further lines, only what is said of memory has any; a warning takes back, and gives nothing. A
 * message's piece is no warning, and what begins with a slash is a cgroup. */
static void take_further(struct oom_parser *p)
{
	if (p->line.kmsg ? *p->line.text == '/' : oomorder_warning(p))
		return;
	if (is_of_memory(p) && take_memory_line(p) && p->current)
		p->current->last = p->time;
}

static void take_line(struct oom_parser *p)
{
	static bool (*const takers[])(struct oom_parser *) = {
		oomwho_invoked, oomwho_limit,  oomwho_cpuset,     oomwho_cpu,       oomwho_summary,
		oomkill_kill,   oomkill_panic, oomkill_aftermath, oomorder_warning, take_heading,
		take_row,       take_memory,   take_memory_line,
	};
	const size_t n = ARRAY_SIZE(takers);
	size_t i = 0;

	find_source(p);
	oomorder_line(p);
	if (p->line.further) {
		take_further(p);
		return;
	}
	if (!is_kernels(p))
		i = n;
	while (i < n && !takers[i](p))
		i++;
	if (i < n && p->current)
		p->current->last = p->time;
	p->taken = i < n ? p->current : NULL;
	if (i < n)
		p->of_memory = i >= n - 2;
}

/* --- the end --- */

const struct oom_task *oom_find_task(const struct oom_report *r, int64_t pid)
{
	const struct oom_task *t = r->tasks;

	while (t && t->pid != pid)
		t = t->next;
	return t;
}

bool oom_table_whole(const struct oom_report *r)
{
	return r->heading && r->table_ends && !r->table_damaged && !r->table_mixed;
}

/* Where there are no lists of free blocks, the victim's size is there in pages and in KiB. */
static void note_page_size(struct oom_report *r)
{
	const struct oom_task *t = oom_find_task(r, r->victim.pid);
	int64_t kb;

	if (r->memory.page_kb != OOM_UNKNOWN || !t || t->total_vm <= 0 ||
	    !oom_known(r->victim.total_vm_kb) || r->victim.total_vm_kb % t->total_vm)
		return;
	kb = r->victim.total_vm_kb / t->total_vm;
	if (kb == 4 || kb == 16 || kb == 64)
		r->memory.page_kb = kb;
}

/* Before 5.0 a global report does not name its constraint. One of the root cpuset without a memory
 * policy has none. */
static void conclude(struct oom_parser *p)
{
	struct oom_report *r = p->report;
	const struct oom_task *task;

	oomtask_finish(p);
	note_page_size(r);
	if (r->stats_of && !(r->cgroup && streq(r->stats_of, r->cgroup)))
		oom_forget(&r->stats, sizeof(r->stats));
	/* Older kernels do not repeat it in the last line. */
	task = oom_find_task(r, r->victim.pid);
	if (task && r->victim.oom_score_adj == OOM_UNKNOWN)
		r->victim.oom_score_adj = task->oom_score_adj;
	if (r->constraint == OOM_CONSTRAINT_UNKNOWN && oom_kernel_since(r, 5, 0) == 0 &&
	    streq_null(r->cpuset, "/") && oom_known(r->memory.free) &&
	    (!r->nodemask || streq(r->nodemask, "(null)")))
		r->constraint = OOM_CONSTRAINT_NONE;
	if (!r->gfp_flags && oom_known(r->gfp_mask) && oom_kernel_since(r, 3, 0) == 1 &&
	    oom_kernel_since(r, 4, 6) == 0)
		r->gfp_flags = gfp_flags_of(p->arena, r->gfp_mask, oom_kernel_since(r, 4, 4) == 1);
}

static void collect(struct oom_parser *p, struct oom_log *log)
{
	for (struct oom_source *at = p->sources; at; at = at->next) {
		p->report = at->report;
		if (at->proven)
			conclude(p);
	}
	oomsame_drop(p);
	for (struct oom_source *at = p->sources; at; at = at->next) {
		if (!at->proven)
			continue;
		at->report->next = log->first;
		log->first = at->report;
		log->n++;
	}
}

static void narrow(struct logwidth *width, const struct logwidth *to)
{
	if (to->line > 0 && (width->line == 0 || to->line < width->line))
		width->line = to->line;
	if (to->line > 0 && (width->message == 0 || to->message < width->message))
		width->message = to->message;
}

static void widen(struct logwidth *width, const struct logwidth *to)
{
	width->line = to->line > width->line ? to->line : width->line;
	width->message = to->message > width->message ? to->message : width->message;
}

/* How wide the lines are of a log that somebody has narrowed; zeros where no line shows it. Its end
 * may be cut by other means, as is a line by the break in a name. Where each record is known from
 * its form, a longer one shows that none was cut: a program's name may look like half a line. */
static int find_width(const char *text, size_t size, struct logwidth *ret_narrow)
{
	_cleanup_(arena_free) struct arena scratch = { 0 };
	struct logwidth found = { 0 }, cut = { 0 }, longest = { 0 };
	struct loglines lines;
	struct logline l;
	int ret = loglines_begin(&lines, &scratch, text, size);

	if (ret < 0)
		return ret;
	while (loglines_next(&lines, &l)) {
		if (!l.further)
			narrow(&found, &cut);
		cut = (struct logwidth){ 0 };
		if (!l.cut && !l.others && !l.further && !l.again && oomcut_is(l.text))
			cut = l.width;
		if (l.kmsg || lines.escaped)
			widen(&longest, &l.width);
	}
	narrow(&found, &cut);
	if (longest.line <= found.line || longest.message <= found.message)
		*ret_narrow = found;
	return 0;
}

int oomlog_parse(struct arena *a, const char *text, size_t size, struct oom_log *ret_log)
{
	struct oom_parser p = { .arena = a };
	struct oom_log log = { 0 };
	struct loglines lines;
	struct logwidth width = { 0 };
	struct logline before = { 0 };
	struct logtime before_time = { 0 };
	int ret = find_width(text, size, &width);

	if (ret == 0)
		ret = loglines_begin(&lines, a, text, size);
	if (ret < 0)
		return ret;
	lines.narrow = width;
	while (p.error == 0 && loglines_next(&lines, &p.line)) {
		bool counts = !p.line.others && (!p.line.further || is_of_memory(&p));

		if (!counts || !oomsame_line(&p, &before, &before_time))
			take_line(&p);
		if (!counts)
			continue;
		before = p.line;
		before_time = logtime_of(&before);
	}
	if (p.error == 0)
		collect(&p, &log);
	if (p.error < 0)
		return p.error;
	*ret_log = log;
	return 0;
}
