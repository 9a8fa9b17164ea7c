/* test_config.c - sinkhole.yaml: golden files, the values that rows take, and that the manual has every key.
 * data/config/NAME.yaml is read and must give what NAME.out says:
 *
 *   NAME.yaml:LINE:COLUMN: error: TEXT   each problem, in the order of lines
 *   refused                              there was an error; else what was understood:
 *   operator, guards, cache ...          what was said of them
 *   source NAME ...                      each, and below it what was said of it
 *   group, rule                          of the policy, as `sinkhole info --json` tells them
 *
 * With SINKHOLE_WRITE_GOLDEN set it writes NAME.out instead: read what changed before you keep it. */
#include "config.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>

#include "base.h"
#include "config_tree.h"
#include "feedurl.h"
#include "json.h"
#include "nearest.h"
#include "policy_json.h"
#include "quantity.h"
#include "say.h"
#include "sourcekeys.h"

#define DATA TEST_SRCDIR "/tests/data/config"
#define PAGE TEST_SRCDIR "/doc/sinkhole.yaml.5"

static glob_t golden;

/* --- golden files ------------------------------------------------------------------------------------- */

static void note_problem(void *arg, const char *path, unsigned long line, unsigned long column,
	bool is_error, const char *text)
{
	FILE *to = arg;

	fprintf(to, "%s:%lu:%lu: %s: ", path, line, column, is_error ? "error" : "warning");
	put_text(to, sink_span_text(text), SINK_WHY_MAX);
	fputc('\n', to);
}

static void note_string(FILE *to, const char *word, const char *text)
{
	if (text)
		fprintf(to, "  %s %s\n", word, text);
}

static void note_paths(FILE *to, const char *word, const struct path_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		note_string(to, word, list->at[i]);
}

static void note_number(FILE *to, const char *word, uint64_t n)
{
	if (n > 0)
		fprintf(to, "  %s %" PRIu64 "\n", word, n);
}

static void note_percent(FILE *to, const char *word, double percent)
{
	if (percent >= 0)
		fprintf(to, "  %s %g\n", word, percent);
}

static void note_attributes(FILE *to, const struct attributes *attributes)
{
	json_t *json = json_record(&attributes->record);

	json_object_del(json, "kind");
	fputs("  ", to);
	json_dumpf(json, to, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(json);
	if (attributes->allow)
		fputs(" allow", to);
	if (attributes->has_scope)
		fprintf(to, " %s", sink_scope_word(attributes->scope));
	fputc('\n', to);
}

static void note_source(FILE *to, const struct source *source)
{
	static const char *const fetches[] = { NULL, "url", "taxii", "misp" };

	fprintf(to, "source in line %lu\n", source->config_line);
	note_attributes(to, &source->attributes);
	note_string(to, "path", source->path);
	note_string(to, "url", source->url);
	note_string(to, "command", source->command);
	note_string(to, "fetch", fetches[source->fetch]);
	note_string(to, "token-file", source->token_file);
	note_string(to, "licence", source->licence);
	note_string(to, "format", source->format ? source->format->word : NULL);
	note_number(to, "refresh", (uint64_t)source->refresh);
	note_number(to, "valid-for", (uint64_t)source->valid_for);
	note_percent(to, "max-change", source->max_change);
	note_number(to, "bytes", source->limits.bytes);
	note_number(to, "lines", source->limits.lines);
	note_number(to, "entries", source->limits.entries);
	note_number(to, "seconds", source->limits.seconds);
	for (size_t i = 0; i < source->options.fields_count; i++)
		fprintf(to, "  %s from %s\n", source->options.fields[i].key,
			source->options.fields[i].from);
	note_string(to, "items", source->options.items[0] ? source->options.items : NULL);
	if (source->options.separator)
		fprintf(to, "  separator 0x%02x\n", (unsigned)source->options.separator);
}

static void note_json(FILE *to, const char *word, json_t *json)
{
	fprintf(to, "%s ", word);
	json_dumpf(json, to, JSON_COMPACT);
	fputc('\n', to);
	json_decref(json);
}

/* But for the geo files, whose paths are absolute. */
static void note_policy(FILE *to, const struct config *config)
{
	const struct sink_policy *policy = &config->policy.made;
	json_t *json;

	if (policy->error_option != SINK_ERROR_OPTION)
		fprintf(to, "  error-option %u\n", policy->error_option);
	if (!config->policy.has_rules)
		return;
	json = json_policy(policy);
	for (size_t i = 0; i < policy->groups_count; i++)
		note_json(to, "group",
			json_incref(json_array_get(json_object_get(json, "groups"), i)));
	for (size_t i = 0; i < policy->rules_count; i++)
		note_json(to, "rule", json_rule(policy, &policy->rules[i]));
	json_decref(json);
}

static void note_config(FILE *to, const struct config *config)
{
	fputs("fine\n", to);
	note_string(to, "organization", config->operator.organization);
	for (size_t i = 0; i < config->operator.contacts; i++)
		note_string(to, "contact", config->operator.contact[i]);
	note_string(to, "language", config->operator.language);
	note_paths(to, "protected", &config->guards.protected);
	note_paths(to, "popular", &config->guards.popular);
	note_percent(to, "max-change", config->guards.max_change);
	note_percent(to, "max-errors", config->guards.max_errors);
	note_string(to, "cache", config->cache);
	note_string(to, "fetch-user", config->fetch_user);
	if (config->compact_at != COMPACT_AT_DEFAULT)
		fprintf(to, "  compact-at %" PRIu64 "\n", config->compact_at);
	for (size_t i = 0; i < config->count; i++)
		note_source(to, &config->sources[i]);
	note_policy(to, config);
}

/* What config_read() makes of a file, as text; free() it. */
static char *read_config(const char *path)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	struct config config = { 0 };
	int err;

	ck_assert_ptr_nonnull(to);
	err = config_read(path, note_problem, to, &config);
	if (err == SINK_OK)
		note_config(to, &config);
	else if (err == SINK_ESYNTAX)
		fputs("refused\n", to);
	else
		fprintf(to, "%s\n", sink_strerror(err));
	config_end(&config);
	fclose(to);
	return text;
}

