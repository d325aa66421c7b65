#include "insight/procfs.h"

#include "base/text.h"

int64_t kb_read(const char *text)
{
	long long kb = strtoll(text, NULL, 10);

	return kb < 0 ? 0 : kb < KB_MAX ? kb : KB_MAX;
}

int meminfo_read(const struct root *procfs, struct meminfo *ret_meminfo)
{
	struct meminfo m = { -1, -1, -1, -1, -1 };
	const struct {
		const char *name;
		int64_t *value;
	} fields[] = {
		{ "MemTotal:", &m.total },     { "MemAvailable:", &m.available },
		{ "MemFree:", &m.free },       { "SwapTotal:", &m.swap_total },
		{ "SwapFree:", &m.swap_free },
	};
	_cleanup_free_ char *text = NULL;
	int ret = root_read_text(procfs, "meminfo", 65536, &text);

	if (ret < 0)
		return ret;
	for (const char *line = text; line; line = text_next_line(line))
		for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
			const char *value = after_prefix(line, fields[i].name);

			if (value)
				*fields[i].value = kb_read(value);
		}
	*ret_meminfo = m;
	return 0;
}
