/* What the kernel left of its log in pstore when it went down. */
#pragma once

#include "base/arena.h"

struct pstore_part {
	struct pstore_part *next; /* in the order in which they were printed */
	const char *name;         /* its file */
	const char *text;
	size_t size;
	char reason[16]; /* "Panic", "Oops", "Shutdown"; "" where it does not say */
	long number;     /* of the dump, in its boot; 0 where it does not say */
	long part;       /* 1 is the newest */
	int64_t time;    /* seconds */
};

/* One going down: a log of which each record holds a part. */
struct pstore_dump {
	struct pstore_dump *next; /* a later one */
	struct pstore_part *parts;
	const char *name; /* of its newest part */
};

/* The dmesg records of the directory @fd, in @a; NULL where there is none. What is no regular file,
 * or has more than @max bytes, is passed over. 0 or -errno. */
int pstore_dumps(int fd, size_t max, struct arena *a, struct pstore_dump **ret_first) _must_check_;

/* All that a dump has, with the line "Panic#1 Part2" before each part. The caller frees. */
int pstore_join(const struct pstore_dump *d, char **ret_text, size_t *ret_size) _must_check_;

/* All dumps as one text. -EFBIG beyond @max bytes; -ENOENT where there is none. The caller frees.
 */
int pstore_read(int fd, size_t max, char **ret_data, size_t *ret_size) _must_check_;
