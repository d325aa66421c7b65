/* last_boot as a setting: the cause is found out once in a boot, and the records are kept. */
#include "setting/lastboot.h"

#include <stdarg.h>

#include "base/log.h"
#include "base/text.h"
#include "setting/ramoops.h"
#include "setting/report.h"

#define FILE_NAME "last-boot"
#define FILE_MAX (1U << 20)

/* --- the file in /run: a word and a text on each line --- */

/* Each text once: a later stage looks again. */
static int add_text(struct last_boot *l, struct last_boot_line **list, const char *text)
{
	struct last_boot_line *line;

	for (; *list; list = &(*list)->next)
		if (streq_null((*list)->text, text))
			return 0;
	line = arena_alloc(&l->arena, sizeof(*line));
	if (!line || !text)
		return -ENOMEM;
	line->text = text;
	*list = line;
	return 0;
}

int last_boot_add(struct last_boot *l, struct last_boot_line **list, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = arena_vprintf(&l->arena, fmt, ap);
	va_end(ap);
	for (char *c = text; c && *c; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
	return add_text(l, list, text);
}

bool last_boot_has(const struct last_boot *l, const char *text)
{
	const struct last_boot_line *e = l->evidence;

	while (e && !streq(e->text, text))
		e = e->next;
	return e;
}

/* The later ones say more. */
static const char *const causes[] = { CAUSE_UNKNOWN,  CAUSE_POWER_LOSS_OR_RESET,
				      CAUSE_WATCHDOG, CAUSE_REBOOT,
				      CAUSE_PANIC,    CAUSE_OOM_PANIC };

static size_t rank_of(const char *cause)
{
	size_t i = ARRAY_SIZE(causes) - 1;

	while (i > 0 && !streq(cause, causes[i]))
		i--;
	return i;
}

void last_boot_raise(struct last_boot *l, const char *cause)
{
	if (!l->cause || rank_of(cause) > rank_of(l->cause))
		l->cause = causes[rank_of(cause)];
}

static int load_line(struct last_boot *l, char *line)
{
	char *text = strchr(line, ' ');

	if (!text)
		return 0;
	*text++ = '\0';
	if (streq(line, "cause"))
		l->cause = causes[rank_of(text)];
	else if (streq(line, "evidence"))
		return add_text(l, &l->evidence, text);
	else if (streq(line, "record"))
		return add_text(l, &l->records, text);
	else if (streq(line, "seen"))
		return add_text(l, &l->seen, text);
	else if (streq(line, "log"))
		l->log = text;
	else if (streq(line, "crashes") && text_to_int(text, &l->crashes) < 0)
		l->crashes = 0;
	else if (streq(line, "archived"))
		l->archived = streq(text, "yes");
	else if (streq(line, "trace"))
		l->trace = text;
	return 0;
}

int last_boot_load(const struct machine *m, struct last_boot *ret_l)
{
	_cleanup_(last_boot_free) struct last_boot l = { .cause = CAUSE_UNKNOWN };
	_cleanup_free_ char *text = NULL;
	char *copy, *line, *rest;
	int ret;

	if (m->run.fd < 0)
		return -ENOENT;
	ret = root_read_text(&m->run, REPORT_DIR "/" FILE_NAME, FILE_MAX, &text);
	if (ret < 0)
		return ret;
	copy = arena_strdup(&l.arena, text);
	if (!copy)
		return -ENOMEM;
	for (line = strtok_r(copy, "\n", &rest); line && ret >= 0;
	     line = strtok_r(NULL, "\n", &rest))
		ret = load_line(&l, line);
	if (ret < 0)
		return ret;
	*ret_l = l;
	l = (struct last_boot){ 0 };
	return 0;
}

static void print_list(const char *word, const struct last_boot_line *line, FILE *f)
{
	for (; line; line = line->next)
		fprintf(f, "%s %s\n", word, line->text);
}

static void print_lines(FILE *f, const void *data)
{
	const struct last_boot *l = data;

	fprintf(f, "cause %s\narchived %s\n", l->cause, l->archived ? "yes" : "no");
	if (l->trace)
		fprintf(f, "trace %s\n", l->trace);
	if (l->log)
		fprintf(f, "log %s\n", l->log);
	if (l->crashes > 0)
		fprintf(f, "crashes %lld\n", (long long)l->crashes);
	print_list("evidence", l->evidence, f);
	print_list("record", l->records, f);
	print_list("seen", l->seen, f);
}

int last_boot_save(const struct last_boot *l, const struct machine *m)
{
	return report_store(m, FILE_NAME, print_lines, l);
}

void last_boot_free(struct last_boot *l)
{
	arena_free(&l->arena);
	*l = (struct last_boot){ 0 };
}

static void lines_json(const char *key, const struct last_boot_line *line, struct json *j)
{
	json_open(j, key, '[');
	for (; line; line = line->next)
		json_string(j, NULL, line->text);
	json_close(j, ']');
}

void last_boot_json(const struct last_boot *l, struct json *j)
{
	json_string(j, "cause", l->cause);
	lines_json("evidence", l->evidence, j);
	lines_json("records", l->records, j);
}

/* --- the setting: last_boot, or a crash kernel's capture without it --- */

static int last_boot_describe(const struct machine *m, struct arena *a, struct setting *s)
{
	s->key = s->path = s->node->row->path;
	s->file = arena_printf(a, "%s/" REPORT_DIR "/" FILE_NAME, m->run.path);
	s->wanted = "recorded";
	return s->file ? 0 : -ENOMEM;
}

/* While devices appear (in the initramfs) the archive is not there yet: the cause is enough. Where
 * the root can be written to before it is entered, the trace is taken: a boot that does not come
 * any further must not be taken for the one before it. */
static int last_boot_read(const struct machine *m, const struct setting *s, struct state *ret_state)
{
	_cleanup_(last_boot_free) struct last_boot l = { 0 };
	int ret = last_boot_load(m, &l);

	if (ret < 0 && ret != -ENOENT)
		return ret;
	if (ret >= 0 && l.archived && !m->wait && s->tree && !last_boot_goes_on(m, s->tree))
		l.archived = false;
	ret_state->holds = ret >= 0 && (l.archived || m->wait);
	if (m->entering)
		ret_state->holds = l.trace || !s->tree ||
				   !last_boot_can_mark(m, node_child(s->tree, "last_boot"));
	ret_state->value = strdup(ret < 0 ? "not recorded" : l.archived ? "recorded" : "found");
	return ret_state->value ? 0 : -ENOMEM;
}

/* In the first stage that comes by, and once more when all drivers and disks are there. */
static int gather(const struct machine *m, const struct setting *s, struct last_boot *l)
{
	_cleanup_free_ char *why = NULL;
	int memory = ramoops_start(m, s->tree, &why), ret = 0;
	const char *reason = why ? why : memory < 0 ? strerror(-memory) : NULL;

	if (memory < 0)
		log_warning("last_boot: no record in memory: %s", reason);
	if (memory < 0 && !m->wait)
		ret = last_boot_add(l, &l->evidence, "no record in memory: %s", reason);
	GATHER(ret, last_boot_find(m, s->tree, memory, true, l));
	return ret < 0 ? ret : last_boot_save(l, m);
}

static int mark(const struct machine *m, const struct setting *s, struct last_boot *l)
{
	const struct node *last_boot = node_child(s->tree, "last_boot");
	int ret = last_boot_mark(m, last_boot, l);

	if (ret < 0 && ret != -ENOMEM)
		log_warning("last_boot: that this boot runs is not noted: %s", strerror(-ret));
	return ret == -ENOMEM ? ret : 0;
}

/* What a stage without the archive took for evidence may be none. */
static void forget_stuck(const struct machine *m, const struct setting *s, struct last_boot *l)
{
	if (m->wait || !last_boot_counts_stuck(m, node_child(s->tree, "last_boot"), l))
		return;
	l->evidence = l->records = l->seen = NULL;
	l->cause = l->log = NULL;
	l->crashes = 0;
}

static int settle(const struct machine *m, const struct setting *s, struct last_boot *l, char **why)
{
	const struct node *last_boot = node_child(s->tree, "last_boot");
	int ret = 0;

	if (last_boot) {
		ret = last_boot_ask_trace(m, last_boot, l);
		if (ret >= 0)
			ret = last_boot_save(l, m); /* known even if nothing can be kept */
		if (ret >= 0)
			ret = last_boot_archive(m, last_boot, l, why);
	}
	if (ret >= 0 && last_boot_settle(m, s->tree, l, false) == -ENOMEM)
		ret = -ENOMEM;
	return ret;
}

static int last_boot_write(const struct machine *m, const struct setting *s, char **why)
{
	_cleanup_(last_boot_free) struct last_boot l = { .cause = CAUSE_UNKNOWN };
	int ret = last_boot_load(m, &l);

	if (ret >= 0)
		forget_stuck(m, s, &l);
	if (m->entering && (ret >= 0 || ret == -ENOENT))
		return mark(m, s, &l);
	if (ret == -ENOENT || (ret >= 0 && !m->wait))
		ret = gather(m, s, &l);
	if (ret < 0 || m->wait)
		return ret;
	ret = settle(m, s, &l, why);
	if (ret >= 0 && l.uncopied < 0) {
		if (asprintf(why, "%s/" LAST_BOOT_RECORDS ": %s", m->run.path,
			     strerror(-l.uncopied)) < 0)
			*why = NULL;
		return l.uncopied;
	}
	if (ret < 0 && ret != -ENOMEM && !*why &&
	    asprintf(why, "%s%s: %s", m->root.path, node_setting(s->node, "archive"),
		     strerror(-ret)) < 0)
		*why = NULL;
	if (ret < 0)
		return ret;
	l.archived = true;
	return last_boot_save(&l, m);
}

/* What was archived is nobody's to take back. */
static int last_boot_undo(const struct machine *m, const struct setting *s, const char *before)
{
	(void)m;
	(void)s;
	(void)before;
	return 0;
}

const struct setting_ops last_boot_ops = {
	.name = "last_boot",
	.stages = STAGE_DEVICES | STAGE_ROOT | STAGE_SYSTEM,
	.describe = last_boot_describe,
	.read = last_boot_read,
	.write = last_boot_write,
	.undo = last_boot_undo,
};
