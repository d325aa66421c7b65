#include "base/kmsg.h"

#define RECORD_MAX 16384U /* the kernel's own bound is 8192 */

int kmsg_read(int fd, size_t max, char **ret_data, size_t *ret_size)
{
	_cleanup_free_ char *data = NULL, *record = malloc(RECORD_MAX);
	size_t size = 0;
	FILE *f = record ? open_memstream(&data, &size) : NULL;
	int ret = 0;

	if (!f)
		return -ENOMEM;
	for (size_t total = 0; total < max;) {
		ssize_t n = read(fd, record, RECORD_MAX);

		if (n < 0 && errno == EPIPE) {
			fputs("** printk messages dropped **\n", f);
			continue;
		}
		if (n < 0 && errno != EAGAIN)
			ret = -errno;
		if (n <= 0)
			break;
		fwrite(record, 1, (size_t)n, f);
		total += (size_t)n;
	}
	GATHER(ret, memstream_end(f, &data));
	if (ret < 0)
		return ret;
	*ret_data = TAKE_PTR(data);
	*ret_size = size;
	return 0;
}

struct slice kmsg_prefix(const char *line)
{
	const char *end = line;

	while (*end == '<' || *end == '[') {
		end += strcspn(end, ">]\n");
		end += *end == '>' || *end == ']';
	}
	return slice_between(line, end);
}
