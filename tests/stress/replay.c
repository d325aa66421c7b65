/* replay LOG DISK SEED: what a disk holds after its power went. LOG is what qemu's blklogwrites
 * wrote down (the format is dm-log-writes'), DISK a copy of the disk from before. The power goes at
 * one of the last writes or flushes: everything up to the flush before that is on the disk, and of
 * what was written after it each write with one half probability, as in a cache that writes in its
 * own order. Prints how many were kept and lost of the latter. */
#include <endian.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SECTOR 512
#define MAGIC 0x6a736677736872ULL
#define FLUSH 1U
#define DISCARD 4U
#define LAST 12

struct entry {
	uint64_t sector, sectors, flags, data_len;
};

/* The entry at @*at, which moves behind it and its data; *@ret_data is where these begin. */
static int next(int log, off_t *at, struct entry *ret, off_t *ret_data)
{
	struct entry e;

	if (pread(log, &e, sizeof(e), *at) != (ssize_t)sizeof(e))
		return 0;
	*ret = (struct entry){ le64toh(e.sector), le64toh(e.sectors), le64toh(e.flags),
			       le64toh(e.data_len) };
	*ret_data = *at + SECTOR;
	*at = *ret_data;
	if (!(ret->flags & DISCARD))
		*at += (off_t)ret->sectors * SECTOR;
	return 1;
}

static int copy(int log, off_t data, int disk, const struct entry *e)
{
	char block[SECTOR];

	for (uint64_t i = 0; i < e->sectors; i++) {
		off_t to = (off_t)(e->sector + i) * SECTOR;

		if (pread(log, block, SECTOR, data + (off_t)i * SECTOR) != SECTOR)
			return 0; /* the log itself was cut off here */
		if (pwrite(disk, block, SECTOR, to) != SECTOR)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int log = argc == 4 ? open(argv[1], O_RDONLY) : -1, n = 0, flushed = 0, kept = 0, lost = 0;
	int disk = argc == 4 ? open(argv[2], O_RDWR) : -1;
	uint64_t super[4]; /* magic, version, number of entries, size of a sector */
	off_t at = SECTOR, data;
	struct entry e;

	if (log < 0 || disk < 0 || pread(log, super, sizeof(super), 0) != (ssize_t)sizeof(super)) {
		/* Not even the first write. */
		printf("0 kept, 0 lost\n");
		return disk < 0;
	}
	if (le64toh(super[0]) != MAGIC || (le64toh(super[3]) & UINT32_MAX) != SECTOR)
		return 1;
	srandom((unsigned)atoi(argv[3]));
	while ((uint64_t)n < le64toh(super[2]) && next(log, &at, &e, &data))
		n++;
	n -= (int)(random() % (n < LAST ? n + 1 : LAST));
	at = SECTOR;
	for (int i = 0; i < n && next(log, &at, &e, &data); i++)
		if (e.flags & FLUSH)
			flushed = i + 1;
	at = SECTOR;
	for (int i = 0; i < n && next(log, &at, &e, &data); i++) {
		int keep = i < flushed || random() % 2;

		if (!e.sectors || e.flags & DISCARD)
			continue;
		kept += i >= flushed && keep;
		lost += !keep;
		if (keep && copy(log, data, disk, &e) < 0)
			return 1;
	}
	printf("%d kept, %d lost\n", kept, lost);
	return 0;
}
