/* A library to preload: allocation number $ALLOCATIONS fails. With "count" none does, and their
 * number is printed at the end. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The C library's, or a sanitizer's; looked up once, since that forgets what dlerror(3) would say.
 */
#define NEXT(function)                                                                             \
	({                                                                                         \
		static __typeof__(&(function)) next;                                               \
		if (!next)                                                                         \
			next = (__typeof__(next))dlsym(RTLD_NEXT, #function);                      \
		next;                                                                              \
	})

static const char *wanted;
static long number, fails_at;

__attribute__((constructor)) static void begin(void)
{
	wanted = getenv("ALLOCATIONS");
	fails_at = wanted ? atol(wanted) : 0;
	number = 0;
}

__attribute__((destructor)) static void end(void)
{
	if (wanted && strcmp(wanted, "count") == 0)
		fprintf(stderr, "allocations: %ld\n", number);
}

static int fails(void)
{
	if (__atomic_add_fetch(&number, 1, __ATOMIC_RELAXED) != fails_at)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return fails() ? NULL : NEXT(malloc)(size);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : NEXT(calloc)(n, size);
}

void *realloc(void *p, size_t size)
{
	return fails() ? NULL : NEXT(realloc)(p, size);
}
