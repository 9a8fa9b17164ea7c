/* test_trial.c - precedence within and between rules LISTED, as response policy zones have it: entries by hand, and what
 * BIND's manual makes of them. Decisions on whole databases are in test_decide.c. */
#include "trial.h"

#include "suite.h"

/* Rules 0 and 1 are zones, 2 is one of a plain action, about everything. */
enum { ZONE_A = 1, ZONE_B = 2, FEED = 0 };

static struct bound bound;
static uint64_t all[SINK_RULE_WORDS] = { 7 };

static void set_up(void)
{
	memset(&bound, 0, sizeof bound);
	bound.words = 1;
	bound.listed_rules[0] = ZONE_A | ZONE_B;
	for (int i = 0; i < SINK_TRIGGER_COUNT; i++)
		bound.triggers[i][0] = 7;
}

/* One entry: of which zone, its trigger, which of the case's names or addresses it is about, how specific it is. */
struct given {
	uint64_t zone; /* FEED: of none; rule 2 alone */
	enum sink_trigger trigger;
	size_t subject;
	uint16_t weight;
	enum sink_hint hint;
};

#define QNAME SINK_TRIGGER_QNAME
#define ANSWER SINK_TRIGGER_ANSWER
#define CLIENT SINK_TRIGGER_CLIENT
#define NSNAME SINK_TRIGGER_NSNAME
#define NSADDRESS SINK_TRIGGER_NSADDRESS
#define STOP SINK_HINT_STOP
#define DATA SINK_HINT_DATA

#define GIVEN_MAX 6
#define NONE (-1)

