/* text.h - cutting a line into pieces. Nothing here copies, allocates or asks the locale. */
#ifndef TOOLS_TEXT_H
#define TOOLS_TEXT_H

#include "sinkhole/span.h"

static inline bool text_is_space(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static inline bool text_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline uint8_t text_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* All but the first `n` bytes; `n` is at most text.len. */
static inline struct sink_span text_after(struct sink_span text, size_t n)
{
	return sink_span(text.at + n, text.len - n);
}

static inline struct sink_span text_trim(struct sink_span text)
{
	while (text.len > 0 && text_is_space(text.at[0]))
		text = text_after(text, 1);
	while (text.len > 0 && text_is_space(text.at[text.len - 1]))
		text.len--;
	return text;
}

static inline bool text_starts(struct sink_span text, const char *prefix)
{
	size_t len = strlen(prefix);

	return text.len >= len && memcmp(text.at, prefix, len) == 0;
}

static inline bool text_is(struct sink_span text, const char *word)
{
	return text.len == strlen(word) && text_starts(text, word);
}

/* As text_is(), ASCII letters in either case; `word` is in lower case. */
static inline bool text_is_anycase(struct sink_span text, const char *word)
{
	if (text.len != strlen(word))
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text_lower(text.at[i]) != (uint8_t)word[i])
			return false;
	return true;
}

static inline bool text_has(struct sink_span text, const char *part)
{
	return text.len > 0 && memmem(text.at, text.len, part, strlen(part)) != NULL;
}

/* Where byte `c` is, or text.len. */
static inline size_t text_find(struct sink_span text, uint8_t c)
{
	const uint8_t *at = text.len > 0 ? memchr(text.at, c, text.len) : NULL;

	return at ? (size_t)(at - text.at) : text.len;
}

/* Take what is before `c` off the front of *rest, and `c` with it; all of it if there is none. */
static inline struct sink_span text_cut(struct sink_span *rest, uint8_t c)
{
	size_t n = text_find(*rest, c);
	struct sink_span piece = sink_span(rest->at, n);

	*rest = n < rest->len ? text_after(*rest, n + 1) : text_after(*rest, n);
	return piece;
}

/* Take the next field, ended by white space, off the front of *rest; empty when none is left. */
static inline struct sink_span text_field(struct sink_span *rest)
{
	size_t n = 0;

	*rest = text_trim(*rest);
	while (n < rest->len && !text_is_space(rest->at[n]))
		n++;
	struct sink_span field = sink_span(rest->at, n);
	*rest = text_after(*rest, n);
	return field;
}

#endif
