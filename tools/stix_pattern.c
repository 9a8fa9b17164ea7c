/* stix_pattern.c - tokens, and a function for each level of the grammar, loosest binding first: FOLLOWEDBY,
 * OR, AND between observations; OR, AND between comparisons. Every function leaves the terms of what it read
 * at the end of the list; whoever learns that these do not suffice by themselves cuts them off again. */
#include "stix_pattern.h"

#include <stdlib.h>

#include "sinkhole/grow.h"
#include "text.h"
#include "utf8.h"

#define PATH_BYTES 64 /* of an object path, more than any that we know */

enum token_kind {
	TOKEN_END,
	TOKEN_BAD, /* nothing that the grammar knows */
	TOKEN_WORD, /* a keyword, or a part of an object path */
	TOKEN_STRING, /* text is what is between the quotes, escapes included */
	TOKEN_NUMBER,
	TOKEN_TYPED, /* h'..', b'..', t'..' */
	TOKEN_EQUAL,
	TOKEN_UNEQUAL,
	TOKEN_ORDER, /* <, <=, >, >= */
	TOKEN_MARK, /* one of ( ) [ ] : . , * */
};

struct token {
	enum token_kind kind;
	struct sink_span text;
	bool escaped; /* a string with a backslash in it */
	const uint8_t *begin; /* quotes and type included */
};

struct parser {
	struct stix_pattern *out;
	size_t size; /* of the pattern, bytes */
	struct sink_span rest; /* behind the token at hand */
	struct token token; /* at hand */
	const uint8_t *end; /* of the token before it */
	unsigned depth;
	enum feed_reason refused;
	bool no_memory;
};

/* --- tokens ------------------------------------------------------------------------------------------- */

/* The characters that the grammar calls white space. */
static bool is_space(uint32_t c)
{
	static const uint16_t wide[] = { 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f,
		0x3000 };

	if (c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x2000 && c <= 0x200a))
		return true;
	for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
		if (c == wide[i])
			return true;
	return false;
}

/* A comment in front of *text; false if it has no end. */
static bool drop_comment(struct sink_span *text)
{
	size_t n = 2;

	if (text->at[1] == '/') {
		while (n < text->len && text->at[n] != '\r' && text->at[n] != '\n')
			n++;
	} else {
		const uint8_t *end = memmem(text->at + 2, text->len - 2, "*/", 2);

		if (!end)
			return false;
		n = (size_t)(end - text->at) + 2;
	}
	*text = text_after(*text, n);
	return true;
}

static bool drop_space(struct sink_span *text)
{
	uint32_t c;

	while (text->len > 0) {
		size_t n = utf8_take(*text, &c);

		if (n > 0 && is_space(c)) {
			*text = text_after(*text, n);
			continue;
		}
		if (!text_starts(*text, "/*") && !text_starts(*text, "//"))
			return true;
		if (!drop_comment(text))
			return false;
	}
	return true;
}

static bool is_letter(uint8_t c)
{
	uint8_t lower = c | 0x20;

	return (lower >= 'a' && lower <= 'z') || c == '_';
}

static bool is_word_byte(uint8_t c)
{
	return is_letter(c) || text_is_digit(c) || c == '-';
}

/* A string from its opening quote on. Only a quote and a backslash may be escaped. */
static struct token take_string(struct sink_span *rest)
{
	struct token token = { .kind = TOKEN_BAD };
	size_t n = 1;

	for (; n < rest->len && rest->at[n] != '\''; n++)
		if (rest->at[n] == '\\') {
			token.escaped = true;
			n++;
			if (n == rest->len || (rest->at[n] != '\'' && rest->at[n] != '\\'))
				return token;
		}
	if (n >= rest->len)
		return token;
	token.kind = TOKEN_STRING;
	token.text = sink_span(rest->at + 1, n - 1);
	*rest = text_after(*rest, n + 1);
	return token;
}

static struct token take_typed(struct sink_span *rest)
{
	struct token token;

