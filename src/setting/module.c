/* Kernel modules to load, through libkmod. */
#include <libkmod.h>

#include <dlfcn.h>
#include <sys/utsname.h>

#include "base/dlopen.h"
#include "base/log.h"
#include "base/text.h"
#include "setting/module.h"
#include "setting/ramoops.h"
#include "setting/setting.h"

DLOPEN_NOTE("kmod", "Loading the kernel modules of a profile", "libkmod.so.2");

#define MAX_LIST (1U << 20)

struct libkmod {
	void *handle;
	__typeof__(kmod_new) *create;
	__typeof__(kmod_unref) *unref;
	__typeof__(kmod_module_new_from_lookup) *lookup;
	__typeof__(kmod_module_unref_list) *unref_list;
	__typeof__(kmod_module_get_module) *get_module;
	__typeof__(kmod_module_probe_insert_module) *probe;
	__typeof__(kmod_module_new_from_name) *from_name;
	__typeof__(kmod_module_remove_module) *remove;
	__typeof__(kmod_module_unref) *module_unref;
	__typeof__(kmod_module_get_path) *get_path;
	struct kmod_ctx *ctx;
};

static void libkmod_close(struct libkmod *k)
{
	if (k->ctx)
		k->unref(k->ctx);
	if (k->handle)
		dlclose(k->handle);
}

/* The kernel's release, from the same tree as its sysctls. */
static int modules_dir(const struct machine *m, char **ret_dir)
{
	_cleanup_free_ char *release = NULL;
	struct utsname u;

	if (root_read_text(&m->procfs, "sys/kernel/osrelease", 256, &release) < 0 && uname(&u) == 0)
		release = strdup(u.release);
	if (!release)
		return -ENOMEM;
	return asprintf(ret_dir, "/lib/modules/%s", release) < 0 ? -ENOMEM : 0;
}

/* A foreign root brings its own modprobe.d. */
static int libkmod_create(const struct machine *m, struct libkmod *k, const char *dir)
{
	static const char *const dirs[] = { "/etc/modprobe.d", "/usr/local/lib/modprobe.d",
					    "/usr/lib/modprobe.d", "/lib/modprobe.d" };
	_cleanup_(arena_free) struct arena a = { 0 };
	const char *config[ARRAY_SIZE(dirs) + 2] = { 0 };

	config[0] = arena_printf(&a, "%s/modprobe.d", m->run.path);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		config[i + 1] = arena_printf(&a, "%s%s", m->root.path, dirs[i]);
	for (size_t i = 0; i + 1 < ARRAY_SIZE(config); i++)
		if (!config[i])
			return -ENOMEM;
	k->ctx = k->create(dir, config);
	return k->ctx ? 0 : -ENOMEM;
}

static int libkmod_load(struct libkmod *k)
{
	const struct dlopen_symbol symbols[] = {
		{ "kmod_new", &k->create },
		{ "kmod_unref", &k->unref },
		{ "kmod_module_new_from_lookup", &k->lookup },
		{ "kmod_module_unref_list", &k->unref_list },
		{ "kmod_module_get_module", &k->get_module },
		{ "kmod_module_probe_insert_module", &k->probe },
		{ "kmod_module_new_from_name", &k->from_name },
		{ "kmod_module_remove_module", &k->remove },
		{ "kmod_module_unref", &k->module_unref },
		{ "kmod_module_get_path", &k->get_path },
	};

	return dlopen_symbols("libkmod.so.2", symbols, ARRAY_SIZE(symbols), &k->handle);
}

static int libkmod_open(const struct machine *m, struct libkmod *k)
{
	_cleanup_free_ char *dir = NULL, *path = NULL;
	int ret = libkmod_load(k);

	if (ret < 0)
		return ret;
	ret = modules_dir(m, &dir);
	if (ret < 0)
		return ret;
	path = root_path(&m->root, dir);
	if (!path)
		return -ENOMEM;
	return libkmod_create(m, k, path);
}

static const struct node *options_of(const struct setting *s)
{
	return s->node ? node_child(s->node, "options") : NULL;
}

