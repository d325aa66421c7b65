/* File systems to mount, through libmount. */
#include <libmount.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include "base/dlopen.h"
#include "base/log.h"
#include "base/run.h"
#include "setting/mount.h"
#include "setting/setting.h"

DLOPEN_NOTE("mount", "Mounting the file systems of a profile", "libmount.so.1");

/* How long a required device may take to appear at boot, in milliseconds. */
#define WAIT_REQUIRED 10000
#define WAIT_STEP 100

struct libmount {
	void *handle;
	__typeof__(mnt_new_table) *new_table;
	__typeof__(mnt_unref_table) *unref_table;
	__typeof__(mnt_table_parse_file) *parse_file;
	__typeof__(mnt_table_find_target) *find_target;
	__typeof__(mnt_fs_get_source) *get_source;
	__typeof__(mnt_fs_get_fstype) *get_fstype;
	__typeof__(mnt_fs_get_options) *get_options;
	__typeof__(mnt_fs_match_options) *match_options;
	__typeof__(mnt_resolve_spec) *resolve_spec;
	__typeof__(mnt_new_context) *new_context;
	__typeof__(mnt_free_context) *free_context;
	__typeof__(mnt_context_set_source) *set_source;
	__typeof__(mnt_context_set_target) *set_target;
	__typeof__(mnt_context_set_fstype) *set_fstype;
	__typeof__(mnt_context_set_options) *set_options;
	__typeof__(mnt_context_mount) *mount;
	__typeof__(mnt_context_get_excode) *get_excode;
};

static void libmount_close(struct libmount *l)
{
	if (l->handle)
		dlclose(l->handle);
}

static int libmount_open(struct libmount *l)
{
	const struct dlopen_symbol symbols[] = {
		{ "mnt_new_table", &l->new_table },
		{ "mnt_unref_table", &l->unref_table },
		{ "mnt_table_parse_file", &l->parse_file },
		{ "mnt_table_find_target", &l->find_target },
		{ "mnt_fs_get_source", &l->get_source },
		{ "mnt_fs_get_fstype", &l->get_fstype },
		{ "mnt_fs_get_options", &l->get_options },
		{ "mnt_fs_match_options", &l->match_options },
		{ "mnt_resolve_spec", &l->resolve_spec },
		{ "mnt_new_context", &l->new_context },
		{ "mnt_free_context", &l->free_context },
		{ "mnt_context_set_source", &l->set_source },
		{ "mnt_context_set_target", &l->set_target },
		{ "mnt_context_set_fstype", &l->set_fstype },
		{ "mnt_context_set_options", &l->set_options },
		{ "mnt_context_mount", &l->mount },
		{ "mnt_context_get_excode", &l->get_excode },
	};

	return dlopen_symbols("libmount.so.1", symbols, ARRAY_SIZE(symbols), &l->handle);
}

static int mount_describe(const struct machine *m, struct arena *a, struct setting *s)
{
	const char *what = node_text(s->node, "what"), *type = node_text(s->node, "type");
	const char *options = node_text(s->node, "options");

	s->path = node_text(s->node, "where");
	s->key = arena_printf(a, "mounts.%s", s->path);
	s->file = arena_printf(a, "%s%s", m->root.path, s->path);
	s->wanted = arena_printf(a, "%s%s%s%s%s", what, type ? " " : "", type ? type : "",
				 options ? " " : "", options ? options : "");
	return s->key && s->file && s->wanted ? 0 : -ENOMEM;
}

/* --- what libblkid has a part in --- */

/* It looks at every disk there is, and where it gets no memory, it crashes: a child asks it. */
struct question {
	const struct libmount *lib;
	const char *what, *type, *options, *target;
	struct answer {
		int ret;
		char text[PATH_MAX];
	} * answer;
};

/* What @fn has answered, with its text: what was asked for, or why it failed; NULL where it has
 * none. The caller frees. */
