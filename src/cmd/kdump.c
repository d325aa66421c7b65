#include <fcntl.h>
#include <sys/reboot.h>

#include "base/run.h"
#include "cmd/apply.h"
#include "setting/kdump.h"
#include "setting/kdumpcapture.h"
#include "setting/report.h"

/* As apply does it. */
static void print_empty_report(const struct context *c)
{
	if (c->opt[OPT_JSON])
		report_print(&(struct report){ 0 }, &c->machine, stdout);
}

/* A profile, and what was found in its files. */
struct chosen {
	struct selection s;
	struct findings f;
};

static void chosen_free(struct chosen *chosen)
{
	selection_free(&chosen->s);
	findings_free(&chosen->f);
}

static int load(struct context *c, const struct chosen *chosen)
{
	_cleanup_(kdump_free) struct kdump k = KDUMP_NONE;
	bool was_armed = kdump_is_armed(&c->machine);
	int ret = apply_kdump(c, &chosen->s, &chosen->f);

	if (ret == EXIT_OK && was_armed) /* a good one is not risked for another */
		ret = kdump_examine(&c->machine, chosen->s.profile.tree, &k);
	if (ret != EXIT_OK)
		return ret;
	if (k.note)
		log_info("kdump: %s", k.note);
	return kdump_is_armed(&c->machine) ? EXIT_OK : EXIT_NOT_DONE;
}

/* A panic must find a crash kernel for as long as a shortage of memory leads to one. */
static int disarm(struct context *c, const struct node *tree)
{
	static const char panic_on_oom[] = "sys/vm/panic_on_oom";
	const struct root *procfs = &c->machine.procfs;
	_cleanup_free_ char *before = NULL, *why = NULL;
	int ret = kdump_armed(&c->machine);

	if (ret < 0) {
		log_error("kdump: whether a crash kernel is loaded cannot be read: %s",
			  strerror(-ret));
		return EXIT_NOT_DONE;
	}
	if (ret == 0) {
		log_info("no crash kernel is loaded");
		return EXIT_OK;
	}
	if (node_find(tree, "vm.panic_on_oom"))
		ret = root_read_text(procfs, panic_on_oom, 16, &before);
	if (before)
		ret = root_write_text(
			procfs, panic_on_oom,
			node_setting(node_child(tree, "kdump"), "panic_on_oom_unarmed"));
	if (ret >= 0)
		ret = kdump_unload(&c->machine, &why);
	if (ret >= 0)
		return EXIT_OK;
	log_error("kdump: %s", why ? why : strerror(-ret));
	if (before && !kdump_is_armed(&c->machine))
		log_warning("vm.panic_on_oom is not put back to %s: no crash kernel is known to be "
			    "loaded",
			    before);
	else if (before && root_write_text(procfs, panic_on_oom, before) < 0)
		log_error("vm.panic_on_oom cannot be put back to %s", before);
	return EXIT_NOT_DONE;
}

static void print_bool(const struct context *c, const char *key, int value)
{
	struct json j;

	if (!c->opt[OPT_JSON])
		return;
	j = context_json();
	json_bool_known(&j, key, value);
	json_close(&j, '}');
}

static void print_armed(const struct context *c)
{
	print_bool(c, "armed", kdump_armed(&c->machine));
}

static int unload(struct context *c, const struct chosen *chosen)
{
	_cleanup_close_ int lock = report_lock(&c->machine, true);
	int ret = disarm(c, chosen->s.profile.tree);

	(void)lock; /* nobody arms it meanwhile */
	print_armed(c);
	return ret;
}

/* Says why an action cannot do its work, in the document of --json, too. */
#define fail(c, ...) fail_after(c, context_complain(c, EXIT_NOT_DONE, __VA_ARGS__))

static int fail_after(const struct context *c, int ret)
{
	if (ret >= 0)
		context_json_failure(c, NULL);
	return ret;
}

/* What kept the last try from arming it, where nothing shows now; in @a. */
static const char *last_reason(const struct context *c, struct arena *a)
{
	_cleanup_(report_free) struct report r = { 0 };
	const struct outcome *o;

	if (report_load(&c->machine, &r) < 0)
		return NULL;
	o = report_find(&r, "kdump");
	return o && o->text && o->result != RESULT_SET && o->result != RESULT_HOLDS
		       ? arena_strdup(a, o->text)
		       : NULL;
}