static int module_describe(const struct machine *m, struct arena *a, struct setting *s)
{
	const char *name = node_text(s->node, "name");

	s->path = name;
	s->key = arena_printf(a, "modules.load.%s", name);
	s->file = arena_printf(a, "%s/module/%s", m->sysfs.path, name);
	s->wanted = "loaded";
	node_foreach(option, options_of(s))
		if (s->wanted)
			s->wanted =
				arena_printf(a, "%s %s=%s", s->wanted, option->name, option->value);
	return s->key && s->file && s->wanted ? 0 : -ENOMEM;
}

bool module_is_named(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/'), *leaf = slash ? slash + 1 : path;

	for (; *leaf && *name; leaf++, name++)
		if (*leaf != *name && (*leaf != '-' || *name != '_'))
			return false;
	return !*name && (!*leaf || after_prefix(leaf, ".ko"));
}

bool module_is_built_in(const struct root *root, const char *dir, const char *name)
{
	_cleanup_free_ char *path = NULL, *list = NULL;
	char *line, *rest;

	if (asprintf(&path, "%s/modules.builtin", dir) < 0 ||
	    root_read_text(root, path, MAX_LIST, &list) < 0)
		return false;
	for (line = strtok_r(list, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (module_is_named(line, name))
			return true;
	return false;
}

/* Of the running kernel. */
static bool is_built_in(const struct machine *m, const char *name)
{
	_cleanup_free_ char *dir = NULL;

	return modules_dir(m, &dir) >= 0 && module_is_built_in(&m->root, dir, name);
}

/* Adds " NAME=VALUE" for each wanted option, as the module has it. One that cannot be read back
 * counts as taken: many parameters have no file. */
static int read_options(const struct machine *m, const struct setting *s, struct state *state)
{
	node_foreach(option, options_of(s)) {
		_cleanup_free_ char *path = NULL, *value = NULL, *before = state->value;

		state->value = NULL;
		if (asprintf(&path, "module/%s/parameters/%s", s->path, option->name) < 0)
			return -ENOMEM;
		if (root_read_text(&m->sysfs, path, 4096, &value) < 0)
			value = NULL;
		if (asprintf(&state->value, "%s %s=%s", before, option->name,
			     value && !text_same_value(option->value, value) ? value
									     : option->value) < 0)
			return -ENOMEM;
		if (value && !text_same_value(option->value, value))
			state->holds = false;
	}
	return 0;
}

static int module_read(const struct machine *m, const struct setting *s, struct state *ret_state)
{
	_cleanup_free_ char *dir = NULL, *initstate = NULL, *live = NULL;
	bool present, built_in;

	if (asprintf(&dir, "module/%s", s->path) < 0 ||
	    asprintf(&initstate, "%s/initstate", dir) < 0)
		return -ENOMEM;
	present = root_exists(&m->sysfs, dir) == 0;
	built_in = present ? root_exists(&m->sysfs, initstate) < 0 : is_built_in(m, s->path);
	if (present && !built_in && root_read_text(&m->sysfs, initstate, 64, &live) == 0 &&
	    !streq(live, "live"))
		present = false; /* coming or going */
	ret_state->holds = present || built_in;
	ret_state->value = strdup(built_in ? "built-in" : present ? "loaded" : "not loaded");
	if (!ret_state->value)
		return -ENOMEM;
	if (!ret_state->holds)
		return 0;
	if (read_options(m, s, ret_state) < 0)
		return -ENOMEM;
	if (!ret_state->holds)
		ret_state->why =
			strdup(built_in ? "a built-in takes options from the kernel command "
					  "line only"
					: "it was loaded with other options");
	return 0;
}

static int option_string(const struct setting *s, char **ret_options)
{
	size_t size;
	FILE *f = open_memstream(ret_options, &size);

	if (!f)
		return -ENOMEM;
	node_foreach(option, options_of(s))
		fprintf(f, strpbrk(option->value, " \t") ? "%s%s=\"%s\"" : "%s%s=%s",
			ftell(f) > 0 ? " " : "", option->name, option->value);
	return memstream_end(f, ret_options);
}

static int probe(const struct libkmod *k, const char *name, const char *options, bool foreign,
		 char **why)
{
	struct kmod_list *list = NULL;
	struct kmod_module *module;
	int ret;

	ret = k->lookup(k->ctx, name, &list);
	if (ret < 0 && ret != -ENOENT && ret != -ENOSYS)
		return ret;
	if (!list) { /* not listed, or no list for this kernel at all */
		*why = strdup("there is no such module for this kernel");
		return -ENOENT;
	}
	module = k->get_module(list);
	/* "install" lines of a foreign root are not for us to run. */
	ret = k->probe(module,
		       KMOD_PROBE_APPLY_BLACKLIST_ALIAS_ONLY |
			       (foreign ? KMOD_PROBE_IGNORE_COMMAND : 0U),
		       options, NULL, NULL, NULL);
	k->module_unref(module);
	k->unref_list(list);
	if (ret > 0) { /* blocked by configuration */
		*why = strdup("modprobe.d blocks it");
		return -EPERM;
	}
	return ret;
}

int module_insert(const struct machine *m, const char *name, const char *options, char **ret_why)
{
	_cleanup_(libkmod_close) struct libkmod k = { 0 };
	int ret;

	if (machine_is_image(m))
		return machine_refuse(m, "loaded", ret_why);
	ret = libkmod_open(m, &k);
	if (ret == -ELIBACC)
		*ret_why = strdup("libkmod.so.2 is not here");
	if (ret < 0)
		return ret;
	return probe(&k, name, options, m->root.confined, ret_why);
}

static int module_write(const struct machine *m, const struct setting *s, char **why)
{
	_cleanup_(state_free) struct state now = { 0 };
	_cleanup_free_ char *options = NULL;
	int ret;

	ret = module_read(m, s, &now);
	if (ret < 0)
		return ret;
	if (!after_prefix(now.value, "not loaded")) { /* it has other options */
		*why = TAKE_PTR(now.why);
		return -EBUSY;
	}
	ret = option_string(s, &options);
	if (ret >= 0 && streq(s->path, "ramoops")) /* last_boot may ask more of it */
		return ramoops_load(m, s->tree, options_of(s), options, why);
	return ret < 0 ? ret : module_insert(m, s->path, options, why);
}

static int module_undo(const struct machine *m, const struct setting *s, const char *before)
{
	_cleanup_(libkmod_close) struct libkmod k = { 0 };
	struct kmod_module *module;
	int ret;

	(void)before; /* it was not loaded */
	if (machine_is_image(m))
		return -EOPNOTSUPP;
	ret = libkmod_open(m, &k);
	if (ret < 0)
		return ret;
	ret = k.from_name(k.ctx, s->path, &module);
	if (ret < 0)
		return ret;
	ret = k.remove(module, 0);
	k.module_unref(module);
	return ret;
}

const struct setting_ops module_ops = {
	.name = "module",
	.stages = STAGE_DEVICES | STAGE_SYSTEM,
	.describe = module_describe,
	.read = module_read,
	.write = module_write,
	.undo = module_undo,
};

/* --- modules of a kernel that does not run --- */

static int presence_of(const struct libkmod *k, struct kmod_list *list, char **ret_path)
{
	struct kmod_module *module = k->get_module(list);
	const char *path = k->get_path(module);
	char *copy = path ? strdup(path) : NULL;

	k->module_unref(module);
	if (path && !copy)
		return -ENOMEM;
	*ret_path = copy;
	return 0;
}

int module_find(const char *dir, const char *name, char **ret_path)
{
	static const char *no_config[] = { NULL };
	_cleanup_(libkmod_close) struct libkmod k = { 0 };
	struct kmod_list *list = NULL;
	int ret = libkmod_load(&k);

	if (ret < 0)
		return ret;
	k.ctx = k.create(dir, no_config);
	if (!k.ctx)
		return -ENOMEM;
	ret = k.lookup(k.ctx, name, &list);
	if (ret < 0 && ret != -ENOSYS)
		return ret;
	if (!list)
		return -ENOENT;
	ret = presence_of(&k, list, ret_path);
	k.unref_list(list);
	return ret;
}

bool module_is_missing(const struct machine *m, const char *name)
{
	_cleanup_free_ char *dir = NULL, *full = NULL, *path = NULL;

	if (modules_dir(m, &dir) < 0)
		return false;
	full = root_path(&m->root, dir);
	return full && module_find(full, name, &path) == -ENOENT;
}
