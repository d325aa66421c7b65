#include <fcntl.h>
#include <sys/klog.h>
#include <sys/stat.h>

#include "base/kmsg.h"
#include "cmd/cmd.h"
#include "cmd/explaintext.h"
#include "setting/pstore.h"

#define MAX_LOG ((size_t)256 << 20)

enum {
	KLOG_READ_ALL = 3,
	KLOG_SIZE = 10,
};

/* Where there is no /dev/kmsg: as text, in which a message's further lines look like others. */
static int read_klog(char **ret_data, size_t *ret_size)
{
	int size = klogctl(KLOG_SIZE, NULL, 0), n;
	_cleanup_free_ char *data = NULL;

	if (size < 0)
		return -errno;
	data = malloc((size_t)size + 1);
	if (!data)
		return -ENOMEM;
	n = klogctl(KLOG_READ_ALL, data, size);
	if (n < 0)
		return -errno;
	*ret_data = TAKE_PTR(data);
	*ret_size = (size_t)n;
	return 0;
}

static int read_kernel_log(char **ret_data, size_t *ret_size)
{
	_cleanup_close_ int fd =
		open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);

	if (fd < 0)
		return read_klog(ret_data, ret_size);
	lseek(fd, 0, SEEK_DATA); /* what dmesg --clear leaves */
	return kmsg_read(fd, MAX_LOG, ret_data, ret_size);
}

static int read_file(const char *path, char **ret_data, size_t *ret_size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return pstore_read(fd, MAX_LOG, ret_data, ret_size);
	return read_all(fd, MAX_LOG, ret_data, ret_size);
}

/* Something is piped in, or redirected. */
static bool stdin_is_given(void)
{
	struct stat st;

	return fstat(STDIN_FILENO, &st) == 0 &&
	       (S_ISFIFO(st.st_mode) || S_ISREG(st.st_mode) || S_ISSOCK(st.st_mode));
}

static int read_log(const char *path, const char **ret_name, char **ret_data, size_t *ret_size)
{
	*ret_name = path;
	if (path && !streq(path, "-"))
		return read_file(path, ret_data, ret_size);
	if (path || stdin_is_given()) {
		*ret_name = "standard input";
		return read_all(STDIN_FILENO, MAX_LOG, ret_data, ret_size);
	}
	*ret_name = "the kernel log";
	return read_kernel_log(ret_data, ret_size);
}

/* A dump of the memory has the log inside, but is none. */
static bool is_dump(const char *data, size_t size)
{
	return (size > 4 && memcmp(data, "\177ELF", 4) == 0) ||
	       (size > 8 && memcmp(data, "KDUMP   ", 8) == 0);
}

static int print_json(const struct oom_log *log)
{
	struct json j = context_json();
	int ret = 0;

	json_open(&j, "reports", '[');
	for (const struct oom_report *r = log->first; r && ret >= 0; r = r->next)
		ret = oom_json(r, NULL, &j);
	json_close(&j, ']');
	json_close(&j, '}');
	return ret;
}

static int print_text(const struct context *c, const struct oom_log *log)
{
	const struct term t = term_of(stdout);
	size_t i = 0;
	int ret = 0;

	if (log->n > 1)
		explain_list(&t, log);
	for (const struct oom_report *r = log->first; r && ret >= 0; r = r->next)
		ret = explain_report(&t, r, ++i, log->n, c->opt[OPT_VERBOSE] != NULL);
	return ret;
}

static int run_explain(struct context *c, int argc, char **argv)
{
	_cleanup_(arena_free) struct arena a = { 0 };
	_cleanup_free_ char *data = NULL;
	struct oom_log log = { 0 };
	const char *name;
	size_t size = 0;
	int ret = read_log(argc > 0 ? argv[0] : NULL, &name, &data, &size);

	if (ret < 0 && ret != -ENOMEM) {
		log_error("%s: %s", name, strerror(-ret));
		return EXIT_NOT_DONE;
	}
	if (data && is_dump(data, size)) {
		log_error("%s: this is a dump of the memory; its log is what is read here "
			  "(vmcore-dmesg.txt, or makedumpfile --dump-dmesg)",
			  name);
		return EXIT_NOT_DONE;
	}
	if (ret >= 0)
		ret = oomlog_parse(&a, data, size, &log);
	if (ret >= 0)
		ret = c->opt[OPT_JSON] ? print_json(&log) : print_text(c, &log);
	if (ret < 0)
		return ret;
	if (log.n > 0)
		return EXIT_OK;
	log_error("%s: there is no report of the OOM killer in it", name);
	return EXIT_NOT_DONE;
}

const struct cmd cmd_explain = {
	.name = "explain",
	.args = "[FILE|DIR]",
	.summary = "Explain the OOM killer's reports in a kernel log",
	.help = "Reads dmesg, journal and syslog output, a pstore directory, or a vmcore's dmesg; "
		"without\nan argument standard input, or on a terminal this kernel's own log. "
		"What the log does\nnot say is said to be missing. With --verbose every task is "
		"listed. Exit status 1 if\nthere is no report.",
	.max_args = 1,
	.run = run_explain,
};
