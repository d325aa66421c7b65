#include "guard/family.h"

struct member *family_find(struct family *f, pid_t pid)
{
	family_foreach(m, f) if (m->pid == pid) return m;
	return NULL;
}

struct member *family_add(struct family *f, pid_t pid, enum member_kind kind)
{
	unsigned limit = kind == MEMBER_PINNED ? FAMILY_MAX : FAMILY_MAX - FAMILY_RESERVED;
	struct member *m = family_find(f, pid);

	for (unsigned i = 0; i < f->n && i < limit && !m; i++)
		if (!f->members[i].pid)
			m = &f->members[i];
	if (!m && f->n >= limit)
		return NULL;
	if (!m)
		m = &f->members[f->n++];
	*m = (struct member){ .pid = pid, .kind = kind, .fresh = true };
	f->grown = true;
	return m;
}

void family_remove(struct family *f, struct member *m)
{
	m->pid = 0;
	while (f->n > 0 && !f->members[f->n - 1].pid)
		f->n--;
}

void family_add_ghost(struct family *f, const struct ghost *g)
{
	struct ghost *place = &f->ghosts[f->n_ghosts++ % GHOSTS];

	*place = *g;
	place->ended = process_ticks();
}

bool family_has_unripe(const struct family *f, const struct rule *rule, uint64_t looked_at)
{
	for (unsigned i = 0; i < GHOSTS; i++)
		if (f->ghosts[i].pid && f->ghosts[i].rule == rule &&
		    f->ghosts[i].ended + GHOST_RIPE_TICKS > looked_at)
			return true;
	return false;
}

void family_lay_ghosts(struct family *f, uint64_t ticks)
{
	for (unsigned i = 0; i < GHOSTS; i++)
		if (f->ghosts[i].ended <= ticks)
			f->ghosts[i].pid = 0;
}

const char *how_name(enum how how)
{
	static const char *const names[] = { "exec", "event", "scan" };

	return names[how];
}
