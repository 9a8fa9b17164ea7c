/* jsonstream.c - a scanner for the structure of JSON (RFC 8259), which finds where values begin and end;
 * what is in them is libjansson's. One byte after the other, no going back, so that pieces may be cut
 * anywhere.
 *
 * The way: the objects and arrays that paths lead through, a frame each. Below it stands the value at hand,
 * of which only the depth is known, and whether each level is an object. */
#include "jsonstream.h"

#include <stdlib.h>

#include "text.h"
#include "utf8.h"

#define SCALAR_MAX 512 /* bytes of a number or literal that nobody wants; longer ones are refused */
#define EXAMPLE_MAX 256 /* bytes kept of what is too large */

static const uint8_t nothing[1]; /* where we are between two pieces */

/* Where in the grammar; before the first six, white space may stand. */
enum state {
	STATE_VALUE,
	STATE_FIRST_VALUE, /* or ']' */
	STATE_KEY,
	STATE_FIRST_KEY, /* or '}' */
	STATE_COLON,
	STATE_BEHIND, /* a value: ',' or the end of its container */
	STATE_DEEP, /* below JSON_DEPTH_MAX, where only brackets and strings count */
	STATE_STRING,
	STATE_ESCAPE,
	STATE_SCALAR,
	STATE_COUNT
};

/* What the value at hand is. */
enum role {
	ROLE_NONE, /* nobody's */
	ROLE_ELEMENT,
	ROLE_SINGLE, /* at a path, but in no array */
	ROLE_MEMBER,
	ROLE_STRAY, /* in an array on the way, and of another type than the way goes on with */
};

struct path {
	size_t count;
	struct sink_span piece[JSON_WAY_MAX];
};

struct frame {
	bool is_object;
	bool holds_elements; /* an array that a path names */
	uint32_t alive; /* the paths that lead through it or name it, a bit each */
	uint32_t seen; /* those whose next member was there */
	uint64_t group;
	size_t at_len; /* of its own path in at[] */
};

struct json_stream {
	const struct json_stream_handler *handler;
	struct sink_why *why;
	struct path paths[JSON_PATHS_MAX];
	size_t paths_count;

	const uint8_t *start, *p, *end; /* the piece at hand, and where in it */
	uint64_t offset; /* of its start in the document */
	uint64_t line, line_start; /* the line at hand, and its offset */

	enum state state;
	bool begun; /* there was a value */
	bool in_key; /* the string at hand is a member's name */
	struct frame frames[JSON_WAY_MAX + 1];
	size_t frames_count;
	uint64_t elements, groups;
	uint32_t next; /* the paths that lead to the value of the member at hand */
	char at[(JSON_WAY_MAX + 1) * (JSON_KEY_MAX + 2)];

	/* the value at hand, if depth or the state says so */
	enum role role;
	struct json_place place;
	bool wanted; /* it will be parsed and told */
	enum feed_reason fault; /* why it is bad, as far as known */
	bool deep; /* it went below JSON_DEPTH_MAX */
	uint64_t levels; /* a bit each, the deepest lowest: is it an object? */
	uint64_t depth; /* containers that are open in it */
	size_t values;

	/* what is being captured: a value, a name, or a scalar */
	bool captures, overflows;
	const uint8_t *from; /* in the piece */
	uint8_t *buffer; /* what came of it in earlier pieces */
	size_t len, size, limit;
};

/* --- where, and what is wrong there -------------------------------------------------------------------- */

static uint64_t here(const struct json_stream *s)
{
	return s->offset + (uint64_t)(s->p - s->start);
}

static void next_line(struct json_stream *s)
{
	s->line++;
	s->line_start = here(s) + 1;
}

static uint64_t column(const struct json_stream *s)
{
	return here(s) - s->line_start + 1;
}

static int fail(const struct json_stream *s, const char *what)
{
	uint64_t at = column(s);

	return sink_why(s->why, SINK_ESYNTAX, "line %llu, column %llu: %s",
		(unsigned long long)s->line, (unsigned long long)at, what);
}

static int no_memory(const struct json_stream *s)
{
	return sink_why(s->why, SINK_ENOMEM, "no memory");
}

/* --- capturing ------------------------------------------------------------------------------------------ */

