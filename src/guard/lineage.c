#include "guard/lineage.h"

#include <sys/wait.h>

#include "guard/pin.h"
#include "guard/release.h"
#include "guard/scan.h"

/* A daemon's first process ends soon after it has forked the real one. */
#define DAEMONISE_MS 10000
/* Those who fork and end at once are not to have us look at everybody all the time. */
#define LOOK_APART_MS 100

static bool is_followed(const struct member *m)
{
	return m->in_program && m->kind != MEMBER_LEASHED && m->rule->children != CHILDREN_INHERIT;
}

/* @program: what came to the gate. */
static bool runs_service(const struct rule *rule, struct process *proc,
			 const struct file_id *program)
{
	struct file_id exe;

	return process_exe(proc, &exe) == 0 &&
	       (file_id_equal(&exe, program) || rule_runs(rule, proc, &exe));
}

/* @m takes the place of one that has ended well, ran @program, was pinned by @how and at
 * @pinned_at; it may have ended since. */
static bool promote(struct policy *p, struct member *m, enum how how, const struct file_id *program,
		    int64_t pinned_at)
{
	const struct rule *rule = m->rule;
	struct process proc;
	bool alive, fits;

	if (process_open(p->procfs, m->pid, &proc) < 0)
		proc.fd = -EBADF;
	alive = proc.fd >= 0 && pin_is_same(m, &proc) && process_lives(&proc);
	fits = alive && runs_service(rule, &proc, program) &&
	       rule_fits(rule, &proc, p->user_namespace, true) &&
	       (m = pin_process(p, &proc, rule, how));
	process_close(&proc);
	if (alive && !fits)
		return false;
	m->kind = MEMBER_PINNED; /* one that has ended since hands it on when we hear of its end */
	m->confirmed = true;
	m->due = 0;
	m->pinned_at = pinned_at;
	if (alive)
		pin_say(p, m, "took over from its parent", rule->score);
	return true;
}

/* A daemon's first process forks the real one and ends well: the fork takes its place, at once or
 * when it is found. */
static void promote_daemon(struct policy *p, const struct member *gone)
{
	family_foreach(
		m, p->family) if (m->kind == MEMBER_CHILD && m->parent == gone->pid && m->forked &&
				  promote(p, m, gone->how, &gone->program, gone->pinned_at)) return;
	for (unsigned i = 0; i < GHOSTS; i++) {
		struct ghost *g = &p->family->ghosts[i];

		if (g->pid && g->place == gone->pid) {
			g->vacant = true;
			g->how = gone->how;
			g->program = gone->program;
			g->pinned_at = gone->pinned_at;
		}
	}
}

/* A child of @place, or of one that stood there. */
static void take_in(struct policy *p, struct process *child, const struct rule *rule, pid_t place,
		    pid_t session)
{
	struct member *m;

	if (pin_keeps_program(rule))
		release_watch(p, child, rule, CHILD_FORKED);
	else
		release_and_watch(p, child, rule, CHILD_FORKED);
	m = family_find(p->family, child->pid);
	if (!m)
		return;
	m->parent = place;
	if (!m->session) /* it has ended while we looked */
		m->session = session;
}

void lineage_fork(struct policy *p, pid_t parent_pid, pid_t pid)
{
	const struct member *parent = family_find(p->family, parent_pid);
	struct process child;

	if (!parent || !is_followed(parent))
		return;
	if (process_open(p->procfs, pid, &child) >= 0 && process_lives(&child))
		take_in(p, &child, parent->rule, parent_pid, parent->session);
	else
		family_add_ghost(p->family, &(struct ghost){ .pid = pid,
							     .place = parent_pid,
							     .session = parent->session,
							     .rule = parent->rule });
	process_close(&child);
}

/* A child's children are those of whom it stood for: its parent may end after it, in a double fork.
 */
static void pass_on_place(struct policy *p, const struct member *gone)
{
	family_foreach(child, p->family) if (child->parent == gone->pid) child->parent =
		gone->parent;
}

void lineage_missed_end(struct policy *p, struct member *m)
{
	const struct member gone = *m;

	if (m->kind == MEMBER_CHILD && is_followed(m))
		family_add_ghost(p->family, &(struct ghost){ .pid = m->pid,
							     .place = m->parent,
							     .session = m->session,
							     .rule = m->rule });
	family_remove(p->family, m);
	if (gone.kind == MEMBER_CHILD)
		pass_on_place(p, &gone);
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
	struct member gone;

	if (!m)
		return;
	if (lives_on(p, e->pid)) {
		pin_schedule(m, PIN_THREADS_MS);
		return;
	}
	gone = *m;
	family_remove(p->family, m);
	if (gone.kind == MEMBER_CHILD)
		pass_on_place(p, &gone);
	else if (gone.kind == MEMBER_PINNED && WIFEXITED(e->status) &&
		 WEXITSTATUS(e->status) == 0 && policy_now() - gone.pinned_at <= DAEMONISE_MS)
		promote_daemon(p, &gone);
}

/* It has the service's score, or what its parent was released to; in the second case only what runs
 * the program matters, which a scan would take for the service. */
static bool is_left_by(struct policy *p, struct process *proc, const struct ghost *g)
{
	struct process_stat st;
	int score;

	return g->pid && process_stat(proc, &st) == 0 &&
	       (st.session == g->pid || st.session == g->session) &&
	       process_get_score(proc, &score) == 0 &&
	       (score == g->rule->score || scan_rule_of(p, proc) == g->rule);
}

static void visit_orphan(struct policy *p, struct process *proc)
{
	if (family_find(p->family, proc->pid) || !process_lives(proc))
		return;
	for (unsigned i = 0; i < GHOSTS; i++) {
		struct ghost *g = &p->family->ghosts[i];
		struct member *m;

		if (!is_left_by(p, proc, g))
			continue;
		if (!runs_service(g->rule, proc, &g->program)) { /* of its exec we heard nothing */
			release_and_watch(p, proc, g->rule, CHILD_DEPARTED);
			return;
		}
		take_in(p, proc, g->rule, g->place, g->session);
		m = family_find(p->family, proc->pid);
		if (m && g->vacant && promote(p, m, g->how, &g->program, g->pinned_at))
			g->vacant = false;
		return;
	}
}

void lineage_look(struct policy *p)
{
	if (!p->family->haunted)
		return;
	p->looked_at = policy_now();
	scan_each(p, visit_orphan);
	family_lay_ghosts(p->family);
}

int lineage_check_due(struct policy *p)
{
	int64_t left = p->looked_at + LOOK_APART_MS - policy_now();

	if (!p->family->haunted)
		return -1;
	if (left > 0)
		return (int)left;
	lineage_look(p);
	return -1;
}
