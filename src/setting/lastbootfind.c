/* The evidence of the boot before: pstore's records, the dumps, the watchdogs. */
#include "setting/lastboot.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/log.h"
#include "setting/kdumpdir.h"
#include "setting/kdumptarget.h"
#include "setting/mount.h"
#include "setting/panicline.h"
#include "setting/pstore.h"
#include "setting/ramoops.h"
#include "setting/report.h"

#define RECORD_MAX (4U << 20)

/* WDIOF_CARDRESET of <linux/watchdog.h>: the card reset the machine. */
#define WATCHDOG_RESET 0x20

/* How the boot before ended, by what it left; the later ones say more. */
enum ending {
	ENDING_NOTHING,
	ENDING_EMERGENCY, /* an emergency restart, such as sysrq-b */
	ENDING_SHUTDOWN,
	ENDING_CRASH,
};

struct search {
	const struct machine *m;
	struct last_boot *l;
	bool clears;       /* somebody clears pstore: what is there is of the boot before */
	const char *stuck; /* what was archived before, and is there still; or NULL */
	bool copy;         /* copies are wanted */
	int copies;        /* directory for them; or -errno */
	enum ending ending;
	int64_t time;      /* of the record that says so */
	const char *panic; /* the line that tells why, with ENDING_CRASH; or NULL */
};

/* A copy in /run, which is safe from whoever else clears pstore, until it is archived. */
static int copy_record(struct search *s, const char *name, const char *text, size_t size, bool log)
{
	int ret = s->copies;

	if (!s->copy)
		return 0;
	if (ret >= 0)
		ret = write_whole_as(s->copies, name, text, size, 0600);
	if (ret < 0) {
		log_warning("last_boot: %s/%s: %s", LAST_BOOT_RECORDS, name, strerror(-ret));
		s->l->uncopied = ret;
	}
	if (ret >= 0 && log) {
		s->l->log = arena_printf(&s->l->arena, "/run/" LAST_BOOT_RECORDS "/%s", name);
		if (!s->l->log)
			return -ENOMEM;
	}
	return ret;
}

static const struct {
	const char *reason;
	enum ending ending;
	const char *text;
} reasons[] = {
	{ "Panic", ENDING_CRASH, "a panic" },
	{ "Oops", ENDING_NOTHING, "an oops" },
	{ "Shutdown", ENDING_SHUTDOWN, "an orderly shutdown" },
	{ "Restart", ENDING_SHUTDOWN, "an orderly shutdown" },
	{ "Halt", ENDING_SHUTDOWN, "an orderly shutdown" },
	{ "Poweroff", ENDING_SHUTDOWN, "an orderly shutdown" },
	{ "Emergency", ENDING_EMERGENCY, "an emergency restart" },
	{ "", ENDING_NOTHING, "a record that does not say of what" },
};

static size_t reason_of(const struct pstore_dump *d)
{
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(reasons) && !streq(d->parts->reason, reasons[i].reason))
		i++;
	return i;
}

/* The latest record says how the boot ended: an oops may come before a shutdown. The restart that
 * kernel.panic asks for is an emergency restart, which ends nothing that the panic has not. */
static void note_ending(struct search *s, enum ending ending, int64_t time, const char *text,
			bool indents)
{
	if (ending == ENDING_EMERGENCY && s->ending == ENDING_CRASH)
		return;
	if (ending == ENDING_CRASH && s->ending == ENDING_EMERGENCY)
		s->time = INT64_MIN;
	if (time < s->time || (time == s->time && ending < s->ending))
		return;
	s->time = time;
	s->ending = ending;
	s->panic = ending == ENDING_CRASH ? panic_line(&s->l->arena, text, indents) : NULL;
}

/* An earlier stage may have had a copy; who knows whether it is there still. */
static void forget_seen(struct search *s, const struct pstore_dump *d)
{
	for (const struct pstore_part *p = d->parts; p; p = p->next)
		for (struct last_boot_line **at = &s->l->seen; *at;)
			if (streq((*at)->text, p->name))
				*at = (*at)->next;
			else
				at = &(*at)->next;
}

/* What has a copy may be cleared: all of the parts that it is made of. */
static int note_seen(struct search *s, const struct pstore_dump *d)
{
	int ret = 0;

	for (const struct pstore_part *p = d->parts; p && ret >= 0; p = p->next)
		ret = last_boot_add(s->l, &s->l->seen, "%s", p->name);
	return ret;
}

/* What an earlier boot has archived tells nothing of this one. It may let itself be cleared now. */
static bool is_stuck(const struct search *s, int pstore, const struct pstore_dump *d)
{
	for (const struct pstore_part *p = d->parts; p; p = p->next)
		if (!last_boot_is_stuck(s->stuck, pstore, p->name))
			return false;
	return true;
}

