/* profile/sysctlname.h and profile/comparison.h. */
#include "profile/comparison.h"
#include "profile/sysctlname.h"

#include "unit.h"

static bool path_is(const char *name, const char *wanted)
{
	char path[256];

	return sysctlname_to_path(name, path) && streq(path, wanted);
}

static bool is_refused(const char *name)
{
	char path[256];

	return !sysctlname_to_path(name, path);
}

static void sysctl_names(void)
{
	CHECK(path_is("kernel.panic", "kernel/panic"));
	CHECK(path_is("kernel/panic", "kernel/panic"));
	/* The first separator decides; then the other one is part of a name. */
	CHECK(path_is("net.ipv4.conf.eth0/1.forwarding", "net/ipv4/conf/eth0.1/forwarding"));
	CHECK(path_is("net/ipv4/conf/eth0.1/forwarding", "net/ipv4/conf/eth0.1/forwarding"));
	CHECK(path_is("panic", "panic"));
}

static void no_sysctl_names(void)
{
	static const char *const names[] = {
		"",
		".",
		"/",
		"..",
		"kernel.",
		".kernel",
		"kernel..panic",
		"kernel//panic",
		"../etc/passwd",
		"kernel/../../etc",
		"kernel/..",
		"./kernel",
		"kernel/./panic",
		"/kernel/panic",
		"net.*.x",
		"net.?.x",
		"net.[ab].x",
		"kernel.pa nic",
		"kernel.\n",
		"-kernel.panic",
		"kernel.\\x",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		CHECK(is_refused(names[i]));
}

static bool back_and_forth(const char *name)
{
	char path[256];

	if (!sysctlname_to_path(name, path))
		return false;
	sysctlname_swap(path);
	return streq(path, name);
}

static void dotted(void)
{
	CHECK(back_and_forth("kernel.panic"));
	CHECK(back_and_forth("net.ipv4.conf.eth0/1.forwarding"));
	CHECK(back_and_forth("panic"));
}

static void comparisons(void)
{
	CHECK(comparison_holds(">=512", 512) && !comparison_holds(">=512", 511));
	CHECK(comparison_holds(">512", 513) && !comparison_holds(">512", 512));
	CHECK(comparison_holds("<=512", 512) && !comparison_holds("<=512", 513));
	CHECK(comparison_holds("<512", 511) && !comparison_holds("<512", 512));
	CHECK(comparison_holds("=512", 512) && !comparison_holds("=512", 511));
	CHECK(comparison_holds(">=512,<1024", 1023) && !comparison_holds(">=512,<1024", 1024));
	CHECK(!comparison_holds(">=512,<1024", 511));
}

static void bounds(void)
{
	int64_t min, max;

	comparison_bounds(">=512,<1024", &min, &max);
	CHECK(min == 512 && max == 1023);
	comparison_bounds("<512", &min, &max);
	CHECK(min == 0 && max == 511);
	comparison_bounds("=7", &min, &max);
	CHECK(min == 7 && max == 7);
	comparison_bounds(">=1024,<512", &min, &max);
	CHECK(min > max);
	comparison_bounds("<0", &min, &max);
	CHECK(min > max);
	comparison_bounds(">9223372036854775807", &min, &max);
	CHECK(max == INT64_MAX);
}

UNIT_MAIN({ "a sysctl is named with dots or slashes, as in sysctl.d", sysctl_names },
	  { "a name that leaves the directory, or has wildcards, is none", no_sysctl_names },
	  { "the dotted form leads back to the same file", dotted },
	  { "comparisons hold inside their bounds", comparisons },
	  { "bounds of a comparison, crossed where nothing holds", bounds })
