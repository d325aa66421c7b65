#include "insight/memcg.h"

#include "insight/badness.h"

#define MAX_VALUE 64

/* A number of a cgroup's file, in bytes; -1 for "max", what is beyond any machine, and no file. */
static int64_t read_bytes(const struct root *sysfs, const char *hierarchy, const char *path,
			  const char *name)
{
	_cleanup_free_ char *file = NULL, *text = NULL;
	long long bytes;

	if (asprintf(&file, "fs/cgroup%s%s/%s", hierarchy, path, name) < 0) {
		file = NULL;
		return -1;
	}
	if (root_read_text(sysfs, file, MAX_VALUE, &text) < 0 || *text < '0' || *text > '9')
		return -1;
	bytes = strtoll(text, NULL, 10);
	return bytes >= INT64_C(1) << 60 ? -1 : bytes;
}

static bool has_file(const struct root *sysfs, const char *hierarchy, const char *path,
		     const char *name)
{
	_cleanup_free_ char *file = NULL;

	if (asprintf(&file, "fs/cgroup%s%s/%s", hierarchy, path, name) < 0) {
		file = NULL;
		return false;
	}
	return root_exists(sysfs, file) == 0;
}

static int64_t read_swappiness(const struct root *procfs)
{
	_cleanup_free_ char *text = NULL;

	return root_read_text(procfs, "sys/vm/swappiness", MAX_VALUE, &text) < 0
		       ? 60
		       : strtoll(text, NULL, 10);
}

/* What the cgroup may use of the swap counts as memory, unless it is never swapped. */
static void add_up(const struct root *procfs, bool swappy, struct memcg *m)
{
	struct meminfo info;
	int64_t swap = 0;

	if (meminfo_read(procfs, &info) == 0 && info.swap_total > 0 && swappy)
		swap = m->swap_kb >= 0 && m->swap_kb < info.swap_total ? m->swap_kb
								       : info.swap_total;
	m->total_pages = badness_pages(m->limit_kb) + badness_pages(swap);
}

static bool is_kill_disabled(const struct root *sysfs, const char *path)
{
	_cleanup_free_ char *file = NULL, *text = NULL;

	if (asprintf(&file, "fs/cgroup/memory%s/memory.oom_control", path) < 0) {
		file = NULL;
		return false;
	}
	return root_read_text(sysfs, file, 4096, &text) >= 0 && strstr(text, "oom_kill_disable 1");
}

/* Version 1 in its own hierarchy; else false. */
static bool read_v1(const struct root *procfs, const struct root *sysfs, struct memcg *m)
{
	int64_t limit, both;

	if (!has_file(sysfs, "/memory", m->path, "memory.limit_in_bytes"))
		return false;
	limit = read_bytes(sysfs, "/memory", m->path, "memory.limit_in_bytes");
	both = read_bytes(sysfs, "/memory", m->path, "memory.memsw.limit_in_bytes");
	m->limit_kb = limit < 0 ? -1 : limit / 1024;
	m->kill_disabled = is_kill_disabled(sysfs, m->path);
	m->swap_kb = both < 0 || limit < 0 ? -1 : (both - limit) / 1024;
	add_up(procfs, read_bytes(sysfs, "/memory", m->path, "memory.swappiness") != 0, m);
	return true;
}

static void read_v2(const struct root *procfs, const struct root *sysfs, struct memcg *m)
{
	int64_t limit = read_bytes(sysfs, "", m->path, "memory.max");
	int64_t swap = read_bytes(sysfs, "", m->path, "memory.swap.max");

	m->limit_kb = limit < 0 ? -1 : limit / 1024;
	m->swap_kb = swap < 0 ? -1 : swap / 1024;
	add_up(procfs, read_swappiness(procfs) != 0, m);
}

/* "/a/b" for "a//b/", "/sys/fs/cgroup/./a/b" and the like; "" with "..", which is no way to name a
 * cgroup. */
static char *normal_path(struct arena *a, const char *path)
{
	static const char *const mounts[] = { "/sys/fs/cgroup/memory", "/sys/fs/cgroup" };
	char *normal = arena_strdup(a, "/");
	const char *rest;
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++)
		if ((rest = after_prefix(path, mounts[i])) && (!*rest || *rest == '/')) {
			path = rest;
			break;
		}
	for (; normal && *(path += strspn(path, "/")); path += n) {
		n = strcspn(path, "/");
		if (n == 2 && strncmp(path, "..", n) == 0)
			return arena_strdup(a, "");
		if (n != 1 || *path != '.')
			normal = arena_printf(a, "%s%s%.*s", normal, normal[1] ? "/" : "", (int)n,
					      path);
	}
	return normal;
}

int memcg_find(const struct root *procfs, const struct root *sysfs, struct arena *a,
	       const char *path, struct memcg *ret_memcg)
{
	char *at = normal_path(a, path), *slash;
	struct memcg lowest = { .path = "/", .limit_kb = -1, .own_kb = -1 };
	struct meminfo info = { .total = -1 };

	if (!at)
		return -ENOMEM;
	if (!*at || (!has_file(sysfs, "/memory", at, "memory.limit_in_bytes") &&
		     !has_file(sysfs, "", at, "cgroup.procs")))
		return -ENOENT;
	lowest.asked = arena_strdup(a, at);
	if (meminfo_read(procfs, &info) < 0)
		info.total = -1;
	for (bool own = true; lowest.path; own = false) {
		struct memcg m = { .asked = lowest.asked, .path = at, .own_kb = lowest.own_kb };

		if (!read_v1(procfs, sysfs, &m))
			read_v2(procfs, sysfs, &m);
		if (own)
			m.own_kb = lowest.own_kb = m.limit_kb;
		if (m.limit_kb >= 0 && (info.total < 0 || m.limit_kb < info.total) &&
		    (lowest.limit_kb < 0 || m.limit_kb < lowest.limit_kb)) {
			lowest = m;
			lowest.path = arena_strdup(a, at);
		}
		slash = strrchr(at, '/');
		if (slash == at)
			break;
		*slash = '\0';
	}
	if (!lowest.path || !lowest.asked)
		return -ENOMEM;
	*ret_memcg = lowest;
	return 0;
}

bool memcg_holds(const char *memcg, const char *path)
{
	const char *rest = path ? after_prefix(path, memcg) : NULL;

	return rest && (!*rest || *rest == '/' || streq(memcg, "/"));
}

const char *memcg_group(const struct root *sysfs, struct arena *a, const char *path,
			const char *top)
{
	char *at = arena_strdup(a, path), *slash;
	const char *group = NULL;

	/* The root has no such file. */
	while (at && at[0] && at[1] && memcg_holds(top, at)) {
		if (read_bytes(sysfs, "", at, "memory.oom.group") == 1)
			group = arena_strdup(a, at);
		slash = strrchr(at, '/');
		*(slash ? slash : at) = '\0';
	}
	return group;
}
