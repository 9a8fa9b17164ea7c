/* config_tree.c - libyaml's events to a tree. */
#include "config_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "text.h"
#include "utf8.h"

/* --- memory: many small pieces that go together ----------------------------------------------------- */

#define CHUNK 16384 /* bytes */

struct tree_chunk {
	struct tree_chunk *next;
	size_t used, size;
	max_align_t at[];
};

static void *take_memory(struct tree *tree, size_t size)
{
	struct tree_chunk *chunk = tree->chunks;
	size_t room = size > CHUNK ? size : CHUNK;
	void *out;

	size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	if (!chunk || chunk->size - chunk->used < size) {
		chunk = malloc(sizeof *chunk + room + sizeof(max_align_t));
		if (!chunk)
			return NULL;
		*chunk = (struct tree_chunk){ .next = tree->chunks,
			.size = room + sizeof(max_align_t) };
		tree->chunks = chunk;
	}
	out = (uint8_t *)chunk->at + chunk->used;
	chunk->used += size;
	return out;
}

void tree_end(struct tree *tree)
{
	while (tree->chunks) {
		struct tree_chunk *chunk = tree->chunks;

		tree->chunks = chunk->next;
		free(chunk);
	}
	tree->root = NULL;
}

/* --- characters ------------------------------------------------------------------------------------- */

/* Characters that have no place in a file that people review: they cannot be seen, or change how others
 * are seen. libyaml refuses some of them without a line, and takes some for line ends. */
static bool is_hidden(uint32_t c)
{
	if (c < 0x20)
		return c != '\t' && c != '\n' && c != '\r';
	return (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) ||
		(c >= 0x2066 && c <= 0x2069) || c == 0xfeff || (c & 0xfffe) == 0xfffe;
}

struct place {
	unsigned long line, column;
};

static void step(struct place *place, const uint8_t *at, const uint8_t *end)
{
	bool breaks = *at == '\n' || (*at == '\r' && (at + 1 == end || at[1] != '\n'));

	place->line += breaks;
	place->column = breaks ? 1 : place->column + 1;
}

/* Complain about the first character that is not to be there, and put '?' in the place of all. */
static void clean(uint8_t *at, size_t len, struct problems *problems)
{
	struct place place = { 1, 1 };
	uint8_t *end = at + len;
	bool told = false;
	uint32_t c = 0;

	while (at < end) {
		size_t n = utf8_take(sink_span(at, (size_t)(end - at)), &c);

		if (n == 0 || is_hidden(c)) {
			if (!told && n == 0)
				problems_add(problems, place.line, place.column, true,
					"byte 0x%02x: not UTF-8", *at);
			else if (!told)
				problems_add(problems, place.line, place.column, true,
					"character U+%04X: controls and invisible characters have "
					"no "
					"place here",
					(unsigned)c);
			told = true;
			n += n == 0;
			memset(at, '?', n);
		}
		step(&place, at, end);
		at += n;
	}
}

/* --- building --------------------------------------------------------------------------------------- */

struct frame {
	struct node *node; /* a list or mapping that is open */
	struct node *last; /* in it */
	struct node *key; /* of a mapping: read, and its value not yet */
};

struct builder {
	yaml_parser_t parser;
	struct tree *tree;
	struct problems *problems;
	struct frame frames[TREE_DEPTH_MAX];
	size_t depth, nodes, documents;
	bool is_over;
	int err;
};

static void refuse(struct builder *b, yaml_mark_t mark, const char *text)
{
	problems_add(b->problems, mark.line + 1, mark.column + 1, true, "%s", text);
}

static void refuse_all(struct builder *b, yaml_mark_t mark, const char *text)
{
	refuse(b, mark, text);
	b->is_over = true;
}

static struct node *new_node(struct builder *b, enum node_type type, yaml_mark_t mark)
{
	struct node *node = NULL;

	if (b->nodes++ == TREE_NODES_MAX)
		refuse_all(b, mark, "more keys and values than any configuration should have");
	else
		node = take_memory(b->tree, sizeof *node);
	if (!node) {
		b->is_over = true;
		b->err = b->nodes > TREE_NODES_MAX ? SINK_OK : SINK_ENOMEM;
		return NULL;
	}
	*node = (struct node){ .type = type, .line = mark.line + 1, .column = mark.column + 1 };
	return node;
}

/* Hang a finished or just begun node where it belongs. */
static void hang(struct builder *b, struct node *node)
{
	struct frame *frame = b->depth > 0 ? &b->frames[b->depth - 1] : NULL;

	if (!frame) {
		b->tree->root = node;
		return;
	}
	node->key = frame->key;
	frame->key = NULL;
	if (frame->last)
		frame->last->next = node;
	else
		frame->node->first = node;
	frame->last = node;
}

/* Is a key expected here, no value? */
static bool is_key(const struct builder *b)
{
	const struct frame *frame = b->depth > 0 ? &b->frames[b->depth - 1] : NULL;

	return frame && frame->node->type == NODE_MAP && !frame->key;
}

