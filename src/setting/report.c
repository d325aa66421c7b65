#include "base/lock.h"
#include "base/log.h"
#include "base/text.h"
#include "setting/kdump.h"
#include "setting/lastboot.h"
#include "setting/report.h"

#include <fcntl.h>

/* How long another run is waited for; when that is said; how often it is looked at. */
#define LOCK_MS 60000
#define LOCK_SAY_MS 2000
#define LOCK_STEP_MS 50

int report_add_stage(struct report *r, const char *name, int64_t duration_us)
{
	struct report_stage **p = &r->stages, *new = arena_alloc(&r->arena, sizeof(*new));

	if (!new)
		return -ENOMEM;
	*new = (struct report_stage){ .name = arena_strdup(&r->arena, name),
				      .duration_us = duration_us };
	if (!new->name)
		return -ENOMEM;
	new->errors = r->errors;
	r->errors = NULL;
	while (*p)
		p = &(*p)->next;
	*p = new;
	return 0;
}

int report_add_error(struct report *r, const char *fmt, ...)
{
	struct report_error **p = &r->errors, *new = arena_alloc(&r->arena, sizeof(*new));
	va_list ap;

	if (!new)
		return -ENOMEM;
	va_start(ap, fmt);
	new->text = arena_vprintf(&r->arena, fmt, ap);
	va_end(ap);
	if (!new->text)
		return -ENOMEM;
	while (*p)
		p = &(*p)->next;
	*p = new;
	return 0;
}

int report_add_failures(struct report *r)
{
	int ret = 0;

	for (const struct outcome *o = r->settings; o && ret >= 0; o = o->next) {
		_cleanup_free_ char *text = outcome_fails(o) ? outcome_text(o) : NULL;

		if (text)
			ret = report_add_error(r, "%s", text);
		else if (outcome_fails(o))
			ret = -ENOMEM;
	}
	return ret;
}

const char *report_keep(struct report *r, const char *text)
{
	return text ? arena_strdup(&r->arena, text) : NULL;
}

void report_add(struct report *r, struct outcome *o)
{
	struct outcome **p = &r->settings;

	while (*p)
		p = &(*p)->next;
	o->next = NULL;
	*p = o;
}

struct outcome *report_find(const struct report *r, const char *key)
{
	for (struct outcome *o = r->settings; o; o = o->next)
		if (streq(o->key, key))
			return o;
	return NULL;
}

/* What was set stays "set", with the value from before the first time, as long as it holds. */
static void absorb_outcome(struct report *r, struct outcome *old)
{
	struct outcome *new = report_find(r, old->key);

	if (!new) {
		report_add(r, old);
		return;
	}
	if (old->result != RESULT_SET)
		return;
	if (new->result != RESULT_SET &&new->result != RESULT_HOLDS)
		return;
	new->result = RESULT_SET;
	new->before = old->before;
	new->undo_path = old->undo_path;
	new->undo_value = old->undo_value;
}

static bool has_stage(const struct report_stage *stages, const char *name)
{
	for (; stages; stages = stages->next)
		if (streq(stages->name, name))
			return true;
	return false;
}

/* The old ones first, but for those that were done again. */
static void absorb_stages(struct report *r, struct report_stage *old)
{
	struct report_stage *new = r->stages, **tail = &r->stages;
	bool all = has_stage(new, "all"); /* what went wrong before was tried again */

	for (; old; old = old->next) {
		if (has_stage(new, old->name))
			continue;
		if (all)
			old->errors = NULL;
		*tail = old;
		tail = &old->next;
	}
	*tail = new;
}

void report_absorb(struct report *r, struct report *old)
{
	bool same_profile;

	if (!r->profile) { /* none could be chosen this time: what is in force is the old one's */
		r->profile = old->profile;
		r->reason = old->reason;
	}
	same_profile = streq_null(r->profile, old->profile);

	arena_adopt(&r->arena, &old->arena);
	for (struct outcome *o = old->settings, *next; o; o = next) {
		next = o->next;
		/* Of another profile only what must be taken back one day is kept. */
		if (same_profile || o->result == RESULT_SET)
			absorb_outcome(r, o);
	}
	absorb_stages(r, old->stages);
	*old = (struct report){ 0 };
}

/* --- JSON --- */

static void outcome_json(const struct outcome *o, struct json *j)
{
	json_open(j, NULL, '{');
	json_string(j, "key", o->key);
	json_string(j, "kind", o->kind);
	json_string(j, "path", o->path);
	json_string(j, "file", o->file);
	json_string(j, "wanted", o->wanted);
	json_string(j, "before", o->before);
	json_string(j, "after", o->after);
	json_string(j, "result", result_name(o->result));
	json_string(j, "source", o->source);
	json_bool(j, "required", o->required);
	if (o->overridden_by)
		json_string(j, "overridden_by", o->overridden_by);
	if (o->undo_path) {
		json_string(j, "undo_path", o->undo_path);
		json_string(j, "undo_value", o->undo_value);
	}
	if (o->text)
		json_string(j, "text", o->text);
	if (o->error)
		json_int(j, "errno", -o->error);
	json_close(j, '}');
}