	*rest = text_after(*rest, 1);
	token = take_string(rest);
	if (token.kind == TOKEN_STRING)
		token.kind = TOKEN_TYPED;
	return token;
}

static struct token take(struct sink_span *rest, size_t len, enum token_kind kind)
{
	struct token token = { .kind = kind, .text = sink_span(rest->at, len) };

	*rest = text_after(*rest, len);
	return token;
}

static size_t count_digits(struct sink_span text)
{
	size_t n = 0;

	while (n < text.len && text_is_digit(text.at[n]))
		n++;
	return n;
}

/* -5, 5, 5.3, .5 */
static struct token take_number(struct sink_span *rest)
{
	size_t sign = rest->at[0] == '-' || rest->at[0] == '+', digits, behind;
	struct sink_span text = text_after(*rest, sign);

	digits = count_digits(text);
	text = text_after(text, digits);
	behind = text.len > 1 && text.at[0] == '.' ? count_digits(text_after(text, 1)) : 0;
	if (digits + behind == 0)
		return (struct token){ .kind = TOKEN_BAD };
	return take(rest, sign + digits + (behind > 0 ? behind + 1 : 0), TOKEN_NUMBER);
}

static struct token take_word(struct sink_span *rest)
{
	size_t n = 1;

	while (n < rest->len && is_word_byte(rest->at[n]))
		n++;
	return take(rest, n, TOKEN_WORD);
}

static const struct {
	const char *text;
	enum token_kind kind;
} operators[] = {
	/* those that begin like others first */
	{ "==", TOKEN_EQUAL },
	{ "=", TOKEN_EQUAL },
	{ "!=", TOKEN_UNEQUAL },
	{ "<>", TOKEN_UNEQUAL },
	{ "<=", TOKEN_ORDER },
	{ ">=", TOKEN_ORDER },
	{ "<", TOKEN_ORDER },
	{ ">", TOKEN_ORDER },
};

static struct token take_token(struct sink_span *rest)
{
	uint8_t first, second;

	if (rest->len == 0)
		return (struct token){ .kind = TOKEN_END, .text = *rest };
	first = rest->at[0];
	second = rest->len > 1 ? rest->at[1] : 0;
	if (first == '\'')
		return take_string(rest);
	if (second == '\'' && (first == 'h' || first == 'b' || first == 't'))
		return take_typed(rest);
	if (is_letter(first))
		return take_word(rest);
	if (text_is_digit(first) || first == '-' || first == '+' ||
		(first == '.' && text_is_digit(second)))
		return take_number(rest);
	if (first && strchr("()[]:.,*", first))
		return take(rest, 1, TOKEN_MARK);
	for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
		if (text_starts(*rest, operators[i].text))
			return take(rest, strlen(operators[i].text), operators[i].kind);
	return (struct token){ .kind = TOKEN_BAD };
}

static void next(struct parser *p)
{
	const uint8_t *begin;

	p->end = p->rest.at;
	if (drop_space(&p->rest)) {
		begin = p->rest.at;
		p->token = take_token(&p->rest);
		p->token.begin = begin;
	} else {
		p->token = (struct token){ .kind = TOKEN_BAD, .begin = p->rest.at };
	}
}

static bool is_mark(const struct parser *p, uint8_t mark)
{
	return p->token.kind == TOKEN_MARK && p->token.text.at[0] == mark;
}

static bool is_word(const struct parser *p, const char *word)
{
	return p->token.kind == TOKEN_WORD && text_is_anycase(p->token.text, word);
}

static bool accept_mark(struct parser *p, uint8_t mark)
{
	bool is = is_mark(p, mark);

	if (is)
		next(p);
	return is;
}

static bool accept_word(struct parser *p, const char *word)
{
	bool is = is_word(p, word);

	if (is)
		next(p);
	return is;
}

static bool accept_kind(struct parser *p, enum token_kind kind)
{
	bool is = p->token.kind == kind;

	if (is)
		next(p);
	return is;
}

