#include "profile/parse.h"

#include <yaml.h>

#include "base/utf8.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct parser {
	yaml_parser_t yaml;
	enum parse_rules rules;
	struct arena *arena;
	struct findings *findings;
	const char *file;
	unsigned nodes;
};

static void event_p(yaml_event_t *e)
{
	yaml_event_delete(e);
}

static struct place place_of(const struct parser *p, const yaml_mark_t *mark)
{
	return (struct place){ p->file, (unsigned)mark->line + 1, (unsigned)mark->column + 1 };
}

/* What is wrong with the character that begins @s, or NULL. YAML's own set, a byte order mark only
 * at the start. */
static const char *character_problem(const char *s, size_t len)
{
	const unsigned char *u = (const unsigned char *)s;

	if (len == 0)
		return "invalid UTF-8";
	if (*u == '\0')
		return "a NUL byte; this is no text file";
	if ((*u < 0x20 && !strchr("\t\r\n", *u)) || *u == 0x7f)
		return "a control character";
	if (len == 2 && u[0] == 0xc2 && u[1] < 0xa0 && u[1] != 0x85)
		return "a control character";
	if (len == 3 && u[0] == 0xef && u[1] == 0xbb && u[2] == 0xbf)
		return "a byte order mark";
	if (len == 3 && u[0] == 0xef && u[1] == 0xbf && u[2] >= 0xbe)
		return "a character that is none";
	return NULL;
}

/* libyaml reports bad characters by offset only, and takes UTF-16 too: look first. */
static int check_text(const struct parser *p, const char *data, size_t size)
{
	struct place at = { p->file, 1, 1 };
	bool crlf = false;
	size_t i = 0;

	if (after_prefix(data, BYTE_ORDER_MARK)) {
		finding_warning(p->findings, &at, "save the file as UTF-8 without it",
				"the file begins with a byte order mark");
		i = 3;
	}
	while (i < size) {
		size_t len = utf8_sequence(data + i, size - i);
		const char *problem = character_problem(data + i, len);

		if (problem) {
			finding_error(p->findings, &at, NULL, "%s", problem);
			return -EBADMSG;
		}
		if (data[i] == '\r' && data[i + 1] == '\n' && !crlf) {
			finding_warning(p->findings, &at, "end lines with a line feed alone",
					"lines end in carriage return and line feed");
			crlf = true;
		}
		at.column++;
		if (data[i] == '\n' || (data[i] == '\r' && data[i + 1] != '\n')) {
			at.line++;
			at.column = 1;
		}
		i += len;
	}
	return 0;
}

static int next_event(struct parser *p, yaml_event_t *e)
{
	const yaml_parser_t *y = &p->yaml;
	struct place at;

	if (yaml_parser_parse(&p->yaml, e))
		return 0;
	memset(e, 0, sizeof(*e));
	if (y->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	at = place_of(p, &y->problem_mark);
	finding_error(p->findings, &at, NULL, "%s%s%s", y->problem ? y->problem : "no YAML",
		      y->context ? " " : "", y->context ? y->context : "");
	return -EBADMSG;
}

static struct node *new_node(struct parser *p, const yaml_event_t *e, enum node_kind kind)
{
	struct node *n = arena_alloc(p->arena, sizeof(*n));

	if (!n)
		return NULL;
	n->kind = kind;
	n->at = n->name_at = place_of(p, &e->start_mark);
	return n;
}

/* Anchors and tags are refused wherever they stand. */
static bool refuse_properties(struct parser *p, const yaml_event_t *e, const yaml_char_t *anchor,
			      const yaml_char_t *tag)
{
	struct place at = place_of(p, &e->start_mark);

	if (anchor)
		finding_error(p->findings, &at, "repeat the value, or use 'extends'",
			      "anchors are not allowed");
	if (tag)
		finding_error(p->findings, &at, "write the value without it",
			      "tags are not allowed");
	return anchor || tag;
}

/* What a value may not hold, or NULL. YAML and JSON can write all of it as escapes. */
static const char *value_problem(const char *text, size_t len)
{
	/* next line, line separator, paragraph separator */
	static const char *const breaks[] = { "\n", "\r", "\xc2\x85", "\xe2\x80\xa8",
					      "\xe2\x80\xa9" };
	size_t plain = 0;

	while (plain < len && text[plain] >= ' ' && text[plain] < 0x7f)
		plain++;
	if (plain == len)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(breaks); i++)
		if (memmem(text, len, breaks[i], strlen(breaks[i])))
			return "a value holds no newline";
	/* What no file may hold, no escape may bring in: show writes it out again. */
	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_sequence(text + i, len - i);
		if (character_problem(text + i, n))
			return "a value holds no control character";
		n = n ? n : 1;
	}
	return NULL;
}

static int scalar_node(struct parser *p, const yaml_event_t *e, struct node **ret_node)
{
	const char *text = (const char *)e->data.scalar.value, *problem;
	size_t len = e->data.scalar.length;
	struct node *n = new_node(p, e, NODE_SCALAR);

	if (!n)
		return -ENOMEM;
	n->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (refuse_properties(p, e, e->data.scalar.anchor, e->data.scalar.tag))
		n->kind = NODE_BROKEN;
	problem = p->rules == PARSE_PROFILE ? value_problem(text, len) : NULL;
	if (problem) {
		finding_error(p->findings, &n->at, NULL, "%s", problem);
		n->kind = NODE_BROKEN;
	}
	n->value = arena_strndup(p->arena, text, len);
	if (!n->value)
		return -ENOMEM;
	*ret_node = n;
	return 0;
}

