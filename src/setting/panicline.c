#include "setting/panicline.h"

#include "base/util.h"

static const char panic_begins[] = "Kernel panic - not syncing: ";

/* The text of a line, behind its priority, its time and who wrote it. */
static const char *behind_prefix(const char *line)
{
	while (*line == '<' || *line == '[') {
		line += strcspn(line, ">]\n");
		line += *line == '>' || *line == ']';
	}
	return line + (*line == ' ');
}

static const char *next_line(const char *line)
{
	line = strchr(line, '\n');
	return line ? line + 1 : NULL;
}

static const char *find_panic(const char *text)
{
	const char *found = NULL;

	for (const char *line = text; line; line = next_line(line))
		if (after_prefix(behind_prefix(line), panic_begins))
			found = behind_prefix(line);
	return found;
}

char *panic_line(struct arena *a, const char *text)
{
	const char *found = find_panic(text);

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
	const char *panic = find_panic(text);

	for (const char *line = panic ? next_line(panic) : NULL; line; line = next_line(line))
		if (!is_after_panic(behind_prefix(line)))
			return false;
	return panic;
}
