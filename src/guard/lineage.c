#include "guard/lineage.h"

#include <sys/wait.h>

#include "guard/pin.h"
#include "guard/release.h"
#include "guard/scan.h"

/* A daemon's first process ends soon after it has forked the real one. */
#define DAEMONISE_MS 10000
/* Those who fork and end at once are not to have us look at everybody all the time. */
#define LOOK_APART_TICKS 10

static bool is_followed(const struct member *m)
{
	return m->in_program && m->kind != MEMBER_LEASHED && m->rule->children != CHILDREN_INHERIT;
}

/* @program: what came to the gate. 1, 0 or -errno. */
static int runs_service(const struct rule *rule, struct process *proc,
			const struct file_id *program)
{
	struct file_id exe;
	int ret = process_exe(proc, &exe);

	if (ret < 0)
		return ret;
	return file_id_equal(&exe, program) ? 1 : rule_runs(rule, proc, &exe);
}

/* 1, 0 or -errno. */
static int is_service(struct policy *p, struct process *proc, const struct rule *rule,
		      const struct file_id *program)
{
	struct process_stat st;
	int ret = process_stat(proc, &st);

	if (ret >= 0)
		ret = runs_service(rule, proc, program);
	return ret > 0 ? rule_fits(rule, proc, p->user_namespace, true) : ret;
}

/* @m takes the place of one that has ended well, ran @program, was pinned by @how and at
 * @pinned_at; it may have ended since. What cannot be looked at now is left to the next scan. */
static bool promote(struct policy *p, struct member *m, enum how how, const struct file_id *program,
		    int64_t pinned_at)
{
	const struct rule *rule = m->rule;
	struct process proc;
	int fits = process_open(p->procfs, m->pid, &proc);
	bool alive;

	if (fits >= 0)
		fits = is_service(p, &proc, rule, program);
	alive = proc.fd >= 0 && pin_is_same(m, &proc) && process_lives(&proc);
	if (alive && fits > 0 && !pin_process(p, &proc, rule, how))
		fits = process_lives(&proc) ? -EAGAIN : -ESRCH;
	else if (fails_for_now(fits))
		pin_failed(p, m->pid, rule, fits);
	alive = alive && process_lives(&proc);
	process_close(&proc);
	if (fails_for_now(fits)) {
		family_remove(p->family, m);
		return true;
	}
	if (alive && fits <= 0)
		return false;
	m->kind = MEMBER_PINNED; /* one that has ended since hands it on when we hear of its end */
	m->how = how;
	m->confirmed = true;
	m->due = 0;
	m->program = *program;
	m->pinned_at = pinned_at;
	if (alive)
		pin_say(p, m, "took over from its parent", rule->score);
	return true;
}

/* Its own forks may not all have been told: it ended, or ends now, before its events were let
 * through. */
static bool may_have_forked(const struct member *m)
{
	return m->unseen || (m->fresh && !m->gated);
}

/* A daemon's first process forks the real one and ends well: the fork takes its place, at once or
 * when it is found. */
static void promote_daemon(struct policy *p, const struct member *gone)
{
	family_foreach(
		m, p->family) if (m->kind == MEMBER_CHILD && m->parent == gone->pid && m->forked &&
				  promote(p, m, gone->how, &gone->program, gone->pinned_at)) return;
	if (may_have_forked(gone))
		family_add_ghost(p->family, &(struct ghost){ .pid = gone->pid,
							     .place = gone->pid,
							     .session = gone->session,
							     .rule = gone->rule,
							     .program = gone->program });
	for (unsigned i = 0; i < GHOSTS; i++) {
		struct ghost *g = &p->family->ghosts[i];

		if (g->pid && g->place == gone->pid) {
			g->vacant = true;
			g->how = gone->how;
			g->pinned_at = gone->pinned_at;
		}
	}
}

/* A child of the member that @g is about, or of one that stood in its place. */
static void take_in(struct policy *p, struct process *child, const struct ghost *g)
{
	struct member *m;

	if (pin_keeps_program(g->rule))
		release_watch(p, child, g->rule, CHILD_FORKED);
	else
		release_and_watch(p, child, g->rule, CHILD_FORKED);
	m = family_find(p->family, child->pid);
	if (!m)
		return;
	m->parent = g->place;
	m->program = g->program;
	if (!m->session) /* it has ended while we looked */
		m->session = g->session;
}

void lineage_fork(struct policy *p, pid_t parent_pid, pid_t pid)
{
	const struct member *parent = family_find(p->family, parent_pid);
	struct process child;
	struct ghost g;

	if (!parent || !is_followed(parent))
		return;
	g = (struct ghost){ .pid = pid,
			    .place = parent_pid,
			    .session = parent->session,
			    .rule = parent->rule,
			    .program = parent->program };
	if (process_open(p->procfs, pid, &child) >= 0 && process_lives(&child))
		take_in(p, &child, &g);
	else
		family_add_ghost(p->family, &g);
	process_close(&child);
}

/* A child's children are those of whom it stood for: its parent may end after it, in a double fork.
 */
static void pass_on_place(struct policy *p, const struct member *gone)
{
	family_foreach(child, p->family) if (child->parent == gone->pid) child->parent =
		gone->parent;
}

