#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

#include "base/term.h"
#include "cmd/status.h"
#include "setting/kdump.h"
#include "setting/lastboot.h"
#include "setting/module.h"
#include "setting/sysctl.h"

#define LABEL 11U /* columns of what stands on the left */

struct screen {
	struct term term;
	const struct status *status;
	const struct node *tree; /* the profile's, or NULL */
	unsigned to_do;          /* lines of it so far */
};

enum mood {
	FINE,
	PLAIN,
	BAD, /* something needs doing */
};

static void row(const struct screen *s, enum mood mood, unsigned indent, const char *label,
		const char *fmt, ...) _printf_(5, 6);

/* A label and a text, wrapped; without a label a line of a list. */
static void row(const struct screen *s, enum mood mood, unsigned indent, const char *label,
		const char *fmt, ...)
{
	const struct term *t = &s->term;
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(t->out, "%s%-*s%s%s", term_on(t, TERM_BOLD), (int)indent, label, term_off(t),
		mood == BAD    ? term_on(t, TERM_RED)
		: mood == FINE ? term_on(t, TERM_GREEN)
			       : "");
	term_wrap(t, text, indent, indent + (indent == 2 ? 2 : 0));
	fputs(mood == PLAIN ? "" : term_off(t), t->out);
}

/* --- what was done --- */

static void print_applied(const struct screen *s)
{
	const struct report *applied = &s->status->applied;
	char text[512];
	size_t n = 0;

	for (const struct report_stage *stage = applied->stages; stage && n < sizeof(text) - 64;
	     stage = stage->next)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.20s (%.1f ms)",
				      n ? ", " : "", stage->name,
				      (double)stage->duration_us / 1000);
	if (s->status->word)
		row(s, PLAIN, LABEL, "applied:", "%s (%sholdfast=%s on the kernel command line)",
		    n ? text : "nothing yet",
		    streq(s->status->word, "plan") ? "planned only: " : "", s->status->word);
	else
		row(s, PLAIN, LABEL, "applied:", "%s", n ? text : "nothing yet");
	for (const struct report_stage *stage = applied->stages; stage; stage = stage->next)
		for (const struct report_error *e = stage->errors; e; e = e->next)
			if (!report_said_before(applied, stage, e))
				row(s, s->status->failures || !s->tree ? BAD : PLAIN, LABEL,
				    "error:", "%s", e->text);
}

/* The boot named another one. */
static bool is_other_profile(const struct status *status)
{
	return status->has_report && status->applied.profile &&
	       !streq(status->applied.profile, status->now.profile);
}

static void print_profile(const struct screen *s)
{
	const struct status *status = s->status;
	const char *description = node_text(s->tree, "description");

	row(s, PLAIN, LABEL, "profile:", "%s (%s)%s%s", status->now.profile, status->now.reason,
	    description ? ": " : "", description ? description : "");
	if (is_other_profile(status))
		row(s, BAD, LABEL, "", "but %s was applied", status->applied.profile);
}

/* --- what holds --- */

static void print_settings(const struct screen *s)
{
	unsigned n = 0, holding = 0;

	for (const struct outcome *o = s->status->now.settings; o; o = o->next) {
		n++;
		holding += o->result == RESULT_HOLDS;
	}
	row(s, s->status->failures ? BAD : FINE, LABEL, "settings:", "%u of %u hold", holding, n);
	for (const struct outcome *o = s->status->now.settings; o; o = o->next) {
		_cleanup_free_ char *text = outcome_text(o);

		if (text && (outcome_fails(o) || s->status->c->opt[OPT_VERBOSE] ||
			     (o->result != RESULT_HOLDS && o->result != RESULT_SET)))
			row(s, outcome_fails(o) ? BAD : PLAIN, 2, "", "%s", text);
	}
}

static bool wants_kdump(const struct screen *s)
{
	return node_child(s->tree, "kdump") != NULL;
}

static void print_kdump(const struct screen *s)
{
	const struct machine *m = &s->status->c->machine;
	_cleanup_free_ char *size = NULL;
	int armed = kdump_armed(m);
	int64_t bytes = 0;

	if (root_read_text(&m->sysfs, "kernel/kexec_crash_size", 64, &size) == 0)
		bytes = strtoll(size, NULL, 10);
	row(s,
	    armed > 0        ? FINE
	    : wants_kdump(s) ? BAD
			     : PLAIN,
	    LABEL, "kdump:", "%s, %" PRId64 " MiB reserved", kdump_armed_text(armed), bytes >> 20);
}

