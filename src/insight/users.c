#include "insight/procfs.h"

#define MAX_PASSWD (4U << 20)

static int by_uid(const void *a, const void *b)
{
	const struct user *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* Names of one UID stay in the file's order, which is that of their places. */
static int by_uid_and_line(const void *a, const void *b)
{
	const struct user *x = a, *y = b;

	return x->uid != y->uid ? by_uid(x, y) : x->name < y->name ? -1 : x->name > y->name;
}

static size_t count_lines(const char *text)
{
	size_t n = 1;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

int users_read(const struct root *root, struct users *ret_users)
{
	_cleanup_(users_free) struct users u = { 0 };
	char *rest = NULL;
	int ret = root_read_text(root, "etc/passwd", MAX_PASSWD, &u.text);

	if (ret < 0) {
		*ret_users = (struct users){ 0 };
		return ret == -ENOMEM ? ret : 0;
	}
	u.list = calloc(count_lines(u.text), sizeof(*u.list));
	if (!u.list)
		return -ENOMEM;
	for (char *line = strtok_r(u.text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *password = strchr(line, ':'), *uid, *end;

		uid = password ? strchr(password + 1, ':') : NULL;
		if (!uid)
			continue;
		*password = '\0';
		u.list[u.n].name = line;
		u.list[u.n].uid = (uid_t)strtoul(uid + 1, &end, 10);
		u.n += end > uid + 1 && *end == ':';
	}
	qsort(u.list, u.n, sizeof(*u.list), by_uid_and_line);
	*ret_users = u;
	u = (struct users){ 0 };
	return 0;
}

void users_free(struct users *u)
{
	free(u->text);
	free(u->list);
	*u = (struct users){ 0 };
}

const char *users_name(const struct users *u, uid_t uid, char buffer[16])
{
	const struct user wanted = { .uid = uid };
	const struct user *found =
		u->n ? bsearch(&wanted, u->list, u->n, sizeof(*u->list), by_uid) : NULL;

	while (found && found > u->list && found[-1].uid == uid) /* the first, as getpwuid() */
		found--;
	if (found)
		return found->name;
	snprintf(buffer, 16, "%u", (unsigned)uid);
	return buffer;
}