START_TEST(golden_file)
{
	const char *path = golden.gl_pathv[_i];
	char out[PATH_ROOM];
	char *text;
	struct bytes wanted;

	ck_assert_int_eq(chdir(DATA), 0); /* so that no message names the way there */
	text = read_config(strrchr(path, '/') + 1);
	snprintf(out, sizeof out, "%.*s.out", (int)(strlen(path) - strlen(".yaml")), path);
	if (getenv("SINKHOLE_WRITE_GOLDEN")) {
		write_whole(out, text, strlen(text));
	} else {
		wanted = read_whole(out);
		wanted.at[wanted.len] = 0;
		if (strcmp(text, (const char *)wanted.at) !=
			0) /* more than a message of Check holds */
			fprintf(stderr, "%s wants:\n%s\nand not:\n%s\n", out,
				(const char *)wanted.at, text);
		ck_assert_msg(strcmp(text, (const char *)wanted.at) == 0, "not as %s has it", out);
		free(wanted.at);
	}
	free(text);
}
END_TEST

START_TEST(there_are_many)
{
	ck_assert_uint_ge(golden.gl_pathc, 80);
}
END_TEST

/* --- files -------------------------------------------------------------------------------------------- */

START_TEST(paths_are_the_files)
{
	static const char yaml[] =
		"sources:\n  - {name: a, path: [x.txt, /dev/null, sub]}\n"
		"  - {name: b, url: \"https://example.com/\", token-file: token}\n"
		"guards: {protected: p.txt}\ncache: cache\n";
	char room[PATH_ROOM], path[PATH_ROOM], wanted[PATH_ROOM];
	struct config config;

	make_room(room);
	write_whole(inside(room, "c.yaml", path), yaml, strlen(yaml));
	ck_assert_int_eq(config_read(path, note_problem, stderr, &config), SINK_OK);
	ck_assert_str_eq(config.path, path);
	ck_assert_uint_eq(config.count, 4);
	ck_assert_str_eq(config.sources[0].path, inside(room, "x.txt", wanted));
	ck_assert_str_eq(config.sources[1].path, "/dev/null");
	ck_assert_str_eq(config.sources[2].path, inside(room, "sub", wanted));
	ck_assert_str_eq(config.sources[3].token_file, inside(room, "token", wanted));
	ck_assert_str_eq(config.guards.protected.at[0], inside(room, "p.txt", wanted));
	ck_assert_str_eq(config.cache, inside(room, "cache", wanted));
	/* one source: the same line, and each its own copy of what was said */
	ck_assert_uint_eq(config.sources[0].config_line, config.sources[2].config_line);
	ck_assert_ptr_eq(config.sources[2].attributes.record.text[SINK_FIELD_SOURCE].at,
		config.sources[2].attributes.text[SINK_FIELD_SOURCE]);
	config_end(&config);
	clear_room(room);
}
END_TEST

