/* formats.c - the list of feed formats, and which one a file is in. */
#include <stdio.h>

#include "feed.h"
#include "text.h"

/* The first that recognises a document has it: formats of one kind of content before those of any. */
const struct feed_format *const feed_formats[] = {
	&feed_domains,
	&feed_hosts,
	&feed_adblock,
	&feed_dnsmasq,
	&feed_unbound,
	&feed_rpz,
	&feed_urlhaus,
	&feed_threatfox,
	&feed_misp,
	&feed_stix,
	&feed_metamask,
	&feed_csv,
	&feed_json,
	&feed_jsonl,
	NULL,
};

#define FORMATS (sizeof feed_formats / sizeof feed_formats[0] - 1)

/* One line in so many may be of another kind without making a file ambiguous: real lists have typing
 * errors, and each such line is judged and counted when it is read. */
#define STRAY 100

const struct feed_format *feed_format_find(struct sink_span word)
{
	for (size_t i = 0; i < FORMATS; i++)
		if (text_is(word, feed_formats[i]->word))
			return feed_formats[i];
	return NULL;
}

struct evidence {
	uint64_t content; /* lines that are no comment in any format */
	uint64_t fits[FORMATS], proves[FORMATS];
	bool decided[FORMATS];
};

static bool is_comment(struct sink_span line)
{
	return line.len == 0 || line.at[0] == '!' || line.at[0] == ';' || text_starts(line, "//") ||
		(line.at[0] == '#' && !text_starts(line, "#@#") && !text_starts(line, "##")) ||
		(line.at[0] == '[' && line.at[line.len - 1] == ']');
}

static void weigh_line(struct sink_span line, struct evidence *e)
{
	line = text_trim(line);
	e->content += !is_comment(line);
	for (size_t i = 0; i < FORMATS; i++) {
		enum feed_sign sign =
			feed_formats[i]->sign ? feed_formats[i]->sign(line) : FEED_SIGN_NONE;

		e->fits[i] += sign != FEED_SIGN_NONE;
		e->proves[i] += sign >= FEED_SIGN_PROVES;
		e->decided[i] = e->decided[i] || sign == FEED_SIGN_DECIDES;
	}
}

/* The last line of a sample that is cut off does not count. */
static void weigh(struct sink_span sample, bool whole, struct evidence *e)
{
	while (sample.len > 0) {
		bool last = text_find(sample, '\n') == sample.len;
		struct sink_span line = text_cut(&sample, '\n');

		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		if (!last || whole)
			weigh_line(line, e);
	}
}

/* Does format `i` explain the file, and no other format claim more than strays of it? */
static bool is_the_one(const struct evidence *e, size_t i)
{
	uint64_t others = 0;

	if (e->proves[i] == 0 || e->fits[i] * 2 <= e->content)
		return false;
	if (feed_formats[i]->holds_others)
		return e->decided[i] || e->proves[i] * STRAY >= e->content;
	for (size_t k = 0; k < FORMATS; k++)
		if (k != i)
			others += e->proves[k];
	return others * STRAY <= e->proves[i];
}

static int explain(const struct evidence *e, struct sink_why *why)
{
	char list[SINK_WHY_MAX];
	size_t len = 0;

	list[0] = 0;
	for (size_t i = 0; i < FORMATS && len < sizeof list; i++)
		if (e->proves[i] > 0)
			len += (size_t)snprintf(list + len, sizeof list - len, "%s %llu like %s",
				len > 0 ? "," : "", (unsigned long long)e->proves[i],
				feed_formats[i]->word);
	if (len == 0)
		return sink_why(why, SINK_ESYNTAX, "no line looks like one of them");
	return sink_why(why, SINK_ESYNTAX, "of %llu lines,%s", (unsigned long long)e->content,
		list);
}

int feed_recognise(struct sink_span sample, bool whole, struct sink_why *why,
	const struct feed_format **out)
{
	struct evidence e = { 0 };

	for (size_t i = 0; i < FORMATS; i++)
		if (feed_formats[i]->begins && feed_formats[i]->begins(sample)) {
			*out = feed_formats[i];
			return SINK_OK;
		}
	weigh(sample, whole, &e);
	for (size_t i = 0; i < FORMATS; i++)
		if (is_the_one(&e, i)) {
			*out = feed_formats[i];
			return SINK_OK;
		}
	if (e.content == 0 && whole) {
		*out = &feed_domains; /* nothing but comments: any format reads that */
		return SINK_OK;
	}
	return explain(&e, why);
}