static void leave(struct policy *p, struct member *m, bool well)
{
	const struct member gone = *m;

	family_remove(p->family, m);
	if (gone.kind == MEMBER_CHILD && may_have_forked(&gone) && is_followed(&gone))
		family_add_ghost(p->family, &(struct ghost){ .pid = gone.pid,
							     .place = gone.parent,
							     .session = gone.session,
							     .rule = gone.rule,
							     .program = gone.program });
	if (gone.kind == MEMBER_CHILD)
		pass_on_place(p, &gone);
	else if (gone.kind == MEMBER_PINNED && well &&
		 policy_now() - gone.pinned_at <= DAEMONISE_MS)
		promote_daemon(p, &gone);
}

void lineage_missed_end(struct policy *p, struct member *m)
{
	leave(p, m, true);
}

/* The first thread has ended, others live, or one of them executes a program in its place. */
static bool lives_on(struct policy *p, pid_t pid)
{
	struct process proc;
	bool lives = process_open(p->procfs, pid, &proc) >= 0 && process_lives(&proc);

	process_close(&proc);
	return lives;
}

void lineage_end(struct policy *p, const struct procevent *e)
{
	struct member *m = family_find(p->family, e->pid);

	if (!m)
		return;
	if (lives_on(p, e->pid)) {
		pin_schedule(m, PIN_THREADS_MS);
		return;
	}
	leave(p, m, WIFEXITED(e->status) && WEXITSTATUS(e->status) == 0);
}

/* How likely @g has left it behind; 0: it has not. It has the service's score, or what its parent
 * was released to; in the second case only what runs the program matters, which a scan would take
 * for the service. So does what has begun a session of its own, once: where there is a gate, the
 * program that did not come there was forked. */
static int kinship(struct policy *p, struct process *proc, const struct ghost *g)
{
	struct process_stat st;
	int score;

	if (!g->pid || process_stat(proc, &st) < 0 || st.start_time > g->ended ||
	    process_get_score(proc, &score) < 0)
		return 0;
	if (st.session == g->pid || st.session == g->session)
		return score == g->rule->score || scan_rule_of(p, proc) == g->rule ? 2 : 0;
	if (st.session != proc->pid || g->found || !p->gated || g->rule->args ||
	    scan_rule_of(p, proc) != g->rule)
		return 0;
	return 1;
}

/* PIDs are given in order, but for a turn now and then. */
static unsigned distance(const struct process *proc, const struct ghost *g)
{
	return (unsigned)(proc->pid - g->pid);
}

/* Of two that are as likely the one that has left nothing else behind, where several share a
 * session; then the last before it. */
static bool is_likelier(const struct process *proc, const struct ghost *a, const struct ghost *b)
{
	return a->found != b->found ? !a->found : distance(proc, a) < distance(proc, b);
}

/* NULL: none, or one whose turn comes with the next look. */
static struct ghost *find_ghost(struct policy *p, struct process *proc)
{
	struct ghost *found = NULL;
	int most = 1;

	for (unsigned i = 0; i < GHOSTS; i++) {
		struct ghost *g = &p->family->ghosts[i];
		int n = kinship(p, proc, g);

		if (n > most || (n == most && (!found || is_likelier(proc, g, found)))) {
			found = g;
			most = n;
		}
	}
	return found && found->ended + GHOST_RIPE_TICKS <= p->looked_at ? found : NULL;
}

static void visit_orphan(struct policy *p, struct process *proc)
{
	struct ghost *g;
	struct member *m;

	if (family_find(p->family, proc->pid) || !process_lives(proc))
		return;
	g = find_ghost(p, proc);
	if (!g)
		return;
	g->found = true;
	if (runs_service(g->rule, proc, &g->program) <= 0) { /* of its exec we heard nothing */
		release_and_watch(p, proc, g->rule, CHILD_DEPARTED);
		return;
	}
	take_in(p, proc, g);
	m = family_find(p->family, proc->pid);
	if (m && g->vacant && promote(p, m, g->how, &g->program, g->pinned_at))
		g->vacant = false;
}

/* When the first ghost is; UINT64_MAX where there is none. */
static uint64_t ripe_at(const struct family *f)
{
	uint64_t at = UINT64_MAX;

	for (unsigned i = 0; i < GHOSTS; i++)
		if (f->ghosts[i].pid && f->ghosts[i].ended + GHOST_RIPE_TICKS < at)
			at = f->ghosts[i].ended + GHOST_RIPE_TICKS;
	return at;
}

void lineage_look(struct policy *p)
{
	uint64_t now = process_ticks();

	if (ripe_at(p->family) > now)
		return;
	p->looked_at = now;
	scan_each(p, visit_orphan);
	family_lay_ghosts(p->family, now - GHOST_RIPE_TICKS - LOOK_APART_TICKS);
}

int lineage_due(const struct policy *p)
{
	uint64_t due = ripe_at(p->family), now = process_ticks();

	if (due == UINT64_MAX)
		return -1;
	if (due < p->looked_at + LOOK_APART_TICKS)
		due = p->looked_at + LOOK_APART_TICKS;
	return due > now ? (int)((due - now) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK)) : 0;
}