static char *read_in_room(const char *room, const char *yaml)
{
	char path[PATH_ROOM];

	write_whole(inside(room, "c.yaml", path), yaml, strlen(yaml));
	return read_config(path);
}

START_TEST(files_are_looked_for)
{
	char room[PATH_ROOM], path[PATH_ROOM];
	char *text;

	make_room(room);
	write_whole(inside(room, "there", path), "", 0);
	text = read_in_room(room, "guards: {protected: [there]}\n");
	ck_assert_int_eq(strncmp(text, "fine\n  protected ", 17), 0);
	free(text);
	text = read_in_room(room, "guards: {popular: [nowhere]}\n");
	ck_assert_ptr_nonnull(strstr(text, "1:20: warning: 'nowhere': not there, and nothing"));
	free(text);
	text = read_in_room(room, "guards: {popular: [.]}\n");
	ck_assert_ptr_nonnull(strstr(text, "1:20: error: '.': a directory, a file is wanted"));
	free(text);
	text = read_in_room(room, "sources: [{name: a, path: .}]\n");
	ck_assert_ptr_null(strstr(text, "error"));
	ck_assert_ptr_null(strstr(text, "warning"));
	free(text);
	ck_assert_int_eq(chmod(path, 0644), 0);
	text = read_in_room(room,
		"sources: [{name: a, url: \"https://a.example/\", token-file: there}]\n");
	ck_assert_ptr_nonnull(strstr(text, "warning: 'there': every user of this machine"));
	free(text);
	ck_assert_int_eq(chmod(path, 0600), 0);
	text = read_in_room(room,
		"sources: [{name: a, url: \"https://a.example/\", token-file: there}]\n");
	ck_assert_ptr_null(strstr(text, "warning"));
	free(text);
	clear_room(room);
}
END_TEST

static void forget(void *arg, const char *path, unsigned long line, unsigned long column,
	bool is_error, const char *text)
{
	char *last = arg;

	(void)path;
	(void)column;
	(void)is_error;
	snprintf(last, SINK_WHY_MAX, "%lu: %s", line, text);
}

START_TEST(a_file_that_cannot_be_read)
{
	char last[SINK_WHY_MAX];
	struct config config;

	ck_assert_int_eq(config_read("/nonexistent", forget, last, &config), SINK_ENOENT);
	ck_assert_str_eq(last, "0: No such file or directory");
	ck_assert_int_eq(config_read("/", forget, last, &config), SINK_EIO);
	ck_assert_int_eq(errno, EISDIR);
}
END_TEST

/* --- size --------------------------------------------------------------------------------------------- */

/* A megabyte of nothing but this, within no time to speak of; the last complaint holds that. */
static const struct {
	const char *begin, *again, *says;
} masses[] = {
	{ "", "[", "too deep" },
	{ "", "{", "a key must be a word" },
	{ "", "- ", "too deep" },
	{ "", "? ", "" },
	{ "", "a\n", "" },
	{ "", "#", "there is nothing in it" },
	{ "", "\n", "there is nothing in it" },
	{ "", " ", "there is nothing in it" },
	{ "", "\t", "" },
	{ "", "'", "" },
	{ "", "\xff", "" },
	{ "a: &a\n", "  - *a\n", "" },
	{ "x: |\n", " a", "unknown key 'x'" },
	{ "x: \"", "\\0", "" },
	{ "", "---\n", "a second document" },
	{ "", "%A b\n", "" },
	{ "sources:\n", "- {}\n", "more than 200 problems" },
	{ "sources:\n- ", "x: 1\n  ", "more than 200 problems" },
	{ "sources:\n- {name: a, path: [", "a,", "" },
	{ "sources:\n- {name: a, columns: {", "a: b,", "" },
	{ "policy:\n", "- {rule: a, group: b, match: {}, action: pass}\n", "more than 200" },
	{ "groups:\n", "- {name: a, clients: b}\n", "more than 200 problems" },
	{ "", "groups: [", "" },
	{ "guards: {protected: [", "x, ", "" },
};

