/* One system call of a command fails:
 *
 *     inject FILE CALL ERROR NUMBER COMMAND...
 *
 * Of each thread's calls CALL the one of that NUMBER fails with ERROR, where CALL and ERROR are
 * the kernel's numbers; "INJECTED" is written into FILE then. The status is the command's, 128 more
 * than a signal's. Unlike strace it leaves the command to be traced by somebody else, as by who
 * looks for what has leaked. (seccomp_unotify(2)) */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_PROCESSES 256

struct started {
	char **command;
	unsigned call;
	int listener; /* -errno where there is none */
};

static struct {
	unsigned pid;
	long calls;
} counted[MAX_PROCESSES];

/* How many calls that thread has made. */
static long *count_of(unsigned pid)
{
	for (size_t i = 0; i < MAX_PROCESSES; i++) {
		if (counted[i].pid != 0 && counted[i].pid != pid)
			continue;
		counted[i].pid = pid;
		return &counted[i].calls;
	}
	fprintf(stderr, "inject: too many processes\n");
	exit(127);
}

static void note(const char *file)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, "INJECTED\n", 9) != 9)
		exit(127);
	close(fd);
}

/* In the memory and with the descriptors of the parent, until it is the command. */
static int start(void *data)
{
	struct started *s = data;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, s->call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		s->listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
					   SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	if (s->listener < 0) {
		s->listener = -errno;
		_exit(127);
	}
	execvp(s->command[0], s->command);
	_exit(127);
}

/* Until the last process of the command has ended. */
static void serve(int listener, long number, int error, const char *file)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };

	while (poll(&p, 1, -1) > 0 && (p.revents & POLLIN)) {
		struct seccomp_notif request = { 0 };
		struct seccomp_notif_resp response = { 0 };
		long *calls;

		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
			continue; /* it has ended meanwhile */
		response.id = request.id;
		calls = count_of(request.pid);
		if (++*calls == number)
			response.error = -error;
		else
			response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) < 0)
			--*calls; /* a signal came in between: it is made anew, or never */
		else if (response.error)
			note(file);
	}
}

int main(int argc, char **argv)
{
	static char stack[64 << 10];
	struct started s = { .listener = -1 };
	int status, pid;

	if (argc < 6)
		return 127;
	s.command = argv + 5;
	s.call = (unsigned)atoi(argv[2]);
	pid = clone(start, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD,
		    &s);
	if (pid < 0 || s.listener < 0) {
		fprintf(stderr, "inject: %s\n", strerror(pid < 0 ? errno : -s.listener));
		return 127;
	}
	serve(s.listener, atol(argv[4]), atoi(argv[3]), argv[1]);
	if (waitpid(pid, &status, 0) != pid)
		return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
