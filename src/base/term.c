#include "base/term.h"

#include <langinfo.h>
#include <locale.h>
#include <sys/ioctl.h>
#include <wchar.h>

#include "base/text.h"
#include "base/utf8.h"

#define MIN_COLUMNS 20U
#define MAX_COLUMNS 1000U

static unsigned in_range(int64_t columns)
{
	return columns < MIN_COLUMNS   ? MIN_COLUMNS
	       : columns > MAX_COLUMNS ? MAX_COLUMNS
				       : (unsigned)columns;
}

struct term term_of(FILE *out)
{
	const char *no_color = getenv("NO_COLOR"), *kind = getenv("TERM");
	const char *columns = getenv("COLUMNS");
	struct term t = { .out = out, .tty = isatty(fileno(out)) };
	struct winsize size;
	int64_t number;

	if (setlocale(LC_CTYPE, ""))
		t.utf8 = streq(nl_langinfo(CODESET), "UTF-8");
	t.colour = t.tty && !(no_color && *no_color) && kind && !streq(kind, "dumb");
	if (t.tty && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
		t.columns = in_range(size.ws_col);
		t.rows = size.ws_row;
	} else if (columns && text_to_int(columns, &number) == 0 && number > 0) {
		t.columns = in_range(number);
	}
	return t;
}

const char *term_on(const struct term *t, enum term_style style)
{
	static const char *const escapes[] = {
		[TERM_BOLD] = "\033[1m",   [TERM_DIM] = "\033[2m",     [TERM_RED] = "\033[31m",
		[TERM_GREEN] = "\033[32m", [TERM_YELLOW] = "\033[33m", [TERM_REVERSE] = "\033[7m",
	};

	return t->colour ? escapes[style] : "";
}

const char *term_off(const struct term *t)
{
	return t->colour ? "\033[0m" : "";
}

/* One character of a text: how it is shown, and how wide. */
struct glyph {
	const char *bytes;
	size_t len;   /* in the text */
	size_t shown; /* bytes to print */
	unsigned columns;
};

static struct glyph glyph_at(const struct term *t, const char *text, size_t size)
{
	size_t len = utf8_sequence(text, size);
	struct glyph g = { .bytes = "?", .len = len ? len : 1, .shown = 1, .columns = 1 };
	wchar_t wide;
	int width;

	if (len == 1 && *text >= ' ' && *text < 127) {
		g.bytes = text;
	} else if (len > 1 && t->utf8 && mbrtowc(&wide, text, len, &(mbstate_t){ 0 }) == len) {
		width = wcwidth(wide); /* negative for control characters */
		if (width > 0) {
			g.bytes = text;
			g.shown = len;
			g.columns = (unsigned)width;
		}
	}
	return g;
}

static unsigned columns_of(const struct term *t, const char *text, size_t size)
{
	unsigned columns = 0;

	while (size > 0) {
		struct glyph g = glyph_at(t, text, size);

		columns += g.columns;
		text += g.len;
		size -= g.len;
	}
	return columns;
}

void term_text(const struct term *t, const char *text, unsigned width, bool pad)
{
	size_t size = strlen(text);
	unsigned all = columns_of(t, text, size), used = 0;
	bool cut = width > 0 && all > width;

	while (size > 0) {
		struct glyph g = glyph_at(t, text, size);

		if (cut && used + g.columns > width - 1)
			break;
		fwrite(g.bytes, 1, g.shown, t->out);
		used += g.columns;
		text += g.len;
		size -= g.len;
	}
	if (cut) {
		fputs(t->utf8 ? "…" : "~", t->out);
		used++;
	}
	for (; pad && used < width; used++)
		fputc(' ', t->out);
}

void term_bar(const struct term *t, int64_t part, int64_t whole, unsigned width)
{
	static const char *const eighths[] = { " ", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	double share = whole > 0 && part > 0 ? (double)part / (double)whole : 0;
	unsigned steps = t->utf8 ? 8 : 1, filled, i = 0;

	filled = (unsigned)((share > 1 ? 1 : share) * (double)(width * steps) + 0.5);
	for (; i < filled / steps; i++)
		fputs(t->utf8 ? "█" : "#", t->out);
	if (i < width && filled % steps) {
		fputs(eighths[filled % steps], t->out);
		i++;
	}
	for (; i < width; i++)
		fputc(t->utf8 ? ' ' : '.', t->out);
}

static bool fits(const struct term *t, unsigned columns)
{
	return !t->columns || columns <= t->columns;
}

/* What is longer than a line is broken where the line ends. */
void term_wrap(const struct term *t, const char *text, unsigned column, unsigned indent)
{
	for (bool first = true; *text; first = false) {
		size_t left = strcspn(text, " ");

		if (!first && !fits(t, column + 1 + columns_of(t, text, left))) {
			fprintf(t->out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			fputc(' ', t->out);
			column++;
		}
		while (left > 0) {
			struct glyph g = glyph_at(t, text, left);

			if (column > indent && !fits(t, column + g.columns)) {
				fprintf(t->out, "\n%*s", (int)indent, "");
				column = indent;
			}
			fwrite(g.bytes, 1, g.shown, t->out);
			column += g.columns;
			text += g.len;
			left -= g.len;
		}
		text += *text == ' ';
	}
	fputc('\n', t->out);
}

const char *term_size(char buffer[TERM_SIZE], int64_t kb)
{
	static const char units[] = "KMGTPE";
	double value = (double)kb;
	size_t unit = 0;

	while (value >= 1000 && unit + 2 < sizeof(units)) {
		value /= 1024;
		unit++;
	}
	snprintf(buffer, TERM_SIZE, unit > 0 && value < 99.95 ? "%.1f%c" : "%.0f%c", value,
		 units[unit]);
	return buffer;
}