START_TEST(much_of_it)
{
	size_t begin = strlen(masses[_i].begin), len = strlen(masses[_i].again), at;
	uint8_t *bytes = malloc(TREE_BYTES_MAX);
	char last[SINK_WHY_MAX];
	struct config config;

	ck_assert_ptr_nonnull(bytes);
	memcpy(bytes, masses[_i].begin, begin);
	for (at = begin; at + len <= TREE_BYTES_MAX; at += len)
		memcpy(bytes + at, masses[_i].again, len);
	ck_assert_int_eq(config_read_bytes(sink_span(bytes, at), "x", forget, last, &config),
		SINK_ESYNTAX);
	ck_assert_msg(strstr(last, masses[_i].says) != NULL, "%d: %s", _i, last);
	free(bytes);
}
END_TEST

START_TEST(a_byte_too_many)
{
	uint8_t *bytes = malloc(TREE_BYTES_MAX + 1);
	char last[SINK_WHY_MAX] = "";
	struct config config;
	size_t len = strlen("cache: x\n");

	ck_assert_ptr_nonnull(bytes);
	memset(bytes, '#', TREE_BYTES_MAX + 1);
	memcpy(bytes, "cache: x\n", len);
	ck_assert_int_eq(config_read_bytes(sink_span(bytes, TREE_BYTES_MAX), "x", forget, last,
				 &config),
		SINK_OK);
	config_end(&config);
	ck_assert_int_eq(config_read_bytes(sink_span(bytes, TREE_BYTES_MAX + 1), "x", forget, last,
				 &config),
		SINK_ESYNTAX);
	ck_assert_str_eq(last, "1: larger than 1 MiB: no configuration should be");
	free(bytes);
}
END_TEST

/* Sources of which there may be a thousand, paths included. */
START_TEST(many_sources)
{
	char *yaml = malloc(1u << 20), last[SINK_WHY_MAX] = "";
	struct config config;

	ck_assert_ptr_nonnull(yaml);
	for (int over = 0; over < 2; over++) {
		size_t len = (size_t)sprintf(yaml, "sources:\n- {name: p, path: [x, y]}\n");

		for (int i = 0; i < 998 + over; i++)
			len += (size_t)sprintf(yaml + len, "- {name: n%d, path: x}\n", i);
		ck_assert_int_eq(config_read_bytes(sink_span(yaml, len), "x", forget, last,
					 &config),
			over ? SINK_ESYNTAX : SINK_OK);
		ck_assert_uint_eq(over ? 1000 : config.count, 1000);
		if (!over)
			config_end(&config);
	}
	ck_assert_str_eq(last, "1001: sources: more than 1000 of them and their paths");
	free(yaml);
}
END_TEST

/* --- amounts, URLs, near words --------------------------------------------------------------------------- */

static const struct {
	const char *text;
	int64_t seconds; /* -1: none */
} durations[] = {
	{ "", -1 },
	{ "30", -1 },
	{ "d", -1 },
	{ "-1d", -1 },
	{ "1.5h", -1 },
	{ "1 d", -1 },
	{ "1D", -1 },
	{ "1dd", -1 },
	{ "1y", -1 },
	{ "99999999999999999999s", -1 },
	{ "99999999999w", -1 },
	{ "0s", 0 },
	{ "45s", 45 },
	{ "90m", 5400 },
	{ "12h", 43200 },
	{ "30d", 2592000 },
	{ "2w", 1209600 },
	{ "010s", 10 },
};

START_TEST(duration)
{
	int64_t n = -1;

	ck_assert_int_eq(quantity_seconds(durations[_i].text, &n), durations[_i].seconds >= 0);
	ck_assert_int_eq(n, durations[_i].seconds);
}
END_TEST

