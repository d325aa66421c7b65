/* Shared libraries opened only when a profile needs them: linking libkmod and libmount would cost
 * every start 9 MB and a millisecond. */
#pragma once

#include "base/util.h"

/* Declares to packagers and initramfs generators that @soname may be opened, and what for: an ELF
 * note as specified by systemd's ELF dlopen metadata. At file level. */
#define DLOPEN_NOTE(feature, description, soname)                                                  \
	__asm__(".pushsection .note.dlopen, \"a\", %note\n"                                        \
		".balign 4\n"                                                                      \
		".long 881f - 880f, 883f - 882f, 0x407c0c0a\n"                                     \
		"880: .asciz \"FDO\"\n881: .balign 4\n"                                            \
		"882: .asciz \"[{\\\"feature\\\":\\\"" feature                                     \
		"\\\",\\\"description\\\":\\\"" description                                        \
		"\\\",\\\"priority\\\":\\\"recommended\\\",\\\"soname\\\":[\\\"" soname            \
		"\\\"]}]\"\n"                                                                      \
		"883: .balign 4\n"                                                                 \
		".popsection\n")

struct dlopen_symbol {
	const char *name;
	void *pointer; /* where the function pointer goes */
};

/* Opens @soname and finds the symbols. The handle in *@ret_handle is for dlclose(). -ELIBACC where
 * the library or a symbol is missing (logged at debug). */
int dlopen_symbols(const char *soname, const struct dlopen_symbol *symbols, size_t n,
		   void **ret_handle) _must_check_;
