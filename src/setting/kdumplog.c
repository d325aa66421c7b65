#include "setting/kdumplog.h"

#include <elf.h>

#define MAX_SEGMENTS 4096U
#define MAX_NOTES (1U << 20)
#define MAX_TEXT 8192U

struct core {
	int fd;
	Elf64_Phdr *segments;
	size_t n;
	char *info; /* VMCOREINFO: lines of NAME=VALUE */
};

static void core_free(struct core *c)
{
	free(c->segments);
	free(c->info);
}

static int read_at(int fd, void *to, size_t n, uint64_t offset)
{
	ssize_t got = pread(fd, to, n, (off_t)offset);

	if (got < 0)
		return -errno;
	return (size_t)got == n ? 0 : -EBADMSG;
}

/* Reads from where the crashed kernel had it. */
static int read_virtual(const struct core *c, uint64_t address, void *to, size_t n)
{
	for (size_t i = 0; i < c->n; i++) {
		const Elf64_Phdr *p = &c->segments[i];

		if (p->p_type == PT_LOAD && address >= p->p_vaddr &&
		    address - p->p_vaddr < p->p_filesz && n <= p->p_filesz - (address - p->p_vaddr))
			return read_at(c->fd, to, n, p->p_offset + (address - p->p_vaddr));
	}
	return -EBADMSG;
}

/* The notes are small; VMCOREINFO is one of them. */
static int read_notes(struct core *c, const Elf64_Phdr *p)
{
	static const char name[] = "VMCOREINFO";
	_cleanup_free_ char *notes = NULL;
	size_t at = 0, size;
	int ret;

	if (p->p_filesz > MAX_NOTES)
		return -EBADMSG;
	size = (size_t)p->p_filesz;
	notes = malloc(size + 1);
	if (!notes)
		return -ENOMEM;
	ret = read_at(c->fd, notes, size, p->p_offset);
	while (ret >= 0 && size - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr h;
		size_t text;

		memcpy(&h, notes + at, sizeof(h));
		text = at + sizeof(h) + ((h.n_namesz + 3UL) & ~3UL);
		if (text > size || h.n_descsz > size - text)
			break;
		if (h.n_namesz == sizeof(name) &&
		    memcmp(notes + at + sizeof(h), name, sizeof(name)) == 0) {
			c->info = strndup(notes + text, h.n_descsz);
			return c->info ? 0 : -ENOMEM;
		}
		at = text + ((h.n_descsz + 3UL) & ~3UL);
		if (at > size)
			break;
	}
	return ret;
}

static int core_read(struct core *c)
{
	Elf64_Ehdr e;
	int ret = read_at(c->fd, &e, sizeof(e), 0);

	if (ret < 0)
		return ret;
	if (memcmp(e.e_ident, ELFMAG, SELFMAG) != 0)
		return -EBADMSG;
	if (e.e_ident[EI_CLASS] != ELFCLASS64 || sizeof(long) != 8)
		return -EOPNOTSUPP;
	if (e.e_phentsize != sizeof(*c->segments) || e.e_phnum > MAX_SEGMENTS)
		return -EBADMSG;
	c->segments = calloc(e.e_phnum + 1U, sizeof(*c->segments));
	if (!c->segments)
		return -ENOMEM;
	c->n = e.e_phnum;
	ret = read_at(c->fd, c->segments, c->n * sizeof(*c->segments), e.e_phoff);
	for (size_t i = 0; i < c->n && ret >= 0 && !c->info; i++)
		if (c->segments[i].p_type == PT_NOTE)
			ret = read_notes(c, &c->segments[i]);
	return ret < 0 || c->info ? ret : -EBADMSG;
}

/* --- what VMCOREINFO says --- */

/* Notes the first name that is not there in *@ret. */
static uint64_t info(const struct core *c, const char *name, int base, int *ret)
{
	const char *line = c->info;
	size_t n = strlen(name);

	for (; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, n) == 0 && line[n] == '=')
			return strtoull(line + n + 1, NULL, base);
	}
	*ret = -EOPNOTSUPP;
	return 0;
}

/* Linux 5.10 and later: printk_ringbuffer.h. */
struct ring {
	const struct core *core;
	uint64_t descs, infos, data;        /* where the arrays are */
	uint64_t desc_size, info_size;      /* of an element */
	uint64_t state, begin, next;        /* in a descriptor */
	uint64_t ts, text_len;              /* in an info */
	uint64_t head, tail, count, length; /* identities; elements; bytes of data */
};

static uint64_t value_at(const struct core *c, uint64_t address, size_t size, int *ret)
{
	uint64_t v = 0;
	uint32_t w = 0;
	int r = size == 4 ? read_virtual(c, address, &w, 4) : read_virtual(c, address, &v, 8);

	if (r < 0)
		*ret = r;
	return size == 4 ? w : v;
}

#define OFFSET(name) info(c, "OFFSET(" name ")", 10, &ret)
#define SIZE(name) info(c, "SIZE(" name ")", 10, &ret)