START_TEST(amounts)
{
	double percent = 7;
	uint64_t n = 7;

	ck_assert(!quantity_percent("20", &percent) && !quantity_percent("%", &percent));
	ck_assert(!quantity_percent(".5%", &percent) && !quantity_percent("1.%", &percent));
	ck_assert(!quantity_percent("1,5%", &percent) && !quantity_percent("-1%", &percent));
	ck_assert(!quantity_percent("1e3%", &percent) && !quantity_percent("nan%", &percent));
	ck_assert(!quantity_percent("1000000%", &percent) && !quantity_percent("5%%", &percent));
	ck_assert_double_eq(percent, 7);
	ck_assert(quantity_percent("0%", &percent) && percent == 0);
	ck_assert(quantity_percent("0.5%", &percent) && percent == 0.5);
	ck_assert(quantity_percent("150%", &percent) && percent == 150);
	ck_assert(!quantity_bytes("", &n) && !quantity_bytes("M", &n) &&
		!quantity_bytes("1MB", &n));
	ck_assert(!quantity_bytes("1k", &n) && !quantity_bytes("-1", &n));
	ck_assert(!quantity_bytes("99999999999999999G", &n));
	ck_assert(!quantity_count("1e3", &n) && !quantity_count("", &n) &&
		!quantity_count("+1", &n));
	ck_assert_uint_eq(n, 7);
	ck_assert(quantity_bytes("500M", &n) && n == UINT64_C(500) << 20);
	ck_assert(quantity_bytes("17", &n) && n == 17);
	ck_assert(quantity_count("1000000", &n) && n == 1000000);
}
END_TEST

static const struct {
	const char *url;
	bool is_fine;
} urls[] = {
	{ "http://example.com/list", false }, /* anybody on the way could change it */
	{ "http://127.0.0.1@example.com/", false },
	{ "http://127.0.0.1.example.com/", false },
	{ "http://example.com#@127.0.0.1/", false },
	{ "http://localhost/", false }, /* a name: whatever it leads to */
	{ "http://[::2]/", false },
	{ "http://[::ffff:127.0.0.1]/", false },
	{ "http://0.0.0.0/", false },
	{ "https://user:secret@example.com/", false },
	{ "https://token@example.com/", false },
	{ "ftp://example.com/", false },
	{ "gopher://127.0.0.1/", false },
	{ "javascript:alert(1)", false },
	{ "data:text/plain,x", false },
	{ "example.com/list", false },
	{ "https://", false },
	{ "https://exa mple.com/", false },
	{ "https://example.com/a\nb", false },
	{ "https://example.com:99999/", false },
	{ "file://other.example/etc/passwd", false },
	{ "-o/etc/passwd", false },
	{ "https://example.com", true },
	{ "HTTPS://EXAMPLE.COM/", true },
	{ "https://example.com:8443/list?a=b&c=%20#x", true },
	{ "https://192.0.2.1/", true },
	{ "https://[2001:db8::1]/", true },
	{ "http://127.0.0.1:8080/list", true },
	{ "http://127.8.9.10/", true },
	{ "http://[::1]:8080/", true },
	{ "file:///srv/feeds/list.txt", true },
};

START_TEST(url)
{
	struct sink_why why = { .text = "" };
	int err = feedurl_check(urls[_i].url, &why);

	ck_assert_msg(err == (urls[_i].is_fine ? SINK_OK : SINK_ESYNTAX), "%s: %s", urls[_i].url,
		why.text);
	ck_assert(urls[_i].is_fine || strncmp(why.text, "url", 3) == 0);
}
END_TEST

static const struct {
	const char *typed, *word;
	bool is_near;
} nears[] = {
	{ "lokup", "lookup", true },
	{ "lookups", "lookup", true },
	{ "olokup", "lookup", true },
	{ "lop", "lookup", false },
	{ "", "lookup", false },
	{ "", "a", false },
	{ "b", "a", false },
	{ "ab", "a", false }, /* as many mistakes as letters */
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
};

START_TEST(near_word)
{
	struct nearest nearest = nearest_begin(sink_span_text(nears[_i].typed));

	nearest_try(&nearest, nears[_i].word);
	ck_assert_int_eq(nearest.word != NULL, nears[_i].is_near);
}
END_TEST

