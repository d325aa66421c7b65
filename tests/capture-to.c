/* capture-to DIR LOG: what a crash kernel does once the disk for dumps is mounted: counts the crash
 * in DIR/crash, and saves LOG there. */
#define kdump_capture kdump_capture_here
#include "setting/kdumpcapture.c"

static struct node option(const char *name, const char *value, struct node *next)
{
	return (struct node){ .name = name, .value = value, .next = next };
}

int main(int argc, char **argv)
{
	struct node path = option("path", "/crash", NULL), keep = option("keep", "2", &path);
	struct node save = option("save", "dmesg", &keep);
	struct node target = option("target", argc == 3 ? argv[1] : "", &save);
	const struct node options = { .kind = NODE_MAP, .first = &target };
	const struct machine m = { .procfs = ROOT_NONE };
	_cleanup_close_ int fd = argc == 3 ? open(argv[2], O_RDONLY | O_CLOEXEC) : -EBADF;
	_cleanup_(capture_free) struct capture c = {
		.m = &m, .options = &options, .target = KDUMP_TARGET_NONE, .crashes = 1
	};
	_cleanup_(root_close) struct root top = ROOT_NONE;
	_cleanup_free_ char *why = NULL;
	int ret = fd < 0 ? -errno : read_all(fd, 1U << 20, &c.log, &c.log_size);

	if (ret >= 0)
		ret = root_open(argv[1], false, &top);
	if (ret >= 0)
		ret = kdumpdir_open(&top, path.value, true, &c.target.root, &why);
	if (ret < 0) {
		log_error("%s", why ? why : strerror(-ret));
		return 1;
	}
	count(&c);
	ret = save_to_target(&c);
	root_close(&c.target.root);
	return ret == 0 ? 0 : 1;
}
