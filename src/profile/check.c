#include "profile/check.h"

#include <inttypes.h>

#include "profile/identity.h"
#include "base/text.h"
#include "profile/comparison.h"

#define MIB (INT64_C(1) << 20)

static bool is_scalar(const struct node *n)
{
	return n && n->kind == NODE_SCALAR;
}

static int64_t number_of(const struct node *n)
{
	int64_t number;

	return is_scalar(n) && text_to_int(n->value, &number) == 0 ? number : 0;
}

static bool is_set(const struct node *map, const char *name)
{
	return is_scalar(node_child(map, name));
}

/* The later given of two keys is the one to complain of. */
static const struct node *later(const struct node *a, const struct node *b)
{
	return streq(a->at.file, b->at.file) && a->at.line > b->at.line ? a : b;
}

static void check_overcommit(const struct node *tree, struct findings *f)
{
	const struct node *ratio = node_find(tree, "vm.overcommit_ratio");
	const struct node *kbytes = node_find(tree, "vm.overcommit_kbytes");
	const struct node *mode = node_find(tree, "vm.overcommit_memory");
	const struct node *given = ratio ? ratio : kbytes;

	if (is_scalar(ratio) && is_scalar(kbytes)) {
		const struct node *second = later(ratio, kbytes);
		const struct node *first = second == ratio ? kbytes : ratio;

		finding_error(f, &second->name_at, "setting one makes the kernel forget the other",
			      "overcommit_ratio and overcommit_kbytes are both given; '%s' is in "
			      "%s line %u",
			      first->name, first->at.file, first->at.line);
	}
	if (is_scalar(given) && is_scalar(mode) && !streq(mode->value, "2"))
		finding_warning(f, &given->name_at, "it counts under 'overcommit_memory: never'",
				"'%s' has no effect under this overcommit_memory", given->name);
}

static void check_panic(const struct node *tree, struct findings *f)
{
	const struct node *panic_on_oom = node_find(tree, "vm.panic_on_oom");
	const struct node *timeout = node_child(node_child(tree, "sysctl"), "kernel/panic");

	if (!is_scalar(panic_on_oom) || streq(panic_on_oom->value, "0"))
		return;
	if (node_child(tree, "kdump") || (is_scalar(timeout) && number_of(timeout) != 0))
		return;
	finding_warning(f, &panic_on_oom->name_at,
			"give 'kdump', or 'kernel.panic: 10' below 'sysctl'",
			"panic_on_oom without kdump and without kernel.panic: the machine stands "
			"still after the panic until somebody pulls the plug");
}

/* Nobody makes links to devices in a crash kernel, nor knows what is no device. */
static void check_target(const struct node *target, struct findings *f)
{
	static const char remedy[] = "give LABEL=, UUID=, PARTLABEL=, PARTUUID= or a device";

	if (!is_scalar(target))
		return;
	if (after_prefix(target->value, "ID=") || after_prefix(target->value, "/dev/disk/"))
		finding_error(f, &target->at, remedy,
			      "'%s' is a name of udev's, which a crash kernel does not have",
			      target->value);
	else if (!strchr(target->value, '=') && !after_prefix(target->value, "/dev/"))
		finding_error(f, &target->at, remedy,
			      "'%s' is no disk that a dump could be saved to", target->value);
}

/* An initramfs that is none of ours may save elsewhere. */
static void check_saves(const struct node *tree, const struct node *kdump, struct findings *f)
{
	const struct node *initrd = node_child(kdump, "initrd");

	if (!kdump || kdump->kind != NODE_MAP || node_find(tree, "kdump.capture.target") ||
	    (is_scalar(initrd) && !strstr(initrd->value, "/holdfast-capture")))
		return;
	finding_warning(f, &kdump->name_at, "for instance 'capture: { target: LABEL=data }'",
			"kdump without capture.target: of a crash %s is kept, and max_attempts "
			"counts none",
			node_find(tree, "last_boot.ramoops") ? "no more than the kernel log"
							     : "nothing");
}

static void check_kdump(const struct node *tree, struct findings *f)
{
	const struct node *kdump = node_child(tree, "kdump");
	const struct node *locked =
		node_child(node_child(tree, "sysctl"), "kernel/kexec_load_disabled");
	const struct node *lock = node_child(kdump, "lock");
	const struct node *unarmed = node_child(kdump, "panic_on_oom_unarmed");

	check_target(node_find(tree, "kdump.capture.target"), f);
	check_saves(tree, kdump, f);
	if (kdump && kdump->kind == NODE_MAP && !node_child(kdump, "crashkernel")) {
		finding_error(f, &kdump->name_at, "for instance 'crashkernel: 192M'",
			      "kdump without crashkernel: nothing says what must be reserved");
		if (is_scalar(lock) && streq(lock->value, "1"))
			finding_error(f, &lock->name_at, NULL,
				      "kexec is locked without anything loaded");
	}
	if (is_scalar(unarmed) && !node_find(tree, "vm.panic_on_oom"))
		finding_warning(f, &unarmed->name_at, "give 'panic_on_oom' below 'vm'",
				"'panic_on_oom_unarmed' has no effect: the profile leaves "
				"vm.panic_on_oom alone");
	if (!is_scalar(locked) || number_of(locked) == 0)
		return;
	if (kdump)
		finding_error(f, &locked->name_at, "use 'lock: true' below 'kdump'",
			      "kernel.kexec_load_disabled locks kexec before the crash kernel is "
			      "loaded");
	else
		finding_warning(f, &locked->name_at, "give 'kdump' with 'lock: true'",
				"kexec is locked without a crash kernel loaded, until the next "
				"boot");
}

