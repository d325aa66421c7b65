#include "profile/key.h"

#include <limits.h>

#define KIB 1024
#define MAX_KIB (INT64_MAX / KIB)

static const struct choice overcommit_memory[] = {
	{ "heuristic", "0" }, { "always", "1" }, { "never", "2" }, { 0 }
};
static const struct choice panic_on_oom[] = {
	{ "never", "0" }, { "unconstrained", "1" }, { "always", "2" }, { 0 }
};
static const struct choice on_error[] = {
	{ "continue", "continue" },
	{ "emergency", "emergency" },
	{ "reboot", "reboot" },
	{ "panic", "panic" },
	{ 0 },
};
static const struct choice save[] = { { "vmcore", "vmcore" }, { "dmesg", "dmesg" }, { 0 } };
static const struct choice then[] = {
	{ "reboot", "reboot" }, { "poweroff", "poweroff" }, { "halt", "halt" }, { 0 }
};
static const struct choice children[] = { { "release", "release" },
					  { "same-program", "same-program" },
					  { "inherit", "inherit" },
					  { 0 } };

#define DMI(field, text)                                                                           \
	{                                                                                          \
		.path = "match.dmi." field, .type = KEY_PATTERN, .flags = KEY_LISTABLE,            \
		.doc = text                                                                        \
	}

#define VM(name, ...)                                                                              \
	{                                                                                          \
		.path = "vm." name, .kind = SETTING_SYSCTL, .file = "sys/vm/" name, __VA_ARGS__    \
	}

/* A row is read as a sentence. */
/* clang-format off */