static void capture(struct json_stream *s, size_t limit)
{
	s->captures = true;
	s->overflows = false;
	s->from = s->p;
	s->len = 0;
	s->limit = limit;
}

static int make_room(struct json_stream *s, size_t more)
{
	size_t size = s->size ? s->size : 4096;
	uint8_t *buffer;

	while (size < s->len + more)
		size *= 2;
	if (size == s->size)
		return SINK_OK;
	buffer = realloc(s->buffer, size);
	if (!buffer)
		return no_memory(s);
	s->buffer = buffer;
	s->size = size;
	return SINK_OK;
}

/* Keep what was captured of this piece. What goes beyond the limit is bad: its beginning will do. */
static int keep(struct json_stream *s)
{
	size_t more = (size_t)(s->p - s->from);
	int err;

	s->overflows = s->overflows || s->len + more > s->limit;
	if (s->overflows || s->fault) {
		size_t room = s->len < EXAMPLE_MAX ? EXAMPLE_MAX - s->len : 0;

		more = more < room ? more : room;
	}
	err = make_room(s, more);
	if (err)
		return err;
	memcpy(s->buffer + s->len, s->from, more);
	s->len += more;
	s->from = s->p;
	return SINK_OK;
}

/* All that was captured, up to the byte at hand; without a copy if it stands in one piece. */
static int captured(struct json_stream *s, struct sink_span *out)
{
	size_t more = (size_t)(s->p - s->from);
	int err;

	s->captures = false;
	if (s->len == 0) {
		s->overflows = more > s->limit;
		*out = sink_span(s->from, more);
		return SINK_OK;
	}
	err = keep(s);
	*out = sink_span(s->buffer, s->len);
	return err;
}

/* --- telling ---------------------------------------------------------------------------------------------- */

static int tell_bad(struct json_stream *s, enum feed_reason reason, struct sink_span text)
{
	if (s->handler->bad) {
		text.len = text.len < EXAMPLE_MAX ? text.len : EXAMPLE_MAX;
		return s->handler->bad(s->handler->arg, &s->place, reason, text);
	}
	return sink_why(s->why, SINK_ESYNTAX, "line %llu, column %llu: %s",
		(unsigned long long)s->place.line, (unsigned long long)s->place.column,
		feed_reason_word(reason));
}

enum feed_reason json_stream_reason(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_duplicate_key:
		return FEED_DUPLICATE_KEY;
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return FEED_CONTROL;
	case json_error_numeric_overflow:
		return FEED_VALUE;
	case json_error_stack_overflow:
		return FEED_TOO_DEEP;
	default:
		return FEED_SYNTAX;
	}
}

