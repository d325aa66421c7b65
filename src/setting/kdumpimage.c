/* How much memory a kernel image and an initramfs take, by what their headers say. */
#include "setting/kdump.h"

#include <endian.h>
#include <sys/stat.h>

#define HEADER 4096

/* An initramfs that does not tell: most compress to a third. */
#define USUAL_RATIO 3

struct head {
	uint8_t bytes[HEADER];
	size_t n;
	int64_t size; /* of the file */
};

static int read_head(int fd, struct head *ret_head)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	n = pread(fd, ret_head->bytes, HEADER, 0);
	if (n < 0)
		return -errno;
	ret_head->n = (size_t)n;
	ret_head->size = st.st_size;
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

int kdump_kernel_size(int fd, int64_t *ret_size)
{
	struct head h;
	int ret = read_head(fd, &h);

	if (ret < 0)
		return ret;
	/* Documentation/arch/x86/boot.rst: "HdrS", version 2.10 and later have init_size. */
	if (has(&h, 0x202, "HdrS", 4) && h.n > 0x264 &&
	    (h.bytes[0x206] | h.bytes[0x207] << 8) >= 0x20a)
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

/* RFC 8878: Frame_Content_Size, where its frame has one. 0 where not. */
static int64_t zstd_content_size(const struct head *h)
{
	static const uint8_t dictionary[] = { 0, 1, 2, 4 };
	uint8_t d = h->bytes[4];
	bool single = d & 0x20;
	size_t at = (single ? 5U : 6U) + dictionary[d & 3];

	switch (d >> 6) {
	case 0:
		return single ? h->bytes[at] : 0;
	case 1:
		return (le32_at(h, at) & 0xffff) + 256;
	case 2:
		return le32_at(h, at);
	default:
		return le32_at(h, at + 4) ? 0 : le32_at(h, at);
	}
}

/* RFC 1952: the last four bytes are the size before compression. */
static int64_t gzip_content_size(int fd, const struct head *h)
{
	uint32_t v = 0;

	if (pread(fd, &v, sizeof(v), h->size - 4) != sizeof(v))
		return 0;
	return le32toh(v);
}

int kdump_initrd_size(int fd, int64_t *ret_size)
{
	struct head h;
	int64_t unpacked = 0;
	int ret = read_head(fd, &h);

	if (ret < 0)
		return ret;
	if (h.n < 32)
		return -ENOEXEC;
	if (has(&h, 0, "\x28\xb5\x2f\xfd", 4))
		unpacked = zstd_content_size(&h);
	else if (has(&h, 0, "\x1f\x8b", 2))
		unpacked = gzip_content_size(fd, &h);
	else if (has(&h, 0, "070701", 6))
		unpacked = h.size;
	if (unpacked <= 0)
		unpacked = h.size * USUAL_RATIO;
	*ret_size = h.size + unpacked;
	return 0;
}
