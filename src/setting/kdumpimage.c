/* How much memory a crash kernel needs, by what the headers of its image and initramfs say. */
#include "setting/kdump.h"

#include <endian.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define HEADER 4096

/* An initramfs that does not tell: most compress to a third. */
#define USUAL_RATIO 3

/* More is a mistake, and sums of it stay numbers. */
#define SIZE_LIMIT (INT64_C(1) << 40)

/* What runs in a crash kernel: its page tables, its structures for the reserved memory, drivers,
 * and the programs that save the dump. */
#define TO_RUN (INT64_C(32) << 20)

struct head {
	uint8_t bytes[HEADER];
	size_t n;
	int64_t at, size; /* where it is in the file; what follows it included */
};

static int read_head(int fd, int64_t at, struct head *ret_head)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	n = pread(fd, ret_head->bytes, HEADER, at);
	if (n < 0)
		return -errno;
	ret_head->n = (size_t)n;
	ret_head->at = at;
	ret_head->size = st.st_size - at;
	return 0;
}

static uint32_t le32_at(const struct head *h, size_t at)
{
	uint32_t v = 0;

	if (at + sizeof(v) <= h->n)
		memcpy(&v, h->bytes + at, sizeof(v));
	return le32toh(v);
}

static bool has(const struct head *h, size_t at, const char *magic, size_t n)
{
	return at + n <= h->n && memcmp(h->bytes + at, magic, n) == 0;
}

static bool is_bzimage(const struct head *h)
{
	return has(h, 0x202, "HdrS", 4) && h->n > 0x264;
}

/* The protocol's version. */
static unsigned version_of(const struct head *h)
{
	return (unsigned)(h->bytes[0x206] | h->bytes[0x207] << 8);
}

/* The file's size where its header does not say. */
static int kernel_size(int fd, int64_t *ret_size)
{
	struct head h;
	int ret = read_head(fd, 0, &h);

	if (ret < 0)
		return ret;
	/* Documentation/arch/x86/boot.rst: "HdrS", version 2.10 and later have init_size. */
	if (is_bzimage(&h) && version_of(&h) >= 0x20a)
		*ret_size = le32_at(&h, 0x260);
	/* Documentation/arch/arm64/booting.rst: image_size. */
	else if (has(&h, 56, "ARM\x64", 4) && le32_at(&h, 20) == 0)
		*ret_size = le32_at(&h, 16);
	else if (h.n < 64)
		return -ENOEXEC;
	else
		*ret_size = h.size;
	return 0;
}

/* Documentation/arch/x86/boot.rst: kernel_version is where the text is, less 0x200. */
bool kdump_release_of(int kernel, char *release, size_t size)
{
	struct head h;
	ssize_t n;

	if (read_head(kernel, 0, &h) < 0 || !is_bzimage(&h) || version_of(&h) < 0x200 ||
	    !(le32_at(&h, 0x20e) & 0xffff))
		return false;
	n = pread(kernel, release, size - 1, (le32_at(&h, 0x20e) & 0xffff) + 0x200);
	release[n > 0 ? n : 0] = '\0';
	release[strcspn(release, " ")] = '\0';
	return *release;
}

/* COMMAND_LINE_SIZE of most architectures; that of a bzImage is in its header. */
size_t kdump_longest_append(int kernel)
{
	struct head h;

	if (read_head(kernel, 0, &h) >= 0 && is_bzimage(&h) && version_of(&h) >= 0x206 &&
	    le32_at(&h, 0x238) > 0)
		return le32_at(&h, 0x238) + 1UL;
	return 2048;
}

/* PE/COFF: the fifth data directory of the optional header is the certificates. */
static bool has_certificate(const struct head *h)
{
	uint32_t pe = le32_at(h, 0x3c), directories, size;

	if (!has(h, 0, "MZ", 2) || pe > HEADER || !has(h, pe, "PE\0\0", 4))
		return false;
	directories = pe + 24 + (has(h, pe + 24, "\x0b\x02", 2) ? 112 : 96);
	size = le32_at(h, directories + 4 * 8 + 4);
	return size > 0;
}

