/* Modules that must not be loaded: a modprobe.d file in /run, which udev and modprobe read. */
#include <fcntl.h>

#include "setting/setting.h"

#define CONF_DIR "modprobe.d"
#define CONF "holdfast.conf"
#define MAX_CONF (1U << 20)

static int block_describe(const struct machine *m, struct arena *a, struct setting *s)
{
	const char *name = s->node->value;

	s->path = name;
	s->key = arena_printf(a, "modules.block.%s", name);
	s->file = arena_printf(a, "%s/" CONF_DIR "/" CONF, m->run.path);
	s->wanted = "blocked";
	return s->key && s->file ? 0 : -ENOMEM;
}

/* "blacklist" keeps udev from loading it for a device, "install" anybody from loading it by name.
 */
static int lines_for(const char *name, char **ret_lines)
{
	return asprintf(ret_lines, "blacklist %s\ninstall %s /bin/false\n", name, name) < 0
		       ? -ENOMEM
		       : 0;
}

static int read_conf(const struct machine *m, char **ret_text)
{
	size_t size;
	int ret = root_read(&m->run, CONF_DIR "/" CONF, MAX_CONF, ret_text, &size);

	if (ret != -ENOENT)
		return ret;
	*ret_text = strdup("");
	return *ret_text ? 0 : -ENOMEM;
}

/* The file as it is, and the lines that block the module. */
static int prepare(const struct machine *m, const struct setting *s, char **ret_conf,
		   char **ret_lines)
{
	int ret = read_conf(m, ret_conf);

	return ret < 0 ? ret : lines_for(s->path, ret_lines);
}

static int block_read(const struct machine *m, const struct setting *s, struct state *ret_state)
{
	_cleanup_free_ char *conf = NULL, *lines = NULL, *module = NULL, *initstate = NULL;
	bool written, loaded, built_in;
	int ret;

	ret = prepare(m, s, &conf, &lines);
	if (ret < 0)
		return ret;
	if (asprintf(&module, "module/%s", s->path) < 0 ||
	    asprintf(&initstate, "module/%s/initstate", s->path) < 0)
		return -ENOMEM;
	written = strstr(conf, lines);
	loaded = root_exists(&m->sysfs, module) == 0;
	built_in = loaded && root_exists(&m->sysfs, initstate) < 0;
	ret_state->holds = written && !loaded;
	ret_state->value = strdup(built_in  ? "built-in"
				  : loaded  ? "loaded"
				  : written ? "blocked"
					    : "not blocked");
	if (loaded)
		ret_state->why = strdup(built_in ? "it is built into the kernel"
						 : "it was loaded before it could be blocked");
	return ret_state->value ? 0 : -ENOMEM;
}

static int write_conf(const struct machine *m, const char *text)
{
	_cleanup_close_ int dir = root_make_dir(&m->run, CONF_DIR);

	if (dir < 0)
		return dir;
	if (!*text)
		return unlinkat(dir, CONF, 0) < 0 && errno != ENOENT ? -errno : 0;
	return write_whole(dir, CONF, text, strlen(text));
}

static int block_write(const struct machine *m, const struct setting *s, char **why)
{
	_cleanup_(state_free) struct state now = { 0 };
	_cleanup_free_ char *conf = NULL, *lines = NULL, *text = NULL;
	int ret;

	ret = block_read(m, s, &now);
	if (ret >= 0)
		ret = prepare(m, s, &conf, &lines);
	if (ret < 0)
		return ret;
	if (now.why || strstr(conf, lines)) { /* too late, or there already */
		*why = TAKE_PTR(now.why);
		return *why ? -EBUSY : 0;
	}
	if (asprintf(&text, "%s%s", conf, lines) < 0)
		return -ENOMEM;
	ret = write_conf(m, text);
	if (ret < 0 && asprintf(why, "%s/" CONF_DIR ": %s", m->run.path, strerror(-ret)) < 0)
		*why = NULL;
	return ret;
}

static int block_undo(const struct machine *m, const struct setting *s, const char *before)
{
	_cleanup_free_ char *conf = NULL, *lines = NULL;
	char *found;
	int ret;

	(void)before; /* it was not blocked */
	ret = prepare(m, s, &conf, &lines);
	if (ret < 0)
		return ret;
	found = strstr(conf, lines);
	if (!found)
		return 0;
	memmove(found, found + strlen(lines), strlen(found + strlen(lines)) + 1);
	return write_conf(m, conf);
}

const struct setting_ops block_ops = {
	.name = "block",
	.stages = STAGE_EARLY | STAGE_SYSTEM,
	.describe = block_describe,
	.read = block_read,
	.write = block_write,
	.undo = block_undo,
};