static int build(struct parser *p, yaml_event_t *e, unsigned depth, struct node **ret_node);

static bool refuse_duplicate(struct parser *p, const struct node *map, const struct node *n)
{
	const struct node *old = n->name ? node_child(map, n->name) : NULL;

	if (!old)
		return false;
	finding_error(p->findings, &n->name_at, NULL, "duplicate key '%s'; first given in line %u",
		      n->name, old->name_at.line);
	return true;
}

/* A key that is no string is complained of and its value passed over. */
static const char *map_key(struct parser *p, const struct node *key)
{
	if (key->kind == NODE_BROKEN)
		return NULL;
	if (key->kind != NODE_SCALAR) {
		finding_error(p->findings, &key->at, NULL, "a key must be a word");
		return NULL;
	}
	if (key->plain && streq(key->value, "<<")) {
		finding_error(p->findings, &key->at, "use 'extends'", "merge keys are not allowed");
		return NULL;
	}
	return key->value;
}

static int build_children(struct parser *p, struct node *parent, unsigned depth)
{
	struct node **tail = &parent->first, *key = NULL, *n;
	int ret;

	for (;;) {
		_cleanup_(event_p) yaml_event_t e = { 0 };

		ret = next_event(p, &e);
		if (ret < 0)
			return ret;
		if (e.type == YAML_MAPPING_END_EVENT || e.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		ret = build(p, &e, depth + 1, &n);
		if (ret < 0)
			return ret;
		if (parent->kind == NODE_MAP && !key) {
			key = n;
			continue;
		}
		if (key) {
			n->name = map_key(p, key);
			n->name_at = key->at;
			key = NULL;
			if (!n->name || refuse_duplicate(p, parent, n))
				continue;
		}
		*tail = n;
		tail = &n->next;
	}
}

static int refuse_size(struct parser *p, const yaml_event_t *e, unsigned depth)
{
	struct place at = place_of(p, &e->start_mark);

	if (depth > PARSE_MAX_DEPTH) {
		finding_error(p->findings, &at, NULL, "nested deeper than %u levels",
			      PARSE_MAX_DEPTH);
		return -EBADMSG;
	}
	if (p->rules == PARSE_PROFILE && ++p->nodes > PARSE_MAX_NODES) {
		finding_error(p->findings, &at, NULL, "more than %u values", PARSE_MAX_NODES);
		return -EBADMSG;
	}
	return 0;
}

/* Makes the tree that event @e begins. */
static int build(struct parser *p, yaml_event_t *e, unsigned depth, struct node **ret_node)
{
	struct place at = place_of(p, &e->start_mark);
	struct node *n;
	bool map = e->type == YAML_MAPPING_START_EVENT;
	int ret;

	ret = refuse_size(p, e, depth);
	if (ret < 0)
		return ret;
	if (e->type == YAML_SCALAR_EVENT)
		return scalar_node(p, e, ret_node);
	if (e->type == YAML_ALIAS_EVENT) {
		finding_error(p->findings, &at, "repeat the value, or use 'extends'",
			      "aliases are not allowed");
		*ret_node = new_node(p, e, NODE_BROKEN);
		return *ret_node ? 0 : -ENOMEM;
	}
	n = new_node(p, e, map ? NODE_MAP : NODE_LIST);
	if (!n)
		return -ENOMEM;
	refuse_properties(p, e, map ? e->data.mapping_start.anchor : e->data.sequence_start.anchor,
			  map ? e->data.mapping_start.tag : e->data.sequence_start.tag);
	ret = build_children(p, n, depth);
	if (ret < 0)
		return ret;
	*ret_node = n;
	return 0;
}

/* The stream: its start, one document with one node, its end. A second document is not read. */
static int parse_stream(struct parser *p, struct node **ret_root)
{
	struct node *root = NULL;

	for (;;) {
		_cleanup_(event_p) yaml_event_t e = { 0 };
		struct place at;
		int ret = next_event(p, &e);

		if (ret < 0)
			return ret;
		at = place_of(p, &e.start_mark);
		switch (e.type) {
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		case YAML_DOCUMENT_START_EVENT:
			if (!root)
				break;
			finding_error(p->findings, &at, "one profile a file",
				      "several documents in one file");
			/* fall through */
		case YAML_STREAM_END_EVENT:
			*ret_root = root;
			return 0;
		default:
			ret = build(p, &e, 0, &root);
			if (ret < 0)
				return ret;
		}
	}
}

int parse_tree(struct arena *a, const char *file, const char *data, size_t size,
	       enum parse_rules rules, struct findings *f, struct node **ret_root)
{
	struct parser p = { .rules = rules, .arena = a, .findings = f, .file = file };
	struct place start = { file, 1, 1 };
	struct node *root = NULL;
	int ret;

	ret = check_text(&p, data, size);
	if (ret < 0)
		return ret;
	if (!yaml_parser_initialize(&p.yaml))
		return -ENOMEM;
	if (after_prefix(data, BYTE_ORDER_MARK)) {
		data += strlen(BYTE_ORDER_MARK);
		size -= strlen(BYTE_ORDER_MARK);
	}
	yaml_parser_set_input_string(&p.yaml, (const unsigned char *)data, size);
	yaml_parser_set_encoding(&p.yaml, YAML_UTF8_ENCODING);
	ret = parse_stream(&p, &root);
	yaml_parser_delete(&p.yaml);
	if (ret < 0)
		return ret;
	if (!root) {
		finding_error(f, &start, "a profile begins with 'holdfast: 1'",
			      "the file is empty");
		return -EBADMSG;
	}
	*ret_root = root;
	return 0;
}