bool kdump_is_signed(int kernel)
{
	static const char appended[] = "~Module signature appended~\n";
	char end[sizeof(appended) - 1];
	struct head h;

	if (read_head(kernel, 0, &h) < 0)
		return true; /* not ours to say */
	return has_certificate(&h) || fgetxattr(kernel, "security.ima", NULL, 0) > 0 ||
	       (pread(kernel, end, sizeof(end), h.size - (int64_t)sizeof(end)) == sizeof(end) &&
		memcmp(end, appended, sizeof(end)) == 0);
}

/* RFC 8878: a frame's header, behind its magic number. */
struct zstd {
	size_t size_at;    /* where Frame_Content_Size is */
	size_t blocks_at;  /* where the header ends */
	unsigned size_len; /* 0: there is none */
	bool checksum;
};

static struct zstd zstd_header(const struct head *h)
{
	static const uint8_t dictionary[] = { 0, 1, 2, 4 }, size[] = { 0, 2, 4, 8 };
	uint8_t d = h->bytes[4];
	bool single = d & 0x20;
	struct zstd z = {
		.size_at = (single ? 5U : 6U) + dictionary[d & 3],
		.size_len = d >> 6 == 0 && single ? 1 : size[d >> 6],
		.checksum = d & 4,
	};

	z.blocks_at = z.size_at + z.size_len;
	return z;
}

/* 0: it does not say. */
static int64_t zstd_content_size(const struct head *h)
{
	struct zstd z = zstd_header(h);

	switch (z.size_len) {
	case 0:
		return 0;
	case 1:
		return h->bytes[z.size_at];
	case 2:
		return (le32_at(h, z.size_at) & 0xffff) + 256;
	case 4:
		return le32_at(h, z.size_at);
	default:
		return le32_at(h, z.size_at + 4) ? 0 : le32_at(h, z.size_at);
	}
}

/* Where the frame ends: behind its last block, and its checksum. -EBADMSG: it does not. */
static int64_t end_of_zstd(int fd, const struct head *h)
{
	struct zstd z = zstd_header(h);
	int64_t at = h->at + (int64_t)z.blocks_at;
	uint8_t b[3];

	while (pread(fd, b, sizeof(b), at) == sizeof(b)) {
		uint32_t block = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16;
		bool repeats = (block >> 1 & 3) == 1; /* one byte stands for all */

		at += 3 + (repeats ? 1 : block >> 3);
		if (block & 1) {
			at += z.checksum ? 4 : 0;
			return at <= h->at + h->size ? at : -EBADMSG;
		}
		if (block >> 3 == 0)
			break;
	}
	return -EBADMSG;
}

/* RFC 1952: the last four bytes are the size before compression; of the last member, where several
 * are joined, which shows if it is less than all of them have packed. */
static int64_t gzip_content_size(int fd, const struct head *h)
{
	uint32_t v = 0;

	if (pread(fd, &v, sizeof(v), h->at + h->size - 4) != sizeof(v) || le32toh(v) < h->size)
		return 0;
	return le32toh(v);
}

/* Documentation/driver-api/early-userspace/buffer-format.rst: fields of eight hexadecimal digits.
 * Negative where it is something else. */
static int64_t cpio_field(const char *entry, size_t field)
{
	char text[9] = "";

	memcpy(text, entry + 6 + 8 * field, 8);
	return strspn(text, "0123456789abcdefABCDEF") == 8 ? strtoll(text, NULL, 16) : -1;
}

/* Archives begin on a multiple of four bytes, or of what their maker likes; not more than this. */
#define PADDING (INT64_C(16) << 20)

