/* One process, held by its directory below procfs: what is read and written through it is this
 * process's, or ESRCH once it is gone. No allocation: the exec gate uses it before it answers. */
#pragma once

#include <sys/types.h>

#include "base/root.h"

struct process {
	int fd;
	pid_t pid;
};

/* A file that does not change its nature while somebody holds or marks it. */
struct file_id {
	dev_t dev;
	ino_t ino;
};

/* -ESRCH or -ENOENT where there is no such process. */
int process_open(const struct root *procfs, pid_t pid, struct process *ret_process) _must_check_;
void process_close(struct process *p);

/* oom_score_adj, -1000 to 1000. */
int process_get_score(const struct process *p, int *ret_score) _must_check_;

/* Writes it if need be and reads it back. -EACCES without CAP_SYS_RESOURCE where it is lowered,
 * -EIO where it reads otherwise afterwards. */
int process_set_score(const struct process *p, int score) _must_check_;

/* The user, where real, effective, saved and file-system IDs are one; else -EPERM: a set-user-ID
 * program is nobody's. */
int process_uid(const struct process *p, uid_t *ret_uid) _must_check_;

/* The program it runs, as a file. -ENOENT for kernel threads. */
int process_exe(const struct process *p, struct file_id *ret_id) _must_check_;

/* Whether it is in our own user and PID namespaces. */
bool process_shares_namespaces(const struct process *p, const struct root *procfs);

/* Whether its cgroup is systemd unit @unit's, or below it: a component of the path, with nothing
 * but slices above, and not below user.slice, where users name units as they like. */
bool process_in_unit(const struct process *p, const char *unit);

/* The arguments, separated by blanks, cut at @size - 1. */
int process_args(const struct process *p, char *buffer, size_t size) _must_check_;

/* Parent and start time (clock ticks since boot), which together with the PID name the process
 * for good. */
struct process_stat {
	pid_t ppid;
	uint64_t start_time;
};

int process_stat(const struct process *p, struct process_stat *ret_stat) _must_check_;

/* Resident set in bytes: anonymous, file and shared pages. */
int process_rss(const struct process *p, int64_t *ret_bytes) _must_check_;

static inline bool file_id_equal(const struct file_id *a, const struct file_id *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}
