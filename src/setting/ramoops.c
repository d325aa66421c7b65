#include "setting/ramoops.h"

#include <fcntl.h>
#include <sys/syscall.h>

#include "base/iomem.h"
#include "base/kmsg.h"
#include "base/log.h"
#include "setting/module.h"
#include "setting/mount.h"

/* A record, packed by about a half, holds an OOM report with some hundred tasks. */
#define RECORD_SIZE 32768
#define KMSG_BYTES 65536
#define LOG_MAX ((size_t)16 << 20)

/* enum kmsg_dump_reason: all up to an orderly shutdown, which is evidence, too. */
#define MAX_REASON 4

/* Where a capture image has it. */
static const char capture_module[] = "/usr/lib/holdfast/ramoops.ko";

static const char pstore[] = "fs/pstore";

/* How memory is kept out of the kernel's hands. */
#if defined(__x86_64__) || defined(__i386__)
#define RESERVE_IT "boot with memmap=%lldK$0x%llx"
#else
#define RESERVE_IT "reserve %lld KiB at 0x%llx in the device tree"
#endif

/* What stands before each line of a log that a crash kernel keeps, and before the number. */
#define KEPT "crashed: "
#define KEPT_NUMBER "#"

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

/* The driver takes whatever memory it is given, the kernel's own, too. */
static int check_memory(const struct machine *m, const struct node *ramoops, char **ret_why)
{
	const char *address = node_text(ramoops, "mem_address");
	const char *size_text = node_text(ramoops, "mem_size");
	_cleanup_free_ char *user = NULL;
	int64_t start, size;
	int ret;

	if (!address || !size_text) /* a device tree has it, say */
		return 0;
	if (text_to_int(address, &start) < 0 || text_to_int(size_text, &size) < 0 || start < 0 ||
	    size < 0)
		return -EINVAL;
	ret = iomem_is_free(&m->procfs, &m->sysfs, (uint64_t)start, (uint64_t)size, &user);
	if (ret == -EBUSY &&
	    asprintf(ret_why, "the memory at 0x%llx is in use (%s in /proc/iomem): " RESERVE_IT,
		     (long long)start, user, (long long)size / 1024, (long long)start) < 0)
		*ret_why = NULL;
	if (ret == -ENODATA &&
	    asprintf(ret_why, "/proc/iomem does not tell whether the memory at 0x%llx is free",
		     (long long)start) < 0)
		*ret_why = NULL;
	return ret;
}

static int mount_pstore(const struct machine *m, char **ret_why)
{
	_cleanup_free_ char *where = root_path(&m->sysfs, pstore), *options = NULL;
	int ret;

	if (!machine_is_real(m) || root_exists(&m->sysfs, pstore) < 0)
		return 0;
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
	int len = snprintf(text, sizeof(text), "<7>" KEPT "%.*s\n", (int)n, line);

	if (fd < 0 || len < 0)
		return -errno;
	if ((size_t)len >= sizeof(text))
		len = sizeof(text) - 1;
	return write(fd, text, (size_t)len) < 0 ? -errno : 0;
}

static int write_number(int64_t n)
{
	char text[32];
	int len = snprintf(text, sizeof(text), KEPT_NUMBER "%lld", (long long)n);

	return len < 0 ? -EIO : write_line(text, (size_t)len);
}

