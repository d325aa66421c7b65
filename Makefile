# make            build/release/holdfast
# make demo       boot a VM on the demo profile and show what happened
# make check      the whole test suite
# make install    PREFIX=/usr DESTDIR=…
#
# VARIANT=debug|release|san, V=1 for the commands, CC and PKG_CONFIG for a cross compiler.

VARIANT ?= release
VERSION ?= 0.1.0
PREFIX ?= /usr
DESTDIR ?=
PKG_CONFIG ?= pkg-config
INSTALL ?= install
B := build/$(VARIANT)

CFLAGS_debug := -O0 -g3
CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2
CFLAGS_san := -O1 -g3 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS_san := -fsanitize=address,undefined

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wformat=2 -Wstrict-prototypes \
	-Wmissing-prototypes -Wno-format-nonliteral
CFLAGS ?= $(CFLAGS_$(VARIANT))
HARDENING := -fPIE -fstack-protector-strong -ffunction-sections -fdata-sections
HARDENING_LD := -pie -Wl,-z,relro,-z,now -Wl,--gc-sections -Wl,--as-needed
# libkmod and libmount are opened at run time, when a profile needs them: headers only.
LIBS_CFLAGS = $(shell $(PKG_CONFIG) --cflags yaml-0.1 libkmod mount)
LIBS = $(shell $(PKG_CONFIG) --libs yaml-0.1)
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Isrc $(WARNINGS) $(WERROR) \
	$(HARDENING) $(LIBS_CFLAGS) $(CFLAGS) $(CPPFLAGS) -MMD -MP
ALL_LDFLAGS = $(HARDENING_LD) $(LDFLAGS_$(VARIANT)) $(LDFLAGS)

SRC := $(wildcard src/*.c src/*/*.c)
OBJ := $(SRC:src/%.c=$(B)/%.o)
LIB_OBJ := $(filter-out $(B)/main.o,$(OBJ))
UNIT := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*.c))

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s%s\n' $(1) $(2))

all: $(B)/holdfast

$(B)/holdfast: $(OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(B)/%.o: src/%.c
	$(Q)mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

-include $(OBJ:.o=.d)

.PHONY: all
