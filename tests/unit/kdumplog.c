/* setting/kdumplog.h: the kernel log out of a made-up vmcore. */
#include "setting/kdumplog.h"

#include <elf.h>
#include <sys/mman.h>

#include "unit.h"

#define BASE UINT64_C(0xffff888000000000)
#define MEMORY 4096
#define BITS 3 /* eight descriptors */
#define DATA_BITS 8

/* Where things lie in the crashed kernel's memory. */
enum { PRB = 0, RING = 64, DESCS = 256, INFOS = 512, DATA = 1024 };

/* The kernel's structures, as this one has them; VMCOREINFO tells where each field is. */
struct desc {
	uint64_t state, begin, next;
};

struct info {
	uint64_t seq, ts;
	uint16_t len;
	uint8_t pad[14];
};

struct ring {
	uint32_t count_bits, pad;
	uint64_t descs, infos, head, tail;
	uint32_t size_bits, pad2;
	uint64_t data;
};

static const char notes[] = "OSRELEASE=6.1.0\n"
			    "SYMBOL(prb)=ffff888000000000\n"
			    "OFFSET(printk_ringbuffer.desc_ring)=0\n"
			    "OFFSET(printk_ringbuffer.text_data_ring)=40\n"
			    "OFFSET(prb_desc_ring.count_bits)=0\n"
			    "OFFSET(prb_desc_ring.descs)=8\n"
			    "OFFSET(prb_desc_ring.infos)=16\n"
			    "OFFSET(prb_desc_ring.head_id)=24\n"
			    "OFFSET(prb_desc_ring.tail_id)=32\n"
			    "SIZE(prb_desc)=24\n"
			    "OFFSET(prb_desc.state_var)=0\n"
			    "OFFSET(prb_desc.text_blk_lpos)=8\n"
			    "OFFSET(prb_data_blk_lpos.begin)=0\n"
			    "OFFSET(prb_data_blk_lpos.next)=8\n"
			    "SIZE(printk_info)=32\n"
			    "OFFSET(printk_info.ts_nsec)=8\n"
			    "OFFSET(printk_info.text_len)=16\n"
			    "OFFSET(prb_data_ring.size_bits)=0\n"
			    "OFFSET(prb_data_ring.data)=8\n"
			    "OFFSET(atomic_long_t.counter)=0\n";

struct core {
	uint8_t memory[MEMORY];
	struct ring *ring;
	struct desc *descs;
	struct info *infos;
	uint64_t next;
};

#define FINALIZED (UINT64_C(2) << 62)

static void begin(struct core *c)
{
	memset(c, 0, sizeof(*c));
	c->ring = (struct ring *)(void *)(c->memory + RING);
	c->descs = (struct desc *)(void *)(c->memory + DESCS);
	c->infos = (struct info *)(void *)(c->memory + INFOS);
	memcpy(c->memory + PRB, &(uint64_t){ BASE + RING }, 8);
	*c->ring = (struct ring){ .count_bits = BITS,
				  .descs = BASE + DESCS,
				  .infos = BASE + INFOS,
				  .size_bits = DATA_BITS,
				  .data = BASE + DATA };
}

/* Adds record @id, as the kernel does: a block does not wrap, it begins anew. */
static void add(struct core *c, uint64_t id, uint64_t ns, const char *text)
{
	uint64_t size = (8 + strlen(text) + 7) & ~7UL, at = c->next & ((1 << DATA_BITS) - 1);
	struct desc *d = &c->descs[id & ((1 << BITS) - 1)];

	d->begin = c->next;
	if (at + size > 1 << DATA_BITS) {
		c->next += (1 << DATA_BITS) - at;
		at = 0;
	}
	c->next += size;
	d->next = c->next;
	d->state = FINALIZED | id;
	memcpy(c->memory + DATA + at + 8, text, strlen(text));
	c->infos[id & ((1 << BITS) - 1)] = (struct info){ .ts = ns, .len = (uint16_t)strlen(text) };
	c->ring->head = id;
}

