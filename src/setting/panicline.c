#include "setting/panicline.h"

#include "base/kmsg.h"

static const char panic_begins[] = "Kernel panic - not syncing: ";

/* The text of a line, behind its priority, its time and who wrote it. */
static const char *behind_prefix(const char *line)
{
	const struct slice prefix = kmsg_prefix(line);

	line += prefix.len;
	return line + (*line == ' ');
}

/* @before: the line before it; NULL where there is none, or time alone tells. A line without a time
 * is a further one of the message before, or the log does not say. */
static bool begins_message(const char *line, const char *before)
{
	struct slice prefix = kmsg_prefix(line), last = kmsg_prefix(before ?: "");

	return prefix.len > 0 && !slice_equal(&prefix, &last);
}

/* *@ret_before: the line before it, or NULL. */
static const char *find_panic(const char *text, bool indents, const char **ret_before)
{
	const char *found = NULL, *before = NULL;

	for (const char *line = text; line; before = line, line = text_next_line(line)) {
		if (!after_prefix(behind_prefix(line), panic_begins) ||
		    !begins_message(line, indents ? NULL : before))
			continue;
		found = behind_prefix(line);
		*ret_before = before;
	}
	return found;
}

char *panic_line(struct arena *a, const char *text, bool indents)
{
	const char *before, *found = find_panic(text, indents, &before);

	return found ? arena_strndup(a, found, strcspn(found, "\n")) : NULL;
}

bool panic_is_oom(const char *panic)
{
	const char *why = panic ? after_prefix(panic, panic_begins) : NULL;

	return why && (after_prefix(why, "Out of memory") ||
		       after_prefix(why, "System is deadlocked on memory"));
}

/* Whether it is what the kernel says between a panic and the restart, beside the calls of its
 * stack. */
static bool is_after_panic(const char *text)
{
	static const char *const begins[] = {
		"---[ end Kernel panic",
		"Rebooting in ",
		"CPU",
		"Hardware name: ",
		"Call Trace:",
		"Call trace:",
		" <",
		"RIP: ",
		"Code: ",
		"RSP: ",
		"RAX: ",
		"RDX: ",
		"RBP: ",
		"R10: ",
		"R13: ",
		"Kernel Offset: ",
		"SMP: ",
		"PHYS_OFFSET: ",
		"Memory Limit: ",
		"Exception stack(",
		"Workqueue: ",
		"Tainted: ",
		"Shutting down cpus",
		"ECC: ",
		"No errors detected",
	};
	size_t size = strcspn(text, "\n");

	if (size == 0 || memmem(text, size, "+0x", 3))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(begins); i++)
		if (after_prefix(text, begins[i]))
			return true;
	return false;
}

bool panic_ends(const char *text)
{
	const char *before, *panic = find_panic(text, false, &before);

	if (!panic || !before)
		return false;
	for (const char *line = text_next_line(panic); line; line = text_next_line(line))
		if (!is_after_panic(behind_prefix(line)))
			return false;
	return true;
}
