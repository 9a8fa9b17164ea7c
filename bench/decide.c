/* decide.c - decisions and nothing else, for a tool that counts instructions.
 *
 *     decide DIR QUERIES ROUNDS      QUERIES holds lines "NAME CLIENT"; all of them, so often
 *
 * All that is counted happens in decisions() (callgrind: --toggle-collect=decisions). What became of the queries is
 * printed, a line a rule, "COUNT NAME", so that whoever measures can tell whether the rules decided that were meant
 * to. "-" is no rule. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sinkhole/decide.h"
#include "sinkhole/grow.h"

#define NOW 1798761600 /* seconds: some day */
#define TYPE_A 1

struct query {
	uint8_t wire[SINK_WIRE_MAX];
	size_t len;
	struct sink_prefix client;
};

struct queries {
	struct query *at;
	size_t count, room;
};

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "decide: %s: %s\n", what, why);
	return 4;
}

static bool read_query(char *line, struct query *out)
{
	char *name = strtok(line, " \n"), *client = strtok(NULL, " \n");
	struct sink_name key;

	if (!name || !client || sink_name_from_text(sink_span_text(name), &key) ||
		sink_prefix_from_text(sink_span_text(client), &out->client))
		return false;
	out->len = sink_name_to_wire(&key, out->wire);
	return true;
}

static bool read_queries(const char *path, struct queries *out)
{
	FILE *file = fopen(path, "r");
	char line[SINK_TEXT_MAX];
	bool is_good = file;

	while (is_good && fgets(line, sizeof line, file)) {
		struct query *at = sink_grow(out->at, out->count, &out->room, sizeof *at);

		is_good = at;
		if (!at)
			break;
		out->at = at;
		is_good = read_query(line, &at[out->count++]);
	}
	if (file)
		fclose(file);
	return is_good && out->count > 0;
}

/* Of each query the client and the verdict, as a resolver has them made when a query begins. */
__attribute__((noinline, noclone)) static int decisions(struct sink_judge *judge,
	const struct queries *queries, uint64_t by_rule[SINK_RULES_MAX + 1])
{
	int err = SINK_OK;

	for (size_t i = 0; !err && i < queries->count; i++) {
		const struct query *query = &queries->at[i];
		struct sink_span name = sink_span(query->wire, query->len);
		struct sink_case what = {
			.type = TYPE_A,
			.now = NOW,
			.names = &name,
			.names_count = 1,
		};
		struct sink_client client;
		struct sink_verdict verdict;

		sink_client_of(judge, &query->client, NOW, &client);
		err = sink_decide(judge, &what, &client, NULL, NULL, &verdict);
		if (!err)
			by_rule[verdict.rule < SINK_RULES_MAX ? verdict.rule : SINK_RULES_MAX]++;
	}
	return err;
}

static void print(const struct sink_policy *policy, const uint64_t by_rule[SINK_RULES_MAX + 1])
{
	for (size_t rule = 0; rule < policy->rules_count; rule++)
		if (by_rule[rule] > 0)
			printf("%llu %.*s\n", (unsigned long long)by_rule[rule],
				(int)policy->rules[rule].name.len,
				(const char *)policy->rules[rule].name.at);
	if (by_rule[SINK_RULES_MAX] > 0)
		printf("%llu -\n", (unsigned long long)by_rule[SINK_RULES_MAX]);
}

static int decide(const struct sink_generation *generation, const struct queries *queries,
	unsigned long rounds)
{
	uint64_t by_rule[SINK_RULES_MAX + 1] = { 0 };
	struct sink_judge *judge = NULL;
	int err = sink_judge_begin(generation, &judge);

	for (unsigned long i = 0; !err && i < rounds; i++)
		err = decisions(judge, queries, by_rule);
	sink_judge_end(judge);
	if (err)
		return fail("decisions", sink_strerror(err));
	print(sink_generation_policy(generation), by_rule);
	return fflush(stdout) || ferror(stdout) ? 4 : 0;
}

int main(int argc, char **argv)
{
	struct sink_generation_options options = { .map = SINK_MAP_DIRECT };
	struct sink_why why = { "" };
	struct sink_generation *generation;
	struct sink_manifest manifest;
	struct queries queries = { 0 };
	int status;

	if (argc != 4) {
		fprintf(stderr, "usage: decide DIR QUERIES ROUNDS\n");
		return 2;
	}
	if (!read_queries(argv[2], &queries)) {
		free(queries.at);
		return fail(argv[2], "no queries");
	}
	options.dir = argv[1];
	options.manifest = &manifest;
	if (sink_store_manifest(argv[1], 0, &why, &manifest) ||
		sink_generation_open(&options, &why, &generation)) {
		free(queries.at);
		return fail(argv[1], why.text);
	}
	status = decide(generation, &queries, strtoul(argv[3], NULL, 10));
	sink_generation_close(generation);
	free(queries.at);
	return status;
}