static void place(struct builder *b, struct node *node)
{
	if (is_key(b))
		b->frames[b->depth - 1].key = node;
	else
		hang(b, node);
}

static void check_properties(struct builder *b, const yaml_event_t *event, const uint8_t *anchor,
	const uint8_t *tag)
{
	if (anchor)
		refuse(b, event->start_mark,
			"anchors and aliases are not taken: write the value where it is wanted");
	if (tag)
		refuse(b, event->start_mark,
			"tags are not taken: each key knows the type of its value");
}

/* After escapes have been undone. */
static bool holds_hidden(struct sink_span text)
{
	uint32_t c;

	while (text.len > 0) {
		size_t n = utf8_take(text, &c);

		if (n == 0 || c == '\r' || is_hidden(c))
			return true;
		text = text_after(text, n);
	}
	return false;
}

static void take_text(struct builder *b, const yaml_event_t *event)
{
	size_t len = event->data.scalar.length;
	const uint8_t *value = event->data.scalar.value;
	struct node *node = new_node(b, NODE_TEXT, event->start_mark);

	check_properties(b, event, event->data.scalar.anchor, event->data.scalar.tag);
	if (!node)
		return;
	node->text = take_memory(b->tree, len + 1);
	if (!node->text) {
		b->is_over = true;
		b->err = SINK_ENOMEM;
		return;
	}
	memcpy(node->text, value, len);
	node->text[len] = 0;
	node->len = len;
	node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->is_refused = event->data.scalar.tag != NULL;
	if (holds_hidden(node_text(node))) {
		refuse(b, event->start_mark, "a control or invisible character in a text");
		node->is_refused = true;
	}
	place(b, node);
}

static void take_alias(struct builder *b, const yaml_event_t *event)
{
	struct node *node = new_node(b, NODE_TEXT, event->start_mark);

	check_properties(b, event, event->data.alias.anchor, NULL);
	if (!node)
		return;
	node->is_refused = true;
	node->text = (char *)take_memory(b->tree, 1);
	if (node->text) {
		node->text[0] = 0;
		place(b, node);
		return;
	}
	b->is_over = true;
	b->err = SINK_ENOMEM;
}

static void begin_node(struct builder *b, const yaml_event_t *event, enum node_type type,
	const uint8_t *anchor, const uint8_t *tag)
{
	struct node *node;

	check_properties(b, event, anchor, tag);
	if (is_key(b)) {
		refuse_all(b, event->start_mark,
			"a key must be a word, no list or mapping: a text that begins with { or [ "
			"needs quotes");
		return;
	}
	if (b->depth == TREE_DEPTH_MAX) {
		refuse_all(b, event->start_mark, "lists and mappings too deep in each other");
		return;
	}
	node = new_node(b, type, event->start_mark);
	if (!node)
		return;
	node->is_refused = tag != NULL;
	hang(b, node);
	b->frames[b->depth++] = (struct frame){ .node = node };
}

static void take_event(struct builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (b->documents++ > 0)
			refuse_all(b, event->start_mark,
				"a second document begins here: a configuration is one");
		break;
	case YAML_SCALAR_EVENT:
		take_text(b, event);
		break;
	case YAML_ALIAS_EVENT:
		take_alias(b, event);
		break;
	case YAML_SEQUENCE_START_EVENT:
		begin_node(b, event, NODE_LIST, event->data.sequence_start.anchor,
			event->data.sequence_start.tag);
		break;
	case YAML_MAPPING_START_EVENT:
		begin_node(b, event, NODE_MAP, event->data.mapping_start.anchor,
			event->data.mapping_start.tag);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		b->depth--;
		break;
	case YAML_STREAM_END_EVENT:
	case YAML_NO_EVENT:
		b->is_over = true;
		break;
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
}

/* --- syntax errors ---------------------------------------------------------------------------------- */

#define TAB_INDENTS "a tab cannot indent: use blanks"

/* What libyaml says, and what its user should be told. */
static const struct {
	const char *says, *text;
} clearer[] = {
	{ "mapping values are not allowed in this context",
		"a ': ' that is not expected here: a text that holds one needs quotes" },
	{ "could not find expected ':'", "a key without its ':'" },
	{ "did not find expected key",
		"neither a further key nor the end: are this line and the ones above it "
		"indented alike?" },
	{ "did not find expected '-' indicator",
		"neither a further '- ' nor the end of the list: are the lines indented alike?" },
	{ "block sequence entries are not allowed in this context", "a '- ' is not expected here" },
	{ "did not find expected ',' or ']'", "a list that [ began lacks ',' or ']'" },
	{ "did not find expected ',' or '}'", "a mapping that { began lacks ',' or '}'" },
	{ "found unexpected end of stream", "the file ends within quotes" },
	{ "found unexpected document indicator", "the document ends within quotes" },
	{ "found a tab character that violates indentation", TAB_INDENTS },
	{ "found a tab character where an indentation space is expected", TAB_INDENTS },
	{ "did not find expected node content", "a value is expected here" },
	{ "did not find expected <document start>", "more text, where the document was over" },
	{ "found unknown escape character",
		"an unknown escape behind \\ : in single quotes a \\ is just that" },
	{ "found incompatible YAML document", "a version of YAML other than 1.1 or 1.2" },
};