static struct sink_span since(const struct parser *p, const uint8_t *begin)
{
	return sink_span(begin, (size_t)(p->end - begin));
}

/* --- terms -------------------------------------------------------------------------------------------- */

static bool add(struct parser *p, struct stix_term term)
{
	struct stix_pattern *out = p->out;
	struct stix_term *terms = sink_grow(out->terms, out->count, &out->room, sizeof *terms);

	if (!terms) {
		p->no_memory = true;
		return false;
	}
	out->terms = terms;
	out->terms[out->count++] = term;
	return true;
}

static bool leave_out(struct parser *p, struct sink_span detail, struct sink_span text)
{
	return add(p,
		(struct stix_term){ .reason = FEED_STIX_PATTERN, .detail = detail, .text = text });
}

/* The terms from `first` on do not suffice by themselves: one that is left out stands for them. */
static bool replace(struct parser *p, size_t first, const char *word, struct sink_span text)
{
	p->out->count = first;
	return leave_out(p, sink_span_text(word), text);
}

/* A string without its escapes, which begin at most once in the life of a pattern. */
static bool unescape(struct parser *p, struct sink_span text, struct sink_span *out)
{
	struct stix_pattern *to = p->out;
	uint8_t *at;
	size_t len = 0;

	if (to->strings_used == 0 && to->strings_room < p->size) {
		free(to->strings);
		to->strings_room = 0;
		to->strings = malloc(p->size);
		if (!to->strings) {
			p->no_memory = true;
			return false;
		}
		to->strings_room = p->size;
	}
	at = to->strings + to->strings_used;
	for (size_t i = 0; i < text.len; i++) {
		i += text.at[i] == '\\';
		at[len++] = text.at[i];
	}
	to->strings_used += len;
	*out = sink_span(at, len);
	return true;
}

/* --- comparisons ------------------------------------------------------------------------------------- */

static const struct {
	const char *path;
	enum stix_subject subject;
} subjects[] = {
	{ "domain-name:value", STIX_NAME },
	{ "hostname:value", STIX_NAME }, /* OpenCTI's own object for a host's name */
	{ "ipv4-addr:value", STIX_IPV4 },
	{ "ipv6-addr:value", STIX_IPV6 },
	{ "url:value", STIX_URL },
	{ "network-traffic:dst_ref.value", STIX_PEER },
};

#define PEER_TYPE "network-traffic:dst_ref.type"

static const struct {
	const char *type;
	enum stix_subject subject;
} peer_types[] = {
	{ "domain-name", STIX_NAME },
	{ "ipv4-addr", STIX_IPV4 },
	{ "ipv6-addr", STIX_IPV6 },
};

enum comparison_operator {
	COMPARE_EQUAL,
	COMPARE_IN,
	COMPARE_SUBSET,
	COMPARE_OTHER,
};

struct comparison {
	const uint8_t *begin;
	char path
		[PATH_BYTES]; /* without quotes and white space; empty if that would be ambiguous */
	struct sink_span path_text; /* as written */
	bool negated;
	enum comparison_operator op;
	struct sink_span word; /* the operator's */
	enum stix_subject subject; /* STIX_LEFT_OUT: not to be expressed */
	enum stix_subject narrows;
};

/* Append to the path; too long makes it one that nobody knows. */
static void put_path(char path[PATH_BYTES], size_t *len, struct sink_span text)
{
	if (*len + text.len >= PATH_BYTES)
		*len = PATH_BYTES;
	if (*len < PATH_BYTES) {
		memcpy(path + *len, text.at, text.len);
		*len += text.len;
	}
}

/* A property's name; in quotes it may hold what separates them, and is none that we know. */
static bool take_property(struct parser *p, char path[PATH_BYTES], size_t *len)
{
	struct sink_span text = p->token.text;

	if (p->token.kind != TOKEN_WORD && p->token.kind != TOKEN_STRING)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!is_word_byte(text.at[i]))
			*len = PATH_BYTES;
	put_path(path, len, text);
	next(p);
	return true;
}

