/* GRUB's language, and the shell's where they are alike: variables, quotes, commands. */
#include "image/grub.h"

#include <ctype.h>

#include "base/text.h"

/* More than any menu has. */
#define MAX_VARIABLES 1000

const char *grub_value(struct grub *g, const char *name, size_t n)
{
	for (const struct grub_variable *v = g->variables; v; v = v->next) {
		if (strncmp(v->name, name, n) != 0 || v->name[n])
			continue;
		g->expanded += strlen(v->value);
		return g->expanded < GRUB_MAX_EXPANDED ? v->value : "";
	}
	return NULL;
}

int grub_set(struct grub *g, const char *name, const char *value)
{
	struct grub_variable *v;

	if (!name || !value)
		return -ENOMEM;
	for (v = g->variables; v && !streq(v->name, name); v = v->next)
		;
	if (v) {
		v->value = value;
		return 0;
	}
	if (g->n == MAX_VARIABLES)
		return 0;
	v = arena_alloc(&g->arena, sizeof(*v));
	if (!v)
		return -ENOMEM;
	*v = (struct grub_variable){ g->variables, name, value };
	g->variables = v;
	g->n++;
	return 0;
}

const char *grub_expand(struct grub *g, FILE *out, const char *at)
{
	bool braces = at[1] == '{';
	const char *name = at + 1 + braces, *end = name, *value;

	if (isdigit((unsigned char)*end) || (*end && strchr("?*@#", *end)))
		end++;
	else
		while (isalnum((unsigned char)*end) || *end == '_')
			end++;
	if (end == name) {
		fputc('$', out);
		return at + 1;
	}
	value = grub_value(g, name, (size_t)(end - name));
	end += braces && *end == '}';
	if (ftell(out) < GRUB_MAX_VALUE && value)
		fputs(value, out);
	else if (ftell(out) < GRUB_MAX_VALUE && g->keeps_unknown)
		fwrite(at, 1, (size_t)(end - at), out);
	return end;
}

/* Takes one word off @text, without its quotes, as shells and GRUB do. */
static const char *take_word(struct grub *g, FILE *out, const char *text)
{
	char quote = 0;

	while (*text && (quote || !strchr(" \t", *text))) {
		if (quote != '\'' && *text == '$') {
			text = grub_expand(g, out, text);
			continue;
		}
		if (*text == quote || (!quote && (*text == '"' || *text == '\''))) {
			quote = quote ? 0 : *text;
			text++;
			continue;
		}
		if (quote != '\'' && after_prefix(text, "\\\n")) {
			text += 2;
			continue;
		}
		/* Between double quotes a backslash is one but before these. */
		if (quote != '\'' && *text == '\\' && text[1] &&
		    (!quote || strchr("$\"\\`", text[1])))
			text++;
		fputc(*text++, out);
	}
	return text;
}

const char *grub_word(struct grub *g, const char *text, const char **ret_rest)
{
	_cleanup_free_ char *word = NULL;
	size_t size;
	FILE *out = open_memstream(&word, &size);
	const char *rest;

	if (!out)
		return NULL;
	rest = take_word(g, out, text);
	if (memstream_end(out, &word) < 0)
		return NULL;
	if (ret_rest)
		*ret_rest = rest;
	return arena_strdup(&g->arena, word);
}

const char *grub_skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

int grub_assign(struct grub *g, const char *text)
{
	size_t n = strcspn(text, "= \t");
	int ret = 0;

	for (; text[n] == '=' && ret >= 0; n = strcspn(text, "= \t")) {
		bool adds = n > 0 && text[n - 1] == '+';
		const char *name = arena_strndup(&g->arena, text, n - adds);
		const char *before = adds ? grub_value(g, text, n - adds) : NULL;
		const char *value = grub_word(g, text + n + 1, &text);

		if (before && value && strlen(before) < GRUB_MAX_VALUE)
			value = arena_printf(&g->arena, "%s%s", before, value);
		ret = grub_set(g, name, value);
		text = grub_skip_blanks(text);
	}
	return ret;
}

/* --- commands --- */

/* Behind the quote that closes the one at @text; NULL where none does. */
static const char *quoted_end(const char *text)
{
	for (const char *c = text + 1; *c && c - text < GRUB_MAX_VALUE; c++) {
		if (*c == *text)
			return c + 1;
		c += *c == '\\' && *text == '"' && c[1];
	}
	return NULL;
}

static bool stands_alone(const char *brace)
{
	return (*brace == '{' || *brace == '}') && (!brace[1] || strchr(" \t\n;", brace[1]));
}

bool grub_next_command(const char **text, char *command)
{
	const char *start = *text + strspn(*text, " \t\n;"), *at = start;

	while (*at && !strchr("\n;", *at)) {
		bool begins = at == start || strchr(" \t", at[-1]);
		const char *end = strchr("\"'", *at) ? quoted_end(at) : NULL;

		if (begins && *at == '#') {
			at += strcspn(at, "\n");
			break;
		}
		if (begins && stands_alone(at) && at > start)
			break;
		if (!end)
			end = at + (*at == '\\' && at[1] ? 2 : 1);
		if (!after_prefix(at, "\\\n"))
			command = mempcpy(command, at, (size_t)(end - at));
		at = end;
		if (stands_alone(start))
			break;
	}
	*command = '\0';
	*text = at;
	return *start;
}
