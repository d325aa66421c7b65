/* Small things the whole program leans on: ownership, comparison, gathering of errors. */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _must_check_ __attribute__((warn_unused_result))

/* Hands an owned pointer on, so that its cleanup attribute finds NULL. */
#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		__typeof__(p) *take_pp_ = &(p);                                                    \
		__typeof__(p) take_p_ = *take_pp_;                                                 \
		*take_pp_ = NULL;                                                                  \
		take_p_;                                                                           \
	})

#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int *take_pfd_ = &(fd);                                                            \
		int take_fd_ = *take_pfd_;                                                         \
		*take_pfd_ = -EBADF;                                                               \
		take_fd_;                                                                          \
	})

/* Keeps the first error of several steps that all have to run. */
#define GATHER(first, step)                                                                        \
	do {                                                                                       \
		int gather_r_ = (step);                                                            \
		if (gather_r_ < 0 && (first) >= 0)                                                 \
			(first) = gather_r_;                                                       \
	} while (0)

static inline void free_p(void *p)
{
	free(*(void **)p);
}

static inline void close_p(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void fclose_p(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void closedir_p(DIR **d)
{
	if (*d)
		closedir(*d);
}

static inline void sleep_ms(long ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

#define _cleanup_free_ _cleanup_(free_p)
#define _cleanup_close_ _cleanup_(close_p)
#define _cleanup_fclose_ _cleanup_(fclose_p)
#define _cleanup_closedir_ _cleanup_(closedir_p)

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* As streq(), where either side may be missing; two missing ones are equal. */
static inline bool streq_null(const char *a, const char *b)
{
	return a == b || (a && b && streq(a, b));
}

/* What follows @prefix in @s, or NULL. */
static inline const char *after_prefix(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);
	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

/* Whether @path is @directory, or lies in it, by what they are called. */
static inline bool is_below(const char *path, const char *directory)
{
	const char *rest = after_prefix(path, directory);
	return rest && (*rest == '/' || !*rest);
}

static inline bool has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);
	return n >= m && streq(s + n - m, suffix);
}
