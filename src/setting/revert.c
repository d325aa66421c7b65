/* Taking back what a report says was set. */
#include "base/signals.h"
#include "setting/plan.h"
#include "setting/sysctl.h"

static int one_way(const struct outcome *o, struct outcome *back)
{
	const char *why = sysctl_one_way(o->path + strlen("sys/"), o->after);

	if (!why)
		return 0;
	back->result = RESULT_FAILED;
	back->error = -EPERM;
	back->text = why;
	return 1;
}

/* Whether it is still as we left it. Options were compared when they were set: of anything but a
 * sysctl the first word tells. */
static bool is_ours(const struct setting *s, const char *now, const char *after)
{
	size_t n = s->ops == &sysctl_ops ? strlen(after) : strcspn(after, " ");

	return strncmp(now, after, n) == 0 && (!now[n] || (now[n] == ' ' && s->ops != &sysctl_ops));
}

/* The kernel sets a key to 0 when its sibling is written; where it did not, that is ours to do. */
static int undo(const struct machine *m, const struct setting *s, const struct outcome *o)
{
	_cleanup_(state_free) struct state now = { 0 };
	int ret;

	if (!o->undo_path)
		return s->ops->undo(m, s, o->before);
	ret = root_write_text(&m->procfs, o->undo_path, o->undo_value);
	if (ret >= 0)
		ret = s->ops->read(m, s, &now);
	return ret < 0 || streq_null(now.value, o->before) ? ret : s->ops->undo(m, s, o->before);
}

static int put_back(const struct machine *m, const struct setting *s, const struct outcome *o,
		    struct report *done, struct outcome *back)
{
	_cleanup_(state_free) struct state now = { 0 }, after = { 0 };
	int ret = s->ops->read(m, s, &now);

	if (ret < 0)
		goto failed;
	back->before = report_keep(done, now.value);
	if (!is_ours(s, now.value, o->after)) {
		back->result = RESULT_DRIFTED;
		back->after = back->before;
		back->text = "somebody else changed it since; left alone";
		return 0;
	}
	if (s->ops == &sysctl_ops && one_way(o, back))
		return 0;
	ret = undo(m, s, o);
	if (ret >= 0)
		ret = s->ops->read(m, s, &after);
	if (ret < 0)
		goto failed;
	back->after = report_keep(done, after.value);
	back->result = RESULT_SET;
	if (!streq_null(after.value, o->before))
		plan_fail(done, back, s, -EIO, "it reads otherwise afterwards");
	return 0;
failed:
	if (ret != -ENOMEM)
		plan_fail(done, back, s, ret, NULL);
	return ret == -ENOMEM ? ret : 0;
}

static int revert_one(const struct machine *m, const struct outcome *o, struct report *done)
{
	struct outcome *back = arena_alloc(&done->arena, sizeof(*back));
	struct setting s = {
		.ops = setting_ops_named(o->kind), .key = o->key, .path = o->path, .file = o->file
	};
	int ret;

	if (!back)
		return -ENOMEM;
	if (!s.ops || !s.path || !o->before || !o->after)
		return 0;
	*back = (struct outcome){ .kind = o->kind,
				  .key = o->key,
				  .file = o->file,
				  .wanted = o->before,
				  .source = o->source,
				  .required = true };
	ret = put_back(m, &s, o, done, back);
	if (ret < 0)
		return ret;
	report_add(done, back);
	return 0;
}

static int revert_from(const struct machine *m, const struct outcome *o, struct report *done)
{
	int ret;

	if (!o)
		return 0;
	ret = revert_from(m, o->next, done);
	if (ret < 0 || o->result != RESULT_SET)
		return ret;
	if (signals_came())
		return -EINTR;
	return revert_one(m, o, done);
}

int plan_revert(const struct machine *m, const struct report *r, struct report *done)
{
	return revert_from(m, r->settings, done);
}
