/* A directory that stands for a tree (procfs, sysfs, an image): all reading and writing of kernel
 * and image files goes through one, so that tests can put a fake tree in its place. */
#pragma once

#include <sys/stat.h>

#include "base/util.h"

struct root {
	int fd;           /* O_PATH descriptor */
	const char *path; /* as given, without a trailing slash; "" for "/"; borrowed */
	bool confined;    /* symbolic links are resolved inside, as in a chroot */
	bool no_links;    /* there are none: -ELOOP */
	bool own; /* on each path below it only root, or we, can have put anything: else -EPERM */
};

#define ROOT_NONE ((struct root){ .fd = -EBADF, .path = "" })

/* Opens @path. @confined keeps links of a foreign tree inside it; "/" is never confined. */
int root_open(const char *path, bool confined, struct root *ret_root) _must_check_;
void root_close(struct root *r);

/* As openat(2), always with O_CLOEXEC and O_NOCTTY; leading slashes of @path are ignored.
 * In a foreign tree (@confined, @no_links, @own) only regular files and directories are opened, but
 * with O_PATH: -ENXIO. Returns a descriptor or -errno. */
int root_openat(const struct root *r, const char *path, int flags) _must_check_;

/* Whether only root, or we, can have written to it, or put it there. */
bool root_is_own(const struct stat *st);

/* Opens the directory in which @path's last part lies, for reading; *@ret_leaf is that part, within
 * @path. Returns a descriptor or -errno. */
int root_open_parent(const struct root *r, const char *path, const char **ret_leaf) _must_check_;

/* 0 when @path exists below @r, else -errno. */
int root_exists(const struct root *r, const char *path);

/* A file's text, at most @max bytes (-EFBIG beyond), trailing white space removed, NULs turned to
 * blanks except a last one. The caller frees. */
int root_read_text(const struct root *r, const char *path, size_t max,
		   char **ret_text) _must_check_;

/* As root_read_text() for any bytes: the size in *@ret_size, one NUL appended after them. */
int root_read(const struct root *r, const char *path, size_t max, char **ret_data,
	      size_t *ret_size) _must_check_;

/* Writes @text and a newline with one write(2) to a file that exists. */
int root_write_text(const struct root *r, const char *path, const char *text) _must_check_;

/* The path a person would use: the root's own path, a slash, @path. The caller frees. */
char *root_path(const struct root *r, const char *path);

/* Reads all of a descriptor, at most @max bytes. */
int read_all(int fd, size_t max, char **ret_data, size_t *ret_size) _must_check_;

/* Replaces @name in directory @dir_fd by @size bytes of @data: written whole under a temporary
 * name, synced, renamed; on any error the old file stays. */
int write_whole(int dir_fd, const char *name, const char *data, size_t size) _must_check_;

/* The same with another mode than 0644 (less what the umask takes away). */
int write_whole_as(int dir_fd, const char *name, const char *data, size_t size,
		   mode_t mode) _must_check_;

/* Whether @name is what these leave of @leaf, or of any file where that is NULL, when they are
 * killed. */
bool write_whole_left(const char *name, const char *leaf);

/* Opens directory @path below @r for writing into it, making missing parts (mode 0755). */
int root_make_dir(const struct root *r, const char *path) _must_check_;