static int tell(struct json_stream *s, struct sink_span text)
{
	const struct json_stream_handler *h = s->handler;
	json_error_t error;
	json_t *json = json_loadb((const char *)text.at, text.len,
		JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	int err;

	if (!json && json_error_code(&error) == json_error_out_of_memory)
		return no_memory(s);
	if (!json)
		return tell_bad(s, json_stream_reason(&error), text);
	err = s->role == ROLE_MEMBER ? h->member(h->arg, &s->place, json)
				     : h->element(h->arg, &s->place, json);
	json_decref(json);
	return err;
}

/* The value at hand is complete; the byte at hand is behind it. */
static int settle(struct json_stream *s)
{
	bool is_element = s->role == ROLE_ELEMENT || s->role == ROLE_SINGLE;
	struct sink_span text;
	int err;

	s->state = STATE_BEHIND;
	s->deep = false;
	if (!s->captures) {
		s->elements += is_element;
		return SINK_OK;
	}
	err = captured(s, &text);
	if (err)
		return err;
	if (s->role == ROLE_SINGLE && text_is(text, "null"))
		return SINK_OK;
	s->elements += is_element;
	if (s->role == ROLE_STRAY)
		return tell_bad(s, FEED_VALUE_TYPE, text);
	if (s->overflows && !s->fault)
		s->fault = FEED_TOO_LONG;
	return s->fault ? tell_bad(s, s->fault, text) : tell(s, text);
}

/* --- the way ---------------------------------------------------------------------------------------------- */

static struct frame *top(struct json_stream *s)
{
	return s->frames_count > 0 ? &s->frames[s->frames_count - 1] : NULL;
}

/* The value at hand stands on the way or beside it, not within another one. */
static bool on_the_way(const struct json_stream *s)
{
	return s->depth == 0;
}

/* Of the paths `alive`, those that go on into a value which begins with `first`; and those that end there. */
static uint32_t going_on(const struct json_stream *s, uint32_t alive, uint8_t first)
{
	uint32_t on = 0;

	for (size_t i = 0; i < s->paths_count; i++) {
		const struct path *path = &s->paths[i];

		if (!(alive >> i & 1) || path->count <= s->frames_count)
			continue;
		if (first == (text_is(path->piece[s->frames_count], "[]") ? '[' : '{'))
			on |= UINT32_C(1) << i;
	}
	return on;
}

static uint32_t ending(const struct json_stream *s, uint32_t alive)
{
	uint32_t end = 0;

	for (size_t i = 0; i < s->paths_count; i++)
		if ((alive >> i & 1) && s->paths[i].count == s->frames_count)
			end |= UINT32_C(1) << i;
	return end;
}

/* A name was read: which paths go on with it? Its text is appended to where we are. */
static int take_name(struct json_stream *s, const char *name, size_t len)
{
	struct frame *frame = top(s);
	size_t depth = s->frames_count - 1, at = frame->at_len;
	uint32_t named = 0;

	s->next = 0;
	for (size_t i = 0; i < s->paths_count; i++) {
		struct sink_span piece = s->paths[i].piece[depth];

		if (!(frame->alive >> i & 1))
			continue;
		if (sink_span_equal(piece, sink_span(name, len)))
			named |= UINT32_C(1) << i;
		else if (text_is(piece, "*"))
			s->next |= UINT32_C(1) << i;
	}
	if (frame->seen & named)
		return fail(s, "a member on the way to the entries is there twice");
	frame->seen |= named;
	s->next |= named;
	if (at > 0)
		s->at[at++] = '.';
	memcpy(s->at + at, name, len);
	s->at[at + len] = 0;
	return SINK_OK;
}

static bool is_plain(struct sink_span name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] < 0x20 || name.at[i] == '\\')
			return false;
	return utf8_is_valid(name);
}

/* The name of a member on the way is complete, quotation marks included. */
static int read_name(struct json_stream *s)
{
	struct sink_span text;
	json_t *json;
	int err = captured(s, &text);

	if (err)
		return err;
	if (s->overflows)
		return fail(s, "a member's name is too long");
	if (is_plain(text))
		return take_name(s, (const char *)text.at + 1, text.len - 2);
	json = json_loadb((const char *)text.at, text.len, JSON_DECODE_ANY, NULL);
	if (!json)
		return fail(s, "a member's name is no string of UTF-8");
	err = take_name(s, json_string_value(json), json_string_length(json));
	json_decref(json);
	return err;
}

static int enter(struct json_stream *s, uint32_t alive, bool holds_elements)
{
	struct frame *above = top(s);
	struct frame *frame = &s->frames[s->frames_count++];

	*frame = (struct frame){
		.is_object = *s->p == '{',
		.holds_elements = holds_elements,
		.alive = alive,
		.group = s->place.group,
		.at_len = above ? strlen(s->at) : 0,
	};
	if (!frame->is_object && !holds_elements) {
		char *end = stpcpy(s->at + frame->at_len, frame->at_len > 0 ? ".[]" : "[]");

		frame->at_len = (size_t)(end - s->at);
	}
	s->state = frame->is_object ? STATE_FIRST_KEY : STATE_FIRST_VALUE;
	s->p++;
	return SINK_OK;
}

/* Forget the names below the container at hand. */
static void cut_place(struct json_stream *s)
{
	struct frame *frame = top(s);

	if (frame && !frame->is_object)
		s->at[frame->at_len] = 0;
}

static void set_place(struct json_stream *s)
{
	struct frame *frame = top(s);

	cut_place(s);
	s->place = (struct json_place){
		.at = s->at,
		.path = JSON_NO_PATH,
		.index = s->elements + 1,
		.group = frame ? frame->group : 0,
		.line = s->line,
		.column = column(s),
		.first = *s->p,
	};
	if (frame && !frame->is_object && !frame->holds_elements)
		s->place.group = ++s->groups;
}