/* It is loaded once, with what both sections say. */
static void check_ramoops(const struct node *tree, struct findings *f)
{
	const struct node *memory = node_find(tree, "last_boot.ramoops");

	node_foreach(item, node_find(tree, "modules.load")) {
		if (!streq_null(node_text(item, "name"), "ramoops"))
			continue;
		node_foreach(option, node_child(item, "options")) {
			const char *wanted = node_text(memory, option->name);

			if (wanted && is_scalar(option) && !text_same_value(wanted, option->value))
				finding_error(f, &option->at, NULL,
					      "ramoops has another %s below 'last_boot'",
					      option->name);
		}
	}
}

static void check_modules(const struct node *tree, struct findings *f)
{
	const struct node *load = node_find(tree, "modules.load");
	const struct node *block = node_find(tree, "modules.block");

	node_foreach(blocked, block) {
		const struct node *name;

		if (!is_scalar(blocked))
			continue;
		name = node_child(node_item(load, blocked->value), "name");
		if (is_scalar(name))
			finding_error(f, &later(name, blocked)->at, NULL,
				      "module '%s' is both loaded and blocked", name->value);
		for (const struct node *other = block->first; other != blocked; other = other->next)
			if (is_scalar(other) && streq(other->value, blocked->value))
				finding_error(f, &blocked->at, NULL, "module '%s' is listed twice",
					      blocked->value);
	}
}

static void check_pattern(const struct node *n, struct findings *f)
{
	int64_t min, max;

	if (!is_scalar(n) || !n->row)
		return;
	if (n->row->type == KEY_COMPARISON) {
		comparison_bounds(n->value, &min, &max);
		if (min > max)
			finding_error(f, &n->at, NULL, "no machine has memory \"%s\"", n->value);
	}
	if (after_prefix(n->row->path, "match.dmi.") && !n->is_pattern &&
	    identity_is_placeholder(n->value))
		finding_error(f, &n->at, "choose another field",
			      "'%s' is a firmware placeholder, which never matches", n->value);
}

static void check_conditions(const struct node *map, struct findings *f)
{
	node_foreach(n, map) {
		if (n->kind == NODE_MAP && !n->first)
			finding_error(f, &n->at, "give a condition, or leave it out",
				      "'%s' holds no condition", n->name);
		if (n->kind == NODE_SCALAR)
			check_pattern(n, f);
		else
			check_conditions(n, f);
	}
}

static void check_match(const struct node *tree, struct findings *f)
{
	const struct node *match = node_child(tree, "match");

	if (match && match->kind == NODE_LIST && !match->first)
		finding_error(f, &match->at, "leave it out, or give a condition",
			      "'match' holds no alternative");
	node_foreach(alternative, match) {
		if (alternative->kind == NODE_MAP && !alternative->first)
			finding_error(f, &alternative->at, "give a condition",
				      "an empty alternative would match every machine");
		check_conditions(alternative, f);
	}
}

static void check_score(const struct node *rule, struct findings *f)
{
	if (is_set(rule, "release_to") && streq_null(node_text(rule, "children"), "inherit"))
		finding_warning(f, &node_child(rule, "release_to")->name_at, NULL,
				"release_to has no effect with 'children: inherit'");
}

static void check_rule(const struct node *rule, struct findings *f)
{
	static const char *const kernel_trees[] = { "/proc", "/sys" };
	static const char *const suffixes[] = { ".service", ".scope", ".slice",
						".socket",  ".mount", ".swap" };
	const struct node *exe = node_child(rule, "exe");
	const struct node *unit = node_child(rule, "unit");
	bool known = !is_scalar(unit);

	for (size_t i = 0; i < ARRAY_SIZE(kernel_trees) && is_scalar(exe); i++)
		if (is_below(exe->value, kernel_trees[i]))
			finding_error(
				f, &exe->at, NULL,
				"no program can be watched below %s: the rule matches nothing",
				kernel_trees[i]);
	if (is_scalar(exe) && streq(exe->value, "/"))
		finding_error(f, &exe->at, NULL, "'/' is no program: the rule matches nothing");
	for (size_t i = 0; i < ARRAY_SIZE(suffixes) && !known; i++)
		known = has_suffix(unit->value, suffixes[i]);
	if (!known)
		finding_error(f, &unit->at, "for instance 'ssh.service'",
			      "'%s' is no unit with processes: the rule matches nothing",
			      unit->value);
	check_score(rule, f);
}