/* Children follow their parent at once: key_next_child() relies on it. */
const struct key keys[] = {
	{ .path = "holdfast", .type = KEY_INT, .min = 1, .max = 1, .flags = KEY_REQUIRED | KEY_OWN,
	  .example = "1", .doc = "Version of the profile format; must be the first key." },
	{ .path = "name", .type = KEY_NAME, .extra = "._-", .flags = KEY_REQUIRED | KEY_OWN,
	  .example = "edge-gateway", .doc = "The profile's name: its file's name without .yaml." },
	{ .path = "description", .type = KEY_TEXT, .flags = KEY_OWN | KEY_EMPTY_OK,
	  .example = "Gateway that must stay reachable when memory runs out",
	  .doc = "One line for people." },
	{ .path = "extends", .type = KEY_NAME, .extra = "._-", .flags = KEY_OWN, .example = "base",
	  .doc = "Parent profile, whose settings this one inherits and overrides key by key." },

	{ .path = "match", .type = KEY_ITEMS, .flags = KEY_OWN,
	  .doc = "When to choose this profile: alternatives, each a set of conditions that must all "
		 "hold. A profile without it is chosen by name only." },
	{ .path = "match.dmi", .type = KEY_MAP,
	  .doc = "What the firmware says of the machine, as in /sys/class/dmi/id. Firmware "
		 "placeholders never match." },
	DMI("sys_vendor", "Maker of the system."),
	DMI("product_name", "Product."),
	DMI("product_version", "Version of the product."),
	DMI("product_sku", "Stock-keeping unit of the product."),
	DMI("product_family", "Family of the product."),
	DMI("product_serial", "Serial number of the product; readable by root only."),
	DMI("product_uuid", "UUID of the product; readable by root only."),
	DMI("board_vendor", "Maker of the board."),
	DMI("board_name", "Board."),
	DMI("board_version", "Version of the board."),
	DMI("board_serial", "Serial number of the board; readable by root only."),
	DMI("board_asset_tag", "Asset tag of the board."),
	DMI("chassis_vendor", "Maker of the chassis."),
	DMI("chassis_type", "Type of the chassis, a number of the SMBIOS specification."),
	DMI("chassis_version", "Version of the chassis."),
	DMI("chassis_serial", "Serial number of the chassis; readable by root only."),
	DMI("chassis_asset_tag", "Asset tag of the chassis."),
	DMI("bios_vendor", "Maker of the firmware."),
	DMI("bios_version", "Version of the firmware."),
	DMI("bios_date", "Date of the firmware."),
	DMI("bios_release", "Release of the firmware."),
	DMI("ec_firmware_release", "Release of the embedded controller's firmware."),
	{ .path = "match.devicetree", .type = KEY_MAP, .doc = "What the device tree says." },
	{ .path = "match.devicetree.compatible", .type = KEY_PATTERN, .flags = KEY_LISTABLE,
	  .example = "[ \"acme,eg200\", \"acme,eg210\" ]",
	  .doc = "Any string of the root node's compatible list." },
	{ .path = "match.devicetree.model", .type = KEY_PATTERN, .flags = KEY_LISTABLE,
	  .doc = "The root node's model." },
	{ .path = "match.cmdline", .type = KEY_MAP, .doc = "Parameters of the kernel command line." },
	{ .path = "match.cmdline.*", .type = KEY_CMDLINE, .flags = KEY_LISTABLE | KEY_EMPTY_OK,
	  .example = "eg200",
	  .doc = "The parameter's value; true: the parameter is present, false: it is not." },
	{ .path = "match.memory", .type = KEY_COMPARISON, .flags = KEY_LISTABLE, .unit = 1,
	  .example = "\">=512M\"",
	  .doc = "Installed RAM in bytes, compared with < <= = >= >; several comparisons "
		 "separated by commas must all hold." },
	{ .path = "match.arch", .type = KEY_PATTERN, .flags = KEY_LISTABLE, .example = "x86_64",
	  .doc = "Architecture of the kernel, as uname -m prints it." },
	{ .path = "priority", .type = KEY_INT, .flags = KEY_OWN, .min = -1000000, .max = 1000000,
	  .fallback = "0", .doc = "Among profiles that match, the highest wins." },

	{ .path = "on_error", .type = KEY_CHOICE, .choices = on_error, .fallback = "continue",
	  .doc = "What a failure at boot leads to: continue the boot, an emergency shell, a reboot, "
		 "or a panic (which kdump can catch)." },

	{ .path = "vm", .type = KEY_MAP, .doc = "Memory settings, range-checked before boot." },
	VM("overcommit_ratio", .type = KEY_INT, .min = 0, .max = 1000,
	   .sibling = "sys/vm/overcommit_kbytes",
	   .doc = "Percentage of RAM that counts towards the commit limit under overcommit_memory: "
		  "never. Not together with overcommit_kbytes."),
	VM("overcommit_kbytes", .type = KEY_SIZE, .min = 0, .max = MAX_KIB, .unit = KIB,
	   .sibling = "sys/vm/overcommit_ratio", .since = "3.14", .example = "512M",
	   .doc = "RAM that counts towards the commit limit, in KiB. Not together with "
		  "overcommit_ratio."),
	VM("min_free_kbytes", .type = KEY_SIZE, .min = 0, .max = INT_MAX, .unit = KIB,
	   .example = "16M", .doc = "Memory the kernel keeps free, in KiB."),
	VM("admin_reserve_kbytes", .type = KEY_SIZE, .min = 0, .max = MAX_KIB, .unit = KIB,
	   .since = "3.10", .example = "8M",
	   .doc = "Memory kept for root's programs under overcommit, in KiB."),
	VM("user_reserve_kbytes", .type = KEY_SIZE, .min = 0, .max = MAX_KIB, .unit = KIB,
	   .since = "3.10", .example = "16M",
	   .doc = "Memory kept from a single process under overcommit_memory: never, in KiB."),
	/* Behind the limits that it brings into force: settings are applied in this order. */
	VM("overcommit_memory", .type = KEY_CHOICE, .choices = overcommit_memory,
	   .doc = "Whether the kernel promises more memory than there is."),
	VM("oom_kill_allocating_task", .type = KEY_BOOL, .since = "2.6.24",
	   .doc = "Kill the task that asked for memory instead of the worst one."),
	VM("oom_dump_tasks", .type = KEY_BOOL, .since = "2.6.25",
	   .doc = "List all tasks in the log when memory runs out."),
	VM("panic_on_oom", .type = KEY_CHOICE, .choices = panic_on_oom, .since = "2.6.18",
	   .doc = "Panic when memory runs out: never, unless the shortage is confined to a cpuset, "
		  "memory policy or cgroup, or always. With kdump it is applied once the crash "
		  "kernel is armed."),

	{ .path = "sysctl", .type = KEY_MAP,
	  .doc = "Any other sysctl, dotted, with slashes or nested, as in sysctl.d(5)." },
	{ .path = "sysctl.*", .type = KEY_SYSCTL_VALUE, .kind = SETTING_SYSCTL,
	  .flags = KEY_EMPTY_OK, .example = "10",
	  .doc = "The value, written as it stands; numbers are compared as numbers." },

	{ .path = "modules", .type = KEY_MAP, .doc = "Kernel modules." },
	{ .path = "modules.load", .type = KEY_ITEMS, .kind = SETTING_MODULE,
	  .doc = "Modules to load, with what they depend on." },
	{ .path = "modules.load.name", .type = KEY_MODULE,
	  .flags = KEY_REQUIRED | KEY_IDENTITY, .example = "ramoops", .doc = "The module." },
	{ .path = "modules.load.options", .type = KEY_MAP, .doc = "Its parameters." },
	{ .path = "modules.load.options.*", .type = KEY_OPTION, .flags = KEY_EMPTY_OK,
	  .example = "0x100000", .doc = "A parameter's value, handed to the module as it stands." },
	{ .path = "modules.load.required", .type = KEY_BOOL, .fallback = "true",
	  .doc = "Whether a machine without it is in error." },
	{ .path = "modules.block", .type = KEY_MODULE, .flags = KEY_LIST,
	  .kind = SETTING_BLOCK, .example = "[ usb_storage, firewire_core ]",
	  .doc = "Modules that must not be loaded, by name or by alias." },

	{ .path = "mounts", .type = KEY_ITEMS, .kind = SETTING_MOUNT, .doc = "File systems to mount." },
	{ .path = "mounts.what", .type = KEY_DEVICE, .flags = KEY_REQUIRED,
	  .example = "LABEL=config",
	  .doc = "LABEL=, UUID=, PARTLABEL=, PARTUUID=, a device, or a virtual file system." },
	{ .path = "mounts.where", .type = KEY_PATH, .flags = KEY_REQUIRED | KEY_IDENTITY,
	  .example = "/run/holdfast/config",
	  .doc = "The mount point; made if missing. Below /run, /dev, /proc or /sys it is mounted in "
		 "the initramfs, elsewhere once the real root is there." },
	{ .path = "mounts.type", .type = KEY_NAME, .extra = "._-", .example = "ext4",
	  .doc = "File system type; found out where not given." },
	{ .path = "mounts.options", .type = KEY_TEXT, .example = "\"ro,nosuid,nodev,noexec\"",
	  .doc = "Mount options, separated by commas." },
	{ .path = "mounts.required", .type = KEY_BOOL, .fallback = "true",
	  .doc = "Whether a machine without it is in error." },

	{ .path = "kdump", .type = KEY_MAP, .kind = SETTING_KDUMP,
	  .doc = "A crash kernel that saves a dump when the kernel panics." },
	{ .path = "kdump.crashkernel", .type = KEY_SIZE, .unit = 1, .min = 1, .max = INT64_MAX,
	  .example = "192M", .doc = "Memory that must be reserved for it, in bytes." },
	{ .path = "kdump.kernel", .type = KEY_PATH, .example = "/boot/vmlinuz",
	  .doc = "The crash kernel's image; the running kernel's where not given." },
	{ .path = "kdump.initrd", .type = KEY_PATH, .example = "/boot/holdfast-capture.img",
	  .doc = "The crash kernel's initramfs; where not given, "
		 "/boot/holdfast-capture-RELEASE.img, which the initramfs hook builds. One file "
		 "serves one kernel: its modules are that kernel's." },
	{ .path = "kdump.append", .type = KEY_TEXT,
	  .doc = "The crash kernel's command line; where not given, a sound set and the consoles "
		 "of the running kernel. The profile's name is added to both." },
	{ .path = "kdump.lock", .type = KEY_BOOL, .kind = SETTING_LOCK, .fallback = "false",
	  .doc = "Set kernel.kexec_load_disabled once it is loaded." },
	{ .path = "kdump.panic_on_oom_unarmed", .type = KEY_CHOICE, .choices = panic_on_oom,
	  .fallback = "0",
	  .doc = "What vm.panic_on_oom, where the profile gives it, becomes when the crash kernel could "
		 "not be armed." },
	{ .path = "kdump.required", .type = KEY_BOOL, .fallback = "false",
	  .doc = "Whether a machine on which it cannot be armed is in error." },
	{ .path = "kdump.capture", .type = KEY_MAP, .kind = SETTING_LAST_BOOT, .doc = "What the crash kernel does." },
	{ .path = "kdump.capture.target", .type = KEY_DEVICE, .example = "LABEL=data",
	  .doc = "File system for the dump: on a plain partition, since nobody in a crash kernel puts "
		 "volumes together or unlocks them." },
	{ .path = "kdump.capture.path", .type = KEY_PATH, .fallback = "/crash",
	  .doc = "Directory for the dump, on that file system." },
	{ .path = "kdump.capture.save", .type = KEY_CHOICE, .choices = save, .fallback = "vmcore",
	  .doc = "What to save: the whole dump, or the kernel log only." },
	{ .path = "kdump.capture.keep", .type = KEY_INT, .min = 1, .max = 1000, .fallback = "3",
	  .doc = "How many dumps to keep." },
	{ .path = "kdump.capture.max_attempts", .type = KEY_INT, .min = 1, .max = 1000,
	  .fallback = "3", .doc = "After so many crashes in a row the machine boots unarmed, and after so many "
			    "ends in a row that were neither in order nor saved a dump, once." },
	{ .path = "kdump.capture.then", .type = KEY_CHOICE, .choices = then, .fallback = "reboot",
	  .doc = "What follows the capture." },

	{ .path = "last_boot", .type = KEY_MAP, .kind = SETTING_LAST_BOOT,
	  .doc = "Finding out why the machine started again." },
	{ .path = "last_boot.ramoops", .type = KEY_MAP,
	  .doc = "Reserved memory in which the kernel log survives a warm reset. Memory that the kernel "
		 "uses itself is not taken." },
	{ .path = "last_boot.ramoops.mem_address", .type = KEY_SIZE, .unit = 1, .max = INT64_MAX,
	  .flags = KEY_REQUIRED, .example = "0x20000000", .doc = "Its physical address." },
	{ .path = "last_boot.ramoops.mem_size", .type = KEY_SIZE, .unit = 1, .min = 4096,
	  .max = INT64_MAX, .flags = KEY_REQUIRED, .example = "0x100000",
	  .doc = "Its size in bytes." },
	{ .path = "last_boot.archive", .type = KEY_PATH, .fallback = "/var/lib/holdfast/crashes",
	  .doc = "Where records are kept." },
	{ .path = "last_boot.keep", .type = KEY_INT, .min = 1, .max = 1000, .fallback = "10",
	  .doc = "How many records to keep." },

	{ .path = "protect", .type = KEY_ITEMS, .kind = SETTING_GUARD,
	  .doc = "Services that the kernel must not kill when memory runs out, pinned as they "
		 "start." },
	{ .path = "protect.service", .type = KEY_NAME, .extra = "._@:-",
	  .flags = KEY_REQUIRED | KEY_IDENTITY, .example = "sshd", .doc = "A name for the rule." },
	{ .path = "protect.exe", .type = KEY_PATH, .flags = KEY_REQUIRED,
	  .example = "/usr/sbin/sshd", .doc = "The program, or a #! script." },
	{ .path = "protect.user", .type = KEY_NAME, .extra = "._-", .fallback = "root",
	  .doc = "Only when run by this user (a name or a number)." },
	{ .path = "protect.unit", .type = KEY_NAME, .extra = "._@:\\-", .example = "ssh.service",
	  .doc = "Only inside this systemd unit's cgroup." },
	{ .path = "protect.args", .type = KEY_PATTERN, .example = "\"*-D*\"",
	  .doc = "Only with such arguments, for multi-call binaries and interpreters; matched after "
		 "exec." },
	{ .path = "protect.oom_score_adj", .type = KEY_INT, .min = -1000, .max = 1000,
	  .fallback = "-1000", .doc = "The score adjustment; -1000 is never killed." },
	{ .path = "protect.oom_adj", .type = KEY_INT, .min = -17, .max = 15, .example = "-17",
	  .doc = "The same on the legacy scale, converted to oom_score_adj." },
	{ .path = "protect.children", .type = KEY_CHOICE, .choices = children,
	  .fallback = "release",
	  .doc = "What its children get: release_to, the protection if they run the same program, "
		 "or the protection." },
	{ .path = "protect.release_to", .type = KEY_INT, .min = -1000, .max = 1000, .fallback = "0",
	  .doc = "The score adjustment of released children." },
	{ .path = "protect.max_rss", .type = KEY_SIZE, .unit = 1, .min = 1, .max = INT64_MAX,
	  .example = "128M",
	  .doc = "Leash in bytes: a service that grows beyond it loses its protection." },
	{ .path = "protect.required", .type = KEY_BOOL, .fallback = "true",
	  .doc = "Whether an image without the program is in error." },
};

