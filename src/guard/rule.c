#include "guard/rule.h"

#include <ctype.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/walk.h"

#define MAX_PASSWD (4U << 20)

/* A number up to @stop, of an ID; (uid_t)-1 is none. */
static int read_uid(const char *text, char stop, uid_t *ret_uid)
{
	char *end;
	unsigned long long uid = strtoull(text, &end, 10);

	if (!isdigit((unsigned char)*text) || *end != stop || uid >= UINT32_MAX)
		return -ENOENT;
	*ret_uid = (uid_t)uid;
	return 0;
}

/* The initramfs has no name service: the file is all there is, for root's services it is enough. */
static int find_user(const char *passwd, const char *name, uid_t *ret_uid)
{
	size_t len = strlen(name);

	if (isdigit((unsigned char)*name))
		return read_uid(name, '\0', ret_uid);
	if (streq(name, "root")) {
		*ret_uid = 0;
		return 0;
	}
	for (const char *line = passwd; line;
	     line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
		const char *field;

		if (strncmp(line, name, len) != 0 || line[len] != ':')
			continue;
		field = strchr(line + len + 1, ':');
		return field ? read_uid(field + 1, ':', ret_uid) : -ENOENT;
	}
	return -ENOENT;
}

static enum rule_children children_of(const struct node *n)
{
	const char *text = node_setting(n, "children");

	if (streq(text, "inherit"))
		return CHILDREN_INHERIT;
	return streq(text, "same-program") ? CHILDREN_SAME_PROGRAM : CHILDREN_RELEASE;
}

static int compile_one(struct arena *a, const struct node *n, const char *passwd, struct rule *r)
{
	const char *unit = node_text(n, "unit"), *args = node_text(n, "args");
	const char *max_rss = node_text(n, "max_rss");

	*r = (struct rule){
		.service = arena_strdup(a, node_identity(n)),
		.exe = arena_strdup(a, node_text(n, "exe")),
		.unit = unit ? arena_strdup(a, unit) : NULL,
		.args = args ? arena_strdup(a, args) : NULL,
		.score = atoi(node_setting(n, "oom_score_adj")),
		.children = children_of(n),
		.release_to = atoi(node_setting(n, "release_to")),
		.max_rss = max_rss ? strtoll(max_rss, NULL, 10) : 0,
		.problem = "not looked up yet",
	};
	r->has_user = find_user(passwd, node_setting(n, "user"), &r->uid) == 0;
	if (!r->service || !r->exe || (unit && !r->unit) || (args && !r->args))
		return -ENOMEM;
	return 0;
}

int rules_compile(const struct node *tree, const struct root *root, struct rules *ret_rules)
{
	_cleanup_(rules_free) struct rules r = { 0 };
	_cleanup_free_ char *passwd = NULL;
	const struct node *protect = node_child(tree, "protect");
	unsigned n = 0;

	node_foreach(item, protect)
		n++;
	r.list = arena_alloc(&r.arena, (n + 1) * sizeof(*r.list));
	if (!r.list)
		return -ENOMEM;
	if (root_read_text(root, "etc/passwd", MAX_PASSWD, &passwd) < 0)
		passwd = NULL;
	node_foreach(item, protect) {
		int ret = compile_one(&r.arena, item, passwd ? passwd : "", &r.list[r.n++]);

		if (ret < 0)
			return ret;
	}
	*ret_rules = r;
	r = (struct rules){ 0 };
	return 0;
}

void rules_free(struct rules *r)
{
	arena_free(&r->arena);
	*r = (struct rules){ 0 };
}

/* --- the way to the program --- */

struct way {
	rule_visit visit;
	void *data;
	struct stat last; /* what the walk has come to */
	const char *problem;
};

