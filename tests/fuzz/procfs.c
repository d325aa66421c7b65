/* Any files below /proc: processes with their scores and cgroups, who would be killed, and what the
 * guard reads of one of them. */
#include "guard/process.h"
#include "insight/predict.h"
#include "tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_prediction(const struct machine *m, const struct memcg *memcg,
			     const struct procs *procs)
{
	struct arena a = { 0 };
	struct predict_rules rules;
	struct prediction p;

	if (predict_rules_read(m, memcg, &rules) == 0) {
		if (predict(&m->sysfs, &a, &rules, procs, &p) < 0 || p.n > procs->n ||
		    p.killable > p.n)
			abort();
		for (size_t i = 1; i < p.killable; i++)
			if (p.list[i - 1].badness.points < p.list[i].badness.points)
				abort();
	}
	arena_free(&a);
}

static void read_process(const struct root *procfs, pid_t pid)
{
	struct process p;
	struct process_ids ids;
	struct process_stat st;
	char args[256];
	struct file_id exe;
	ino_t user_namespace;
	int score, before;
	int64_t rss;

	if (process_open(procfs, pid, &p) < 0)
		return;
	(void)!process_get_score(&p, &score);
	(void)!process_ids(&p, &ids);
	(void)!process_stat(&p, &st);
	(void)!process_rss(&p, &rss);
	(void)!process_args(&p, args, sizeof(args));
	(void)process_in_unit(&p, "a.service");
	(void)process_lives(&p);
	(void)!process_exe(&p, &exe);
	(void)!process_user_namespace(&p, &user_namespace);
	if (process_set_score(&p, -1000, &before) == 0 &&
	    (process_get_score(&p, &score) < 0 || score != -1000))
		abort();
	process_close(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const cgroups[] = { "/a/b", "/sys/fs/cgroup/memory//a/./b/", "/a/../b" };
	const unsigned everything =
		PROC_STATUS | PROC_SCORE | PROC_ADJ | PROC_CGROUP | PROC_START | PROC_RSS;
	struct machine m = { .run = ROOT_NONE };
	struct arena a = { 0 };
	struct procs procs;
	struct users users;
	struct memcg memcg;
	char buffer[16];

	fuzz_lay_out("proc/7/status", data, size);
	m.procfs = fuzz_root("proc");
	m.sysfs = fuzz_root("sys");
	m.root = fuzz_root("root");
	if (procs_read(&m.procfs, everything, &procs) == 0) {
		procs_find_lenders(&m.procfs, &procs);
		check_prediction(&m, NULL, &procs);
		if (memcg_find(&m.procfs, &m.sysfs, &a, cgroups[size % ARRAY_SIZE(cgroups)],
			       &memcg) == 0)
			check_prediction(&m, &memcg, &procs);
		procs_free(&procs);
	}
	if (users_read(&m.root, &users) == 0) {
		(void)users_name(&users, 0, buffer);
		users_free(&users);
	}
	read_process(&m.procfs, 7);
	arena_free(&a);
	root_close(&m.procfs);
	root_close(&m.sysfs);
	root_close(&m.root);
	return 0;
}