/* Whether no process can be @name of both rules. */
static bool differ(const struct node *a, const struct node *b, const char *name)
{
	const char *x = node_setting(a, name), *y = node_setting(b, name);

	return x && y && !streq(x, y);
}

/* Whether the rules clash; one clash a rule is told. */
static bool check_same_program(const struct node *rule, const struct node *other,
			       struct findings *f)
{
	static const char *const also[] = { "unit", "args" };
	bool narrower = false;

	if (!is_set(rule, "exe") || !is_set(other, "exe") || differ(rule, other, "exe") ||
	    differ(rule, other, "user"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(also); i++) {
		if (differ(rule, other, also[i]))
			return false;
		narrower = narrower || is_set(rule, also[i]) != is_set(other, also[i]);
	}
	if (narrower)
		finding_warning(f, &rule->at, "the rule with more conditions wins",
				"rules '%s' and '%s' can be for the same process",
				node_text(rule, "service"), node_text(other, "service"));
	else
		finding_error(f, &rule->at, "tell them apart by user, unit or args",
			      "rules '%s' and '%s' are for one program, %s",
			      node_text(other, "service"), node_text(rule, "service"),
			      node_text(rule, "exe"));
	return true;
}

/* The least memory that a machine with this profile can have; 0: anything. */
static int64_t least_memory(const struct node *match)
{
	int64_t least = 0;

	node_foreach(alternative, match) {
		const struct node *memory = node_child(alternative, "memory");
		const struct node *n = memory && memory->kind == NODE_LIST ? memory->first : memory;
		int64_t here = 0;

		for (; is_scalar(n); n = memory->kind == NODE_LIST ? n->next : NULL) {
			int64_t min, max;

			comparison_bounds(n->value, &min, &max);
			here = here == 0 || min < here ? min : here;
		}
		if (here == 0)
			return 0;
		least = least == 0 || here < least ? here : least;
	}
	return least;
}

static void check_leashes(const struct node *tree, struct findings *f)
{
	const struct node *protect = node_child(tree, "protect");
	int64_t memory = least_memory(node_child(tree, "match")), sum = 0, spare = memory / 4;

	if (memory == 0)
		return;
	node_foreach(rule, protect)
		if (__builtin_add_overflow(sum, number_of(node_child(rule, "max_rss")), &sum))
			sum = INT64_MAX;
	if (memory == 0 || sum == 0)
		return;
	spare = spare < 64 * MIB ? 64 * MIB : spare;
	if (sum >= memory)
		finding_error(f, &protect->name_at, "lower max_rss, or ask for more memory",
			      "the protected services may take %" PRId64 " MiB together, and a "
			      "machine of this profile may have no more than %" PRId64 " MiB",
			      sum / MIB, memory / MIB);
	else if (sum > memory - spare)
		finding_warning(f, &protect->name_at, "lower max_rss, or ask for more memory",
				"the protected services may take %" PRId64 " MiB of %" PRId64
				" MiB: less than %" PRId64 " MiB is left to kill for",
				sum / MIB, memory / MIB, spare / MIB);
}

/* What is there is made anew by each boot. */
static void check_archive(const struct node *tree, struct findings *f)
{
	static const char *const gone[] = { "/run", "/var/run", "/dev", "/proc", "/sys" };
	const struct node *archive = node_find(tree, "last_boot.archive");

	for (size_t i = 0; i < ARRAY_SIZE(gone) && is_scalar(archive); i++)
		if (is_below(archive->value, gone[i]))
			finding_error(f, &archive->at, "for instance /var/lib/holdfast/crashes",
				      "%s does not survive the boot that the archive is to tell of",
				      gone[i]);
}

static void check_protect(const struct node *tree, struct findings *f)
{
	const struct node *protect = node_child(tree, "protect");

	node_foreach(rule, protect) {
		if (rule->kind != NODE_MAP)
			continue;
		check_rule(rule, f);
		node_foreach(other, protect) {
			if (other == rule ||
			    (other->kind == NODE_MAP && check_same_program(rule, other, f)))
				break;
		}
	}
	check_leashes(tree, f);
}

void check_profile(const struct profile *p, struct findings *f)
{
	static void (*const checks[])(const struct node *tree, struct findings *f) = {
		check_match,   check_overcommit, check_panic,   check_kdump,
		check_modules, check_ramoops,    check_archive, check_protect,
	};

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		checks[i](p->tree, f);
}

int check_composed(const struct library *l, struct profile *p, struct findings *f)
{
	unsigned raised = f->raised;
	int ret = profile_compose(l, f, p);

	if (ret < 0 || !p->tree || p->tree->kind != NODE_MAP)
		return ret;
	check_profile(p, f);
	p->valid = p->valid && f->raised == raised;
	return 0;
}