static void print_status(const struct context *c, const struct kdump *k, const char *reason)
{
	struct json j;

	if (c->opt[OPT_JSON]) {
		j = context_json();
		json_bool_known(&j, "armed", k->armed);
		json_int(&j, "reserved_bytes", k->reserved);
		json_int(&j, "required_bytes", k->required);
		json_bool(&j, "locked", k->locked);
		json_string(&j, "reason", reason);
		json_string(&j, "note", k->note);
		json_close(&j, '}');
		return;
	}
	printf("%s%s\n", kdump_armed_text(k->armed), k->locked ? ", locked" : "");
	printf("reserved: %lld MiB, required: %lld MiB\n", (long long)(k->reserved >> 20),
	       (long long)((k->required + 0xfffff) >> 20));
	if (reason || k->note)
		printf("%s\n", reason ? reason : k->note);
}

static int show_status(struct context *c, const struct chosen *chosen)
{
	const struct node *tree = chosen->s.profile.tree;
	_cleanup_(kdump_free) struct kdump k = KDUMP_NONE;
	_cleanup_(arena_free) struct arena a = { 0 };
	const char *reason;
	int ret = kdump_examine(&c->machine, tree, &k);

	if (ret < 0)
		return ret;
	reason = node_child(tree, "kdump") || k.armed ? k.why : "the profile has no section kdump";
	if (!k.armed && !reason)
		reason = last_reason(c, &a);
	if (!k.armed && !reason)
		reason = "nothing is in the way: 'holdfast kdump load' arms it";
	print_status(c, &k, reason);
	return k.armed > 0 ? EXIT_OK : EXIT_NOT_DONE;
}

/* For whoever builds a capture image, too. */
static int print_stamp(struct context *c, const struct chosen *chosen)
{
	_cleanup_free_ char *line = kdump_stamp(chosen->s.profile.tree);
	struct json j;

	if (!line)
		return -ENOMEM;
	if (!c->opt[OPT_JSON]) {
		fputs(line, stdout);
		return EXIT_OK;
	}
	line[strcspn(line, "\n")] = '\0';
	j = context_json();
	json_string(&j, "stamp", line);
	json_close(&j, '}');
	return EXIT_OK;
}

/* What follows the capture. A crash kernel has nothing else to do, whatever became of the dump. */
static void leave(const char *then)
{
	unsigned how = RB_AUTOBOOT;

	if (streq(then, "poweroff"))
		how = RB_POWER_OFF;
	else if (streq(then, "halt"))
		how = RB_HALT_SYSTEM;
	log_info("capture: %s", then);
	sync();
	if (reboot((int)how) < 0)
		log_error("capture: %s: %s", then, strerror(errno));
}

static int capture(struct context *c)
{
	_cleanup_(findings_free) struct findings f = { 0 };
	_cleanup_(selection_free) struct selection s = { 0 };
	const char *then = NULL;
	int status, ret;

	if (!kdump_is_capture_kernel(&c->machine))
		return fail(c, "this is no crash kernel: there is no %s/vmcore; nothing is done",
			    c->machine.procfs.path);
	status = context_choose(c, NULL, &f, &s);
	ret = kdump_capture(&c->machine, status == EXIT_OK ? s.profile.tree : NULL);
	if (status == EXIT_OK)
		then = node_setting(node_find(s.profile.tree, "kdump.capture"), "then");
	print_bool(c, "saved", ret >= 0);
	fflush(stdout); /* nobody else will */
	/* Trees made for a test are no reason to restart this machine. */
	if (!c->opt[OPT_PROCFS])
		leave(then ? then : "reboot");
	return ret < 0 ? EXIT_NOT_DONE : EXIT_OK;
}

