/* One process, held by its directory below procfs: what is read and written through it is this
 * process's, or ESRCH once it is gone. No allocation: the exec gate uses it before it answers. */
#pragma once

#include <sys/types.h>

#include "base/root.h"

/* Parent and start time (clock ticks since boot), which together with the PID name the process
 * for good. */
struct process_stat {
	pid_t ppid, session;
	int threads; /* that live */
	uint64_t start_time;
};

/* Whose it is. */
struct process_ids {
	uid_t uid;
	bool one_user; /* real, effective, saved and file-system ID are one: else it is nobody's */
	bool nested;   /* in a PID namespace below that of procfs */
	pid_t ppid, session;
};

struct process {
	int fd;
	pid_t pid;
	bool has_ids;
	struct process_ids ids; /* as they were when first asked for */
	bool has_stat;
	struct process_stat stat; /* as it was when first asked for */
};

/* A file that does not change its nature while somebody holds or marks it. */
struct file_id {
	dev_t dev;
	ino_t ino;
};

/* Whether that is the -errno of a shortage, or of a device: it says nothing of what was to be
 * looked at, and may be another one the next time. */
bool fails_for_now(int ret);

/* Of these: whether we have too little of something, so that another process may fare better. */
bool is_shortage(int ret);

/* -ESRCH or -ENOENT where there is no such process. */
int process_open(const struct root *procfs, pid_t pid, struct process *ret_process) _must_check_;
void process_close(struct process *p);

/* oom_score_adj, -1000 to 1000. */
int process_get_score(struct process *p, int *ret_score) _must_check_;

/* Writes it and reads it back; *@ret_before (may be NULL) is what it was. Also where it is that
 * already: written by one who may lower scores, it is the lowest that the process can give itself
 * (oom_score_adj_min in the kernel's fs/proc/base.c), and that is inherited, too. -EACCES
 * without CAP_SYS_RESOURCE where it is lowered, -EIO where it reads otherwise afterwards. */
int process_set_score(struct process *p, int score, int *ret_before) _must_check_;

int process_ids(struct process *p, struct process_ids *ret_ids) _must_check_;

/* The program it runs, as a file. -ENOENT for kernel threads. */
int process_exe(struct process *p, struct file_id *ret_id) _must_check_;

/* The inode of its user namespace. */
int process_user_namespace(struct process *p, ino_t *ret_inode) _must_check_;

/* Whether its cgroup is systemd unit @unit's, or below it: a component of the path, with nothing
 * but slices above, and not below user.slice, where users name units as they like: 1, 0 or -errno.
 */
int process_in_unit(struct process *p, const char *unit);

/* The arguments, each ended by a NUL, cut at @size - 1: the number of bytes, or -errno. */
ssize_t process_arguments(struct process *p, char *buffer, size_t size) _must_check_;

/* The arguments, separated by blanks, cut at @size - 1. */
int process_args(struct process *p, char *buffer, size_t size) _must_check_;

int process_stat(struct process *p, struct process_stat *ret_stat) _must_check_;

/* Clock ticks since the machine was booted, as start times are given (proc_pid_stat(5)). */
uint64_t process_ticks(void);

/* Whether it has not ended: its first thread may have, and others live. */
bool process_lives(struct process *p);

/* Resident set in bytes: anonymous, file and shared pages. */
int process_rss(struct process *p, int64_t *ret_bytes) _must_check_;

static inline bool file_id_equal(const struct file_id *a, const struct file_id *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}
