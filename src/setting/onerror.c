#include "setting/onerror.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/reboot.h>

#include "base/log.h"

static void leave_marker(const struct machine *m)
{
	_cleanup_close_ int dir = root_make_dir(&m->run, "holdfast");
	int ret = dir < 0 ? dir : write_whole(dir, "emergency", "", 0);

	if (ret < 0)
		log_error("%s/holdfast/emergency: %s", m->run.path, strerror(-ret));
}

static void emergency(const struct machine *m, bool in_system)
{
	leave_marker(m);
	/* systemd goes to emergency.target on this signal; other inits ignore it, and their script
	 * looks for the marker. */
	if (in_system && root_exists(&m->run, "systemd/system") == 0)
		kill(1, SIGRTMIN + 2);
}

static void restart(bool in_system)
{
	sync();
	/* What Ctrl-Alt-Del does: every init shuts down in order. */
	if (in_system && kill(1, SIGINT) == 0)
		return;
	reboot(RB_AUTOBOOT);
	log_error("reboot: %s", strerror(errno));
}

static void panic(const struct machine *m)
{
	int ret = root_write_text(&m->procfs, "sysrq-trigger", "c");

	if (ret < 0)
		log_error("panic: %s/sysrq-trigger: %s", m->procfs.path, strerror(-ret));
}

void onerror_run(const struct machine *m, const char *action, bool in_system)
{
	if (streq(action, "continue"))
		return;
	log_error("on_error: %s", action);
	if (streq(action, "emergency"))
		emergency(m, in_system);
	else if (streq(action, "reboot"))
		restart(in_system);
	else
		panic(m);
}
