# make            build/release/holdfast
# make demo       boot a VM on the demo profile and show what happened
# make check      the whole test suite
# make install    PREFIX=/usr DESTDIR=…
# make deb        a Debian package in build/deb
#
# VARIANT=debug|release|san|fuzz|coverage, V=1 for the commands, CC and PKG_CONFIG for a cross compiler.

VARIANT ?= release
VERSION ?= 0.1.0
PREFIX ?= /usr
DESTDIR ?=
PKG_CONFIG ?= pkg-config
INSTALL ?= install
STRIP ?= strip
# Empty for an unstripped program.
INSTALL_STRIP ?= -s --strip-program=$(STRIP)
B := build/$(VARIANT)

CFLAGS_debug := -O0 -g3
# For size: the program lies in other people's initramfs, and waits for the kernel rather than for itself.
CFLAGS_release := -Os -g -D_FORTIFY_SOURCE=3 -fno-asynchronous-unwind-tables
CFLAGS_coverage := -O1 -g --coverage -fprofile-update=atomic
LDFLAGS_coverage := --coverage
CFLAGS_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
	-Wno-sign-conversion -Wno-gnu-variable-sized-type-not-at-end
LDFLAGS_fuzz := -fsanitize=address,undefined
CFLAGS_fuzzcov := -O1 -g -fprofile-instr-generate -fcoverage-mapping -fsanitize=fuzzer-no-link $(filter -Wno%,$(CFLAGS_fuzz))
LDFLAGS_fuzzcov := -fprofile-instr-generate
CFLAGS_san := -O1 -g3 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS_san := -fsanitize=address,undefined

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wformat=2 -Wstrict-prototypes \
	-Wmissing-prototypes -Wno-format-nonliteral
CFLAGS ?= $(CFLAGS_$(VARIANT))
# What an architecture has besides: calls and returns that are checked (CET, BTI), a stack that cannot jump over its guard page.
HARDENING_x86_64 := -fcf-protection=full -fstack-clash-protection
HARDENING_aarch64 := -mbranch-protection=standard -fstack-clash-protection
CPU := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
HARDENING := -fPIE -fstack-protector-strong -ffunction-sections -fdata-sections \
	$(HARDENING_$(CPU))
# Debian's libyaml.a does not say that a shadow stack may check its returns, and the linker would believe it for the whole; it has none
# that it may not. Its jumps are another matter.
HARDENING_LD_x86_64 := -Wl,-z,shstk
HARDENING_LD := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--gc-sections -Wl,--as-needed $(HARDENING_LD_$(CPU))
# libkmod and libmount are opened at run time, when a profile needs them: headers only.
LIBS_CFLAGS = $(shell $(PKG_CONFIG) --cflags yaml-0.1 libkmod mount)
# libyaml is linked statically: its emitter is left out, and every start saves a library to load.
YAML_LIBS ?= -Wl,-Bstatic $(shell $(PKG_CONFIG) --libs yaml-0.1) -Wl,-Bdynamic
LIBS = $(YAML_LIBS)
# Where it is built leaves no trace.
ALL_CFLAGS = -std=gnu17 -ffile-prefix-map=$(CURDIR)=. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -DVERSION='"$(VERSION)"' -Isrc $(WARNINGS) $(WERROR) \
	$(HARDENING) $(LIBS_CFLAGS) $(CFLAGS) $(CPPFLAGS) -MMD -MP
ALL_LDFLAGS = $(HARDENING_LD) $(LDFLAGS_$(VARIANT)) $(LDFLAGS)