/* clang-format on */

const size_t n_keys = ARRAY_SIZE(keys);

/* The part of @k's path below @parent, or NULL when it does not stand there. */
static const char *below(const struct key *k, const struct key *parent)
{
	const char *rest;

	if (!parent)
		return k->path;
	rest = after_prefix(k->path, parent->path);
	return rest && *rest == '.' ? rest + 1 : NULL;
}

const struct key *key_next_child(const struct key *parent, const struct key *last)
{
	const struct key *k = last ? last + 1 : parent ? parent + 1 : keys;

	for (; k < keys + n_keys; k++) {
		const char *rest = below(k, parent);

		if (!rest)
			return NULL;
		if (!strchr(rest, '.'))
			return k;
	}
	return NULL;
}

const char *key_name(const struct key *k)
{
	const char *dot = strrchr(k->path, '.');

	return dot ? dot + 1 : k->path;
}

const struct key *key_child(const struct key *parent, const char *name)
{
	for (const struct key *k = key_next_child(parent, NULL); k; k = key_next_child(parent, k))
		if (streq(key_name(k), name) || streq(key_name(k), "*"))
			return k;
	return NULL;
}

const struct key *key_find(const char *path)
{
	for (size_t i = 0; i < n_keys; i++)
		if (streq(keys[i].path, path))
			return &keys[i];
	return NULL;
}