static bool is_safe(const struct stat *st)
{
	return st->st_uid == 0 && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static const char *judge(const struct stat *st, bool last)
{
	if (!is_safe(st))
		return last && S_ISREG(st->st_mode)
			       ? "the program is not root's alone: others could replace it"
			       : "a directory on the way is not root's alone: others could put a "
				 "program there";
	return last && !S_ISREG(st->st_mode) ? "it is no program" : NULL;
}

static int see(int fd, bool last, void *data)
{
	struct way *w = data;

	if (fstat(fd, &w->last) < 0) {
		w->problem = "it cannot be looked at";
		return -errno;
	}
	if (S_ISDIR(w->last.st_mode))
		w->visit(fd, false, w->data);
	w->problem = judge(&w->last, last);
	return w->problem ? -EPERM : 0;
}

static const char *problem_of(int error)
{
	return error == -ENOENT         ? "there is no such program"
	       : error == -ELOOP        ? "too many links"
	       : error == -ENAMETOOLONG ? "too long a path"
					: "the way to it is barred";
}

/* A #! line names the file that the processes run. */
static void read_interpreter(struct rule *r, const struct root *root, int fd)
{
	char line[256], *path, *end;
	_cleanup_close_ int interpreter = -EBADF;
	struct stat st;
	ssize_t n = pread(fd, line, sizeof(line) - 1, 0);

	r->script = n > 2 && line[0] == '#' && line[1] == '!';
	if (!r->script)
		return;
	line[n] = '\0';
	path = line + 2 + strspn(line + 2, " \t");
	end = path + strcspn(path, " \t\r\n");
	*end = '\0';
	r->by_env = streq(strrchr(path, '/') ? strrchr(path, '/') : "", "/env");
	interpreter = root_openat(root, path, O_PATH);
	if (interpreter >= 0 && fstat(interpreter, &st) == 0)
		r->interpreter = (struct file_id){ .dev = st.st_dev, .ino = st.st_ino };
}

static const char *find_program(struct rule *r, const struct root *root, struct way *w)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat st;

	if (root->fd >= 0)
		w->visit(root->fd, false, w->data);
	fd = walk_open(root->fd, r->exe, O_RDONLY | O_NONBLOCK, WALK_LINKS, see, w);
	if (fd < 0)
		return w->problem ? w->problem : problem_of(fd);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_dev != w->last.st_dev ||
	    st.st_ino != w->last.st_ino)
		return "it changed while it was looked at";
	r->program = (struct file_id){ .dev = st.st_dev, .ino = st.st_ino };
	read_interpreter(r, root, fd);
	w->visit(fd, true, w->data);
	return NULL;
}

static void visit_nothing(int fd, bool is_program, void *data)
{
	(void)fd;
	(void)is_program;
	(void)data;
}

void rule_resolve(struct rule *r, const struct root *root, rule_visit visit, void *data)
{
	struct way w = { .visit = visit ? visit : visit_nothing, .data = data };

	r->problem = find_program(r, root, &w);
	if (!r->problem && !r->has_user)
		r->problem = "its user does not exist";
	r->resolved = !r->problem;
}

/* --- whose process --- */

bool rule_fits(const struct rule *r, struct process *p, ino_t user_namespace, bool after_exec)
{
	struct process_ids ids;
	char args[4096];
	ino_t its;

	if (process_ids(p, &ids) < 0 || !ids.one_user || ids.uid != r->uid || ids.nested ||
	    process_user_namespace(p, &its) < 0 || its != user_namespace)
		return false;
	if (r->unit && !process_in_unit(p, r->unit))
		return false;
	if (!r->args)
		return true;
	return after_exec && process_args(p, args, sizeof(args)) == 0 &&
	       fnmatch(r->args, args, FNM_NOESCAPE) == 0;
}

bool rule_could_run(const struct rule *r, const struct file_id *exe)
{
	if (!r->resolved)
		return false;
	if (!r->script)
		return file_id_equal(exe, &r->program);
	return r->by_env || file_id_equal(exe, &r->interpreter);
}

/* A word of the process's arguments, as the process itself would find that file. */
static bool names_program(const struct rule *r, struct process *p, const char *word)
{
	char path[PATH_MAX];
	struct stat st;
	int n = snprintf(path, sizeof(path), "%s%s", *word == '/' ? "root" : "cwd/", word);

	return n > 0 && (size_t)n < sizeof(path) && fstatat(p->fd, path, &st, 0) == 0 &&
	       st.st_dev == r->program.dev && st.st_ino == r->program.ino;
}

bool rule_runs(const struct rule *r, struct process *p, const struct file_id *exe)
{
	char args[4096];
	ssize_t size;
	const char *word;

	if (!rule_could_run(r, exe))
		return false;
	if (!r->script)
		return true;
	size = process_arguments(p, args, sizeof(args));
	if (size <= 0)
		return false;
	/* The kernel makes the script an argument, after at most one of the #! line; env adds none.
	 */
	word = args;
	for (int i = 0; i < 2; i++) {
		word += strlen(word) + 1;
		if (word >= args + size)
			return false;
		if (names_program(r, p, word))
			return true;
	}
	return false;
}
