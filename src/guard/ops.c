/* The guard as a setting: whether it runs and can follow the rule. */
#include "guard/client.h"
#include "setting/setting.h"

static int guard_describe(const struct machine *m, struct arena *a, struct setting *s)
{
	s->path = node_identity(s->node);
	s->key = arena_printf(a, "protect.%s", s->path);
	s->file = arena_printf(a, "%s/holdfast/guard.sock", m->run.path);
	s->wanted = "guarded";
	return s->key && s->file ? 0 : -ENOMEM;
}

static int guard_read(const struct machine *m, const struct setting *s, struct state *ret_state)
{
	_cleanup_(arena_free) struct arena a = { 0 };
	struct guard_status status;
	int ret = guard_status_read(m, &a, &status);

	if (ret < 0)
		return ret;
	if (status.forbidden)
		return -EACCES;
	ret_state->holds = status.running;
	for (const struct guard_problem *p = status.problems; p; p = p->next)
		if (streq(p->service, s->path)) {
			ret_state->holds = false;
			ret_state->why = strdup(p->text);
			break;
		}
	if (!status.running)
		ret_state->why = strdup("the guard does not run: start holdfast-guard.service");
	ret_state->value = strdup(ret_state->holds ? "guarded" : "not guarded");
	return ret_state->value ? 0 : -ENOMEM;
}

/* Starting it is init's business. */
static int guard_write(const struct machine *m, const struct setting *s, char **why)
{
	_cleanup_(state_free) struct state now = { 0 };
	int ret = guard_read(m, s, &now);

	if (ret < 0)
		return ret;
	*why = TAKE_PTR(now.why);
	return -ESRCH;
}

static int guard_undo(const struct machine *m, const struct setting *s, const char *before)
{
	(void)m;
	(void)s;
	(void)before;
	return -EOPNOTSUPP;
}

const struct setting_ops guard_ops = {
	.name = "guard",
	.stages = STAGE_SYSTEM,
	.describe = guard_describe,
	.read = guard_read,
	.write = guard_write,
	.undo = guard_undo,
};
