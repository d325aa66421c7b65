#include "guard/rule.h"

#include <ctype.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/text.h"
#include "base/walk.h"

#define MAX_PASSWD (4U << 20)
#define MAX_SCRIPTS 5 /* scripts that interpret scripts: as many as the kernel bears with */

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
static int find_user(const struct root *root, const char *name, uid_t *ret_uid)
{
	_cleanup_free_ char *passwd = NULL;
	size_t len = strlen(name);
	int ret;

	if (isdigit((unsigned char)*name))
		return read_uid(name, '\0', ret_uid);
	if (streq(name, "root")) {
		*ret_uid = 0;
		return 0;
	}
	ret = root_read_text(root, "etc/passwd", MAX_PASSWD, &passwd);
	if (ret < 0)
		return ret;
	for (const char *line = passwd; line; line = text_next_line(line)) {
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

static int compile_one(struct arena *a, const struct node *n, const struct root *root,
		       struct rule *r)
{
	const char *unit = node_text(n, "unit"), *args = node_text(n, "args");
	const char *max_rss = node_text(n, "max_rss");

	*r = (struct rule){
		.service = arena_strdup(a, node_identity(n)),
		.exe = arena_strdup(a, node_text(n, "exe")),
		.user = arena_strdup(a, node_setting(n, "user")),
		.unit = unit ? arena_strdup(a, unit) : NULL,
		.args = args ? arena_strdup(a, args) : NULL,
		.score = atoi(node_setting(n, "oom_score_adj")),
		.children = children_of(n),
		.release_to = atoi(node_setting(n, "release_to")),
		.max_rss = max_rss ? strtoll(max_rss, NULL, 10) : 0,
		.problem = "not looked up yet",
	};
	if (!r->service || !r->exe || !r->user || (unit && !r->unit) || (args && !r->args))
		return -ENOMEM;
	r->has_user = find_user(root, r->user, &r->uid) == 0;
	return 0;
}

int rules_compile(const struct node *tree, const struct root *root, struct rules *ret_rules)
{
	_cleanup_(rules_free) struct rules r = { 0 };
	const struct node *protect = node_child(tree, "protect");
	unsigned n = 0;

	node_foreach(item, protect)
		n++;
	r.list = arena_alloc(&r.arena, (n + 1) * sizeof(*r.list));
	if (!r.list)
		return -ENOMEM;
	node_foreach(item, protect) {
		int ret = compile_one(&r.arena, item, root, &r.list[r.n++]);

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
	if (S_ISLNK(w->last.st_mode)) /* as its directory, which was seen */
		return 0;
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

/* Where commands are looked for without a PATH of the service's own. */
static const char *const command_dirs[] = { "/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
					    "/usr/bin",        "/sbin",          "/bin" };

static struct file_id id_of(int fd)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return (struct file_id){ 0 };
	return (struct file_id){ .dev = st.st_dev, .ino = st.st_ino };
}

static struct file_id find_command(const struct root *root, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(command_dirs); i++) {
		_cleanup_close_ int fd = -EBADF;
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", command_dirs[i], name);
		fd = root_openat(root, *name == '/' ? name : path, O_PATH);
		if (fd >= 0)
			return id_of(fd);
	}
	return (struct file_id){ 0 };
}

/* "#!/usr/bin/env [-S] NAME=VALUE… COMMAND [ARGUMENT…]": @words are those behind env, and
 * without any between them the script would be argument @script_at. */
static void read_env(struct rule *r, const struct root *root, char *words, unsigned script_at)
{
	char *word = strtok_r(words, " \t", &words);

	while (word && (*word == '-' || strchr(word, '='))) {
		if (after_prefix(word, "-S") && word[2]) { /* the command without a blank */
			word += 2;
			continue;
		}
		if (streq(word, "-u") || streq(word, "-C"))
			(void)strtok_r(NULL, " \t", &words);
		word = strtok_r(NULL, " \t", &words);
	}
	if (!word)
		return;
	r->command = find_command(root, word);
	r->command_at = script_at;
	while (strtok_r(NULL, " \t", &words))
		r->command_at++;
}

/* A #! line names the file that the processes run; it may be a script itself. The kernel makes a
 * script's path an argument, behind one with the rest of its #! line. */
static int read_interpreter(struct rule *r, const struct root *root, int fd)
{
	_cleanup_close_ int interpreter = -EBADF;

	r->script_at = r->command_at = 0;
	for (int depth = 0; depth < MAX_SCRIPTS; depth++) {
		char line[256], *path, *rest;
		ssize_t n = pread(fd, line, sizeof(line) - 1, 0);

		if (n < 0)
			return -errno;
		line[n] = '\0';
		line[strcspn(line, "\r\n")] = '\0';
		path = (char *)after_prefix(line, "#!");
		path = path ? strtok_r(path, " \t", &rest) : NULL;
		if (!path)
			break;
		rest += strspn(rest, " \t");
		r->script_at++;
		if (streq(basename(path), "env"))
			read_env(r, root, rest, r->script_at);
		r->script_at += *rest != '\0';
		close_p(&interpreter);
		interpreter = root_openat(root, path, O_RDONLY | O_NONBLOCK);
		r->interpreter = id_of(interpreter);
		if (fails_for_now(interpreter))
			return interpreter;
		if (interpreter < 0)
			break;
		fd = interpreter;
	}
	return 0;
}

static int find_program(struct rule *r, const struct root *root, struct way *w)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat st;
	int ret;

	if (root->fd >= 0)
		w->visit(root->fd, false, w->data);
	fd = walk_open(root->fd, r->exe, O_RDONLY | O_NONBLOCK, WALK_LINKS, see, w);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_dev != w->last.st_dev || st.st_ino != w->last.st_ino) {
		w->problem = "it changed while it was looked at";
		return -EPERM;
	}
	r->program = (struct file_id){ .dev = st.st_dev, .ino = st.st_ino };
	ret = read_interpreter(r, root, fd);
	if (ret >= 0)
		w->visit(fd, true, w->data);
	return ret;
}

