/* fetch_command.c - `sinkhole fetch`. */
#include "cmd.h"
#include "feedurl.h"
#include "fetch.h"
#include "json.h"
#include "say.h"

enum { OPT_FORCE = 256, OPT_JSON };

struct request {
	const struct command *self;
	const char *config_path;
	bool force, json;
	char **names; /* of sources, ended by NULL; none: all */
	json_t *list; /* NULL unless json */
	size_t count; /* of sources that were done */
	enum status status;
};

static enum status take_option(void *arg, int key, const char *value)
{
	struct request *r = arg;

	switch (key) {
	case 'c':
		r->config_path = value;
		break;
	case OPT_FORCE:
		r->force = true;
		break;
	case OPT_JSON:
		r->json = true;
		break;
	}
	return STATUS_DONE;
}

static bool is_called(const struct source *source, const char *name)
{
	return sink_span_equal(fetch_name(source), sink_span_text(name));
}

static enum status check_names(const struct request *r, const struct config *config)
{
	for (char **name = r->names; *name; name++) {
		const struct source *source = NULL;

		for (size_t i = 0; i < config->count && !source; i++)
			if (is_called(&config->sources[i], *name))
				source = &config->sources[i];
		if (!source)
			return usage_error(r->self, "no source is called '%s'", *name);
		if (source->fetch == FETCH_NONE)
			return usage_error(r->self, "source '%s' is not fetched", *name);
	}
	return STATUS_DONE;
}

static json_t *report_json(const struct source *source, const struct fetch_report *report)
{
	bool failed = report->result >= FETCH_KEPT;
	json_t *json = json_pack("{s:o,s:o,s:s,s:I}", "source", json_text(fetch_name(source)),
		"url", json_text(sink_span_text(feedurl_shown(source->url).text)), "result",
		fetch_result_word(report->result), "bytes", (json_int_t)report->bytes);

	if (!json)
		return NULL;
	json_object_set_new(json, "fetched",
		report->fetched ? json_moment(report->fetched) : json_null());
	json_object_set_new(json, "sha256",
		report->sha256[0] ? json_string(report->sha256) : json_null());
	json_object_set_new(json, "why",
		failed ? json_text(sink_span_text(report->why.text)) : json_null());
	return json;
}

static void print_line(const struct source *source, const struct fetch_report *report)
{
	put_text(stdout, fetch_name(source), 200);
	printf(": %s, %s bytes", fetch_result_word(report->result), number(report->bytes).text);
	if (report->fetched)
		printf(", as of %s", moment(report->fetched).text);
	putchar('\n');
}

static void told(void *arg, const struct source *source, const struct fetch_report *report)
{
	struct request *r = arg;

	progress_end();
	if (report->result >= FETCH_KEPT)
		say("%s", report->why.text);
	if (report->result == FETCH_KEPT && r->status == STATUS_DONE)
		r->status = STATUS_NO;
	if (report->result == FETCH_MISSING)
		r->status = STATUS_SYSTEM;
	if (r->list)
		json_array_append_new(r->list, report_json(source, report));
	else if (report->result < FETCH_KEPT)
		print_line(source, report);
	r->count++;
}

static enum status fetch(struct request *r, const struct config *config)
{
	struct sink_why why = { .text = "" };

	if (fetch_all(config, r->names, r->force, told, r, &why)) {
		say("%s", why.text);
		return STATUS_SYSTEM;
	}
	if (r->count == 0)
		say("no source of '%s' is fetched", r->config_path);
	return r->status;
}

static enum status run(struct request *r)
{
	struct config config;
	enum status status;
	int err = config_read(r->config_path, config_say, NULL, &config);

	if (err == SINK_ENOMEM)
		say("no memory");
	if (err)
		return err == SINK_ENOENT ? STATUS_SYSTEM : status_of(err);
	status = check_names(r, &config);
	if (r->json && status == STATUS_DONE)
		r->list = json_array();
	if (status == STATUS_DONE)
		status = fetch(r, &config);
	if (r->list && !json_print(stdout, r->list, false) && status <= STATUS_NO)
		status = STATUS_SYSTEM;
	config_end(&config);
	return status;
}

static enum status fetch_run(const struct command *self, int argc, char **argv)
{
	struct request r = { .self = self };
	enum status status;
	int first;

	if (!options_read(self, argc, argv, take_option, &r, &first, &status))
		return status;
	if (!r.config_path)
		return usage_error(self, "no configuration: -c FILE");
	r.names = argv + first;
	return run(&r);
}

const struct command cmd_fetch = {
	.word = "fetch",
	.operands = "[SOURCE-NAME...]",
	.summary = "bring the sources that come over the network up to date",
	.details =
		"Whatever goes wrong, the copy from before stays.\n"
		"Exit status: 1 if a source failed of which there is a copy, 4 if there is none.\n",
	.options =
		(const struct option_row[]){
			{ 'c', "config", "FILE", "the configuration that names them" },
			{ OPT_FORCE, "force", NULL, "also those that are fresh" },
			{ OPT_JSON, "json", NULL, "what became of each, as an array" },
			{ 0 },
		},
	.run = fetch_run,
};
