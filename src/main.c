#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include "base/signals.h"
#include "cmd/cmd.h"

static enum log_level level_of(const struct context *c)
{
	if (c->opt[OPT_QUIET])
		return LOG_LEVEL_ERROR;
	return c->opt[OPT_VERBOSE] ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
}

/* Who reads a pipe may have read enough, as head(1). */
static bool is_reader_gone(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return poll(&out, 1, 0) > 0 && out.revents & POLLERR;
}

/* A full disk or a closed pipe behind stdout must not look like success. */
static int flush_output(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (!is_reader_gone())
		log_error("standard output: %s", strerror(errno));
	return status == EXIT_OK ? EXIT_NOT_DONE : status;
}

/* What is opened later must not be taken for a standard stream. Neither can be read or written. */
static void fill_standard_streams(void)
{
	int fd;

	do
		fd = open("/", O_PATH);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close_p(&fd);
}

/* Unlike SIG_IGN it leaves what we execute the default. */
static void carry_on(int number)
{
	(void)number;
}

int main(int argc, char **argv)
{
	struct context c = { .machine = { ROOT_NONE, ROOT_NONE, ROOT_NONE, ROOT_NONE, false } };
	int n_args = 0, status;

	fill_standard_streams();
	/* A reader that goes away, or a limit on files, must not cost the report: writing fails. */
	signal(SIGPIPE, carry_on);
	signal(SIGXFSZ, carry_on);
	signal(SIGCHLD, SIG_DFL); /* ignored, it would take the ends of our children from us */
	status = option_parse(argc, argv, &c, &n_args);
	if (status < 0)
		return flush_output(status + 256);
	log_setup(level_of(&c), LOG_STDERR);
	status = context_open(&c);
	if (status >= 0)
		status = c.cmd->run(&c, n_args, argv + 1);
	else if (status != -ENOMEM)
		status = EXIT_USAGE; /* it was logged */
	context_close(&c);
	if (status == -ENOMEM)
		log_oom();
	else if (status < 0)
		log_error("%s", strerror(-status));
	status = flush_output(status < 0 ? EXIT_NOT_DONE : status);
	signals_release();
	return status;
}
