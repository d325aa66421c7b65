#include "guard/leash.h"

#include <fcntl.h>

#include "base/log.h"

/* How often a service is looked at that has used more than half of its leash, or less. */
#define NEAR_MS 1000
#define FAR_MS 5000

static void cut(struct policy *p, struct member *m, struct process *proc, int64_t rss)
{
	if (process_set_score(proc, m->rule->release_to, NULL) < 0)
		return;
	m->kind = MEMBER_LEASHED;
	p->leashed++;
	log_warning("guard: %s[%d]: %lld MiB resident, more than its max_rss of %lld MiB: it loses "
		    "its protection",
		    m->rule->service, (int)m->pid, (long long)(rss >> 20),
		    (long long)(m->rule->max_rss >> 20));
}

/* The milliseconds until the next look; -1: nobody has a leash. */
static int look(struct policy *p)
{
	int next = -1;

	family_foreach(m, p->family)
	{
		struct process proc;
		int64_t rss;

		if (m->kind != MEMBER_PINNED || !m->rule->max_rss ||
		    process_open(p->procfs, m->pid, &proc) < 0)
			continue;
		if (pin_is_same(m, &proc) && process_rss(&proc, &rss) == 0) {
			if (rss > m->rule->max_rss)
				cut(p, m, &proc, rss);
			else if (rss > m->rule->max_rss / 2)
				next = NEAR_MS;
			else if (next < 0)
				next = FAR_MS;
		}
		process_close(&proc);
	}
	return next;
}

int leash_check(struct policy *p, int64_t *at)
{
	int64_t now = policy_now();

	if (now >= *at) {
		int next = look(p);

		now = policy_now();
		*at = next < 0 ? INT64_MAX : now + next;
	}
	return *at == INT64_MAX ? -1 : (int)(*at - now);
}

int leash_open(const struct root *procfs)
{
	/* As sensitive as the kernel lets us: memory can run out quickly. */
	static const char *const triggers[] = { "some 5000 500000", "some 150000 2000000" };
	_cleanup_close_ int fd = root_openat(procfs, "pressure/memory", O_RDWR | O_NONBLOCK);

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < ARRAY_SIZE(triggers); i++)
		if (write(fd, triggers[i], strlen(triggers[i]) + 1) > 0)
			return TAKE_FD(fd);
	return -errno;
}
