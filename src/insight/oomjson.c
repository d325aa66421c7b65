/* The document of `explain`. What the log does not say is null, and named in "missing". */
#include "insight/oomjudge.h"

#define MAX_MISSING 40

struct writer {
	struct json *j;
	const char *missing[MAX_MISSING];
	unsigned n;
};

/* @path is what "missing" calls it. */
static void miss(struct writer *w, const char *path)
{
	if (w->n < MAX_MISSING)
		w->missing[w->n++] = path;
}

static const char *name_of(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

static void number(struct writer *w, const char *path, int64_t value)
{
	if (oom_known(value)) {
		json_int(w->j, name_of(path), value);
		return;
	}
	json_string(w->j, name_of(path), NULL);
	miss(w, path);
}

/* A number that only some reports have: never missing. */
static void optional(struct json *j, const char *name, int64_t value)
{
	if (oom_known(value))
		json_int(j, name, value);
}

static void text(struct writer *w, const char *path, const char *value)
{
	bool known = value && *value;

	json_string(w->j, name_of(path), known ? value : NULL);
	if (!known)
		miss(w, path);
}

static void write_invoked(struct writer *w, const struct oom_report *r)
{
	char mask[24];

	if (r->invoked) {
		json_open(w->j, "invoked_by", '{');
		text(w, "invoked_by.command", r->command);
		number(w, "invoked_by.pid", r->pid);
		number(w, "invoked_by.oom_score_adj", r->oom_score_adj);
		json_close(w->j, '}');
	} else {
		text(w, "invoked_by", NULL);
	}
	snprintf(mask, sizeof(mask), "0x%llx", (long long)r->gfp_mask);
	text(w, "gfp_mask", oom_known(r->gfp_mask) ? mask : NULL);
	text(w, "gfp_flags", r->gfp_flags);
	number(w, "order", r->order);
}

static void write_limit(struct json *j, const char *name, const struct oom_limit *limit)
{
	if (!oom_known(limit->usage_kb) && !oom_known(limit->limit_kb))
		return;
	json_open(j, name, '{');
	optional(j, "usage_kb", limit->usage_kb);
	optional(j, "limit_kb", limit->limit_kb);
	optional(j, "failcnt", limit->failcnt);
	json_close(j, '}');
}

static void write_constraint(struct writer *w, const struct oom_report *r)
{
	static const char *const names[] = {
		[OOM_CONSTRAINT_NONE] = "none",
		[OOM_CONSTRAINT_MEMCG] = "memcg",
		[OOM_CONSTRAINT_CPUSET] = "cpuset",
		[OOM_CONSTRAINT_MEMPOLICY] = "mempolicy",
	};

	text(w, "constraint", names[r->constraint]);
	if (r->constraint == OOM_CONSTRAINT_MEMCG)
		text(w, "cgroup", r->cgroup);
	else
		json_string(w->j, "cgroup", r->cgroup);
	write_limit(w->j, "memory_limit", &r->limit);
	write_limit(w->j, "swap_limit", &r->swap_limit);
	write_limit(w->j, "memory_and_swap_limit", &r->memsw_limit);
	write_limit(w->j, "kernel_memory_limit", &r->kmem_limit);
}

static void write_victim(struct writer *w, const struct oom_report *r)
{
	const struct oom_victim *v = &r->victim;

	if (!v->said && !oom_known(v->pid)) {
		json_string(w->j, "killed", NULL);
		if (!r->panic && !r->nobody)
			miss(w, "killed");
		return;
	}
	json_open(w->j, "killed", '{');
	number(w, "killed.pid", v->pid);
	text(w, "killed.command", v->command);
	number(w, "killed.total_vm_kb", v->total_vm_kb);
	number(w, "killed.anon_rss_kb", v->anon_rss_kb);
	number(w, "killed.file_rss_kb", v->file_rss_kb);
	number(w, "killed.shmem_rss_kb", v->shmem_rss_kb);
	number(w, "killed.oom_score_adj", v->oom_score_adj);
	optional(w->j, "uid", v->uid);
	optional(w->j, "pgtables_kb", v->pgtables_kb);
	optional(w->j, "score", v->score);
	if (oom_known(r->chosen) && oom_known(v->pid) && r->chosen != v->pid)
		json_int(w->j, "instead_of_pid", r->chosen);
	json_close(w->j, '}');
}

static void write_group(struct json *j, const struct oom_report *r)
{
	if (!r->group)
		return;
	json_string(j, "killed_group", r->group);
	json_open(j, "killed_with_it", '[');
	for (const struct oom_victim *v = r->victim.next; v; v = v->next) {
		json_open(j, NULL, '{');
		optional(j, "pid", v->pid);
		json_string(j, "command", v->command);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void write_task(struct json *j, const struct oom_report *r, const struct oom_task *t)
{
	json_open(j, NULL, '{');
	json_int(j, "pid", t->pid);
	optional(j, "uid", t->uid);
	optional(j, "tgid", t->tgid);
	optional(j, "total_vm_pages", t->total_vm);
	optional(j, "rss_pages", t->rss);
	optional(j, "pgtables_bytes", t->pgtables_bytes);
	optional(j, "nr_ptes", t->nr_ptes);
	optional(j, "swapents", t->swapents);
	optional(j, "oom_score_adj", t->oom_score_adj);
	optional(j, "memory_pages", oom_task_pages(r, t));
	json_string(j, "command", t->command);
	json_close(j, '}');
}

static void write_tasks(struct writer *w, const struct oom_report *r)
{
	if (r->n_tasks == 0 && !oom_table_whole(r)) {
		text(w, "tasks", NULL);
		return;
	}
	json_open(w->j, "tasks", '[');
	for (const struct oom_task *t = r->tasks; t; t = t->next)
		write_task(w->j, r, t);
	json_close(w->j, ']');
	if (!r->heading)
		miss(w, "the beginning of the task table");
	if (!r->table_ends)
		miss(w, "the end of the task table");
	if (r->table_damaged)
		miss(w, "some rows of the task table");
}

static void write_zones(struct json *j, const struct oom_memory *m)
{
	if (!m->zones)
		return;
	json_open(j, "zones", '[');
	for (const struct oom_zone *z = m->zones; z; z = z->next) {
		json_open(j, NULL, '{');
		json_int(j, "node", z->node);
		json_string(j, "zone", z->name);
		optional(j, "free_kb", z->free_kb);
		optional(j, "min_kb", z->min_kb);
		optional(j, "low_kb", z->low_kb);
		optional(j, "high_kb", z->high_kb);
		optional(j, "managed_kb", z->managed_kb);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void write_slabs(struct json *j, const struct oom_memory *m)
{
	if (!m->slabs)
		return;
	json_open(j, "slabs", '[');
	for (const struct oom_slab *slab = m->slabs; slab; slab = slab->next) {
		json_open(j, NULL, '{');
		json_string(j, "name", slab->name);
		json_int(j, "used_kb", slab->used_kb);
		json_int(j, "total_kb", slab->total_kb);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void write_memory(struct writer *w, const struct oom_report *r)
{
	const struct oom_memory *m = &r->memory;
	struct json *j = w->j;

	json_open(j, "memory_kb", '{');
	number(w, "memory_kb.free", oom_kb(r, m->free));
	number(w, "memory_kb.swap_total", m->swap_total_kb);
	number(w, "memory_kb.swap_free", m->swap_free_kb);
	optional(j, "ram", oom_kb(r, m->ram));
	optional(j, "reserved", oom_kb(r, m->reserved));
	optional(j, "active_anon", oom_kb(r, m->active_anon));
	optional(j, "inactive_anon", oom_kb(r, m->inactive_anon));
	optional(j, "active_file", oom_kb(r, m->active_file));
	optional(j, "inactive_file", oom_kb(r, m->inactive_file));
	optional(j, "unevictable", oom_kb(r, m->unevictable));
	optional(j, "slab_reclaimable", oom_kb(r, m->slab_reclaimable));
	optional(j, "slab_unreclaimable", oom_kb(r, m->slab_unreclaimable));
	optional(j, "shmem", oom_kb(r, m->shmem));
	optional(j, "pagetables", oom_kb(r, m->pagetables));
	optional(j, "hugepages", m->hugepages_kb);
	json_close(j, '}');
	write_zones(j, m);
	write_slabs(j, m);
}

static void write_stats(struct json *j, const struct oom_report *r)
{
	const struct oom_stats *s = &r->stats;
	const struct {
		const char *name;
		int64_t bytes;
	} rows[] = {
		{ "anon", s->anon },
		{ "file", s->file },
		{ "shmem", s->shmem },
		{ "unevictable", s->unevictable },
		{ "swap", s->swap },
		{ "sock", s->sock },
		{ "slab", s->slab },
		{ "slab_reclaimable", s->slab_reclaimable },
		{ "slab_unreclaimable", s->slab_unreclaimable },
	};

	if (r->constraint != OOM_CONSTRAINT_MEMCG)
		return;
	json_open(j, "cgroup_memory_kb", '{');
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (oom_known(rows[i].bytes))
			json_int(j, rows[i].name, rows[i].bytes / 1024);
	optional(j, "kernel", oom_cgroup_kernel_kb(r));
	json_close(j, '}');
}

static int write_verdict(struct json *j, const struct oom_report *r)
{
	static const char *const names[] = {
		[OOM_FOLLOWS] = "follows",     [OOM_DIFFERS] = "differs",    [OOM_ASKED] = "asked",
		[OOM_CANNOT_TELL] = "unknown", [OOM_NOBODY_DIED] = "nobody",
	};
	_cleanup_(arena_free) struct arena a = { 0 };
	struct oom_judgement judgement;
	const char *reclaim = oom_reclaim(&a, r);
	struct oom_advice *advice;
	int ret = reclaim ? oom_judge(&a, r, &judgement) : -ENOMEM;

	if (ret >= 0)
		ret = oom_advise(&a, r, &advice);
	if (ret < 0)
		return ret;
	json_string(j, "reclaim", *reclaim ? reclaim : NULL);
	json_open(j, "choice", '{');
	json_string(j, "verdict", names[judgement.verdict]);
	json_string(j, "text", judgement.text);
	json_close(j, '}');
	json_open(j, "advice", '[');
	for (; advice; advice = advice->next)
		json_string(j, NULL, advice->text);
	json_close(j, ']');
	return 0;
}

int oom_json(const struct oom_report *r, const char *key, struct json *j)
{
	struct writer w = { .j = j };
	int ret;

	json_open(j, key, '{');
	text(&w, "kernel", r->kernel);
	text(&w, "time", r->time);
	json_string(j, "host", r->host);
	write_invoked(&w, r);
	write_constraint(&w, r);
	write_victim(&w, r);
	write_group(j, r);
	json_string(j, "panic", r->panic);
	write_tasks(&w, r);
	write_memory(&w, r);
	write_stats(j, r);
	ret = write_verdict(j, r);
	json_open(j, "missing", '[');
	for (unsigned i = 0; i < w.n; i++)
		json_string(j, NULL, w.missing[i]);
	json_close(j, ']');
	json_close(j, '}');
	return ret;
}