/* --- the command line -------------------------------------------------------------------------------------- */

static const struct {
	const char *text, *says; /* NULL: taken */
} arguments[] = {
	{ "x,catgory=y", "unknown key 'catgory' (is 'category' meant?)" },
	{ "x,columns=1", "unknown key 'columns'" },
	{ "x,columns.nme=1", "columns: unknown key 'nme' (is 'name' meant?)" },
	{ "x,columns.name=", "columns= needs a value" },
	{ "x,columns.name=0", "counted from 1" },
	{ "x,category.name=0", "unknown key 'category.name'" },
	{ "x,limits=1", "unknown key 'limits'" },
	{ "x,limits.byte=1", "unknown key 'limits.byte'" },
	{ "x,limits.bytes=0", "bytes cannot be '0'" },
	{ "x,path=y", "path is for sinkhole.yaml" },
	{ "x,name=y", "name is for sinkhole.yaml" },
	{ "x,valid-for=30", "valid-for cannot be '30': a duration" },
	{ "x,valid-for=0d", "out of range" },
	{ "x,max-change=20", "max-change cannot be '20': a share" },
	{ "x,separator=;;", "separator cannot be ';;'" },
	{ "x,separator=", "separator= needs a value" },
	{ "x,separator=\"", "separator cannot be" },
	{ "x,items=", "items= needs a value" },
	{ "x,allow=perhaps", "allow cannot be 'perhaps'" },
	{ "x,columns.name=1,fields.name=a", "one of the two" },
	{ "domains:x,columns.name=1", "columns is for the format csv, not domains" },
	{ "domains:x,items=a", "items is for the format json, not domains" },
	{ "x,valid-from=2026-01-02,valid-until=2026-01-01", "not after" },
	{ "x,.=y", "unknown key '.'" },
	{ "x,=y", "unknown key ''" },
	{ "x,columns.name=1,columns.valid-until=Expires\\,when,separator=\\,", NULL },
	{ "x,fields.name=data.host,items=data.list", NULL },
	{ "x,limits.bytes=5G,limits.lines=7,limits.entries=8,limits.time=9s", NULL },
	{ "x,valid-for=30d,max-change=0.5%,licence=CC0,allow=true,separator=tab", NULL },
};

START_TEST(argument)
{
	struct source source;
	struct sink_why why = { .text = "" };
	int err = source_parse(arguments[_i].text, &why, &source);

	if (!arguments[_i].says) {
		ck_assert_msg(err == SINK_OK, "%s", why.text);
		source_end(&source);
		return;
	}
	ck_assert_int_eq(err, SINK_ESYNTAX);
	ck_assert_msg(strstr(why.text, arguments[_i].says) != NULL, "%s", why.text);
}
END_TEST

START_TEST(argument_values)
{
	struct source source;
	struct sink_why why;

	ck_assert_int_eq(source_parse("x,columns.name=1,columns.tag=T\\,x,columns.name=3,"
				      "separator=\\,,valid-for=2h,max-change=20%,limits.bytes=1K",
				 &why, &source),
		SINK_OK);
	ck_assert_uint_eq(source.options.fields_count, 2);
	ck_assert_str_eq(source.options.fields[0].key, "name");
	ck_assert_str_eq(source.options.fields[0].from, "3");
	ck_assert_str_eq(source.options.fields[1].from, "T,x");
	ck_assert_int_eq(source.options.separator, ',');
	ck_assert_int_eq(source.valid_for, 7200);
	ck_assert_double_eq(source.max_change, 20);
	ck_assert_uint_eq(source.limits.bytes, 1024);
	source_end(&source);
}
END_TEST

/* --- the manual --------------------------------------------------------------------------------------------- */

/* Every key is an item ".It Cm KEY" of the section "SECTION", where SECTION is what leads to it. */
struct manual {
	char *text; /* of the page */
	size_t items; /* in its sections about keys */
};