/* [0], [*] */
static bool take_index(struct parser *p, char path[PATH_BYTES], size_t *len)
{
	if (!is_mark(p, '*') && p->token.kind != TOKEN_NUMBER)
		return false;
	put_path(path, len, sink_span_text("["));
	put_path(path, len, p->token.text);
	put_path(path, len, sink_span_text("]"));
	next(p);
	return accept_mark(p, ']');
}

/* What follows the type of the object, which is at hand. */
static bool take_path(struct parser *p, struct sink_span type, struct comparison *c)
{
	size_t len = 0;
	bool ok;

	put_path(c->path, &len, type);
	put_path(c->path, &len, sink_span_text(":"));
	ok = accept_mark(p, ':') && take_property(p, c->path, &len);
	while (ok && (is_mark(p, '.') || is_mark(p, '['))) {
		bool is_index = is_mark(p, '[');

		next(p);
		if (!is_index)
			put_path(c->path, &len, sink_span_text("."));
		ok = is_index ? take_index(p, c->path, &len) : take_property(p, c->path, &len);
	}
	c->path[len < PATH_BYTES ? len : 0] = 0;
	c->path_text = since(p, c->begin);
	return ok;
}

static bool take_operator(struct parser *p, struct comparison *c)
{
	static const char *const others[] = { "like", "matches", "issuperset" };

	c->negated = accept_word(p, "not");
	c->word = p->token.text;
	c->op = COMPARE_OTHER;
	if (p->token.kind == TOKEN_EQUAL)
		c->op = COMPARE_EQUAL;
	else if (is_word(p, "in"))
		c->op = COMPARE_IN;
	else if (is_word(p, "issubset"))
		c->op = COMPARE_SUBSET;
	else if (p->token.kind == TOKEN_WORD) {
		bool known = false;

		for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
			known = known || is_word(p, others[i]);
		if (!known)
			return false;
	} else if (p->token.kind != TOKEN_UNEQUAL && p->token.kind != TOKEN_ORDER) {
		return false;
	}
	next(p);
	return true;
}

/* What the comparison is about, if DNS can express it. */
static enum stix_subject subject_of(const struct comparison *c)
{
	enum stix_subject subject = STIX_LEFT_OUT;

	if (c->negated || c->op == COMPARE_OTHER)
		return STIX_LEFT_OUT;
	for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++)
		if (strcmp(c->path, subjects[i].path) == 0)
			subject = subjects[i].subject;
	if (c->op != COMPARE_SUBSET)
		return subject;
	if (subject == STIX_PEER)
		return STIX_ADDRESS;
	return subject == STIX_IPV4 || subject == STIX_IPV6 ? subject : STIX_LEFT_OUT;
}

/* The reason why it is none: the path if no operator could help, else the operator. */
static struct sink_span why_not(const struct comparison *c)
{
	for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++)
		if (strcmp(c->path, subjects[i].path) == 0)
			return c->negated ? sink_span_text("NOT") : c->word;
	return c->path_text;
}

/* The literal at hand, as one more value that suffices. */
static bool take_literal(struct parser *p, struct comparison *c)
{
	struct token token = p->token;
	struct stix_term term = { .subject = c->subject, .text = token.text };
	const uint8_t *begin = p->token.begin;
	bool is_bool = is_word(p, "true") || is_word(p, "false");

	if (token.kind != TOKEN_STRING && token.kind != TOKEN_NUMBER && token.kind != TOKEN_TYPED &&
		!is_bool)
		return false;
	next(p);
	for (size_t i = 0; i < sizeof peer_types / sizeof peer_types[0]; i++)
		if (token.kind == TOKEN_STRING && text_is(token.text, peer_types[i].type))
			c->narrows = peer_types[i].subject;
	if (c->subject == STIX_LEFT_OUT)
		return true;
	if (token.kind != TOKEN_STRING) {
		term.subject = STIX_LEFT_OUT;
		term.reason = FEED_VALUE_TYPE;
		term.detail = c->path_text;
		term.text = since(p, begin);
	} else if (token.escaped && !unescape(p, token.text, &term.text)) {
		return false;
	}
	return add(p, term);
}

