#include "profile/finding.h"

#include "base/log.h"

/* More are counted, but not kept: nobody reads them, and keeping order takes time. */
#define FINDINGS_MAX 1000U

/* Files stay in the order in which they were read; inside one, by line and column. */
static bool belongs_before(const struct finding *a, const struct finding *b)
{
	if (!streq(a->at.file, b->at.file))
		return false;
	if (a->at.line != b->at.line)
		return a->at.line < b->at.line;
	return a->at.column < b->at.column;
}

static bool said_already(const struct findings *f, const struct finding *new)
{
	for (const struct finding *old = f->first; old; old = old->next)
		if (old->at.line == new->at.line &&
		    old->at.column == new->at.column &&streq(old->at.file, new->at.file) &&
		    streq(old->message, new->message))
			return true;
	return false;
}

void finding_add(struct findings *f, enum severity severity, const struct place *at,
		 const char *hint, const char *fmt, ...)
{
	struct finding **p = &f->first;
	struct finding *new = arena_alloc(&f->arena, sizeof(*new));
	va_list ap;

	if (new) {
		va_start(ap, fmt);
		*new = (struct finding){
			.severity = severity,
			.at = { arena_strdup(&f->arena, at->file), at->line, at->column },
			.message = arena_vprintf(&f->arena, fmt, ap),
			.hint = hint ? arena_strdup(&f->arena, hint) : NULL,
		};
		va_end(ap);
	}
	f->raised += severity == SEVERITY_ERROR;
	/* A parent that two profiles share is checked twice and complained of once. */
	if (new &&new->at.file &&new->message && said_already(f, new))
		return;
	if (severity == SEVERITY_ERROR)
		f->errors++;
	else
		f->warnings++;
	if (!new || !new->at.file || !new->message || f->errors + f->warnings > FINDINGS_MAX)
		return;
	while (*p && !belongs_before(new, *p))
		p = &(*p)->next;
	new->next = *p;
	*p = new;
}

const char *finding_severity(const struct finding *finding)
{
	return finding->severity == SEVERITY_ERROR ? "error" : "warning";
}

char *finding_text(const struct finding *finding)
{
	const char *hint = finding->hint;
	char *text;

	if (asprintf(&text, "%s:%u:%u: %s: %s%s%s%s", finding->at.file, finding->at.line,
		     finding->at.column, finding_severity(finding), finding->message,
		     hint ? " (" : "", hint ? hint : "", hint ? ")" : "") < 0)
		return NULL;
	return text;
}

void findings_make_errors(struct findings *f)
{
	for (struct finding *finding = f->first; finding; finding = finding->next)
		finding->severity = SEVERITY_ERROR;
	f->errors += f->warnings;
	f->warnings = 0;
}

void findings_log(const struct findings *f)
{
	for (const struct finding *finding = f->first; finding; finding = finding->next) {
		_cleanup_free_ char *text = finding_text(finding);

		if (!text)
			log_oom();
		else if (finding->severity == SEVERITY_ERROR)
			log_error("%s", text);
		else
			log_warning("%s", text);
	}
}

void findings_free(struct findings *f)
{
	arena_free(&f->arena);
	*f = (struct findings){ 0 };
}