static int64_t skip_zeros(int fd, int64_t at)
{
	int64_t limit = at + PADDING;
	uint8_t block[HEADER];
	ssize_t n, i;

	while (at < limit && (n = pread(fd, block, sizeof(block), at)) > 0) {
		for (i = 0; i < n && !block[i]; i++)
			;
		at += i;
		if (i < n)
			break;
	}
	return at;
}

/* Where an archive that is not packed ends, such as early microcode. -EBADMSG: it does not. */
static int64_t end_of_cpio(int fd, int64_t at)
{
	static const char trailer[] = "TRAILER!!!";
	char entry[110 + sizeof(trailer)];

	while (pread(fd, entry, sizeof(entry), at) == sizeof(entry)) {
		int64_t name = cpio_field(entry, 11), size = cpio_field(entry, 6);

		if (memcmp(entry, "070701", 6) != 0 || name <= 0 || size < 0)
			break;
		at = (at + 110 + name + 3) & ~INT64_C(3);
		at = (at + size + 3) & ~INT64_C(3);
		if (memcmp(entry + 110, trailer, sizeof(trailer)) == 0)
			return at;
	}
	return -EBADMSG;
}

static bool is_cpio(const struct head *h)
{
	return has(h, 0, "070701", 6);
}

static bool is_zstd(const struct head *h)
{
	return has(h, 0, "\x28\xb5\x2f\xfd", 4);
}

/* One of the parts that are joined: what it is unpacked in *@ret_unpacked, 0 where it does not say;
 * and where the next begins, or -EBADMSG where nobody knows. */
static int64_t next_part(int fd, const struct head *h, int64_t *ret_unpacked)
{
	int64_t end = -EBADMSG;

	if (is_cpio(h)) {
		end = end_of_cpio(fd, h->at);
		*ret_unpacked = end < 0 ? h->size : end - h->at; /* lies in memory as it is */
	} else if (is_zstd(h)) {
		end = end_of_zstd(fd, h);
		*ret_unpacked = zstd_content_size(h);
	} else {
		*ret_unpacked = has(h, 0, "\x1f\x8b", 2) ? gzip_content_size(fd, h) : 0;
	}
	return end;
}

/* The size of all that it is made of, unpacked. What does not say is not followed any further: the
 * rest of the file counts with it. */
static int unpacked_size(int fd, int64_t *ret_size)
{
	int64_t sum = 0, end = 0;
	struct head h;
	int ret = read_head(fd, 0, &h);

	if (ret >= 0 && h.n < 32)
		ret = -ENOEXEC;
	while (ret >= 0 && end >= 0 && h.size > 0) {
		int64_t unpacked;

		end = next_part(fd, &h, &unpacked);
		if (end < 0 && is_zstd(&h))
			return -EBADMSG; /* damaged, or cut off */
		if (unpacked <= 0) {
			unpacked = h.size * USUAL_RATIO;
			end = -EBADMSG;
		}
		sum += unpacked;
		if (end >= 0)
			ret = read_head(fd, skip_zeros(fd, end), &h);
	}
	if (ret < 0)
		return ret;
	*ret_size = sum;
	return 0;
}

static int64_t file_size(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : st.st_size;
}

int kdump_measure(int kernel, int initrd, int64_t *ret_needed)
{
	int64_t image, packed = file_size(initrd), unpacked;
	int ret = kernel_size(kernel, &image);

	if (ret == -EBADF) {
		image = file_size(kernel);
		ret = 0;
	}
	if (ret >= 0 && (packed > SIZE_LIMIT || file_size(kernel) > SIZE_LIMIT))
		ret = -EFBIG;
	if (ret < 0)
		return ret;
	ret = unpacked_size(initrd, &unpacked);
	if (ret == -EBADF) {
		unpacked = packed * USUAL_RATIO;
		ret = 0;
	}
	if (ret < 0)
		return ret;
	/* The file system that it is unpacked to takes half of the memory at most. */
	*ret_needed = image + packed + unpacked + (unpacked > TO_RUN ? unpacked : TO_RUN);
	return 0;
}