static int ask(int (*fn)(void *data), struct question *q, char **ret_text)
{
	int ret;

	q->answer = mmap(NULL, sizeof(*q->answer), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (q->answer == MAP_FAILED)
		return -errno;
	ret = run_in_child(fn, q);
	if (ret == 0)
		ret = q->answer->ret;
	else if (ret == -EBADMSG)
		snprintf(q->answer->text, sizeof(q->answer->text), "libmount has crashed");
	if (ret == -ENOMEM && !*q->answer->text)
		snprintf(q->answer->text, sizeof(q->answer->text), "%s", strerror(ENOMEM));
	*ret_text = *q->answer->text ? strdup(q->answer->text) : NULL;
	munmap(q->answer, sizeof(*q->answer));
	/* Out of memory stands for our own, which ends more than a mount. */
	return ret == -ENOMEM ? -EAGAIN : ret;
}

static int answer_device(void *data)
{
	const struct question *q = data;
	_cleanup_free_ char *device = q->lib->resolve_spec(q->what, NULL);

	q->answer->ret = device ? 0 : -ENOENT;
	if (device)
		snprintf(q->answer->text, sizeof(q->answer->text), "%s", device);
	return 0;
}

static bool is_virtual(const char *what)
{
	return *what != '/' && !strchr(what, '=');
}

/* The device that @what names; -ENOENT: it is not there. The caller frees both. */
static int resolve(const struct libmount *l, const char *what, char **ret_device, char **ret_why)
{
	_cleanup_free_ char *text = NULL;
	int ret = 0;

	if (is_virtual(what))
		text = strdup(what);
	else
		ret = ask(answer_device, &(struct question){ .lib = l, .what = what }, &text);
	if (ret < 0)
		*ret_why = TAKE_PTR(text);
	else if (!text)
		ret = -ENOMEM;
	else
		*ret_device = TAKE_PTR(text);
	return ret;
}

static int answer_mount(void *data)
{
	const struct question *q = data;
	const struct libmount *l = q->lib;
	struct libmnt_context *c = l->new_context();
	int ret, status;

	q->answer->ret = -ENOMEM;
	if (!c)
		return 0;
	ret = l->set_source(c, q->what);
	if (ret == 0)
		ret = l->set_target(c, q->target);
	if (ret == 0 && q->type)
		ret = l->set_fstype(c, q->type);
	if (ret == 0 && q->options)
		ret = l->set_options(c, q->options);
	if (ret == 0) {
		ret = l->mount(c);
		status = l->get_excode(c, ret, q->answer->text, sizeof(q->answer->text));
		if (status != 0) {
			if (!*q->answer->text)
				snprintf(q->answer->text, sizeof(q->answer->text), "mount failed");
			ret = ret ? ret : -EIO;
		}
	}
	l->free_context(c);
	q->answer->ret = ret > 0 ? -ret : ret;
	return 0;
}

static int mount_it(const struct libmount *l, const char *what, const char *type,
		    const char *options, const char *target, char **why)
{
	struct question q = { l, what, type, options, target, NULL };
	_cleanup_free_ char *text = NULL;
	int ret = ask(answer_mount, &q, &text);

	if (ret < 0)
		*why = TAKE_PTR(text);
	return ret;
}

/* --- the setting --- */

/* Whether the mounted file system is the wanted one, with at least those of the kernel's options
 * that restrict it: 1, 0, or -errno with what there is to say of it in *@ret_why. */
static int is_wanted(const struct libmount *l, struct libmnt_fs *fs, const struct setting *s,
		     char **ret_why)
{
	static const char *const restricting[] = { "ro", "rw", "nosuid", "nodev", "noexec" };
	const char *options = node_text(s->node, "options"), *type = node_text(s->node, "type");
	_cleanup_free_ char *source = NULL;

	/* What is bound or looped shows another source: that something is there must do. */
	if (!(options && (strstr(options, "bind") || strstr(options, "loop")))) {
		int ret = resolve(l, node_text(s->node, "what"), &source, ret_why);

		if (ret < 0 && ret != -ENOENT)
			return ret;
		if (!source || !streq_null(source, l->get_source(fs)))
			return 0;
	}
	if (type && !streq(type, "auto") && !streq_null(type, l->get_fstype(fs)))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(restricting) && options; i++) {
		size_t n = strlen(restricting[i]);

		for (const char *o = options; o; o = strchr(o, ','), o = o ? o + 1 : NULL)
			if (strncmp(o, restricting[i], n) == 0 && (o[n] == ',' || !o[n]) &&
			    !l->match_options(fs, restricting[i]))
				return 0;
	}
	return 1;
}

/* The mount point without links, as the kernel lists it; as it is written where it does not exist
 * yet. The caller frees. */
static char *real_target(const struct machine *m, const struct setting *s)
{
	_cleanup_close_ int fd = root_openat(&m->root, s->path, O_PATH);
	char link[32], path[PATH_MAX];
	ssize_t n = -1;

	if (fd >= 0) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, path, sizeof(path) - 1);
	}
	if (n <= 0)
		return root_path(&m->root, s->path);
	path[n] = '\0';
	return strdup(path);
}