# Two programs of the same objects: the whole, and what an initramfs needs of it. They differ in their list of commands; what no
# command on the list uses, the linker leaves out.
SRC := $(wildcard src/*/*.c)
LIB_OBJ := $(SRC:src/%.c=$(B)/%.o)
OBJ := $(LIB_OBJ) $(B)/main.o $(B)/commands.o $(B)/commands-initramfs.o
PROGRAMS := $(B)/holdfast $(B)/holdfast-initramfs
UNIT := $(patsubst tests/%.c,$(B)/%,$(wildcard tests/unit/*.c))
TOOL := $(patsubst tests/%.c,$(B)/%,$(wildcard tests/*.c))

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s%s\n' $(1) $(2))

all: $(PROGRAMS)

$(B)/holdfast: $(B)/commands.o
$(B)/holdfast-initramfs: $(B)/commands-initramfs.o
$(PROGRAMS): $(B)/main.o $(LIB_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(B)/%.o: src/%.c Makefile
	$(Q)mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# --- unit tests, and what host tests run besides: one program a file, with everything but main ---

$(UNIT) $(TOOL): $(B)/%: tests/%.c $(LIB_OBJ)
	$(Q)mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(LIB_OBJ) $(LIBS)

unit: $(UNIT) $(TOOL)

# --- fuzzing: clang's libFuzzer over everything but main ---

FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/*.c))
TIME ?= 10

$(B)/fuzz/%: tests/fuzz/%.c $(wildcard tests/fuzz/*.h) $(LIB_OBJ) $(B)/commands.o
	$(Q)mkdir -p $(@D)
	$(call say,FUZZ,$<)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $< $(LIB_OBJ) $(B)/commands.o $(LIBS)

fuzzers-built:
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) VARIANT=fuzz CC=clang fuzzers

fuzzers: $(FUZZERS)

# Runs each fuzzer for TIME seconds over its seeds.
fuzz: fuzzers-built
	$(Q)tests/fuzz/run $(TIME) $(FUZZERS:$(B)/%=build/fuzz/%)

# Lines of the parsers that the fuzzers' seeds, and what they have learned, reach.
fuzz-coverage:
	$(Q)tests/install-packages tests/build-packages tests/packages tests/fuzz/packages
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) VARIANT=fuzzcov CC=clang fuzzers
	$(Q)tests/fuzz/coverage

# --- documentation that the table writes; kept in the tree for cross builds ---

docs: $(B)/holdfast
	$(Q)$(B)/holdfast keys --format man > docs/holdfast-profile.5
	$(Q)$(B)/holdfast keys --format schema > docs/holdfast-profile.schema.json

# --- tests ---

packages:
	$(Q)tests/install-packages tests/build-packages tests/packages tests/vm/packages

# Sources, scripts and prose.
lint:
	$(Q)tests/lint

# The analyzers as far as they can look, and the fake-tree tests under valgrind: half an hour.
analyze:
	$(Q)tests/install-packages tests/build-packages tests/packages
	$(Q)ANALYZE=far tests/lint tidy gcc
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all unit
	$(Q)tests/analyze/run

check: packages
	$(Q)$(MAKE) --no-print-directory check-installed

# The same without installing anything.
check-installed:
	$(Q)$(MAKE) --no-print-directory lint
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) WERROR=-Werror all unit
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) WERROR=-Werror VARIANT=san all unit
	$(Q)$(MAKE) --no-print-directory fuzz
	$(Q)tests/run

# Lines and branches of src that the unit and host tests reach.
coverage:
	$(Q)tests/install-packages tests/build-packages tests/packages tests/coverage/packages
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) VARIANT=coverage all unit
	$(Q)tests/coverage/run

bench:
	$(Q)tests/install-packages tests/build-packages tests/vm/packages tests/bench/packages
	$(Q)$(MAKE) --no-print-directory all
	$(Q)tests/bench/run

# Power cuts and storms in virtual machines, and fuzzers, for hours; writes docs/reliability.md.
stress:
	$(Q)tests/install-packages tests/build-packages tests/vm/packages
	$(Q)$(MAKE) --no-print-directory all
	$(Q)tests/stress/run

demo:
	$(Q)tests/install-packages tests/build-packages tests/vm/packages
	$(Q)$(MAKE) --no-print-directory all
	$(Q)tests/vm/demo

# --- installation ---

D := $(DESTDIR)
P := $(DESTDIR)$(PREFIX)
HOOKS := initramfs-hooks/initramfs-tools
DRACUT := $(P)/lib/dracut/modules.d/90holdfast

install: $(PROGRAMS)
	$(INSTALL) -D -m 755 $(INSTALL_STRIP) $(B)/holdfast $(P)/sbin/holdfast
	$(INSTALL) -D -m 755 $(INSTALL_STRIP) $(B)/holdfast-initramfs $(P)/lib/holdfast/holdfast-initramfs
	$(INSTALL) -d $(P)/lib/holdfast/profiles $(D)/etc/holdfast/profiles
	$(INSTALL) -m 644 profiles/*.yaml $(P)/lib/holdfast/profiles/
	$(INSTALL) -D -m 644 docs/holdfast.8 $(P)/share/man/man8/holdfast.8
	$(INSTALL) -D -m 644 docs/holdfast-profile.5 $(P)/share/man/man5/holdfast-profile.5
	$(INSTALL) -D -m 644 docs/holdfast-profile.schema.json \
		$(P)/share/holdfast/holdfast-profile.schema.json
	$(INSTALL) -D -m 644 docs/holdfast.bash $(P)/share/bash-completion/completions/holdfast
	$(INSTALL) -D -m 644 initramfs-hooks/systemd/holdfast.service \
		$(P)/lib/systemd/system/holdfast.service
	$(INSTALL) -D -m 644 initramfs-hooks/systemd/holdfast-guard.service \
		$(P)/lib/systemd/system/holdfast-guard.service
	$(INSTALL) -D -m 755 initramfs-hooks/sysvinit/holdfast $(D)/etc/init.d/holdfast
	$(INSTALL) -D -m 755 initramfs-hooks/sysvinit/holdfast-guard $(D)/etc/init.d/holdfast-guard
	$(INSTALL) -D -m 644 $(HOOKS)/functions $(P)/lib/holdfast/functions
	$(INSTALL) -D -m 644 $(HOOKS)/holdfast-functions $(P)/lib/holdfast/holdfast-functions
	$(INSTALL) -D -m 755 $(HOOKS)/capture-image $(P)/lib/holdfast/capture-image
	$(INSTALL) -D -m 755 $(HOOKS)/hooks/holdfast $(P)/share/initramfs-tools/hooks/holdfast
	for stage in init-top init-premount init-bottom; do \
		$(INSTALL) -D -m 755 $(HOOKS)/scripts/$$stage/holdfast \
			$(P)/share/initramfs-tools/scripts/$$stage/holdfast || exit 1; \
	done
	$(INSTALL) -d $(DRACUT) $(P)/lib/initcpio/install $(P)/lib/initcpio/hooks
	$(INSTALL) -m 755 initramfs-hooks/dracut/*.sh $(DRACUT)/
	$(INSTALL) -m 644 initramfs-hooks/mkinitcpio/install $(P)/lib/initcpio/install/holdfast
	$(INSTALL) -m 644 initramfs-hooks/mkinitcpio/hook $(P)/lib/initcpio/hooks/holdfast

# A Debian package of the program as it is built: build/deb/holdfast_VERSION_ARCH.deb.
deb: $(PROGRAMS)
	rm -rf build/deb/root
	$(Q)$(MAKE) --no-print-directory install DESTDIR=build/deb/root PREFIX=/usr >/dev/null
	$(Q)packaging/debian/build build/deb/root '$(VERSION)' "$$($(CC) -dumpmachine)" build/deb

clean:
	rm -rf build/debug build/release build/san build/fuzz build/fuzzcov build/coverage

distclean:
	rm -rf build

-include $(OBJ:.o=.d) $(UNIT:=.d) $(TOOL:=.d)

.PHONY: all unit fuzz fuzzers fuzzers-built fuzz-coverage docs packages lint analyze check check-installed coverage bench stress demo install deb clean distclean
