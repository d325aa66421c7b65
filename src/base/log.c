#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>

static struct {
	enum log_level level;
	enum log_target target;
	int kernel_fd; /* of LOG_KERNEL_ONLY */
} log_state = { .level = LOG_LEVEL_INFO, .kernel_fd = -1 };

static int open_kernel_log(void)
{
	return open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

void log_setup(enum log_level level, enum log_target target)
{
	log_state.level = level;
	log_state.target = target;
	if (target == LOG_KERNEL_ONLY && log_state.kernel_fd < 0)
		log_state.kernel_fd = open_kernel_log();
}

/* The kernel limits each open file of /dev/kmsg to ten lines in five seconds: a boot stage, which
 * has more to say than that, opens one for each line. A line is one write, since every write
 * becomes a record. */
static void write_kernel_log(enum log_level level, const char *text)
{
	static const unsigned priority[] = { 3, 4, 6, 7 };
	_cleanup_close_ int own = -EBADF;
	int fd = log_state.kernel_fd;
	char line[960];
	int n;

	if (log_state.target != LOG_KERNEL_ONLY)
		fd = own = open_kernel_log();
	if (fd < 0)
		return;
	n = snprintf(line, sizeof(line), "<%u>holdfast: %s\n", priority[level], text);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(line))
		n = sizeof(line) - 1;
	if (write(fd, line, (size_t)n) < 0)
		return; /* nowhere left to say so */
}

/* Up to PIPE_BUF bytes go into a pipe that is ready to be written to. */
static bool stderr_is_busy(void)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&p, 1, 0) <= 0;
}

static bool goes_to_stderr(void)
{
	return log_state.target != LOG_KERNEL_ONLY &&
	       (log_state.target != LOG_STDERR_UNLESS_BUSY || !stderr_is_busy());
}

/* Names of files may hold anything, escape sequences of a terminal too: a message is one line of
 * text. The controls of Latin-1 are two bytes in UTF-8. */
static void make_printable(char *text)
{
	for (char *c = text; *c; c++) {
		const unsigned char *u = (const unsigned char *)c;

		if ((*u < ' ' && *u != '\t') || *u == 0x7f)
			*c = '?';
		else if (u[0] == 0xc2 && u[1] >= 0x80 && u[1] < 0xa0)
			c[0] = c[1] = '?';
	}
}

static void log_to(enum log_level level, bool to_stderr, const char *fmt, va_list ap)
{
	int saved = errno;
	char text[2048];

	vsnprintf(text, sizeof(text), fmt, ap);
	make_printable(text);
	if (to_stderr && level <= log_state.level && goes_to_stderr())
		fprintf(stderr, "%s\n", text);
	if ((log_state.target == LOG_STDERR_AND_KERNEL || log_state.target == LOG_KERNEL_ONLY) &&
	    level <= LOG_LEVEL_INFO)
		write_kernel_log(level, text);
	errno = saved;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_to(level, true, fmt, ap);
	va_end(ap);
}

void log_kernel(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_to(level, false, fmt, ap);
	va_end(ap);
}

int log_oom(void)
{
	log_error("out of memory");
	return -ENOMEM;
}
