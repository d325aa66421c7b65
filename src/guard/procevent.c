#include "guard/procevent.h"

#include <arpa/inet.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#define RECEIVE_BUFFER (8 << 20) /* ten thousand events */

/* Where the filter finds things: behind the netlink and the connector header. */
#define EVENT_OFFSET (NLMSG_HDRLEN + sizeof(struct cn_msg))
#define AT(field) ((uint32_t)(EVENT_OFFSET + offsetof(struct proc_event, field)))

#define MAX_PROGRAM (3 * (2 * PROCEVENT_PIDS) + 32)

struct program {
	struct sock_filter code[MAX_PROGRAM];
	unsigned short n;
};

static void emit(struct program *p, uint16_t code, uint8_t jump_true, uint8_t jump_false,
		 uint32_t k)
{
	p->code[p->n++] = (struct sock_filter){ code, jump_true, jump_false, k };
}

/* The filter loads in network order what the kernel wrote in the machine's. */
static uint32_t as_loaded(uint32_t value)
{
	return htonl(value);
}

static void emit_load(struct program *p, uint32_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offset);
}

static void emit_return(struct program *p, bool keep)
{
	emit(p, BPF_RET | BPF_K, 0, 0, keep ? UINT32_MAX : 0);
}

/* Keeps the event if the loaded word is one of @pids, else drops it. */
static void emit_pids(struct program *p, const pid_t *pids, size_t n)
{
	if (n > PROCEVENT_PIDS) {
		emit_return(p, true);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, as_loaded((uint32_t)pids[i]));
		emit_return(p, true);
	}
	emit_return(p, false);
}

/* Drops threads: those whose own ID is not their process's. */
static void emit_only_process(struct program *p, uint32_t pid, uint32_t tgid)
{
	emit_load(p, pid);
	emit(p, BPF_MISC | BPF_TAX, 0, 0, 0);
	emit_load(p, tgid);
	emit(p, BPF_JMP | BPF_JEQ | BPF_X, 1, 0, 0);
	emit_return(p, false);
}

/* Begins the part for one kind of event; returns where its jump past the part is. */
static unsigned begin_kind(struct program *p, uint32_t what)
{
	emit_load(p, AT(what));
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, as_loaded(what));
	emit(p, BPF_JMP | BPF_JA, 0, 0, 0);
	return p->n - 1U;
}

static void end_kind(struct program *p, unsigned jump)
{
	p->code[jump].k = p->n - jump - 1;
}

int procevent_filter(int fd, const pid_t *pids, size_t n, bool all_execs)
{
	struct program p = { .n = 0 };
	struct sock_fprog program = { .filter = p.code };
	unsigned jump;

	jump = begin_kind(&p, PROC_EVENT_FORK);
	emit_only_process(&p, AT(event_data.fork.child_pid), AT(event_data.fork.child_tgid));
	emit_load(&p, AT(event_data.fork.parent_tgid));
	emit_pids(&p, pids, n);
	end_kind(&p, jump);
	jump = begin_kind(&p, PROC_EVENT_EXEC);
	emit_load(&p, AT(event_data.exec.process_tgid));
	if (all_execs)
		emit_return(&p, true);
	else
		emit_pids(&p, pids, n);
	end_kind(&p, jump);
	jump = begin_kind(&p, PROC_EVENT_EXIT);
	emit_only_process(&p, AT(event_data.exit.process_pid), AT(event_data.exit.process_tgid));
	emit_load(&p, AT(event_data.exit.process_tgid));
	emit_pids(&p, pids, n);
	end_kind(&p, jump);
	emit_return(&p, false);
	program.len = p.n;
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno
											   : 0;
}

int procevent_widen(int fd)
{
	int ignored = 0; /* the kernel wants to read one */

	return setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &ignored, sizeof(ignored)) < 0 &&
			       errno != ENOENT
		       ? -errno
		       : 0;
}

static int subscribe(int fd)
{
	struct {
		_Alignas(NLMSG_ALIGNTO) struct nlmsghdr header;
		struct __attribute__((packed)) {
			struct cn_msg connector;
			enum proc_cn_mcast_op op;
		} body;
	} message = {
		.header = { .nlmsg_len = sizeof(message), .nlmsg_type = NLMSG_DONE },
		.body = { .connector = { .id = { .idx = CN_IDX_PROC, .val = CN_VAL_PROC },
					 .len = sizeof(enum proc_cn_mcast_op) },
			  .op = PROC_CN_MCAST_LISTEN },
	};

	message.header.nlmsg_len = NLMSG_LENGTH(sizeof(message.body));
	return send(fd, &message, message.header.nlmsg_len, 0) < 0 ? -errno : 0;
}

int procevent_open(void)
{
	_cleanup_close_ int fd =
		socket(PF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR);
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC };
	int size = RECEIVE_BUFFER, ret;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	ret = procevent_filter(fd, NULL, 0, false);
	if (ret < 0)
		return ret;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	ret = subscribe(fd);
	return ret < 0 ? ret : TAKE_FD(fd);
}

static bool translate(const struct proc_event *e, struct procevent *ret_event)
{
	switch (e->what) {
	case PROC_EVENT_FORK:
		*ret_event = (struct procevent){ .kind = PROCEVENT_FORK,
						 .pid = e->event_data.fork.child_tgid,
						 .parent = e->event_data.fork.parent_tgid };
		return e->event_data.fork.child_pid == e->event_data.fork.child_tgid;
	case PROC_EVENT_EXEC:
		*ret_event = (struct procevent){ .kind = PROCEVENT_EXEC,
						 .pid = e->event_data.exec.process_tgid };
		return true;
	case PROC_EVENT_EXIT:
		*ret_event = (struct procevent){ .kind = PROCEVENT_EXIT,
						 .pid = e->event_data.exit.process_tgid,
						 .status = (int)e->event_data.exit.exit_code };
		return e->event_data.exit.process_pid == e->event_data.exit.process_tgid;
	default:
		return false;
	}
}

/* One message of the kernel's own: of sender 0, whole, of the right connector. */
static bool decode(const char *buffer, size_t size, const struct sockaddr_nl *from,
		   struct procevent *ret_event)
{
	struct cn_msg connector;
	struct proc_event event = { 0 };
	size_t len;

	if (from->nl_pid != 0 || size < EVENT_OFFSET + offsetof(struct proc_event, event_data))
		return false;
	memcpy(&connector, buffer + NLMSG_HDRLEN, sizeof(connector));
	if (connector.id.idx != CN_IDX_PROC || connector.id.val != CN_VAL_PROC)
		return false;
	len = size - EVENT_OFFSET;
	memcpy(&event, buffer + EVENT_OFFSET, len < sizeof(event) ? len : sizeof(event));
	return translate(&event, ret_event);
}

int procevent_read(int fd, void (*each)(const struct procevent *e, void *data), void *data)
{
	int n = 0, lost = 0;

	for (;;) {
		_Alignas(NLMSG_ALIGNTO) char buffer[1024];
		struct sockaddr_nl from = { 0 };
		socklen_t from_len = sizeof(from);
		struct procevent event;
		ssize_t size = recvfrom(fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&from,
					&from_len);

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0 && errno == ENOBUFS && !lost) { /* but others are there yet */
			lost = -ENOBUFS;
			continue;
		}
		if (size < 0)
			return errno != EAGAIN ? -errno : lost ? lost : n;
		if (!decode(buffer, (size_t)size, &from, &event))
			continue;
		each(&event, data);
		n++;
	}
}
