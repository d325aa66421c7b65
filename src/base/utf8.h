/* UTF-8, as far as a checker of text files needs it. */
#pragma once

#include "base/util.h"

/* The length in bytes of the valid sequence that begins @s (of at most @n bytes), or 0. Refuses
 * overlong forms, surrogates and code points above U+10FFFF (RFC 3629). */
static inline size_t utf8_sequence(const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t len = 0;

	if (u[0] < 0x80)
		len = 1;
	else if (u[0] >= 0xc2 && u[0] < 0xf5)
		len = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	if (len == 0)
		return 0;
	if (len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
		return 0;
	return len;
}