/* ('a', 'b'), also empty */
static bool take_set(struct parser *p, struct comparison *c)
{
	size_t first = p->out->count;

	if (!accept_mark(p, '('))
		return false;
	if (!is_mark(p, ')'))
		do {
			if (!take_literal(p, c))
				return false;
		} while (accept_mark(p, ','));
	if (!accept_mark(p, ')'))
		return false;
	if (c->subject != STIX_LEFT_OUT && p->out->count == first)
		return leave_out(p, sink_span_text("IN ()"), since(p, c->begin));
	return true;
}

static bool take_operand(struct parser *p, struct comparison *c)
{
	bool wants_string = text_is_anycase(c->word, "like") ||
		text_is_anycase(c->word, "matches") || text_is_anycase(c->word, "issubset") ||
		text_is_anycase(c->word, "issuperset");

	if (c->op == COMPARE_IN)
		return take_set(p, c);
	if (wants_string && p->token.kind != TOKEN_STRING)
		return false;
	return take_literal(p, c);
}

static bool take_exists(struct parser *p, struct comparison *c)
{
	struct sink_span type = p->token.text;

	if (!accept_kind(p, TOKEN_WORD) || !take_path(p, type, c))
		return false;
	return leave_out(p, sink_span_text("EXISTS"), since(p, c->begin));
}

static bool take_comparison(struct parser *p)
{
	struct comparison c = { .begin = p->token.begin };
	struct sink_span type = p->token.text;
	bool ok;

	if (!accept_kind(p, TOKEN_WORD))
		return false;
	if (text_is_anycase(type, "exists") && !is_mark(p, ':'))
		return take_exists(p, &c);
	if (!take_path(p, type, &c) || !take_operator(p, &c))
		return false;
	c.subject = subject_of(&c);
	ok = take_operand(p, &c);
	if (!ok || c.subject != STIX_LEFT_OUT)
		return ok;
	if (!leave_out(p, why_not(&c), since(p, c.begin)))
		return false;
	if (strcmp(c.path, PEER_TYPE) == 0 && c.op == COMPARE_EQUAL && !c.negated)
		p->out->terms[p->out->count - 1].narrows = c.narrows;
	return true;
}

static bool take_any(struct parser *p);

static bool descend(struct parser *p)
{
	if (++p->depth <= STIX_PATTERN_DEPTH)
		return true;
	p->refused = FEED_TOO_DEEP;
	return false;
}

static bool take_test(struct parser *p)
{
	if (!accept_mark(p, '('))
		return take_comparison(p);
	if (!descend(p) || !take_any(p) || !accept_mark(p, ')'))
		return false;
	p->depth--;
	return true;
}

/* Of comparisons that must all hold: do they say no more than one of them does? So it is when they are the
 * same, and where the type of the peer is said beside its value. That one is put in front. */
static bool is_one(struct stix_term *terms, size_t count)
{
	enum stix_subject type = STIX_LEFT_OUT;
	const struct stix_term *value = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct stix_term *term = &terms[i];

		if (term->narrows != STIX_LEFT_OUT) {
			if (type != STIX_LEFT_OUT && type != term->narrows)
				return false;
			type = term->narrows;
		} else if (term->subject == STIX_LEFT_OUT ||
			(value &&
				(value->subject != term->subject ||
					!sink_span_equal(value->text, term->text)))) {
			return false;
		} else {
			value = term;
		}
	}
	if (!value)
		return false;
	terms[0] = *value;
	if (type == STIX_LEFT_OUT)
		return true;
	if (terms[0].subject != STIX_PEER &&
		(terms[0].subject != STIX_ADDRESS || type == STIX_NAME))
		return false;
	terms[0].subject = type;
	return true;
}