static int look_at_record(struct search *s, int pstore, const struct pstore_dump *d)
{
	_cleanup_free_ char *text = NULL;
	size_t size, reason = reason_of(d);
	enum ending ending = reasons[reason].ending;
	const char *what = reasons[reason].text;
	bool kept;
	int ret;

	if (is_stuck(s, pstore, d)) {
		ret = last_boot_add(s->l, &s->l->evidence,
				    "pstore has %s still: an earlier boot has archived it",
				    d->name);
		return ret < 0 ? ret : note_seen(s, d);
	}
	ret = pstore_join(d, &text, &size);
	if (ret < 0)
		return ret;
	kept = ramoops_take_kept_log(text, &s->l->crashes);
	if (kept) {
		size = strlen(text);
		ending = ENDING_CRASH;
		what = "the kernel log of a crash, kept by the crash kernel";
	}
	if (!s->clears)
		return last_boot_add(s->l, &s->l->evidence,
				     "pstore has %s: %s, but of which boot is not known: without "
				     "'last_boot' nobody clears it",
				     d->name, what);
	note_ending(s, ending, d->parts->time, text, kept);
	ret = last_boot_add(s->l, &s->l->evidence, "pstore has %s: %s", d->name, what);
	if (ret >= 0 && ending != ENDING_SHUTDOWN)
		ret = copy_record(s, d->name, text, size, ending == ENDING_CRASH);
	if (ret >= 0)
		ret = note_seen(s, d);
	else
		forget_seen(s, d);
	return ret == -ENOMEM ? ret : 0;
}

/* The console tells of a panic of which there is no record: a crash kernel comes before that. The
 * kernel's own record of an orderly end says that there was none. After a crash it is kept, as is
 * what programs have written. */
static int look_at_log(struct search *s, int dir, const char *name)
{
	const struct root pstore = { .fd = dir, .path = "", .no_links = true };
	_cleanup_free_ char *text = NULL;
	int ret;

	if (last_boot_is_stuck(s->stuck, dir, name))
		return last_boot_add(s->l, &s->l->seen, "%s", name);
	if (root_read_text(&pstore, name, RECORD_MAX, &text) < 0)
		return 0;
	if (after_prefix(name, "console-") && s->ending < ENDING_SHUTDOWN && panic_ends(text)) {
		note_ending(s, ENDING_CRASH, INT64_MAX, text, false);
		ret = last_boot_add(s->l, &s->l->evidence, "pstore has %s: a panic", name);
		if (ret < 0)
			return ret;
	}
	if (s->ending != ENDING_CRASH && s->ending != ENDING_EMERGENCY)
		return 0;
	ret = copy_record(s, name, text, strlen(text),
			  !s->l->log && after_prefix(name, "console-"));
	return ret < 0 ? ret : last_boot_add(s->l, &s->l->seen, "%s", name);
}

static int look_at_logs(struct search *s, int fd, const char *kind)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;
	_cleanup_closedir_ DIR *d = own < 0 ? NULL : fdopendir(own);
	struct dirent *e;

	while (d && ret >= 0 && (e = readdir(d)))
		if (after_prefix(e->d_name, kind))
			ret = look_at_log(s, own, e->d_name);
	return ret;
}

static int look_at_pstore(struct search *s)
{
	_cleanup_close_ int fd = root_openat(&s->m->sysfs, "fs/pstore", O_RDONLY | O_DIRECTORY);
	struct pstore_dump *first = NULL;
	int ret = fd < 0 ? 0 : pstore_dumps(fd, RECORD_MAX, &s->l->arena, &first);

	for (const struct pstore_dump *d = first; d && ret >= 0; d = d->next)
		ret = look_at_record(s, fd, d);
	if (ret >= 0 && fd >= 0 && s->clears)
		ret = look_at_logs(s, fd, "console-");
	if (ret >= 0 && fd >= 0 && s->clears)
		ret = look_at_logs(s, fd, "pmsg-");
	return ret == -ENOMEM ? ret : 0;
}

/* --- dumps --- */

/* What tells why is at the end. */
static int read_end(const struct root *dir, const char *path, char **ret_text, size_t *ret_size)
{
	_cleanup_close_ int fd = root_openat(dir, path, O_RDONLY | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size > RECORD_MAX && lseek(fd, -(off_t)RECORD_MAX, SEEK_END) < 0)
		return -errno;
	return read_all(fd, RECORD_MAX, ret_text, ret_size);
}

static int look_at_dump(struct search *s, const struct root *dir, const char *target,
			const char *path)
{
	_cleanup_free_ char *text = NULL, *log = NULL, *core = NULL, *name = NULL;
	bool has_core;
	size_t size = 0;
	int ret;

	/* What the last crash kernel saved; nobody has looked at it yet. */
	if (root_read_text(dir, KDUMP_NEW, 256, &name) < 0 || kdumpdir_number(name) == 0)
		return 0;
	if (asprintf(&log, "%s/" KDUMP_LOG, name) < 0 ||
	    asprintf(&core, "%s/" KDUMP_CORE, name) < 0)
		return -ENOMEM;
	has_core = root_exists(dir, core) == 0;
	s->ending = ENDING_CRASH;
	s->time = INT64_MAX; /* nothing that pstore may have is later */
	ret = last_boot_add(s->l, &s->l->evidence, "%s has %s of a crash: %s/%s", target,
			    has_core                     ? "a dump"
			    : root_exists(dir, log) == 0 ? "the kernel log, but no dump,"
							 : "neither the kernel log nor a dump",
			    path, name);
	if (ret >= 0)
		ret = last_boot_add(s->l, &s->l->records, "%s:%s/%s", target, path,
				    has_core ? core : log);
	if (ret < 0 || read_end(dir, log, &text, &size) < 0 || !text)
		return ret;
	s->panic = panic_line(&s->l->arena, text, true);
	ret = copy_record(s, "dmesg-kdump", text, size, true);
	return ret == -ENOMEM ? ret : 0;
}