static size_t lowest(uint32_t paths)
{
	return paths ? (size_t)__builtin_ctz(paths) : JSON_NO_PATH;
}

static bool is_wanted(const struct json_stream *s)
{
	const struct json_stream_handler *h = s->handler;

	if (s->role == ROLE_NONE)
		return false;
	if (s->role == ROLE_STRAY)
		return h->bad != NULL;
	if (s->role == ROLE_MEMBER ? !h->member : !h->element)
		return false;
	return !h->wanted || h->wanted(h->arg, &s->place);
}

static int begin_inner(struct json_stream *s);

static int begin_told(struct json_stream *s, enum role role, uint32_t paths)
{
	s->role = role;
	s->place.path = lowest(paths);
	s->place.alone = role == ROLE_SINGLE;
	s->fault = FEED_TAKEN;
	s->values = 0;
	s->wanted = is_wanted(s);
	if (s->wanted)
		capture(s, JSON_ELEMENT_MAX);
	return begin_inner(s);
}

/* A value begins that stands on the way, or beside it. */
static int begin_outer(struct json_stream *s)
{
	struct frame *frame = top(s);
	uint32_t alive = !frame ? UINT32_MAX : frame->is_object ? s->next : frame->alive, paths;

	set_place(s);
	if (frame && frame->holds_elements)
		return begin_told(s, ROLE_ELEMENT, frame->alive);
	paths = going_on(s, alive, *s->p);
	if (paths)
		return enter(s, paths, false);
	paths = ending(s, alive);
	if (paths && *s->p == '[')
		return enter(s, paths, true);
	if (paths)
		return begin_told(s, ROLE_SINGLE, paths);
	if (!frame)
		return begin_told(s, ROLE_NONE, 0);
	return begin_told(s, frame->is_object ? ROLE_MEMBER : ROLE_STRAY, 0);
}

/* --- values ----------------------------------------------------------------------------------------------- */

/* Go on without the grammar, since nothing remembers so many levels. */
static void go_deep(struct json_stream *s)
{
	if (!s->fault)
		s->fault = FEED_TOO_DEEP;
	s->deep = true;
	s->state = STATE_DEEP;
}

static void open_container(struct json_stream *s)
{
	bool is_object = *s->p == '{';

	s->p++;
	s->depth++;
	s->levels = s->levels << 1 | is_object;
	s->state = is_object ? STATE_FIRST_KEY : STATE_FIRST_VALUE;
	if (s->depth > JSON_DEPTH_MAX)
		go_deep(s);
}

/* A value begins, within the one at hand or as the one at hand. */
static int begin_inner(struct json_stream *s)
{
	if (++s->values > JSON_VALUES_MAX && !s->fault)
		s->fault = FEED_TOO_LONG;
	if (*s->p == '{' || *s->p == '[') {
		open_container(s);
	} else if (*s->p == '"') {
		s->in_key = false;
		s->state = STATE_STRING;
		s->p++;
	} else {
		s->state = STATE_SCALAR;
		if (!s->captures)
			capture(s, SCALAR_MAX);
	}
	return SINK_OK;
}

static int end_value(struct json_stream *s)
{
	s->state = STATE_BEHIND;
	return s->depth == 0 ? settle(s) : SINK_OK;
}

static bool is_object(struct json_stream *s)
{
	return s->depth > 0 ? s->levels & 1 : top(s)->is_object;
}

/* The container at hand ends. */
static int close_container(struct json_stream *s)
{
	s->p++;
	if (s->depth > 0) {
		s->levels >>= 1;
		s->depth--;
		return end_value(s);
	}
	s->frames_count--;
	s->state = STATE_BEHIND;
	return SINK_OK;
}

static size_t skip_digits(struct sink_span text, size_t i)
{
	while (i < text.len && text_is_digit(text.at[i]))
		i++;
	return i;
}

/* RFC 8259, 6. */
static bool is_number(struct sink_span text)
{
	size_t i = text_starts(text, "-"), from = i;

	i = skip_digits(text, i);
	if (i == from || (text.at[from] == '0' && i > from + 1))
		return false;
	if (i < text.len && text.at[i] == '.') {
		from = i + 1;
		i = skip_digits(text, from);
		if (i == from)
			return false;
	}
	if (i < text.len && (text.at[i] | 0x20) == 'e') {
		from = i + 1;
		from += from < text.len && (text.at[from] == '+' || text.at[from] == '-');
		i = skip_digits(text, from);
		if (i == from)
			return false;
	}
	return i == text.len;
}

