#include "setting/kdumprow.h"

#include "base/text.h"

#define ATTEMPTS ".attempts"
#define ARMED ".armed" /* the boot's identity, and how many before it had an unclear end */

static int64_t read_attempts(const struct kdump_target *t)
{
	_cleanup_free_ char *text = NULL;
	int64_t n;

	if (root_read_text(&t->root, ATTEMPTS, 32, &text) < 0 || text_to_int(text, &n) < 0 || n < 0)
		return 0;
	return n;
}

/* A loss of power and an end in order are no failures of a crash kernel. */
static bool is_clear(const struct last_boot *l)
{
	return streq_null(l->cause, CAUSE_REBOOT) || last_boot_has(l, EVIDENCE_LOST);
}

struct kdump_row kdump_row_read(const struct kdump_target *t, const struct machine *m,
				const struct last_boot *l, int64_t max)
{
	struct kdump_row row = { .crashes = read_attempts(t) };
	_cleanup_free_ char *text = NULL, *id = NULL;
	const char *number;

	if (root_read_text(&t->root, ARMED, 128, &text) < 0)
		return row;
	row.noted = true;
	number = strrchr(text, ' ');
	if (!number || text_to_int(number + 1, &row.unclear) < 0 || row.unclear < 0)
		row.unclear = 0;
	if (machine_boot_id(m, &id) >= 0 && after_prefix(text, id))
		return row;
	row.unclear = row.unclear >= max || is_clear(l) ? 0 : row.unclear + 1;
	return row;
}

static int remove_file(const struct kdump_target *t, const char *name)
{
	return unlinkat(t->root.fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int kdump_row_set(const struct kdump_target *t, int64_t crashes)
{
	int n, ret = remove_file(t, ARMED);
	char text[32];

	if (crashes == 0) {
		GATHER(ret, remove_file(t, ATTEMPTS));
		return ret < 0 ? ret : fsync(t->root.fd) < 0 ? -errno : 0;
	}
	n = snprintf(text, sizeof(text), "%lld\n", (long long)crashes);
	GATHER(ret, n < 0 ? -EIO : write_whole(t->root.fd, ATTEMPTS, text, (size_t)n));
	return ret;
}

int kdump_row_note(const struct kdump_target *t, const struct machine *m, int64_t unclear)
{
	_cleanup_free_ char *id = NULL;
	char text[128];
	int n, ret = machine_boot_id(m, &id);

	if (ret < 0)
		return ret;
	n = snprintf(text, sizeof(text), "%.64s %lld\n", id, (long long)unclear);
	return n < 0 ? -EIO : write_whole(t->root.fd, ARMED, text, (size_t)n);
}

int64_t kdump_row_max(const struct node *capture)
{
	const char *text = node_setting(capture, "max_attempts");
	int64_t n;

	return text && text_to_int(text, &n) == 0 ? n : INT64_MAX;
}
