/* What is done to a log before it is read line by line. */
#include <ctype.h>

#include "insight/logline.h"

/* Behind what switches a colour: ESC [ numbers m. */
static const char *skip_colour(const char *p, const char *end)
{
	const char *at = p + 2;

	if (end - p < 3 || p[0] != '\033' || p[1] != '[')
		return p;
	while (at < end && (isdigit((unsigned char)*at) || *at == ';'))
		at++;
	return at < end && *at == 'm' ? at + 1 : p;
}

/* How many blanks and marks of quotation all lines begin with. */
static size_t margin_of(const char *text, size_t size)
{
	size_t margin = SIZE_MAX;

	for (const char *line = text, *end; line < text + size; line = end + 1) {
		size_t n = 0;

		end = memchr(line, '\n', (size_t)(text + size - line)) ?: text + size;
		while (line + n < end && n < margin && strchr(" \t>|", line[n]) &&
		       line[n] == text[n])
			n++;
		if (line + n < end || n > margin)
			margin = n < margin ? n : margin;
	}
	return margin == SIZE_MAX ? 0 : margin;
}

/* In place: NULs become blanks, carriage returns at the ends of lines go, and so do colours. The
 * size that is left. */
static size_t clean_bytes(char *text, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++) {
		const char *end = skip_colour(text + i, text + size);

		if (end > text + i)
			i = (size_t)(end - text) - 1;
		else if (text[i] != '\r' || (i + 1 < size && text[i + 1] != '\n'))
			text[n++] = text[i] ? text[i] : ' ';
	}
	return n;
}

static size_t without_margin(char *text, size_t size)
{
	size_t margin = margin_of(text, size), n = 0, column = 0;

	for (size_t i = 0; margin > 0 && i < size; i++) {
		if (column++ >= margin || text[i] == '\n')
			text[n++] = text[i];
		if (text[i] == '\n')
			column = 0;
	}
	return margin > 0 ? n : size;
}

size_t logline_clean(char *text, size_t size)
{
	return without_margin(text, clean_bytes(text, size));
}
