#include "guard/client.h"

#include "guard/control.h"

/* The next field of a line: up to a tab or its end. */
static char *field(char **rest)
{
	char *start = *rest, *end = start ? strpbrk(start, "\t\n") : NULL;

	if (end)
		*end = '\0';
	*rest = end ? end + 1 : NULL;
	return start ? start : (char *)"";
}

static int64_t number(char **rest)
{
	return strtoll(field(rest), NULL, 10);
}

static void read_guard(struct guard_status *s, char *rest)
{
	s->running = true;
	s->pid = number(&rest);
	s->gated = number(&rest);
	s->released = number(&rest);
	s->lost_events = number(&rest);
	s->rescans = number(&rest);
	s->leashed = number(&rest);
	s->drifted = number(&rest);
	s->failed = number(&rest);
}

static int read_pin(struct guard_status *s, struct arena *a, char *rest)
{
	struct guard_pin *pin = arena_alloc(a, sizeof(*pin)), **tail = &s->pins;

	if (!pin)
		return -ENOMEM;
	pin->service = field(&rest);
	pin->pid = number(&rest);
	pin->oom_score_adj = number(&rest);
	pin->how = field(&rest);
	pin->since = number(&rest);
	pin->exe = rest ? rest : ""; /* a tab may be in it */
	while (*tail)
		tail = &(*tail)->next;
	*tail = pin;
	return 0;
}

static int read_problem(struct guard_status *s, struct arena *a, char *rest)
{
	struct guard_problem *problem = arena_alloc(a, sizeof(*problem));

	if (!problem)
		return -ENOMEM;
	problem->service = field(&rest);
	problem->text = field(&rest);
	problem->next = s->problems;
	s->problems = problem;
	return 0;
}

int guard_status_read(const struct machine *m, struct arena *a, struct guard_status *ret_status)
{
	_cleanup_free_ char *answer = NULL;
	struct guard_status s = { 0 };
	char *text, *line, *next;
	int ret = 0;

	ret = control_ask(m, "status\n", &answer);
	if (ret < 0) {
		s.forbidden = ret == -EACCES;
		*ret_status = s;
		return 0;
	}
	text = arena_strdup(a, answer);
	if (!text)
		return -ENOMEM;
	for (line = text; line && *line && ret >= 0; line = next) {
		const char *kind = line;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		field(&line);
		if (streq(kind, "guard"))
			read_guard(&s, line);
		else if (streq(kind, "pinned"))
			ret = read_pin(&s, a, line);
		else if (streq(kind, "problem"))
			ret = read_problem(&s, a, line);
	}
	if (ret >= 0)
		*ret_status = s;
	return ret;
}
