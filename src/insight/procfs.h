/* Processes as the OOM killer sees them, from procfs. */
#pragma once

#include <sys/types.h>

#include "base/arena.h"
#include "base/root.h"

#define PROC_NAME_MAX 64 /* of a kernel thread's name, escapes included */

#define PROC_ADJ_UNKNOWN INT32_MIN

struct proc {
	pid_t pid, ppid;
	pid_t thread;             /* whose memory it is: not .pid where the main thread has ended */
	uid_t uid;                /* effective */
	char name[PROC_NAME_MAX]; /* as in status: blanks and line breaks escaped by the kernel */
	int64_t rss_kb, swap_kb;  /* anonymous, file and shared pages; swapped out */
	int64_t pgtables_kb;      /* page tables of all levels */
	int64_t vm_kb;            /* address space */
	bool is_admin;            /* CAP_SYS_ADMIN */
	bool waits;               /* uninterruptible */
	int score;                /* oom_score; -1: not read */
	int adj;                  /* oom_score_adj, or PROC_ADJ_UNKNOWN */
	uint64_t start_time;      /* clock ticks since boot; 0: not read */
	const char *unit;   /* systemd's, from the cgroup; "" where there is none; NULL: not read */
	const char *cgroup; /* its path; NULL: not read, or none */
	bool is_protected;
	pid_t lender;  /* whose memory it runs in (CLONE_VM); 0: its own */
	bool in_vfork; /* only until it executes, while the lender waits */
};

/* What to read of a process: each is a file. */
enum proc_detail {
	PROC_STATUS = 1 << 0, /* what no other has */
	PROC_SCORE = 1 << 1,
	PROC_ADJ = 1 << 2,
	PROC_CGROUP = 1 << 3, /* .unit and .cgroup */
	PROC_START = 1 << 4,
	PROC_RSS = 1 << 5, /* .rss_kb alone, which is quicker */
};

/* Reads @details of the process that @p->pid names; what cannot be read stays unknown. Who has
 * neither score nor pages is looked at more closely (PROC_STATUS). @a owns the strings. -ESRCH for
 * one that has no memory of its own, as a kernel thread or a zombie, or has ended; 0 or -ENOMEM. */
int proc_read(const struct root *procfs, struct arena *a, struct proc *p,
	      unsigned details) _must_check_;

/* A directory below @procfs, to be closed by the caller; NULL and errno. */
DIR *procfs_dir(const struct root *procfs, const char *path);

struct procs {
	struct arena arena; /* units and cgroups */
	struct proc *list;
	size_t n;
};

/* Every process, with @details of each: by those that tell (PROC_STATUS, _SCORE, _RSS) without
 * kernel threads, zombies and those that end meanwhile. Reads with several threads where there are
 * many. 0 or -errno. */
int procs_read(const struct root *procfs, unsigned details, struct procs *ret_procs) _must_check_;
void procs_free(struct procs *p);

/* proc_read() for the @n from @first on; who has ended is taken out of the list. 0 or -ENOMEM. */
int procs_detail(const struct root *procfs, struct procs *procs, size_t first, size_t n,
		 unsigned details) _must_check_;

/* Whether a thread of it waits uninterruptibly. */
bool proc_waits(const struct root *procfs, const struct proc *p);

/* Finds out who runs in whose memory: .lender, .in_vfork. Sorts by PID. */
void procs_find_lenders(const struct root *procfs, struct procs *procs);

/* KiB as procfs prints them, up to what no machine has: pages of it times 1000 are no overflow. */
#define KB_MAX ((int64_t)1 << 44)
int64_t kb_read(const char *text);

/* Of /proc/meminfo, in KiB; -1 where it has no such line. */
struct meminfo {
	int64_t total, available, free, swap_total, swap_free;
};

/* 0 or -errno. */
int meminfo_read(const struct root *procfs, struct meminfo *ret_meminfo) _must_check_;

/* Names of users from etc/passwd: there may be no name service. */
struct users {
	char *text; /* owned */
	struct user {
		uid_t uid;
		const char *name;
	} * list;
	size_t n;
};

/* A missing file is an empty one. 0 or -ENOMEM. */
int users_read(const struct root *root, struct users *ret_users) _must_check_;
void users_free(struct users *u);

/* The name, or the number in @buffer. */
const char *users_name(const struct users *u, uid_t uid, char buffer[16]);