static int mount_read(const struct machine *m, const struct setting *s, struct state *ret_state)
{
	_cleanup_(libmount_close) struct libmount l = { 0 };
	_cleanup_free_ char *table = root_path(&m->procfs, "self/mountinfo");
	_cleanup_free_ char *target = real_target(m, s);
	struct libmnt_table *mounts;
	struct libmnt_fs *fs;
	int ret = libmount_open(&l);

	if (ret == -ELIBACC)
		ret_state->why = strdup("libmount.so.1 is not here");
	if (ret < 0)
		return ret;
	mounts = table && target ? l.new_table() : NULL;
	if (!mounts)
		return -ENOMEM;
	ret = l.parse_file(mounts, table);
	if (ret < 0 && asprintf(&ret_state->why, "%s: %s", table, strerror(-ret)) < 0)
		ret_state->why = NULL;
	fs = ret < 0 ? NULL : l.find_target(mounts, target, MNT_ITER_BACKWARD);
	if (fs) {
		const char *source = l.get_source(fs);

		ret = s->node ? is_wanted(&l, fs, s, &ret_state->why) : 0;
		ret_state->holds = ret > 0;
		if (ret == 0)
			ret_state->why = strdup("something else is mounted there");
		if (ret >= 0)
			ret = asprintf(&ret_state->value, "%s %s %s", source ? source : "none",
				       l.get_fstype(fs), l.get_options(fs)) < 0
				      ? -ENOMEM
				      : 0;
	} else if (ret >= 0) {
		ret_state->value = strdup("not mounted");
		ret = ret_state->value ? 0 : -ENOMEM;
	}
	l.unref_table(mounts);
	return ret;
}

/* The device, after waiting for it: to look for a label takes a while where udev does not, so it is
 * done once. -ENOENT: it did not appear. The caller frees both. */
static int wait_for_device(const struct libmount *l, const char *what, int wait_ms,
			   char **ret_device, char **ret_why)
{
	const struct timespec step = { .tv_nsec = WAIT_STEP * 1000000L };
	bool said = false;

	for (;; wait_ms -= WAIT_STEP) {
		_cleanup_free_ char *device = NULL;
		int ret = resolve(l, what, &device, ret_why);

		if (ret < 0 && ret != -ENOENT)
			return ret;
		if (device && (is_virtual(what) || access(device, F_OK) == 0)) {
			*ret_device = TAKE_PTR(device);
			return 0;
		}
		if (wait_ms <= 0)
			break;
		if (!said)
			log_info("waiting for %s, %d s at most", what, wait_ms / 1000);
		said = true;
		nanosleep(&step, NULL);
	}
	if (asprintf(ret_why, "%s did not appear", what) < 0)
		*ret_why = NULL;
	return -ENOENT;
}

int mount_attach(const char *what, const char *type, const char *options, const char *target,
		 int wait_ms, char **ret_why)
{
	_cleanup_(libmount_close) struct libmount l = { 0 };
	_cleanup_free_ char *device = NULL;
	int ret = libmount_open(&l);

	if (ret == -ELIBACC)
		*ret_why = strdup("libmount.so.1 is not here");
	if (ret < 0)
		return ret;
	ret = wait_for_device(&l, what, wait_ms, &device, ret_why);
	return ret < 0 ? ret : mount_it(&l, device, type, options, target, ret_why);
}

static int mount_write(const struct machine *m, const struct setting *s, char **why)
{
	_cleanup_(libmount_close) struct libmount l = { 0 };
	_cleanup_(state_free) struct state now = { 0 };
	_cleanup_free_ char *target = NULL, *device = NULL;
	int wait_ms = !m->wait ? 0 : s->required ? WAIT_REQUIRED : MOUNT_WAIT;
	int ret, dir;

	ret = mount_read(m, s, &now);
	*why = TAKE_PTR(now.why);
	if (ret < 0 || *why) /* never cover what somebody else put there */
		return ret < 0 ? ret : -EBUSY;
	if (machine_is_image(m))
		return machine_refuse(m, "mounted", why);
	ret = libmount_open(&l);
	if (ret < 0)
		return ret;
	ret = wait_for_device(&l, node_text(s->node, "what"), wait_ms, &device, why);
	if (ret < 0)
		return ret;
	dir = root_make_dir(&m->root, s->path);
	if (dir < 0)
		return dir;
	close(dir);
	target = real_target(m, s);
	return target ? mount_it(&l, device, node_text(s->node, "type"),
				 node_text(s->node, "options"), target, why)
		      : -ENOMEM;
}

static int mount_undo(const struct machine *m, const struct setting *s, const char *before)
{
	_cleanup_free_ char *path = real_target(m, s);

	(void)before; /* it was not mounted */
	if (!path)
		return -ENOMEM;
	return umount2(path, UMOUNT_NOFOLLOW) < 0 ? -errno : 0;
}

const struct setting_ops mount_ops = {
	.name = "mount",
	.stages = STAGE_DEVICES | STAGE_ROOT | STAGE_SYSTEM,
	.describe = mount_describe,
	.read = mount_read,
	.write = mount_write,
	.undo = mount_undo,
};