/* The section's text, ended by the next one. */
static const char *find_section(const struct manual *manual, const char *name, size_t *len)
{
	char head[100];
	const char *at, *end;

	snprintf(head, sizeof head, "\n.Ss %s\n", name);
	at = strstr(manual->text, head);
	ck_assert_msg(at != NULL, "no section '%s'", name);
	at += strlen(head) - 1;
	end = strstr(at, "\n.S");
	while (end && end[3] != 's' && end[3] != 'h') /* .Sm is no heading */
		end = strstr(end + 1, "\n.S");
	*len = end ? (size_t)(end - at) : strlen(at);
	return at;
}

static bool has_item(const char *section, size_t len, const char *word)
{
	char line[100];

	snprintf(line, sizeof line, "\n.It Cm %s\n", word);
	return memmem(section, len, line, strlen(line)) != NULL;
}

static size_t count_items(const char *section, size_t len)
{
	size_t count = 0;

	for (const char *at = section;
		(at = memmem(at, len - (size_t)(at - section), "\n.It Cm ", 8)); at++)
		count++;
	return count;
}

/* A section and the rows it is about; those below have sections of their own. */
static void compare(const struct manual *manual, const char *name, const struct key_row *rows)
{
	size_t len, count = 0;
	const char *section = find_section(manual, name, &len);

	for (const struct key_row *row = rows; row->word; row++) {
		if (row->where == KEY_ONLY_ARGUMENT)
			continue;
		ck_assert_msg(has_item(section, len, row->word), "%s: no '%s'", name, row->word);
		ck_assert_msg(row->help[0] && row->wanted[0], "%s", row->word);
		count++;
		if (row->keys)
			compare(manual, row->word, row->keys);
	}
	ck_assert_msg(count_items(section, len) == count, "%s: items that are no keys", name);
}

START_TEST(every_key_is_in_the_manual)
{
	struct bytes bytes = read_whole(PAGE);
	struct manual manual = { .text = (char *)bytes.at };

	bytes.at[bytes.len] = 0;
	compare(&manual, "the file", config_keys);
	free(bytes.at);
}
END_TEST

/* Names that go wrong everywhere: rows without words, two of one word, texts nobody can take. */
static void check_rows(const struct key_row *rows)
{
	for (const struct key_row *row = rows; row->word; row++) {
		ck_assert_ptr_eq(key_find(rows, sink_span_text(row->word)), row);
		ck_assert((row->shape == KEY_MAP || row->shape == KEY_MAPS) == (row->keys != NULL));
		ck_assert((row->shape == KEY_MAPS) == (row->item != NULL));
		ck_assert((row->keys != NULL) == (row->set == NULL));
		ck_assert_int_lt(row - rows, 64);
		if (row->keys)
			check_rows(row->keys);
	}
}

START_TEST(rows_are_sound)
{
	check_rows(config_keys);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *files = tcase_create("golden");
	TCase *reading = tcase_create("reading");
	TCase *values = tcase_create("values");
	TCase *manual = tcase_create("manual");

	glob(DATA "/*.yaml", 0, NULL, &golden);
	tcase_add_test(files, there_are_many);
	tcase_add_loop_test(files, golden_file, 0, (int)golden.gl_pathc);
	suite_add_tcase(suite, files);
	tcase_add_test(reading, paths_are_the_files);
	tcase_add_test(reading, files_are_looked_for);
	tcase_add_test(reading, a_file_that_cannot_be_read);
	tcase_add_loop_test(reading, much_of_it, 0, LENGTH(masses));
	tcase_add_test(reading, a_byte_too_many);
	tcase_add_test(reading, many_sources);
	tcase_set_timeout(reading, 60);
	suite_add_tcase(suite, reading);
	tcase_add_loop_test(values, duration, 0, LENGTH(durations));
	tcase_add_test(values, amounts);
	tcase_add_loop_test(values, url, 0, LENGTH(urls));
	tcase_add_loop_test(values, near_word, 0, LENGTH(nears));
	tcase_add_loop_test(values, argument, 0, LENGTH(arguments));
	tcase_add_test(values, argument_values);
	suite_add_tcase(suite, values);
	tcase_add_test(manual, every_key_is_in_the_manual);
	tcase_add_test(manual, rows_are_sound);
	suite_add_tcase(suite, manual);
	int failed = run_suite(suite);
	globfree(&golden);
	return failed;
}
