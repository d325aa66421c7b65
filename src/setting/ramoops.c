#include "setting/ramoops.h"

#include <fcntl.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "base/text.h"
#include "setting/module.h"
#include "setting/mount.h"

/* A record, packed by about a half, holds an OOM report with some hundred tasks. */
#define RECORD_SIZE 32768
#define KMSG_BYTES 65536

/* enum kmsg_dump_reason: all up to an orderly shutdown, which is evidence, too. */
#define MAX_REASON 4

/* Where a capture image has it. */
static const char capture_module[] = "/usr/lib/holdfast/ramoops.ko";

static const char pstore[] = "fs/pstore";

/* Module parameters; the caller frees. A quarter of the memory at most for one record. */
static char *parameters(const struct node *ramoops)
{
	const char *address = node_text(ramoops, "mem_address");
	const char *size_text = node_text(ramoops, "mem_size");
	int64_t size, record = RECORD_SIZE;
	char *text;

	if (!address || !size_text || text_to_int(size_text, &size) < 0)
		return NULL;
	while (record > 1024 && record > size / 4)
		record /= 2;
	/* The kernel tells by debugging messages only whether the memory kept its contents. */
	if (asprintf(&text, "mem_address=%s mem_size=%s record_size=%lld max_reason=%d dyndbg=+p",
		     address, size_text, (long long)record, MAX_REASON) < 0)
		return NULL;
	return text;
}

static int mount_pstore(const struct machine *m, char **ret_why)
{
	_cleanup_free_ char *where = root_path(&m->sysfs, pstore), *options = NULL;
	int ret;

	if (!where || asprintf(&options, "nosuid,nodev,noexec,kmsg_bytes=%d", KMSG_BYTES) < 0)
		return -ENOMEM;
	ret = mount_attach("pstore", "pstore", options, where, 0, ret_why);
	if (ret != -EBUSY) /* it is mounted already */
		return ret;
	free_p(ret_why);
	*ret_why = NULL;
	return 0;
}

/* --- in a crash kernel --- */

static int insert_file(const char *path, const char *options)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (syscall(SYS_finit_module, fd, options, 0) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

static int write_line(const char *line, size_t n)
{
	_cleanup_close_ int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	char text[960];
	int len = snprintf(text, sizeof(text), "<7>" RAMOOPS_KEPT "%.*s\n", (int)n, line);

	if (fd < 0 || len < 0)
		return -errno;
	if ((size_t)len >= sizeof(text))
		len = sizeof(text) - 1;
	return write(fd, text, (size_t)len) < 0 ? -errno : 0;
}

int ramoops_keep_log(const struct machine *m, const struct node *tree, const char *log, size_t size)
{
	const struct node *ramoops = node_find(tree, "last_boot.ramoops");
	_cleanup_free_ char *options = ramoops ? parameters(ramoops) : NULL, *why = NULL;
	const char *line = log, *end = log + size;
	int ret;

	if (!options)
		return -ENOENT;
	ret = insert_file(capture_module, options);
	if (ret < 0) {
		log_error("capture: %s: %s", capture_module, strerror(-ret));
		return ret;
	}
	if (mount_pstore(m, &why) < 0) /* the kernel's own size of a record, then */
		log_warning("capture: pstore: %s", why ? why : "not mounted");
	/* Our lines are longer than the ones they quote. */
	if (size > KMSG_BYTES / 2) {
		line = memchr(end - KMSG_BYTES / 2, '\n', KMSG_BYTES / 2);
		line = line ? line + 1 : end;
	}
	for (; line < end && ret >= 0; line += strcspn(line, "\n") + 1)
		ret = write_line(line, strcspn(line, "\n"));
	if (ret >= 0)
		log_info("capture: the kernel log is kept in memory for the next boot");
	return ret;
}

/* --- in every other --- */

/* Reads what the kernel has logged behind @kmsg's place. Lines of programs do not count: theirs
 * have a facility, which is the priority's part above the lowest three bits. */
static int read_verdict(int kmsg)
{
	char record[8192];
	int verdict = 0;

	for (;;) {
		ssize_t n = read(kmsg, record, sizeof(record) - 1);
		const char *text;

		if (n < 0 && errno == EPIPE) /* some were overwritten */
			continue;
		if (n <= 0)
			return verdict;
		record[n] = '\0';
		text = strchr(record, ';');
		if (!text || strtoul(record, NULL, 10) > 7)
			continue;
		if (strstr(text, ": found existing "))
			verdict = RAMOOPS_KEPT_CONTENTS;
		else if (strstr(text, ": no valid data in buffer") && verdict == 0)
			verdict = RAMOOPS_LOST;
	}
}

int ramoops_start(const struct machine *m, const struct node *ramoops, char **ret_why)
{
	_cleanup_close_ int kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	_cleanup_free_ char *options = parameters(ramoops);
	int ret = 0, verdict = 0;

	if (!options)
		return -ENOMEM;
	if (kmsg >= 0)
		lseek(kmsg, 0, SEEK_END);
	if (root_exists(&m->sysfs, "module/ramoops") < 0) {
		ret = module_insert(m, "ramoops", options, ret_why);
		if (ret >= 0 && kmsg >= 0)
			verdict = read_verdict(kmsg);
	}
	if (ret >= 0)
		ret = mount_pstore(m, ret_why);
	return ret < 0 ? ret : verdict;
}