/* What the initramfs hook calls, too; in an image by its own programs. */
static int build(struct context *c)
{
	int out = c->opt[OPT_JSON] ? STDERR_FILENO : -1;
	char chroot[] = "/usr/sbin/chroot", script[] = "/usr/lib/holdfast/capture-image";
	char *root = strdup(c->machine.root.path);
	char *inside[] = { chroot, root, script, NULL }, *here[] = { script, NULL };
	int status = -ENOMEM;

	if (root)
		status = run_program(*root ? inside : here, out, -1);
	free(root);
	if (status < 0)
		return status == -ENOMEM ? status : fail(c, "%s: %s", script, strerror(-status));
	print_bool(c, "built", status == 0);
	return status == 0 ? EXIT_OK : EXIT_NOT_DONE;
}

/* For whoever builds a capture image. */
static int print_needs(struct context *c, int argc, char **argv)
{
	_cleanup_close_ int kernel = -EBADF, initrd = -EBADF;
	const int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;
	int64_t bytes;
	int ret;

	if (argc != 3) {
		log_error("needs: give a kernel image and an initramfs");
		return EXIT_USAGE;
	}
	kernel = open(argv[1], flags);
	if (kernel < 0)
		return fail(c, "%s: %s", argv[1], strerror(errno));
	initrd = open(argv[2], flags);
	if (initrd < 0)
		return fail(c, "%s: %s", argv[2], strerror(errno));
	ret = kdump_measure(kernel, initrd, &bytes);
	if (ret < 0)
		return fail(c, "%s or %s cannot be read: %s", argv[1], argv[2], strerror(-ret));
	if (c->opt[OPT_JSON]) {
		struct json j = context_json();

		json_int(&j, "required_bytes", bytes);
		json_close(&j, '}');
	} else {
		printf("%lld\n", (long long)bytes);
	}
	return EXIT_OK;
}

static const struct {
	const char *name;
	int (*run)(struct context *c, const struct chosen *chosen);
	void (*rest)(const struct context *c); /* the document where nothing may be written */
} actions[] = {
	{ "load", load, print_empty_report },
	{ "unload", unload, print_armed },
	{ "status", show_status, NULL },
	{ "stamp", print_stamp, NULL },
};

static bool must_rest(struct context *c)
{
	if (context_stands_back(c))
		return true;
	if (!context_only_plans(c))
		return false;
	log_info("holdfast=plan on the kernel command line: nothing is written");
	return true;
}

static int run_kdump(struct context *c, int argc, char **argv)
{
	_cleanup_(chosen_free) struct chosen chosen = { 0 };
	const char *name = argc > 0 ? argv[0] : "status";
	size_t i = 0;
	int status;

	if (streq(name, "needs"))
		return print_needs(c, argc, argv);
	if (argc > 1) {
		log_error("kdump %s: too many arguments", name);
		return EXIT_USAGE;
	}
	if (streq(name, "capture"))
		return capture(c);
	if (streq(name, "build"))
		return build(c);
	while (i < ARRAY_SIZE(actions) && !streq(actions[i].name, name))
		i++;
	if (i == ARRAY_SIZE(actions)) {
		log_error(
			"unknown action '%s': load, unload, status, build, needs, stamp or capture",
			name);
		return EXIT_USAGE;
	}
	if (actions[i].rest && must_rest(c)) {
		actions[i].rest(c);
		return EXIT_OK;
	}
	status = context_choose(c, NULL, &chosen.f, &chosen.s);
	if (status != EXIT_OK) {
		context_json_failure(c, &chosen.f);
		return status;
	}
	if (!node_child(chosen.s.profile.tree, "kdump") && actions[i].rest)
		return fail(c, "profile '%s' has no section kdump", chosen.s.profile.name);
	return actions[i].run(c, &chosen);
}

const struct cmd cmd_kdump = {
	.name = "kdump",
	.args = "load|unload|status|build|capture|stamp|needs KERNEL INITRD",
	.summary = "Arm the crash kernel; in the crash kernel, save the dump",
	.help = "load: arms it, if all is as it must be, then sets vm.panic_on_oom and locks "
		"kexec\nas the profile says. unload: the reverse. status: whether it is armed, and "
		"if\nnot, why, and what to do. needs: prints how many bytes must be reserved for "
		"these\ntwo. build, stamp, capture: see holdfast(8).",
	.max_args = 3,
	.run = run_kdump,
};