static bool is_scalar(struct sink_span text)
{
	return text_is(text, "true") || text_is(text, "false") || text_is(text, "null") ||
		is_number(text);
}

/* --- a step for each state ------------------------------------------------------------------------------- */

static int step_value(struct json_stream *s)
{
	uint8_t c = *s->p;

	if (c == ']' && s->state == STATE_FIRST_VALUE)
		return close_container(s);
	if (c != '{' && c != '[' && c != '"' && c != '-' && !text_is_digit(c) &&
		(text_lower(c) < 'a' || text_lower(c) > 'z'))
		return fail(s, "a value is missing");
	s->begun = true;
	return on_the_way(s) ? begin_outer(s) : begin_inner(s);
}

static int step_key(struct json_stream *s)
{
	if (*s->p == '}' && s->state == STATE_FIRST_KEY)
		return close_container(s);
	if (*s->p != '"')
		return fail(s, "a member's name in quotation marks is missing");
	s->in_key = true;
	s->state = STATE_STRING;
	if (on_the_way(s)) {
		s->fault = FEED_TAKEN; /* of the value before */
		capture(s, JSON_KEY_MAX);
	}
	s->p++;
	return SINK_OK;
}

static int step_colon(struct json_stream *s)
{
	if (*s->p != ':')
		return fail(s, "':' is missing");
	s->state = STATE_VALUE;
	s->p++;
	return SINK_OK;
}

static int step_behind(struct json_stream *s)
{
	if (s->depth == 0 && s->frames_count == 0)
		return fail(s, "there is something behind the end");
	if (*s->p == (is_object(s) ? '}' : ']'))
		return close_container(s);
	if (*s->p != ',')
		return fail(s, is_object(s) ? "',' or '}' is missing" : "',' or ']' is missing");
	s->state = is_object(s) ? STATE_KEY : STATE_VALUE;
	s->p++;
	return SINK_OK;
}

static int step_deep(struct json_stream *s)
{
	if (*s->p == '\n')
		next_line(s);
	switch (*s->p++) {
	case '"':
		s->state = STATE_STRING;
		break;
	case '[':
	case '{':
		s->depth++;
		break;
	case ']':
	case '}':
		return --s->depth == 0 ? settle(s) : SINK_OK;
	default:
		break;
	}
	return SINK_OK;
}

static int end_string(struct json_stream *s)
{
	if (s->deep) {
		s->state = STATE_DEEP;
		return SINK_OK;
	}
	if (!s->in_key)
		return end_value(s);
	s->state = STATE_COLON;
	return on_the_way(s) ? read_name(s) : SINK_OK;
}

static int step_string(struct json_stream *s)
{
	while (s->p < s->end && *s->p != '"' && *s->p != '\\') {
		if (*s->p == '\n')
			next_line(s);
		s->p++;
	}
	if (s->p == s->end)
		return SINK_OK;
	if (*s->p++ == '"')
		return end_string(s);
	s->state = STATE_ESCAPE;
	return SINK_OK;
}

static int step_escape(struct json_stream *s)
{
	if (*s->p == '\n')
		next_line(s);
	s->p++;
	s->state = STATE_STRING;
	return SINK_OK;
}

static bool is_scalar_byte(uint8_t c)
{
	return text_is_digit(c) || (text_lower(c) >= 'a' && text_lower(c) <= 'z') || c == '-' ||
		c == '+' || c == '.';
}

/* A number or literal is complete. In what is wanted libjansson reads it; an element that is not is left to
 * whoever will want it. */
static int end_scalar(struct json_stream *s)
{
	bool is_element = s->role == ROLE_ELEMENT || s->role == ROLE_SINGLE;
	struct sink_span text;
	int err;

	if (s->wanted)
		return end_value(s);
	err = captured(s, &text);
	if (err)
		return err;
	if (!is_element && (s->overflows || !is_scalar(text)))
		return fail(s, "neither a number nor true, false or null");
	if (s->role == ROLE_SINGLE && s->depth == 0 && text_is(text, "null")) {
		s->state = STATE_BEHIND;
		return SINK_OK;
	}
	return end_value(s);
}

