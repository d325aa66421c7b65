/* Any bytes on the guard's control socket: as the answer of a guard to one that asks for its status
 * and to one that takes over from it, and as the request of a client. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include "guard/client.h"
#include "guard/control.h"
#include "guard/handover.h"
#include "tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct talk {
	int socket, asked;
	const uint8_t *data;
	size_t size;
};

static void give(const char *request, FILE *out, void *data)
{
	const struct talk *t = data;

	if (!streq(request, "status") && !streq(request, "state"))
		abort();
	fwrite(t->data, 1, t->size, out);
}

static void *serve(void *data)
{
	struct talk *t = data;
	struct pollfd p = { .fd = t->socket, .events = POLLIN };

	while (t->asked < 2 && poll(&p, 1, 1000) > 0) {
		if (control_serve(t->socket, give, t) < 0)
			abort();
		t->asked++;
	}
	return NULL;
}

static void nothing(void *data)
{
	(void)data;
}

static void check_status(const struct guard_status *s)
{
	for (const struct guard_pin *pin = s->pins; pin; pin = pin->next)
		if (!pin->service || !pin->exe || !pin->how)
			abort();
	for (const struct guard_problem *p = s->problems; p; p = p->next)
		if (!p->service || !p->text)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct family family;
	static struct rule rules[] = { { .service = "s", .exe = "/bin/s", .score = 5 } };
	struct machine m = { 0 };
	struct arena a = { 0 };
	struct policy policy = { .rules = { .list = rules, .n = 1 },
				 .family = &family,
				 .meanwhile = nothing };
	struct guard_status status = { 0 };
	struct talk talk = { .data = data, .size = size };
	pthread_t server;

	fuzz_lay_out("proc/7/stat", (const uint8_t *)"", 0);
	m.procfs = fuzz_root("proc");
	m.run = fuzz_root("run");
	policy.procfs = &m.procfs;
	signal(SIGPIPE, SIG_IGN); /* as in the guard */
	memset(&family, 0, sizeof(family));
	talk.socket = control_listen(&m);
	if (talk.socket < 0 || pthread_create(&server, NULL, serve, &talk) != 0)
		abort();
	if (guard_status_read(&m, &a, &status) < 0)
		abort();
	check_status(&status);
	(void)handover_learn(&m, &policy);
	pthread_join(server, NULL);
	for (unsigned i = 0; i < family.n; i++)
		if (family.members[i].pid && !family.members[i].rule)
			abort();
	close(talk.socket);
	arena_free(&a);
	root_close(&m.procfs);
	root_close(&m.run);
	return 0;
}
