/* decide.c - decisions and nothing else, for a tool that counts instructions, and for a clock.
 *
 *     decide DIR QUERIES ROUNDS [BATCH]      QUERIES holds lines "NAME CLIENT"; all of them, so often
 *
 * Of each query the client and the verdict are made, as a resolver has them made when a query begins. What is counted is
 * what happens in the library's two functions (callgrind: --toggle-collect=sink_client_of --toggle-collect=sink_decide).
 *
 * The clock runs over BATCH decisions at a time, and before each batch every cache is filled with something else, so
 * that nothing about its names is there; without BATCH it runs over each round, and nothing is displaced.
 *
 * What became of the queries is printed, a line a rule, "COUNT NAME", so that whoever measures can tell whether the rules
 * decided that were meant to ("-" is no rule); before them, for each round, a line
 * "# N ns", the mean of its decisions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sinkhole/decide.h"
#include "sinkhole/grow.h"

#define NOW 1798761600 /* seconds: some day */
#define TYPE_A 1
/* Bytes: more than what one processor reaches of any cache. What glibc and virtual machines tell of that may be the sum
 * over all of a large machine's. */
#define DISPLACING ((size_t)256 << 20)

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

/* --- deciding --------------------------------------------------------------------------------- */

struct run {
	struct sink_judge *judge;
	const struct queries *queries;
	struct sink_span name; /* of the query at hand */
	struct sink_case what; /* about that name */
	size_t batch; /* decisions before all caches are displaced; 0: never */
	uint8_t *displacing; /* DISPLACING bytes */
	uint64_t by_rule[SINK_RULES_MAX + 1];
};

static int decide_one(struct run *run, const struct query *query)
{
	struct sink_client client;
	struct sink_verdict verdict;
	int err;

	run->name = sink_span(query->wire, query->len);
	sink_client_of(run->judge, &query->client, NOW, &client);
	err = sink_decide(run->judge, &run->what, &client, NULL, NULL, &verdict);
	if (!err)
		run->by_rule[verdict.rule < SINK_RULES_MAX ? verdict.rule : SINK_RULES_MAX]++;
	return err;
}

static double nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* What reading the clock twice takes. */
static double clock_ns(void)
{
	double least = 1e9;

	for (int i = 0; i < 1000; i++) {
		double begin = nanoseconds(), taken = nanoseconds() - begin;

		least = taken < least ? taken : least;
	}
	return least;
}

/* Nothing is cached any more but the queries of the batch to come, which a resolver has just received, and the clock. */
static void displace(const struct run *run, size_t from, size_t to)
{
	volatile uint8_t *at = run->displacing;
	volatile uint8_t touched;

	for (size_t i = 0; i < DISPLACING; i += 64)
		at[i]++;
	for (size_t i = from; i < to; i++)
		for (size_t n = 0; n < sizeof run->queries->at[i]; n += 64)
			touched = ((const uint8_t *)&run->queries->at[i])[n];
	(void)touched;
	nanoseconds();
}

/* taken    nanoseconds of all decisions */
static int decide_all(struct run *run, double clock, double *taken)
{
	size_t count = run->queries->count, batch = run->batch ? run->batch : count;
	int err = SINK_OK;

	*taken = 0;
	for (size_t from = 0; !err && from < count; from += batch) {
		size_t to = from + batch < count ? from + batch : count;
		double begin;

		if (run->batch)
			displace(run, from, to);
		begin = nanoseconds();
		for (size_t i = from; !err && i < to; i++)
			err = decide_one(run, &run->queries->at[i]);
		*taken += nanoseconds() - begin - clock;
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

static int decide(const struct sink_generation *generation, struct run *run, unsigned long rounds)
{
	double clock = clock_ns(), taken;
	int err = sink_judge_begin(generation, &run->judge);

	for (unsigned long i = 0; !err && i < rounds; i++) {
		err = decide_all(run, clock, &taken);
		if (!err)
			printf("# %.1f ns\n", taken / (double)run->queries->count);
	}
	sink_judge_end(run->judge);
	if (err)
		return fail("decisions", sink_strerror(err));
	print(sink_generation_policy(generation), run->by_rule);
	return fflush(stdout) || ferror(stdout) ? 4 : 0;
}

static bool prepare(struct run *run, const char *batch)
{
	run->batch = strtoul(batch, NULL, 10);
	run->displacing = malloc(DISPLACING);
	if (!run->displacing)
		return false;
	memset(run->displacing, 1, DISPLACING);
	return run->batch > 0;
}

static int open_and_decide(const char *dir, struct run *run, unsigned long rounds)
{
	struct sink_generation_options options = { .dir = dir, .map = SINK_MAP_SEALED };
	struct sink_why why = { "" };
	struct sink_generation *generation;
	struct sink_manifest manifest;
	int status;

	options.manifest = &manifest;
	if (sink_store_manifest(dir, 0, &why, &manifest) ||
		sink_generation_open(&options, &why, &generation))
		return fail(dir, why.text);
	status = decide(generation, run, rounds);
	sink_generation_close(generation);
	return status;
}

int main(int argc, char **argv)
{
	struct queries queries = { 0 };
	struct run run = {
		.queries = &queries,
		.what = { .type = TYPE_A, .now = NOW, .names = &run.name, .names_count = 1 },
	};
	int status;

	if (argc < 4 || argc > 5) {
		fprintf(stderr, "usage: decide DIR QUERIES ROUNDS [BATCH]\n");
		return 2;
	}
	if (!read_queries(argv[2], &queries))
		status = fail(argv[2], "no queries");
	else if (argc == 5 && !prepare(&run, argv[4]))
		status = fail(argv[4], "no batch");
	else
		status = open_and_decide(argv[1], &run, strtoul(argv[3], NULL, 10));
	free(run.displacing);
	free(queries.at);
	return status;
}