static int look_at_target(struct search *s, const struct node *kdump)
{
	_cleanup_(kdump_target_close) struct kdump_target t = KDUMP_TARGET_NONE;
	const struct node *capture = node_child(kdump, "capture");
	_cleanup_free_ char *why = NULL;
	const char *target = node_text(capture, "target");
	int ret;

	if (!target)
		return 0;
	ret = kdump_target_open(s->m, capture, false, s->m->wait ? MOUNT_WAIT : 0, &t, &why);
	if (ret < 0) {
		log_debug("last_boot: %s: %s", target, why ? why : strerror(-ret));
		return ret == -ENOMEM ? ret : 0;
	}
	return look_at_dump(s, &t.root, target, node_setting(capture, "path"));
}

/* --- watchdogs --- */

static int look_at_watchdogs(struct search *s, bool *ret_fired)
{
	int fd = root_openat(&s->m->sysfs, "class/watchdog", O_RDONLY | O_DIRECTORY), ret = 0;
	_cleanup_closedir_ DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (d && ret >= 0 && (e = readdir(d))) {
		char path[NAME_MAX + 64];
		_cleanup_free_ char *text = NULL;

		snprintf(path, sizeof(path), "class/watchdog/%s/bootstatus", e->d_name);
		if (*e->d_name == '.' || root_read_text(&s->m->sysfs, path, 32, &text) < 0 ||
		    !(strtoul(text, NULL, 0) & WATCHDOG_RESET))
			continue;
		*ret_fired = true;
		ret = last_boot_add(s->l, &s->l->evidence, "%s has reset the machine", e->d_name);
	}
	return ret;
}

/* --- all of it --- */

/* Whether a record of each shutdown in order is written, and is missed where memory kept its
 * contents. Kernels before 5.8 do not know the parameter, and write none. */
static bool records_shutdown(const struct machine *m)
{
	return root_exists(&m->sysfs, "module/ramoops/parameters/max_reason") == 0;
}

static bool lacks_end(const struct search *s, int memory)
{
	return s->ending != ENDING_SHUTDOWN && s->ending != ENDING_CRASH &&
	       memory == RAMOOPS_KEPT_CONTENTS && records_shutdown(s->m);
}

static const char *cause_of(const struct search *s, bool watchdog, int memory)
{
	if (s->ending == ENDING_CRASH)
		return panic_is_oom(s->panic) ? CAUSE_OOM_PANIC : CAUSE_PANIC;
	if (s->ending == ENDING_SHUTDOWN) /* many boards restart by their watchdog */
		return CAUSE_REBOOT;
	if (watchdog)
		return CAUSE_WATCHDOG;
	if (s->ending == ENDING_EMERGENCY || lacks_end(s, memory))
		return CAUSE_POWER_LOSS_OR_RESET;
	return CAUSE_UNKNOWN;
}

int last_boot_find(const struct machine *m, const struct node *tree, int memory, bool copy,
		   struct last_boot *l)
{
	_cleanup_close_ int copies = -EBADF;
	_cleanup_free_ char *stuck = last_boot_stuck(m, node_child(tree, "last_boot"));
	struct search s = { .m = m,
			    .l = l,
			    .clears = node_child(tree, "last_boot"),
			    .stuck = stuck,
			    .copy = copy,
			    .copies = -ENOENT };
	bool watchdog = false;
	int ret = 0;

	if (copy && m->run.fd >= 0)
		s.copies = copies = root_make_dir(&m->run, LAST_BOOT_RECORDS);
	if (copies >= 0 && fchmod(copies, 0700) < 0) /* kernel logs are root's to read */
		log_debug("last_boot: %s: %s", LAST_BOOT_RECORDS, strerror(errno));
	if (memory == RAMOOPS_KEPT_CONTENTS)
		ret = last_boot_add(l, &l->evidence,
				    "the reserved memory kept its contents: power was not lost");
	else if (memory == RAMOOPS_LOST)
		ret = last_boot_add(l, &l->evidence, EVIDENCE_LOST);
	GATHER(ret, look_at_pstore(&s));
	GATHER(ret, look_at_target(&s, node_child(tree, "kdump")));
	GATHER(ret, look_at_watchdogs(&s, &watchdog));
	if (s.panic)
		GATHER(ret, last_boot_add(l, &l->evidence, "%s", s.panic));
	last_boot_raise(l, cause_of(&s, watchdog, memory));
	/* The record may have been there, and is cleared now. */
	if (lacks_end(&s, memory) && !streq(l->cause, CAUSE_REBOOT))
		GATHER(ret, last_boot_add(l, &l->evidence, EVIDENCE_NO_END));
	return ret;
}