static int ring_read(const struct core *c, struct ring *r)
{
	int ret = 0;
	uint64_t symbol = info(c, "SYMBOL(prb)", 16, &ret), rb, descs, data;
	uint64_t counter = OFFSET("atomic_long_t.counter"), lpos, count_bits, size_bits;

	if (ret < 0)
		return ret;
	rb = value_at(c, symbol, 8, &ret);
	descs = rb + OFFSET("printk_ringbuffer.desc_ring");
	data = rb + OFFSET("printk_ringbuffer.text_data_ring");
	lpos = OFFSET("prb_desc.text_blk_lpos");
	*r = (struct ring){
		.core = c,
		.desc_size = SIZE("prb_desc"),
		.info_size = SIZE("printk_info"),
		.state = OFFSET("prb_desc.state_var") + counter,
		.begin = lpos + OFFSET("prb_data_blk_lpos.begin"),
		.next = lpos + OFFSET("prb_data_blk_lpos.next"),
		.ts = OFFSET("printk_info.ts_nsec"),
		.text_len = OFFSET("printk_info.text_len"),
	};
	if (ret < 0)
		return ret;
	r->descs = value_at(c, descs + OFFSET("prb_desc_ring.descs"), 8, &ret);
	r->infos = value_at(c, descs + OFFSET("prb_desc_ring.infos"), 8, &ret);
	r->head = value_at(c, descs + OFFSET("prb_desc_ring.head_id") + counter, 8, &ret);
	r->tail = value_at(c, descs + OFFSET("prb_desc_ring.tail_id") + counter, 8, &ret);
	count_bits = value_at(c, descs + OFFSET("prb_desc_ring.count_bits"), 4, &ret);
	size_bits = value_at(c, data + OFFSET("prb_data_ring.size_bits"), 4, &ret);
	r->data = value_at(c, data + OFFSET("prb_data_ring.data"), 8, &ret);
	if (ret >= 0 && (count_bits > 30 || size_bits > 40))
		ret = -EBADMSG;
	r->count = UINT64_C(1) << (count_bits & 31);
	r->length = UINT64_C(1) << (size_bits & 63);
	return ret;
}

/* The two highest bits of a descriptor's state tell whether its record is whole. */
#define STATE_SHIFT 62
#define STATE_COMMITTED 1
#define STATE_FINALIZED 2
#define ID_MASK ((UINT64_C(1) << STATE_SHIFT) - 1)

/* Further lines are indented, so that each time begins a record. */
static void print_record(FILE *out, uint64_t ns, char *text)
{
	char *rest = text;
	int width = fprintf(out, "[%5llu.%06llu] ", (unsigned long long)(ns / 1000000000),
			    (unsigned long long)(ns % 1000000000 / 1000));

	fprintf(out, "%s\n", strsep(&rest, "\n"));
	while (rest)
		fprintf(out, "%*s%s\n", width, "", strsep(&rest, "\n"));
}

/* The text of a block: behind the block's own identity, at the buffer's beginning where the block
 * did not fit at its end. Odd positions stand for no text. */
static int read_text(const struct ring *r, uint64_t begin, uint64_t next, size_t len, char *to)
{
	uint64_t at = begin & (r->length - 1), end = next & (r->length - 1);

	if (begin == next || (begin & 1) || len == 0)
		return 0;
	if (begin / r->length != next / r->length && end != 0)
		at = 0;
	at += sizeof(uint64_t);
	if (at + len > r->length)
		return -EBADMSG;
	return read_virtual(r->core, r->data + at, to, len);
}

static int one_record(const struct ring *r, uint64_t id, FILE *out)
{
	uint64_t slot = id & (r->count - 1), state, begin, next, ns;
	uint64_t desc = r->descs + slot * r->desc_size, of = r->infos + slot * r->info_size;
	char text[MAX_TEXT];
	uint16_t len = 0;
	int ret = 0;

	state = value_at(r->core, desc + r->state, 8, &ret);
	if (ret < 0 || (state & ID_MASK) != (id & ID_MASK) ||
	    (state >> STATE_SHIFT != STATE_COMMITTED && state >> STATE_SHIFT != STATE_FINALIZED))
		return ret;
	begin = value_at(r->core, desc + r->begin, 8, &ret);
	next = value_at(r->core, desc + r->next, 8, &ret);
	ns = value_at(r->core, of + r->ts, 8, &ret);
	GATHER(ret, read_virtual(r->core, of + r->text_len, &len, sizeof(len)));
	if (ret < 0)
		return ret;
	if (len >= sizeof(text))
		len = sizeof(text) - 1;
	memset(text, 0, (size_t)len + 1);
	if (read_text(r, begin, next, len, text) < 0)
		return 0; /* this one only */
	print_record(out, ns, text);
	return 0;
}

int kdump_log_write(int vmcore, FILE *out)
{
	_cleanup_(core_free) struct core c = { .fd = vmcore };
	struct ring r;
	int ret = core_read(&c);

	if (ret >= 0)
		ret = ring_read(&c, &r);
	if (ret < 0)
		return ret;
	if (((r.head - r.tail) & ID_MASK) >= r.count)
		return -EBADMSG;
	for (uint64_t id = r.tail;; id++) {
		ret = one_record(&r, id & ID_MASK, out);
		if (ret < 0)
			return ret;
		if ((id & ID_MASK) == (r.head & ID_MASK))
			break;
	}
	return 0;
}