static const char *explain(const yaml_parser_t *parser, struct sink_span bytes, char quoted[64])
{
	size_t index = parser->problem_mark.index; /* in characters */
	const char *problem = parser->problem ? parser->problem : "not YAML";
	uint32_t c = 0;

	if (strcmp(problem, "found character that cannot start any token") == 0) {
		for (size_t n; bytes.len > 0 && (n = utf8_take(bytes, &c)) > 0 && index > 0;
			index--)
			bytes = text_after(bytes, n);
		if (bytes.len > 0 && bytes.at[0] == '\t')
			return TAB_INDENTS;
		snprintf(quoted, 64, "'%c' cannot begin a text without quotes",
			bytes.len > 0 ? bytes.at[0] : '?');
		return quoted;
	}
	for (size_t i = 0; i < sizeof clearer / sizeof clearer[0]; i++)
		if (strcmp(problem, clearer[i].says) == 0)
			return clearer[i].text;
	return problem;
}

static void syntax_error(struct builder *b, struct sink_span bytes)
{
	const yaml_parser_t *parser = &b->parser;
	yaml_mark_t at = parser->problem_mark, begun = parser->context_mark;
	char quoted[64], since[64] = "";

	if (parser->context && begun.line < at.line)
		snprintf(since, sizeof since, " (in what begins in line %zu)", begun.line + 1);
	if (parser->error == YAML_MEMORY_ERROR)
		b->err = SINK_ENOMEM;
	else
		problems_add(b->problems, at.line + 1, at.column + 1, true, "%s%s",
			explain(parser, bytes, quoted), since);
	b->is_over = true;
}

static int parse(struct builder *b, struct sink_span bytes)
{
	yaml_event_t event;

	if (!yaml_parser_initialize(&b->parser))
		return SINK_ENOMEM;
	yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b->parser, bytes.at, bytes.len);
	while (!b->is_over) {
		if (!yaml_parser_parse(&b->parser, &event)) {
			syntax_error(b, bytes);
			break;
		}
		take_event(b, &event);
		yaml_event_delete(&event);
	}
	while (b->depth > 0)
		b->frames[--b->depth].node->is_cut = true;
	yaml_parser_delete(&b->parser);
	return b->err;
}

/* --- the whole -------------------------------------------------------------------------------------- */

/* Other kinds of files, which would earn a hundred complaints. */
static const char *foreign(struct sink_span bytes)
{
	static const struct {
		const char *bytes, *text;
	} kinds[] = {
		{ "\xff\xfe", "UTF-16: a configuration is UTF-8" },
		{ "\xfe\xff", "UTF-16: a configuration is UTF-8" },
		{ "\x1f\x8b", "compressed by gzip" },
		{ "\x28\xb5\x2f\xfd", "compressed by zstd" },
		{ "\xfd\x37zXZ", "compressed by xz" },
		{ "BZh", "compressed by bzip2" },
	};

	if (bytes.len > TREE_BYTES_MAX)
		return "larger than 1 MiB: no configuration should be";
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (text_starts(bytes, kinds[i].bytes))
			return kinds[i].text;
	return NULL;
}

int tree_read(struct sink_span bytes, struct problems *problems, struct tree *out)
{
	struct builder b = { .tree = out, .problems = problems };
	const char *why = foreign(bytes);
	uint8_t *copy;

	*out = (struct tree){ 0 };
	if (why) {
		problems_add(problems, 1, 1, true, "%s", why);
		return SINK_OK;
	}
	if (text_starts(bytes, "\xef\xbb\xbf"))
		bytes = text_after(bytes, 3);
	copy = malloc(bytes.len + 1);
	if (!copy)
		return SINK_ENOMEM;
	if (bytes.len > 0)
		memcpy(copy, bytes.at, bytes.len);
	clean(copy, bytes.len, problems);
	b.err = parse(&b, sink_span(copy, bytes.len));
	free(copy);
	return b.err;
}

const struct node *node_find(const struct node *map, const char *key)
{
	if (!map || map->type != NODE_MAP)
		return NULL;
	for (const struct node *node = map->first; node; node = node->next)
		if (text_is(node_text(node->key), key))
			return node;
	return NULL;
}

bool node_is_nothing(const struct node *node)
{
	struct sink_span text = node_text(node);

	return node->type == NODE_TEXT && node->is_plain &&
		(text.len == 0 || text_is(text, "~") || text_is_anycase(text, "null"));
}

bool node_is_number(const struct node *node)
{
	const char *at = node->text;

	if (node->type != NODE_TEXT || !node->is_plain)
		return false;
	at += *at == '-' || *at == '+';
	if (!text_is_digit((uint8_t)*at))
		return false;
	at += strspn(at, "0123456789");
	if (*at == '.')
		at += 1 + strspn(at + 1, "0123456789");
	return *at == 0;
}