/* The file as /proc/vmcore is: notes, then the memory. */
static int file_of(const struct core *c, const char *text)
{
	size_t size = strlen(text);
	const Elf64_Nhdr note = { .n_namesz = 11, .n_descsz = (Elf64_Word)size };
	const uint64_t at = sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr);
	const uint64_t length = sizeof(note) + 12 + ((size + 3) & ~3UL);
	const Elf64_Ehdr e = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64 },
			       .e_phoff = sizeof(e),
			       .e_phentsize = sizeof(Elf64_Phdr),
			       .e_phnum = 2 };
	const Elf64_Phdr p[] = {
		{ .p_type = PT_NOTE, .p_offset = at, .p_filesz = length },
		{ .p_type = PT_LOAD, .p_offset = at + length, .p_vaddr = BASE, .p_filesz = MEMORY },
	};
	int fd = memfd_create("vmcore", MFD_CLOEXEC);

	CHECK(write(fd, &e, sizeof(e)) == sizeof(e));
	CHECK(write(fd, p, sizeof(p)) == sizeof(p));
	CHECK(write(fd, &note, sizeof(note)) == sizeof(note));
	CHECK(write(fd, "VMCOREINFO\0", 12) == 12);
	CHECK(write(fd, text, size) == (ssize_t)size);
	CHECK(pwrite(fd, c->memory, MEMORY, (off_t)(at + length)) == MEMORY);
	return fd;
}

/* What is read of @fd, which is closed; *@ret_ret is the result. The caller frees. */
static char *read_log(int fd, int *ret_ret)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	*ret_ret = kdump_log_write(fd, f);
	fclose(f);
	close(fd);
	return text;
}

static void is_log(const struct core *c, const char *wanted)
{
	int ret;
	char *text = read_log(file_of(c, notes), &ret);

	CHECK(ret == 0);
	CHECK(streq(text, wanted));
	if (!streq(text, wanted))
		printf("# got: %s\n", text);
	free(text);
}

static void is_error(const struct core *c, const char *info, int wanted)
{
	int ret;
	char *text = read_log(file_of(c, info), &ret);

	CHECK(ret == wanted);
	free(text);
}

static void records(void)
{
	struct core c;

	begin(&c);
	add(&c, 0, 0, "Linux version 6.1");
	add(&c, 1, 12345678901, "one\ntwo");
	is_log(&c, "[    0.000000] Linux version 6.1\n"
		   "[   12.345678] one\n"
		   "               two\n");
}

/* Texts and descriptors both go round. */
static void wrapping(void)
{
	struct core c;
	char wanted[2048] = "";

	begin(&c);
	for (uint64_t id = 0; id < 21; id++) {
		char text[64], line[96];

		snprintf(text, sizeof(text), "record %d of some length", (int)id);
		add(&c, id, id * 1000000000, text);
		snprintf(line, sizeof(line), "[%5d.000000] %s\n", (int)id, text);
		if (id > 15)
			strcat(wanted, line);
	}
	c.ring->tail = 16;
	is_log(&c, wanted);
}

static void unfinished(void)
{
	struct core c;

	begin(&c);
	add(&c, 0, 0, "whole");
	add(&c, 1, 0, "being written");
	c.descs[1].state = 1; /* reserved */
	add(&c, 2, 0, "");
	c.descs[2].begin = c.descs[2].next = 1; /* no text at all */
	add(&c, 3, 0, "whole, too");
	is_log(&c, "[    0.000000] whole\n[    0.000000] \n[    0.000000] whole, too\n");
}

/* None of it may lead outside of the file, or on for ever. */
static void hostile(void)
{
	struct core c;

	begin(&c);
	add(&c, 0, 0, "x");
	is_error(&c, "", -EOPNOTSUPP);
	is_error(&c, "OSRELEASE=5.4.0\nSYMBOL(log_buf)=ffff888000000000\n", -EOPNOTSUPP);
	c.ring->count_bits = 31;
	is_error(&c, notes, -EBADMSG);
	c.ring->count_bits = BITS;
	c.ring->size_bits = 64;
	is_error(&c, notes, -EBADMSG);
	c.ring->size_bits = DATA_BITS;
	c.ring->head = 8; /* more than there are */
	is_error(&c, notes, -EBADMSG);
	c.ring->head = 0;
	c.ring->infos = BASE + MEMORY - 8;
	is_error(&c, notes, -EBADMSG);
	c.ring->infos = BASE + INFOS;
	c.infos[0].len = UINT16_MAX; /* that text is left out */
	is_log(&c, "");
}

static void no_core(void)
{
	static const char *const texts[] = { "", "no ELF at all, but long enough to hold the head "
						 "of one, which takes sixty-four bytes" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		int fd = memfd_create("vmcore", MFD_CLOEXEC), ret;
		char *text;

		CHECK(write(fd, texts[i], strlen(texts[i])) == (ssize_t)strlen(texts[i]));
		text = read_log(fd, &ret);
		CHECK(ret == -EBADMSG);
		free(text);
	}
}

UNIT_MAIN({ "records in order, with their times, each line with its own", records },
	  { "the ring of texts and that of descriptors go round", wrapping },
	  { "what is being written is left out", unfinished },
	  { "nothing in it leads outside of it", hostile }, { "what is no vmcore", no_core })