static void print_last_boot(const struct screen *s)
{
	_cleanup_(last_boot_free) struct last_boot l = { .cause = CAUSE_UNKNOWN };

	if (last_boot_load(&s->status->c->machine, &l) < 0)
		l.cause = CAUSE_UNKNOWN;
	row(s, PLAIN, LABEL, "last boot:", "%s%s", l.cause,
	    streq(l.cause, CAUSE_UNKNOWN) || streq(l.cause, CAUSE_REBOOT)
		    ? ""
		    : " ('holdfast last-boot' says more)");
	for (const struct last_boot_line *r = l.records; r; r = r->next)
		row(s, PLAIN, 2, "", "record: %s", r->text);
}

/* --- who is protected --- */

static const char *problem_of(const struct guard_status *g, const char *service)
{
	for (const struct guard_problem *p = g->problems; p; p = p->next)
		if (streq(p->service, service))
			return p->text;
	return NULL;
}

static void print_unpinned(const struct screen *s, const struct unpinned *u)
{
	if (u->outgrown)
		row(s, BAD, 2, "", "%s[%d]: outgrew its max_rss, and has lost its protection",
		    u->service, (int)u->pid);
	else if (u->pid)
		row(s, PLAIN, 2, "", "%s[%d]: not pinned%s%s", u->service, (int)u->pid,
		    u->why ? ": " : "", u->why ? u->why : "");
	else if (!problem_of(&s->status->guard, u->service))
		row(s, PLAIN, 2, "", "%s: does not run", u->service);
}

static void print_pin(const struct screen *s, const struct guard_pin *pin)
{
	time_t since = (time_t)pin->since;
	struct tm tm;
	char when[32] = "";

	if (localtime_r(&since, &tm))
		strftime(when, sizeof(when), "%F %T", &tm);
	row(s, FINE, 2, "", "%s[%" PRId64 "]: oom_score_adj %" PRId64 ", pinned by %s, %s",
	    pin->service, pin->pid, pin->oom_score_adj, pin->how, when);
}

static void print_guard(const struct screen *s)
{
	const struct guard_status *g = &s->status->guard;
	const struct node *protect = node_child(s->tree, "protect");

	if (g->forbidden) {
		row(s, PLAIN, LABEL, "guard:", "only root may ask it");
		return;
	}
	if (!g->running) {
		row(s, protect ? BAD : PLAIN, LABEL, "guard:", "not running");
		return;
	}
	row(s, PLAIN, LABEL, "guard:",
	    "running, %s; %" PRId64 " released, %" PRId64 " lost events, %" PRId64
	    " rescans, %" PRId64 " leashed",
	    g->gated ? "exec gate" : "no exec gate", g->released, g->lost_events, g->rescans,
	    g->leashed);
	for (const struct guard_pin *pin = g->pins; pin; pin = pin->next)
		print_pin(s, pin);
	for (const struct unpinned *u = s->status->unpinned; u; u = u->next)
		print_unpinned(s, u);
	for (const struct guard_problem *p = g->problems; p; p = p->next)
		row(s, BAD, 2, "", "%s: %s", p->service, p->text);
}

/* --- what to do --- */

static void to_do(struct screen *s, const char *why, const char *fmt, ...) _printf_(3, 4);