static const struct {
	const char *what;
	struct given given[GIVEN_MAX]; /* up to a weight of 0 */
	int rule, winner; /* number in `given`; NONE: nothing decides */
} rows[] = {
	{ "a name", { { ZONE_A, QNAME, 0, 2, DATA } }, 0, 0 },
	{ "the zone that comes first, whatever its trigger",
		{ { ZONE_B, CLIENT, 0, 32, DATA }, { ZONE_A, NSADDRESS, 0, 8, DATA } }, 0, 1 },
	{ "client, query name, answer, server, its address",
		{ { ZONE_A, NSADDRESS, 0, 128, DATA }, { ZONE_A, NSNAME, 0, 9, DATA },
			{ ZONE_A, ANSWER, 0, 128, DATA }, { ZONE_A, QNAME, 0, 1, DATA },
			{ ZONE_A, CLIENT, 0, 8, DATA } },
		0, 4 },
	{ "the same without a client",
		{ { ZONE_A, NSADDRESS, 0, 128, DATA }, { ZONE_A, NSNAME, 0, 9, DATA },
			{ ZONE_A, ANSWER, 0, 128, DATA }, { ZONE_A, QNAME, 0, 1, DATA } },
		0, 3 },
	{ "nor a query name",
		{ { ZONE_A, NSADDRESS, 0, 128, DATA }, { ZONE_A, NSNAME, 0, 9, DATA },
			{ ZONE_A, ANSWER, 0, 97, DATA } },
		0, 2 },
	{ "nor an answer", { { ZONE_A, NSADDRESS, 0, 128, DATA }, { ZONE_A, NSNAME, 0, 9, DATA } },
		0, 1 },
	{ "the longest prefix, of any address",
		{ { ZONE_A, ANSWER, 0, 104, DATA }, { ZONE_A, ANSWER, 1, 120, DATA },
			{ ZONE_A, ANSWER, 2, 112, DATA } },
		0, 1 },
	{ "the earlier name, be it less specific",
		{ { ZONE_A, QNAME, 0, 1, DATA }, { ZONE_A, QNAME, 1, 5, DATA } }, 0, 0 },
	{ "a stop: nothing, and no later rule blocks what it spares",
		{ { ZONE_A, QNAME, 0, 3, STOP }, { ZONE_A, QNAME, 0, 2, DATA } }, NONE, NONE },
	{ "whatever the order", { { ZONE_A, QNAME, 0, 2, DATA }, { ZONE_A, QNAME, 0, 3, STOP } },
		NONE, NONE },
	{ "a stop above what is listed",
		{ { ZONE_A, QNAME, 0, 3, DATA }, { ZONE_A, QNAME, 0, 2, STOP } }, 0, 0 },
	{ "a stop beside it, of another part of the zone",
		{ { ZONE_A, QNAME, 0, 3, STOP }, { ZONE_A, QNAME, 0, 3, DATA } }, 0, 1 },
	{ "a stop is about its own name",
		{ { ZONE_A, QNAME, 0, 3, STOP }, { ZONE_A, QNAME, 0, 1, DATA },
			{ ZONE_A, QNAME, 1, 2, DATA } },
		0, 2 },
	{ "of servers too, if it is the more specific one",
		{ { ZONE_A, NSNAME, 0, 9, STOP }, { ZONE_A, NSNAME, 0, 8, DATA },
			{ ZONE_A, NSNAME, 1, 2, DATA } },
		0, 2 },
	{ "then the next trigger is asked",
		{ { ZONE_A, QNAME, 0, 3, STOP }, { ZONE_A, QNAME, 0, 1, DATA },
			{ ZONE_A, ANSWER, 0, 96, DATA } },
		0, 2 },
	{ "and the next zone",
		{ { ZONE_A, QNAME, 0, 3, STOP }, { ZONE_A, QNAME, 0, 2, DATA },
			{ ZONE_B, QNAME, 0, 1, DATA } },
		1, 2 },
	{ "whose stops are its own",
		{ { ZONE_B, QNAME, 0, 3, STOP }, { ZONE_A, QNAME, 0, 2, DATA },
			{ ZONE_B, QNAME, 0, 1, DATA } },
		0, 1 },
	{ "both are stopped",
		{ { ZONE_B, QNAME, 0, 3, STOP }, { ZONE_A, QNAME, 0, 4, STOP },
			{ ZONE_A, QNAME, 0, 2, DATA }, { ZONE_B, QNAME, 0, 1, DATA } },
		NONE, NONE },
	{ "a stop of a zone is none for other entries",
		{ { ZONE_A, QNAME, 0, 3, STOP }, { ZONE_A, QNAME, 0, 2, DATA },
			{ FEED, QNAME, 0, 1, SINK_HINT_NONE } },
		2, 2 },
};

START_TEST(precedence)
{
	struct found found[GIVEN_MAX] = { 0 };
	uint64_t rules[GIVEN_MAX][SINK_RULE_WORDS] = { 0 };
	const struct found *winner = NULL;
	struct trial trial;
	size_t count = 0;
	bool decided;

	set_up();
	for (; count < GIVEN_MAX && rows[_i].given[count].weight > 0; count++) {
		const struct given *given = &rows[_i].given[count];

		rules[count][0] = given->zone | 4; /* the last rule is about every entry */
		found[count] = (struct found){ .trigger = given->trigger,
			.subject = given->subject,
			.weight = given->weight,
			.hint = given->hint,
			.listing.record = (uint32_t)count,
			.rules = rules[count] };
	}
	trial_begin(&trial, &bound, all);
	decided = trial_run(&trial, found, count, &winner) == TRIAL_DECIDED;
	if (decided != (rows[_i].winner != NONE))
		ck_abort_msg("%s: decided: %d", rows[_i].what, decided);
	if (!decided)
		return;
	ck_assert_msg(trial.rule == rows[_i].rule, "%s: rule %u", rows[_i].what, trial.rule);
	ck_assert_msg((int)winner->listing.record == rows[_i].winner, "%s: entry %u", rows[_i].what,
		winner->listing.record);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trial");
	TCase *tcase = tcase_create("zones");

	tcase_add_loop_test(tcase, precedence, 0, LENGTH(rows));
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
