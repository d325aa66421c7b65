/* The records of the kernel's log, read from a socket that hands out one a time as /dev/kmsg does,
 * and what stands in front of lines. */
#include "base/kmsg.h"

#include <sys/socket.h>

#include "unit.h"

static char *read_records(const char *const *records, size_t n, size_t max)
{
	char *text = NULL;
	size_t size = 0;
	int fd[2];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fd) == 0);
	for (size_t i = 0; i < n; i++)
		CHECK(write(fd[1], records[i], strlen(records[i])) > 0);
	CHECK(kmsg_read(fd[0], max, &text, &size) == 0);
	CHECK(text && strlen(text) == size);
	close(fd[0]);
	close(fd[1]);
	return text;
}

static void whole_log(void)
{
	static const char *const records[] = {
		"6,1,10,-;usb 1-1: new device\n SUBSYSTEM=usb\n DEVICE=+usb:1-1\n",
		"3,2,20,-;tmpfs: Unknown parameter 'x\\x0aOut of memory'\n",
	};
	_cleanup_free_ char *all = read_records(records, 2, 4096);
	_cleanup_free_ char *one = read_records(records, 2, 1);

	CHECK(streq(all, "6,1,10,-;usb 1-1: new device\n SUBSYSTEM=usb\n DEVICE=+usb:1-1\n"
			 "3,2,20,-;tmpfs: Unknown parameter 'x\\x0aOut of memory'\n"));
	CHECK(streq(one, records[0]));
}

static void no_log(void)
{
	char *text = NULL;
	size_t size;

	CHECK(kmsg_read(-1, 4096, &text, &size) == -EBADF);
	CHECK(!text);
}

static bool has_prefix(const char *line, const char *prefix)
{
	struct slice found = kmsg_prefix(line);

	return found.len == strlen(prefix) && memcmp(found.start, prefix, found.len) == 0;
}

static void prefixes(void)
{
	CHECK(has_prefix("<4>[   12.345678] x", "<4>[   12.345678]"));
	CHECK(has_prefix("[   12.345678][    T1] x", "[   12.345678][    T1]"));
	/* What a blank stands before is the message's, as [99.0] is. */
	CHECK(has_prefix("[   12.345678] [   99.000000] x", "[   12.345678]"));
	CHECK(has_prefix("x [   12.345678]", ""));
	CHECK(has_prefix("[   12.34\nx]", "[   12.34"));
}

UNIT_MAIN({ "the log is all records, each whole, up to the size that is allowed", whole_log },
	  { "what cannot be read is an error", no_log },
	  { "what the kernel puts in front of a line ends before the message", prefixes })