static bool take_all(struct parser *p)
{
	const uint8_t *begin = p->token.begin;
	size_t first = p->out->count, operands = 0;

	do {
		if (!take_test(p))
			return false;
		operands++;
	} while (accept_word(p, "and"));
	if (operands == 1)
		return true;
	if (p->out->count - first != operands || !is_one(p->out->terms + first, operands))
		return replace(p, first, "AND", since(p, begin));
	p->out->count = first + 1;
	return true;
}

static bool take_any(struct parser *p)
{
	do {
		if (!take_all(p))
			return false;
	} while (accept_word(p, "or"));
	return true;
}

/* --- observations ------------------------------------------------------------------------------------ */

/* A qualifier behind an observation; its name, NULL if there is none. */
static bool take_qualifier(struct parser *p, const char **name)
{
	*name = NULL;
	if (accept_word(p, "within")) {
		*name = "WITHIN";
		return accept_kind(p, TOKEN_NUMBER) && accept_word(p, "seconds");
	}
	if (accept_word(p, "repeats")) {
		*name = "REPEATS";
		return accept_kind(p, TOKEN_NUMBER) && accept_word(p, "times");
	}
	if (!accept_word(p, "start"))
		return true;
	*name = "START";
	return (accept_kind(p, TOKEN_TYPED) || accept_kind(p, TOKEN_STRING)) &&
		accept_word(p, "stop") &&
		(accept_kind(p, TOKEN_TYPED) || accept_kind(p, TOKEN_STRING));
}

static bool take_sequence(struct parser *p);

static bool take_observation(struct parser *p)
{
	const uint8_t *begin = p->token.begin;
	size_t first = p->out->count;
	const char *qualifier;

	if (accept_mark(p, '[')) {
		if (!take_any(p) || !accept_mark(p, ']'))
			return false;
	} else {
		if (!accept_mark(p, '(') || !descend(p) || !take_sequence(p) ||
			!accept_mark(p, ')'))
			return false;
		p->depth--;
	}
	do {
		if (!take_qualifier(p, &qualifier))
			return false;
		if (qualifier && !replace(p, first, qualifier, since(p, begin)))
			return false;
	} while (qualifier);
	return true;
}

/* Operands of one operator, joined by any number of it. Only OR leaves each of them sufficient. */
static bool take_joined(struct parser *p, const char *word, const char *name,
	bool (*operand)(struct parser *p))
{
	const uint8_t *begin = p->token.begin;
	size_t first = p->out->count, operands = 0;

	do {
		if (!operand(p))
			return false;
		operands++;
	} while (accept_word(p, word));
	return operands == 1 || !name || replace(p, first, name, since(p, begin));
}

static bool take_and(struct parser *p)
{
	return take_joined(p, "and", "AND", take_observation);
}

static bool take_or(struct parser *p)
{
	return take_joined(p, "or", NULL, take_and);
}

static bool take_sequence(struct parser *p)
{
	return take_joined(p, "followedby", "FOLLOWEDBY", take_or);
}

int stix_pattern_read(struct stix_pattern *pattern, struct sink_span text,
	enum feed_reason *refused)
{
	struct parser p = { .out = pattern,
		.size = text.len,
		.rest = text,
		.end = text.at,
		.refused = FEED_SYNTAX };

	pattern->count = 0;
	pattern->strings_used = 0;
	*refused = FEED_TOO_LONG;
	if (text.len > STIX_PATTERN_MAX)
		return SINK_OK;
	next(&p);
	if (take_sequence(&p) && p.token.kind == TOKEN_END) {
		*refused = FEED_TAKEN;
		return SINK_OK;
	}
	pattern->count = 0;
	*refused = p.refused;
	return p.no_memory ? SINK_ENOMEM : SINK_OK;
}

void stix_pattern_end(struct stix_pattern *pattern)
{
	free(pattern->terms);
	free(pattern->strings);
	*pattern = (struct stix_pattern){ 0 };
}