static void to_do(struct screen *s, const char *why, const char *fmt, ...)
{
	char command[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	row(s, BAD, LABEL, s->to_do++ ? "" : "to do:", "%s: %s", command, why);
}

/* Of the settings that fail: what kdump load does, what only a boot does, what the machine does not
 * have, what apply does, and by whom that is undone. */
struct failing {
	unsigned kdump, one_way, absent, others;
	const char *override;
	const char *module; /* that this kernel does not have, or NULL */
};

static struct failing count_failing(const struct screen *s)
{
	struct failing f = { 0 };
	bool brings = false; /* a module or a mount that apply makes may bring what is absent */

	for (const struct outcome *o = s->status->now.settings; o; o = o->next) {
		if (!outcome_fails(o) || o->result == RESULT_HOLDS || streq(o->kind, "guard"))
			continue;
		if (streq(o->kind, "kdump"))
			f.kdump++;
		else if (streq(o->kind, "module") &&
			 module_is_missing(&s->status->c->machine, o->path))
			f.module = o->path;
		else if (o->result == RESULT_ABSENT || o->result == RESULT_FAILED)
			f.absent++;
		else if (streq(o->kind, "sysctl") && o->before &&
			 sysctl_one_way(o->path + strlen("sys/"), o->before))
			f.one_way++;
		else {
			brings |= streq(o->kind, "module") || streq(o->kind, "mount");
			f.others++;
		}
		if (o->overridden_by)
			f.override = o->overridden_by;
	}
	if (brings) {
		f.others += f.absent;
		f.absent = 0;
	}
	return f;
}

static void print_to_do_apply(struct screen *s, const struct failing *f)
{
	const char *profile = s->status->c->opt[OPT_PROFILE];
	char command[128], why[256];

	snprintf(command, sizeof(command), "holdfast %s%.80s%sapply", profile ? "--profile " : "",
		 profile ? profile : "", profile ? " " : "");
	snprintf(why, sizeof(why), "puts %u %s right%s%.120s%s", f->others,
		 f->others == 1 ? "setting" : "settings",
		 f->override ? "; without a change of " : "", f->override ? f->override : "",
		 f->override ? " it comes back" : "");
	if (f->others > 0)
		to_do(s, why, "%s", command);
	else if (is_other_profile(s->status))
		to_do(s, "makes it the profile that was applied", "%s", command);
	snprintf(why, sizeof(why), "the kernel keeps %u %s until the next boot", f->one_way,
		 f->one_way == 1 ? "setting" : "settings");
	if (f->one_way > 0)
		to_do(s, why, "reboot");
	snprintf(why, sizeof(why), "%u %s cannot be had here, as said above", f->absent,
		 f->absent == 1 ? "setting" : "settings");
	if (f->absent > 0)
		to_do(s, why, "in the profile, remove or 'required: false'");
	snprintf(why, sizeof(why), "this kernel has no module '%.64s'", f->module ? f->module : "");
	if (f->module)
		to_do(s, why, "install it, or in the profile remove it or 'required: false'");
}

/* What keeps it from being armed names its remedy. */
static void print_to_do_kdump(struct screen *s, const struct failing *f)
{
	const struct machine *m = &s->status->c->machine;
	_cleanup_(kdump_free) struct kdump k = KDUMP_NONE;

	if (!wants_kdump(s) || (!f->kdump && kdump_is_armed(m)) ||
	    kdump_examine(m, s->tree, &k) < 0)
		return;
	if (k.error && k.why)
		to_do(s, k.why, "for kdump");
	else
		to_do(s, "arms the crash kernel", "holdfast kdump load");
}

static void print_to_do_guard(struct screen *s)
{
	const struct guard_status *g = &s->status->guard;
	bool systemd = root_exists(&s->status->c->machine.run, "systemd/system") == 0;

	if (node_child(s->tree, "protect") && !g->running && !g->forbidden)
		to_do(s, "nothing is protected", "%s",
		      systemd ? "systemctl restart holdfast-guard" : "holdfast guard --daemon");
	if (g->problems)
		to_do(s, "says what is wrong with the programs", "holdfast check --image");
	for (const struct unpinned *u = s->status->unpinned; u; u = u->next)
		if (u->outgrown)
			to_do(s, "it is protected again when it starts", "%srestart %s",
			      systemd && *u->unit ? "systemctl " : "",
			      systemd && *u->unit ? u->unit : u->service);
}

static void print_to_do(struct screen *s)
{
	const struct context *c = s->status->c;
	const struct failing f = count_failing(s);
	bool unprotected = node_child(s->tree, "protect") && !s->status->guard.running;

	if (!s->status->word) {
		print_to_do_apply(s, &f);
		print_to_do_kdump(s, &f);
		print_to_do_guard(s);
	} else if (s->status->failures || unprotected ||
		   (wants_kdump(s) && !kdump_is_armed(&c->machine))) {
		to_do(s, "nothing is changed while the kernel command line has it",
		      "boot without holdfast=%s", s->status->word);
	}
}

void status_print_applied(const struct status *status, int failure)
{
	struct screen s = { .term = term_of(stdout), .status = status };

	print_applied(&s);
	if (failure == EXIT_NO_PROFILE)
		to_do(&s, "says why no profile is chosen", "holdfast select --explain");
	else
		to_do(&s, "without a valid profile nothing is applied", "holdfast check");
}

void status_print(const struct status *status, const struct selection *sel)
{
	struct screen s = { .term = term_of(stdout), .status = status, .tree = sel->profile.tree };

	print_profile(&s);
	print_applied(&s);
	print_settings(&s);
	print_kdump(&s);
	print_last_boot(&s);
	print_guard(&s);
	print_to_do(&s);
}
