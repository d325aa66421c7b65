/* What a hostile or merely busy machine does to a guard.
 *
 *     starts N PROGRAM…   starts it N times, one after the other; prints how often each score came,
 *                         and the longest time from fork to end in milliseconds
 *     flood N PROGRAM…    the same as fast as it goes, eight at a time, output unread; prints N
 *     fake PID            tells every listener of process events that PID has ended, and that 1 has
 *                         executed something, as only the kernel may
 *     reuse PID PROGRAM…  starts it as that PID
 *     nofile PID          lets that process open no more files
 *     trace PID SECONDS   holds it as a debugger does: nobody is told, nobody can set it going
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* One start: the first line that the program writes. */
static int start(char **command, char *line, size_t size)
{
	int out[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe(out) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		dup2(out[1], 1);
		close(out[0]);
		execv(command[0], command);
		_exit(127);
	}
	close(out[1]);
	n = read(out[0], line, size - 1);
	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	close(out[0]);
	return waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) ? -1 : 0;
}

static int starts(int n, char **command)
{
	struct {
		char score[16];
		int times;
	} seen[16] = { 0 };
	double longest = 0;

	for (int i = 0; i < n; i++) {
		double begin = now_ms(), took;
		char line[16];
		int k = 0;

		if (start(command, line, sizeof(line)) < 0)
			strcpy(line, "failed");
		took = now_ms() - begin;
		longest = took > longest ? took : longest;
		while (k < 15 && seen[k].times && strcmp(seen[k].score, line) != 0)
			k++;
		strcpy(seen[k].score, line);
		seen[k].times++;
	}
	for (int k = 0; k < 16 && seen[k].times; k++)
		printf("%d %s\n", seen[k].times, seen[k].score);
	printf("longest %.0f\n", longest);
	return 0;
}

static int flood(int n, char **command)
{
	int null = open("/dev/null", O_WRONLY), running = 0, good = 0, status;

	for (int i = 0; i < n || running; i++) {
		if (i < n && vfork() == 0) {
			dup2(null, 1);
			execv(command[0], command);
			_exit(127);
		}
		running += i < n;
		if ((running >= 8 || i >= n) && wait(&status) > 0) {
			running--;
			good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
		}
	}
	printf("%d\n", good);
	return 0;
}

static void send_event(int fd, unsigned port, const struct proc_event *event)
{
	struct {
		_Alignas(NLMSG_ALIGNTO) struct nlmsghdr header;
		struct __attribute__((packed)) {
			struct cn_msg connector;
			struct proc_event event;
		} body;
	} message = {
		.header = { .nlmsg_len = NLMSG_LENGTH(sizeof(message.body)),
			    .nlmsg_type = NLMSG_DONE },
		.body = { .connector = { .id = { CN_IDX_PROC, CN_VAL_PROC },
					 .len = sizeof(struct proc_event) },
			  .event = *event },
	};
	struct sockaddr_nl to = { .nl_family = AF_NETLINK,
				  .nl_pid = port,
				  .nl_groups = port ? 0 : CN_IDX_PROC };
	ssize_t n = sendto(fd, &message, message.header.nlmsg_len, 0, (struct sockaddr *)&to,
			   sizeof(to));

	printf("%s to %u\n", n > 0 ? "sent" : "not sent", port);
}

/* To every port that listens to the connector, and to the group. */
static int fake(pid_t pid)
{
	int fd = socket(PF_NETLINK, SOCK_DGRAM, NETLINK_CONNECTOR);
	struct proc_event ended = { .what = PROC_EVENT_EXIT }, began = { .what = PROC_EVENT_EXEC };
	FILE *ports = fopen("/proc/net/netlink", "r");
	char line[256];
	unsigned port;
	int protocol;

	ended.event_data.exit.process_pid = ended.event_data.exit.process_tgid = pid;
	began.event_data.exec.process_pid = began.event_data.exec.process_tgid = 1;
	while (ports && fgets(line, sizeof(line), ports))
		if (sscanf(line, "%*s %d %u", &protocol, &port) == 2 && port &&
		    protocol == NETLINK_CONNECTOR) {
			send_event(fd, port, &ended);
			send_event(fd, port, &began);
		}
	send_event(fd, 0, &ended);
	return 0;
}

static int reuse(const char *pid, char **command)
{
	char text[16];
	int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY), status;
	int n = snprintf(text, sizeof(text), "%d", atoi(pid) - 1);

	if (fd < 0 || write(fd, text, (size_t)n) < 0)
		return 1;
	if (fork() == 0) {
		execv(command[0], command);
		_exit(127);
	}
	wait(&status);
	return 0;
}

static int nofile(pid_t pid)
{
	const struct rlimit few = { 3, 3 };

	return prlimit(pid, RLIMIT_NOFILE, &few, NULL) < 0;
}

static int trace(pid_t pid, unsigned seconds)
{
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
		return 1;
	sleep(seconds);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 3 && strcmp(argv[1], "starts") == 0)
		return starts(atoi(argv[2]), argv + 3);
	if (argc > 3 && strcmp(argv[1], "flood") == 0)
		return flood(atoi(argv[2]), argv + 3);
	if (argc > 2 && strcmp(argv[1], "fake") == 0)
		return fake(atoi(argv[2]));
	if (argc > 3 && strcmp(argv[1], "reuse") == 0)
		return reuse(argv[2], argv + 3);
	if (argc > 3 && strcmp(argv[1], "trace") == 0)
		return trace(atoi(argv[2]), (unsigned)atoi(argv[3]));
	if (argc > 2 && strcmp(argv[1], "nofile") == 0)
		return nofile(atoi(argv[2]));
	return 2;
}
