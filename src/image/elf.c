#include "image/elf.h"

#include <elf.h>

/* A number of @size bytes at @bytes, in the file's own order. */
static uint64_t number(const unsigned char *bytes, size_t size, bool big_endian)
{
	uint64_t n = 0;

	for (size_t i = 0; i < size; i++)
		n |= (uint64_t)bytes[i] << 8 * (big_endian ? size - 1 - i : i);
	return n;
}

/* A member of a structure that there is for both classes. */
#define MEMBER(type, member, bytes)                                                                \
	(wide ? number((bytes) + offsetof(Elf64_##type, member),                                   \
		       sizeof(((Elf64_##type *)0)->member), big)                                   \
	      : number((bytes) + offsetof(Elf32_##type, member),                                   \
		       sizeof(((Elf32_##type *)0)->member), big))

static const char *arch_of(uint64_t machine)
{
	static const struct {
		uint16_t machine;
		const char *arch;
	} rows[] = { { EM_X86_64, "x86_64" }, { EM_AARCH64, "aarch64" }, { EM_ARM, "arm" },
		     { EM_386, "i686" },      { EM_RISCV, "riscv64" },   { EM_PPC64, "ppc64" },
		     { EM_S390, "s390x" } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].machine == machine)
			return rows[i].arch;
	return NULL;
}

static void read_elf(int fd, const unsigned char *header, struct program *p)
{
	bool wide = header[EI_CLASS] == ELFCLASS64, big = header[EI_DATA] == ELFDATA2MSB;
	size_t size = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	uint64_t n = MEMBER(Ehdr, e_phnum, header), at = MEMBER(Ehdr, e_phoff, header);
	unsigned char segment[sizeof(Elf64_Phdr)];

	p->arch = arch_of(MEMBER(Ehdr, e_machine, header));
	if (MEMBER(Ehdr, e_phentsize, header) != size)
		return;
	for (; n > 0; n--, at += size) {
		uint64_t length;

		if (pread(fd, segment, size, (off_t)at) != (ssize_t)size)
			return;
		length = MEMBER(Phdr, p_filesz, segment);
		if (MEMBER(Phdr, p_type, segment) != PT_INTERP || length >= sizeof(p->interpreter))
			continue;
		if (pread(fd, p->interpreter, (size_t)length,
			  (off_t)MEMBER(Phdr, p_offset, segment)) != (ssize_t)length)
			*p->interpreter = '\0';
		return;
	}
}

/* "#! PATH ARGUMENT" */
static void read_script(const char *line, struct program *p)
{
	const char *path = line + 2 + strspn(line + 2, " \t");

	p->is_script = true;
	snprintf(p->interpreter, sizeof(p->interpreter), "%.*s", (int)strcspn(path, " \t\r\n"),
		 path);
}

void program_read(int fd, struct program *ret_program)
{
	unsigned char head[256] = { 0 };
	ssize_t n = pread(fd, head, sizeof(head) - 1, 0);

	*ret_program = (struct program){ 0 };
	if (n > 2 && head[0] == '#' && head[1] == '!')
		read_script((const char *)head, ret_program);
	else if (n >= (ssize_t)sizeof(Elf32_Ehdr) && memcmp(head, ELFMAG, SELFMAG) == 0)
		read_elf(fd, head, ret_program);
}