static int step_scalar(struct json_stream *s)
{
	while (s->p < s->end && is_scalar_byte(*s->p))
		s->p++;
	return s->p < s->end ? end_scalar(s) : SINK_OK;
}

/* Each takes a byte at least, or changes the state. */
static int (*const steps[STATE_COUNT])(struct json_stream *s) = {
	[STATE_VALUE] = step_value,
	[STATE_FIRST_VALUE] = step_value,
	[STATE_KEY] = step_key,
	[STATE_FIRST_KEY] = step_key,
	[STATE_COLON] = step_colon,
	[STATE_BEHIND] = step_behind,
	[STATE_DEEP] = step_deep,
	[STATE_STRING] = step_string,
	[STATE_ESCAPE] = step_escape,
	[STATE_SCALAR] = step_scalar,
};

static void skip_space(struct json_stream *s)
{
	for (; s->p < s->end; s->p++)
		if (*s->p == '\n')
			next_line(s);
		else if (*s->p != ' ' && *s->p != '\t' && *s->p != '\r')
			return;
}

/* --- the whole --------------------------------------------------------------------------------------------- */

static int read_path(const char *text, struct path *out)
{
	struct sink_span rest = sink_span_text(text);

	out->count = 0;
	while (rest.len > 0) {
		if (out->count == JSON_WAY_MAX)
			return SINK_EINVAL;
		out->piece[out->count++] = text_cut(&rest, '.');
	}
	return SINK_OK;
}

int json_stream_begin(const char *const *paths, const struct json_stream_handler *handler,
	struct sink_why *why, struct json_stream **out)
{
	struct json_stream *s = calloc(1, sizeof *s);
	int err = SINK_OK;

	if (!s) {
		sink_why(why, SINK_ENOMEM, "no memory");
		return SINK_ENOMEM;
	}
	s->handler = handler;
	s->why = why;
	s->line = 1;
	s->start = s->p = s->end = s->from = nothing;
	for (; paths[s->paths_count] && !err; s->paths_count++)
		err = s->paths_count == JSON_PATHS_MAX
			? SINK_EINVAL
			: read_path(paths[s->paths_count], &s->paths[s->paths_count]);
	if (err) {
		json_stream_end(s);
		return sink_why(why, err, "too many paths, or one with too many pieces");
	}
	*out = s;
	return SINK_OK;
}

int json_stream_feed(struct json_stream *s, struct sink_span bytes)
{
	int err = SINK_OK;

	if (bytes.len == 0)
		return SINK_OK;
	s->start = s->p = s->from = bytes.at;
	s->end = bytes.at + bytes.len;
	while (!err) {
		if (s->state <= STATE_BEHIND)
			skip_space(s);
		if (s->p == s->end)
			break;
		err = steps[s->state](s);
	}
	if (!err && s->captures)
		err = keep(s);
	if (!err) {
		s->offset += bytes.len;
		s->start = s->p = s->end = s->from = nothing;
	}
	return err;
}

int json_stream_finish(struct json_stream *s)
{
	int err = s->state == STATE_SCALAR ? end_scalar(s) : SINK_OK;

	if (err)
		return err;
	if (!s->begun)
		return fail(s, "there is no JSON in it");
	if (s->state == STATE_BEHIND && s->depth == 0 && s->frames_count == 0)
		return SINK_OK;
	return fail(s, "it ends too early");
}

void json_stream_end(struct json_stream *s)
{
	if (!s)
		return;
	free(s->buffer);
	free(s);
}

int json_stream(struct lines *lines, const char *const *paths,
	const struct json_stream_handler *handler, struct sink_why *why)
{
	struct json_stream *s = NULL;
	struct sink_span bytes;
	int err = json_stream_begin(paths, handler, why, &s);

	if (err)
		return err;
	while (!err) {
		err = lines_take(lines, &bytes);
		if (!err)
			err = json_stream_feed(s, bytes);
		else if (err == SINK_ENOENT)
			break;
	}
	if (err == SINK_ENOENT)
		err = json_stream_finish(s);
	json_stream_end(s);
	return err;
}
