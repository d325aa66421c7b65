#include "guard/confine.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/util.h"

#define CAP(c) (UINT64_C(1) << (c))

/* Lowering a score; looking at and writing to other users' processes; locking memory. And opening a
 * file where the system's table of them is full (CAP_SYS_ADMIN): else the kernel denies execs. */
#define WORKER_CAPS                                                                                \
	(CAP(CAP_SYS_RESOURCE) | CAP(CAP_SYS_PTRACE) | CAP(CAP_DAC_OVERRIDE) | CAP(CAP_IPC_LOCK) | \
	 CAP(CAP_SYS_ADMIN))
/* Opening the proc connector, with its receive buffer. */
#define OPENING_CAPS CAP(CAP_NET_ADMIN)

static int keep_caps(uint64_t keep)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2];

	for (int c = 0; c <= 63; c++)
		if (!(keep & CAP(c)) && prctl(PR_CAPBSET_READ, c) > 0)
			(void)prctl(PR_CAPBSET_DROP, c); /* not without CAP_SETPCAP */
	if (syscall(SYS_capget, &header, caps) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		uint32_t word = (uint32_t)(keep >> (32 * i));

		caps[i].permitted &= word;
		caps[i].effective = caps[i].permitted;
		caps[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, caps) < 0 ? -errno : 0;
}

/* The sanitizers have calls of their own. */
#if defined(__SANITIZE_ADDRESS__)
#elif defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define ARCH AUDIT_ARCH_ARM
#elif defined(__i386__)
#define ARCH AUDIT_ARCH_I386
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#endif

#ifdef ARCH
/* Newer architectures lack the older calls; 32-bit ones have a second set with longer times. */
static const int allowed[] = {
	/* files and directories, below descriptors */
	__NR_openat,
	__NR_close,
	__NR_read,
	__NR_write,
	__NR_readlinkat,
	__NR_getdents64,
	__NR_fchdir,
	__NR_fcntl,
	__NR_flock,
	__NR_dup3,
	__NR_unlinkat,
	__NR_mkdirat,
	__NR_umask,
	__NR_statx,
	__NR_pread64,
	__NR_pwrite64,
	__NR_lseek,
#ifdef __NR_newfstatat
	__NR_newfstatat,
#endif
#ifdef __NR_fstat
	__NR_fstat,
#endif
#ifdef __NR_fstatat64
	__NR_fstatat64,
	__NR_fstat64,
	__NR__llseek,
	__NR_fcntl64,
#endif
#ifdef __NR_unlink
	__NR_unlink,
#endif
	/* sources */
	__NR_fanotify_mark,
	__NR_inotify_add_watch,
	__NR_ppoll,
#ifdef __NR_poll
	__NR_poll,
#endif
#ifdef __NR_ppoll_time64
	__NR_ppoll_time64,
#endif
	__NR_recvfrom,
	__NR_sendto,
#ifdef __NR_socketcall
	__NR_socketcall,
#endif
#ifdef __NR_recv
	__NR_recv,
	__NR_send,
#endif
	__NR_socket,
	__NR_bind,
	__NR_listen,
	__NR_connect,
	__NR_accept4,
	__NR_setsockopt,
	__NR_getsockopt,
	/* memory; nothing that could be executed */
	__NR_brk,
	__NR_munmap,
	__NR_mremap,
	__NR_madvise,
#ifdef __NR_futex
	__NR_futex,
#endif
	/* time, signals, the end */
	__NR_clock_gettime,
	__NR_gettimeofday,
#ifdef __NR_clock_gettime64
	__NR_clock_gettime64,
#endif
#ifdef __NR_time
	__NR_time,
#endif
	__NR_getpid,
	__NR_restart_syscall,
	__NR_rt_sigreturn,
	__NR_rt_sigprocmask,
#ifdef __NR_sigreturn
	__NR_sigreturn,
#endif
	__NR_exit,
	__NR_exit_group,
};

#ifdef __NR_mmap2
#define NR_MMAP __NR_mmap2
#else
#define NR_MMAP __NR_mmap
#endif
/* Of the 64-bit argument that holds the protection. */
#define PROT_ARGUMENT 2
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LOW_WORD 4
#else
#define LOW_WORD 0
#endif

static int filter_calls(void)
{
	enum { HEAD = 4, TAIL = 6 };
	struct sock_filter code[HEAD + 2 * ARRAY_SIZE(allowed) + TAIL];
	struct sock_fprog program = { .filter = code };
	unsigned short n = 0;
	const uint32_t prot = (uint32_t)offsetof(struct seccomp_data, args[PROT_ARGUMENT]);

#define EMIT(...) (code[n++] = (struct sock_filter)__VA_ARGS__)
	EMIT(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
	EMIT(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0));
	EMIT(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
	EMIT(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++) {
		EMIT(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)allowed[i], 0, 1));
		EMIT(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	}
	EMIT(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NR_MMAP, 0, 3));
	EMIT(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, prot + LOW_WORD));
	EMIT(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0));
	EMIT(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	EMIT(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
#undef EMIT
	program.len = n;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}
#else
static int filter_calls(void)
{
	return 0; /* an architecture whose calls nobody has looked at */
}
#endif

int confine_supervisor(void)
{
	/* An exec waits for us, whatever else the machine is busy with. */
	(void)setpriority(PRIO_PROCESS, 0, -20);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return keep_caps(WORKER_CAPS | OPENING_CAPS);
}

int confine_worker(void)
{
	int ret = keep_caps(WORKER_CAPS);

	return ret < 0 ? ret : filter_calls();
}