int rule_look_up_user(struct rule *r, const struct root *root, rule_visit visit, void *data)
{
	_cleanup_close_ int etc = -EBADF;
	int ret;

	if (isdigit((unsigned char)*r->user) || streq(r->user, "root"))
		return 0;
	etc = root_openat(root, "etc", O_PATH | O_DIRECTORY);
	if (etc >= 0)
		visit(etc, false, data);
	ret = etc < 0 ? etc : find_user(root, r->user, &r->uid);
	if (fails_for_now(ret))
		return ret;
	r->has_user = ret == 0;
	return 0;
}

static void visit_nothing(int fd, bool is_program, void *data)
{
	(void)fd;
	(void)is_program;
	(void)data;
}

int rule_resolve(struct rule *r, const struct root *root, rule_visit visit, void *data)
{
	struct way w = { .visit = visit ? visit : visit_nothing, .data = data };
	struct rule found = *r;
	int ret = find_program(&found, root, &w);

	if (fails_for_now(ret)) {
		if (!r->resolved)
			r->problem = "it cannot be looked at";
		return ret;
	}
	found.problem = ret >= 0 ? NULL : w.problem ? w.problem : problem_of(ret);
	if (!found.problem && !found.has_user)
		found.problem = "its user does not exist";
	found.resolved = !found.problem;
	*r = found;
	return 0;
}

/* --- whose process --- */

int rule_fits(const struct rule *r, struct process *p, ino_t user_namespace, bool after_exec)
{
	struct process_ids ids;
	char args[4096];
	ino_t its;
	int ret;

	if (r->args && !after_exec)
		return 0;
	ret = process_ids(p, &ids);
	if (ret < 0 || !ids.one_user || ids.uid != r->uid || ids.nested)
		return ret < 0 ? ret : 0;
	ret = process_user_namespace(p, &its);
	if (ret < 0 || its != user_namespace)
		return ret < 0 ? ret : 0;
	ret = r->unit ? process_in_unit(p, r->unit) : 1;
	if (ret <= 0 || !r->args)
		return ret;
	ret = process_args(p, args, sizeof(args));
	return ret < 0 ? ret : fnmatch(r->args, args, FNM_NOESCAPE) == 0;
}

bool rule_could_run(const struct rule *r, const struct file_id *exe)
{
	if (!r->resolved)
		return false;
	if (!r->script_at)
		return file_id_equal(exe, &r->program);
	return file_id_equal(exe, &r->interpreter) ||
	       (r->command_at && file_id_equal(exe, &r->command));
}

/* Of what somebody else's process says of itself only this is worth an errno. */
static int for_now(int ret)
{
	return fails_for_now(ret) ? ret : 0;
}

/* A word of the process's arguments, as the process itself would find that file. */
static int is_program(const struct rule *r, struct process *p, const char *word)
{
	char path[PATH_MAX];
	struct stat st;
	int n = snprintf(path, sizeof(path), "%s%s", *word == '/' ? "root" : "cwd/", word);

	if (n <= 0 || (size_t)n >= sizeof(path))
		return 0;
	if (fstatat(p->fd, path, &st, 0) < 0)
		return for_now(-errno);
	return st.st_dev == r->program.dev && st.st_ino == r->program.ino;
}

/* Of others nothing is looked up: what they name may be on a file system that never answers. */
int rule_is_named(const struct rule *r, struct process *p)
{
	char args[4096];
	const char *word = args;
	struct process_ids ids;
	ssize_t size;
	int ret = process_ids(p, &ids);

	if (ret < 0 || !ids.one_user || ids.uid != r->uid)
		return for_now(ret);
	size = process_arguments(p, args, sizeof(args));
	ret = for_now((int)size);
	for (unsigned at = 0; size > 0 && ret == 0 && word < args + size;
	     at++, word += strlen(word) + 1)
		if (at > 0 && (at == r->script_at || at == r->command_at))
			ret = is_program(r, p, word);
	return ret;
}

int rule_runs(const struct rule *r, struct process *p, const struct file_id *exe)
{
	if (!rule_could_run(r, exe))
		return 0;
	return r->script_at ? rule_is_named(r, p) : 1;
}