int ramoops_keep_log(const struct machine *m, const struct node *tree, const char *log, size_t size,
		     int64_t crashes)
{
	const struct node *ramoops = node_find(tree, "last_boot.ramoops");
	_cleanup_free_ char *options = ramoops ? parameters(ramoops) : NULL, *why = NULL;
	const char *line = log, *end = log + size;
	int ret;

	if (!options)
		return -ENOENT;
	ret = check_memory(m, ramoops, &why);
	if (ret >= 0)
		ret = insert_file(capture_module, options);
	if (ret < 0) {
		log_error("capture: ramoops: %s", why ? why : strerror(-ret));
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
	GATHER(ret, write_number(crashes));
	if (ret >= 0)
		log_info("capture: the kernel log is kept in memory for the next boot");
	return ret;
}

/* --- in every other --- */

/* What stands in @line behind KEPT. A program wrote it, which shows in a priority above 7: what the
 * kernel says itself may begin with the name of a process, which anybody may choose. */
static const char *kept_text(const char *line)
{
	char *at;

	if (*line != '<' || strtoul(line + 1, &at, 10) < 8 || *at++ != '>')
		return NULL;
	while (*at == '[') { /* the time, and who it was */
		at += strcspn(at, "]\n");
		at += *at == ']';
	}
	return after_prefix(at + strspn(at, " "), KEPT);
}

bool ramoops_take_kept_log(char *text, int64_t *ret_crashes)
{
	char *to = text, *line, *rest = text;
	bool found = false;
	int64_t n;

	for (const char *at = text; at; at = text_next_line(at))
		found |= kept_text(at) != NULL;
	while (found && (line = strsep(&rest, "\n"))) {
		const char *kept = kept_text(line), *number = kept;
		size_t length;

		if (!kept)
			continue;
		number = after_prefix(kept, KEPT_NUMBER);
		if (number && text_to_int(number, &n) == 0 && n > 0) {
			*ret_crashes = n;
			continue;
		}
		length = strlen(kept);
		memmove(to, kept, length);
		to += length;
		*to++ = '\n'; /* what stood before it was longer */
	}
	if (found)
		*to = '\0';
	return found;
}

/* What the kernel has logged when ramoops came for the first time. Lines of programs do not count:
 * theirs have a facility, which is the priority's part above the lowest three bits. */
static int read_verdict(void)
{
	_cleanup_close_ int kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	_cleanup_free_ char *log = NULL;
	int verdict = 0;
	size_t size;

	if (kmsg < 0 || kmsg_read(kmsg, LOG_MAX, &log, &size) < 0)
		return 0;
	for (const char *line = log; line; line = text_next_line(line)) {
		const char *text = line + strcspn(line, ";\n"), *of;

		if (*text != ';' || strtoul(line, NULL, 10) > 7)
			continue;
		if (after_prefix(text, ";ramoops: using 0x"))
			break;
		of = after_prefix(text, ";ramoops: ") ?: after_prefix(text, ";persistent_ram: ");
		if (of && after_prefix(of, "found existing "))
			verdict = RAMOOPS_KEPT_CONTENTS;
		else if (of && after_prefix(of, "no valid data in buffer") && verdict == 0)
			verdict = RAMOOPS_LOST;
	}
	return verdict;
}

/* It may be built in, or have come by itself: with what memory, or none? */
static int check_backend(const struct machine *m, char **ret_why)
{
	_cleanup_free_ char *backend = NULL;

	if (root_read_text(&m->sysfs, "module/pstore/parameters/backend", 64, &backend) < 0 ||
	    streq(backend, "ramoops"))
		return 0;
	if (asprintf(ret_why,
		     "ramoops has no memory: pstore uses %s; name the memory on the kernel command "
		     "line, by ramoops.mem_address= and ramoops.mem_size=, or unload what it uses",
		     streq(backend, "(null)") ? "nothing" : backend) < 0)
		*ret_why = NULL;
	return -EBUSY;
}

int ramoops_load(const struct machine *m, const struct node *tree, const struct node *options,
		 const char *more, char **ret_why)
{
	const struct node *ramoops = node_find(tree, "last_boot.ramoops");
	_cleanup_free_ char *own = NULL, *all = NULL;
	int ret;

	if (root_exists(&m->sysfs, "module/ramoops") == 0)
		return check_backend(m, ret_why);
	ret = check_memory(m, ramoops ? ramoops : options, ret_why);
	if (ret < 0)
		return ret;
	own = ramoops ? parameters(ramoops) : strdup("");
	if (!own || asprintf(&all, "%s %s", own, more) < 0) /* the later one of a name counts */
		return -ENOMEM;
	ret = module_insert(m, "ramoops", all, ret_why);
	return ret < 0 ? ret : check_backend(m, ret_why);
}

/* Nobody has to load the firmware's, which systemd does for itself, too. */
static void load_efi_pstore(const struct machine *m)
{
	_cleanup_free_ char *why = NULL;

	if (machine_is_real(m) && !m->wait && root_exists(&m->sysfs, "firmware/efi") == 0 &&
	    module_insert(m, "efi_pstore", "", &why) < 0)
		log_debug("last_boot: efi_pstore: %s", why ? why : "not loaded");
}

int ramoops_start(const struct machine *m, const struct node *tree, char **ret_why)
{
	bool wanted = node_find(tree, "last_boot.ramoops");
	_cleanup_free_ char *why = NULL;
	int ret = 0;

	if (wanted)
		ret = ramoops_load(m, tree, NULL, "", ret_why);
	else
		load_efi_pstore(m);
	GATHER(ret, mount_pstore(m, ret < 0 ? &why : ret_why));
	return ret < 0 || !wanted ? ret : read_verdict();
}
