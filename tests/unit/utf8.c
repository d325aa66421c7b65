/* base/utf8.h: what is UTF-8 by RFC 3629 and what is not. */
#include "base/utf8.h"

#include "unit.h"

static void sequences(void)
{
	CHECK(utf8_sequence("a", 1) == 1);
	CHECK(utf8_sequence("\0", 1) == 1);
	CHECK(utf8_sequence("\xc2\x80", 2) == 2);
	CHECK(utf8_sequence("\xdf\xbf", 2) == 2);
	CHECK(utf8_sequence("\xe0\xa0\x80", 3) == 3);
	CHECK(utf8_sequence("\xed\x9f\xbf", 3) == 3);
	CHECK(utf8_sequence("\xef\xbf\xbd", 3) == 3);
	CHECK(utf8_sequence("\xf0\x90\x80\x80", 4) == 4);
	CHECK(utf8_sequence("\xf4\x8f\xbf\xbf", 4) == 4);
	CHECK(utf8_sequence("\xc3\xa9more", 6) == 2);
}

static void none(void)
{
	CHECK(utf8_sequence("\x80", 1) == 0);     /* continues nothing */
	CHECK(utf8_sequence("\xc0\x80", 2) == 0); /* overlong */
	CHECK(utf8_sequence("\xc1\xbf", 2) == 0);
	CHECK(utf8_sequence("\xe0\x9f\xbf", 3) == 0);
	CHECK(utf8_sequence("\xf0\x8f\xbf\xbf", 4) == 0);
	CHECK(utf8_sequence("\xed\xa0\x80", 3) == 0);     /* a surrogate */
	CHECK(utf8_sequence("\xf4\x90\x80\x80", 4) == 0); /* above U+10FFFF */
	CHECK(utf8_sequence("\xf5\x80\x80\x80", 4) == 0);
	CHECK(utf8_sequence("\xff", 1) == 0);
	CHECK(utf8_sequence("\xc3", 1) == 0); /* cut off */
	CHECK(utf8_sequence("\xe2\x82", 2) == 0);
	CHECK(utf8_sequence("\xc3\x28", 2) == 0); /* not continued */
}

UNIT_MAIN({ "valid sequences have their length", sequences },
	  { "overlong, surrogate, cut off and other sequences have none", none })
