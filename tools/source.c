/* source.c - from an argument to an open feed of a known format. */
#include "source.h"

#include <stdio.h>
#include <stdlib.h>

#include "sourcekeys.h"
#include "text.h"
#include "utf8.h"

/* Copy up to the next comma that has no backslash before it; "\," becomes ",". Returns what follows. */
static const char *take_part(const char *at, char *out)
{
	for (; *at && *at != ','; at++) {
		if (at[0] == '\\' && at[1] == ',')
			at++;
		*out++ = *at;
	}
	*out = 0;
	return *at == ',' ? at + 1 : NULL;
}

static int set_part(struct source *source, const char *part, struct sink_why *why)
{
	struct sink_span value = sink_span_text(part);
	struct sink_span key = text_cut(&value, '=');

	if (strcmp(part, "allow") == 0) {
		source->attributes.allow = true;
		return SINK_OK;
	}
	if (!strchr(part, '='))
		return sink_why(why, SINK_ESYNTAX,
			"'%s' is no key=value (a comma in a path is \\,)", part);
	return source_set(source, key, part + key.len + 1, why);
}

/* Bytes of "FORMAT:" in front, of whatever word; 0: there is none. */
static size_t format_len(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && text[n] == ':' ? n + 1 : 0;
}

struct sink_span source_path_part(const char *text)
{
	const char *end;

	text += format_len(text);
	for (end = text; *end && *end != ','; end++)
		if (end[0] == '\\' && end[1] == ',')
			end++;
	return sink_span(text, (size_t)(end - text));
}

/* Take "FORMAT:" off the front. A path with a colon is written "./like:this". */
static int take_format(char **path, const struct feed_format **out, struct sink_why *why)
{
	size_t n = format_len(*path);

	if (n == 0)
		return SINK_OK;
	*out = feed_format_find(sink_span(*path, n - 1));
	if (!*out)
		return sink_why(why, SINK_ESYNTAX,
			"unknown format '%.*s' (a file of that name is ./%s)", (int)n - 1, *path,
			*path);
	*path += n;
	return SINK_OK;
}

/* The file's name without directory and extension, as far as it is printable. */
static void default_source(struct source *source)
{
	const char *slash = strrchr(source->path, '/');
	const char *name = slash ? slash + 1 : source->path;
	char text[SINK_STRING_MAX + 1];
	char *dot;

	snprintf(text, sizeof text, "%s", strcmp(source->path, "-") == 0 ? "stdin" : name);
	dot = strrchr(text, '.');
	if (dot && dot != text)
		*dot = 0;
	for (char *c = text; *c; c++)
		if ((uint8_t)*c < 0x20 || *c == 0x7f)
			*c = '?';
	if (!text[0] || !utf8_is_valid(sink_span_text(text)))
		snprintf(text, sizeof text, "unnamed");
	attributes_set(&source->attributes, sink_span_text("source"), text, NULL);
}

static int parse(const char *text, char *part, struct sink_why *why, struct source *out)
{
	const char *rest = take_part(text, part), *blamed;
	char *path = part;
	int err = take_format(&path, &out->format, why);

	if (err)
		return err;
	if (!*path)
		return sink_why(why, SINK_ESYNTAX, "'%s' names no file", text);
	out->path = strdup(path);
	if (!out->path)
		return sink_why(why, SINK_ENOMEM, "no memory");
	while (rest && !err) {
		rest = take_part(rest, part);
		err = set_part(out, part, why);
	}
	if (err)
		return err;
	if (out->attributes.record.text[SINK_FIELD_SOURCE].len == 0)
		default_source(out);
	return source_check(out, why, &blamed);
}

void source_init(struct source *source)
{
	memset(source, 0, sizeof *source);
	source->max_change = -1;
	attributes_init(&source->attributes);
}

int source_parse(const char *text, struct sink_why *why, struct source *out)
{
	char *part = malloc(strlen(text) + 1);
	int err;

	source_init(out);
	if (!part)
		return sink_why(why, SINK_ENOMEM, "no memory");
	err = parse(text, part, why, out);
	free(part);
	if (err)
		source_end(out);
	return err;
}

const char *source_title(const struct source *source)
{
	if (!source->path)
		return source->url ? source->url : source->command ? source->command : "no source";
	return strcmp(source->path, "-") == 0 ? "standard input" : source->path;
}

struct format_hint source_format_hint(const struct source *source, const char *title)
{
	struct format_hint hint = { "say format: if you know" };

	if (source->config_line == 0)
		snprintf(hint.text, sizeof hint.text, "write FORMAT:%.200s if you know", title);
	return hint;
}

int source_recognise(struct source *source, const struct lines *lines, const char *title,
	struct sink_why *why)
{
	struct sink_why reason;
	bool whole;
	struct sink_span sample = lines_sample(lines, &whole);
	int err;

	if (source->format && !source->recognised)
		return SINK_OK;
	err = feed_recognise(sample, whole, &reason, &source->format);
	source->recognised = true;
	if (err)
		return sink_why(why, err, "'%.200s': its format is not recognised: %s; %s", title,
			reason.text, source_format_hint(source, title).text);
	return SINK_OK;
}

int source_open(struct source *source, struct sink_why *why)
{
	int err = lines_open(source->path, why, &source->lines);

	return err ? err : source_recognise(source, source->lines, source_title(source), why);
}

void source_end(struct source *source)
{
	lines_close(source->lines);
	free(source->path);
	free(source->url);
	free(source->command);
	free(source->token_file);
	free(source->licence);
	source->lines = NULL;
	source->path = source->url = source->command = NULL;
	source->token_file = source->licence = NULL;
}