static void last_boot_known_json(const struct machine *m, struct json *j)
{
	_cleanup_(last_boot_free) struct last_boot l = { 0 };

	if (last_boot_load(m, &l) < 0)
		json_string(j, "cause", CAUSE_UNKNOWN);
	else
		last_boot_json(&l, j);
}

static int64_t read_number(const struct root *tree, const char *path)
{
	_cleanup_free_ char *text = NULL;

	return root_read_text(tree, path, 64, &text) < 0 ? 0 : strtoll(text, NULL, 10);
}

static void kdump_json(const struct report *r, const struct machine *m, struct json *j)
{
	const struct outcome *o = report_find(r, "kdump");
	int armed = kdump_armed(m);

	json_open(j, "kdump", '{');
	json_bool_known(j, "armed", armed);
	json_int(j, "reserved_bytes", read_number(&m->sysfs, "kernel/kexec_crash_size"));
	json_bool(j, "locked", read_number(&m->procfs, "sys/kernel/kexec_load_disabled") != 0);
	json_string(j, "reason", o && armed <= 0 ? o->text : NULL);
	json_close(j, '}');
}

static void errors_json(const struct report_error *errors, struct json *j)
{
	json_open(j, "errors", '[');
	for (; errors; errors = errors->next)
		json_string(j, NULL, errors->text);
	json_close(j, ']');
}

bool report_said_before(const struct report *r, const struct report_stage *stage,
			const struct report_error *error)
{
	for (const struct report_stage *s = r->stages; s; s = s->next) {
		for (const struct report_error *e = s->errors; e; e = e->next) {
			if (s == stage && e == error)
				return false;
			if (streq(e->text, error->text))
				return true;
		}
	}
	return false;
}

void report_json(const struct report *r, const struct machine *m, struct json *j)
{
	json_int(j, "version", 1);
	json_string(j, "profile", r->profile);
	json_string(j, "reason", r->reason);
	json_open(j, "stages", '[');
	for (const struct report_stage *s = r->stages; s; s = s->next) {
		json_open(j, NULL, '{');
		json_string(j, "stage", s->name);
		json_int(j, "duration_us", s->duration_us);
		errors_json(s->errors, j);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_open(j, "settings", '[');
	for (const struct outcome *o = r->settings; o; o = o->next)
		outcome_json(o, j);
	json_close(j, ']');
	kdump_json(r, m, j);
	json_open(j, "last_boot", '{');
	last_boot_known_json(m, j);
	json_close(j, '}');
	json_open(j, "errors", '[');
	for (const struct report_stage *s = r->stages; s; s = s->next)
		for (const struct report_error *e = s->errors; e; e = e->next)
			if (!report_said_before(r, s, e))
				json_string(j, NULL, e->text);
	for (const struct report_error *e = r->errors; e; e = e->next)
		json_string(j, NULL, e->text);
	json_close(j, ']');
}

void report_print(const struct report *r, const struct machine *m, FILE *out)
{
	struct json j = JSON_WRITER(out);

	json_open(&j, NULL, '{');
	report_json(r, m, &j);
	json_close(&j, '}');
}

int report_store(const struct machine *m, const char *name,
		 void (*print)(FILE *f, const void *data), const void *data)
{
	_cleanup_close_ int dir = root_make_dir(&m->run, REPORT_DIR);
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *f;

	if (dir < 0)
		return dir;
	f = open_memstream(&text, &size);
	if (!f)
		return -ENOMEM;
	print(f, data);
	if (memstream_end(f, &text) < 0)
		return -ENOMEM;
	return write_whole(dir, name, text, size);
}

struct printed {
	const struct report *report;
	const struct machine *machine;
};

static void print_document(FILE *f, const void *data)
{
	const struct printed *p = data;

	report_print(p->report, p->machine, f);
}

int report_save(const struct report *r, const struct machine *m)
{
	return report_store(m, REPORT, print_document, &(struct printed){ r, m });
}

int report_lock(const struct machine *m, bool make)
{
	_cleanup_close_ int dir = make ? root_make_dir(&m->run, REPORT_DIR)
				       : root_openat(&m->run, REPORT_DIR, O_PATH | O_DIRECTORY);
	int lock, waited = 0;

	if (dir < 0)
		return dir;
	while ((lock = lock_try(dir, REPORT_LOCK)) == -EAGAIN && waited < LOCK_MS) {
		if (waited == LOCK_SAY_MS)
			log_info("another run has not ended: waiting, %d s at most",
				 LOCK_MS / 1000);
		sleep_ms(LOCK_STEP_MS);
		waited += LOCK_STEP_MS;
	}
	if (lock == -EAGAIN)
		log_warning("another run has not ended: going on beside it");
	return lock;
}

int report_remove(const struct machine *m)
{
	_cleanup_close_ int dir = root_make_dir(&m->run, REPORT_DIR);

	if (dir < 0)
		return dir;
	return unlinkat(dir, REPORT, 0) < 0 && errno != ENOENT ? -errno : 0;
}

void report_free(struct report *r)
{
	arena_free(&r->arena);
	*r = (struct report){ 0 };
}
