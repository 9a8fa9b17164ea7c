/* test_current.c - every entry sees one generation, whole, and nothing is closed under a reader.
 * Run it with ThreadSanitizer and AddressSanitizer, too: they see what no assertion does. */
#include "sinkhole/current.h"

#include <pthread.h>
#include <time.h>

#include "base.h"
#include "policies.h"

static char room[PATH_ROOM];

static void enter_room(void)
{
	make_room(room);
}

static void leave_room(void)
{
	clear_room(room);
}

/* --- databases that say which one they are ---------------------------------------------------- */

/* Each lists one name, common to all, with its number for a source; and one name of its own. */
static void write_numbered(unsigned number, char path[PATH_ROOM])
{
	char file[32], source[16], own[32];
	struct base_row rows[] = {
		{ "common.example", SINK_SCOPE_SUBTREE, SINK_KIND_BLOCK, source },
		{ own, SINK_SCOPE_EXACT, SINK_KIND_BLOCK, source },
	};

	snprintf(file, sizeof file, "%u.mdb", number);
	snprintf(source, sizeof source, "%u", number);
	snprintf(own, sizeof own, "own%u.example", number);
	make_base(inside(room, file, path), rows, LENGTH(rows));
}

static struct sink_generation *make_numbered(unsigned number)
{
	char path[PATH_ROOM];
	struct sink_db *db;

	write_numbered(number, path);
	db = open_base(path, SINK_MAP_SEALED);
	ck_assert_int_eq(unlink(path), 0);
	return generation_of(db, &sink_policy_default);
}

/* Which generation is this? 0 if it contradicts itself. */
static unsigned number_of(struct sink_judge *judge, const struct sink_name *common)
{
	struct sink_verdict verdict;
	struct sink_record record;
	struct sink_name own;
	struct sink_span source;
	char text[32];

	if (decide_name(judge, common, 0, &verdict) || verdict.action != SINK_ACTION_NXDOMAIN ||
		sink_reader_record(sink_judge_reader(judge), verdict.winner.record, &record))
		return 0;
	source = record.text[SINK_FIELD_SOURCE];
	snprintf(text, sizeof text, "own%.*s.example", (int)source.len, (const char *)source.at);
	if (sink_name_from_text(sink_span_text(text), &own) ||
		decide_name(judge, &own, 0, &verdict) || verdict.action != SINK_ACTION_NXDOMAIN)
		return 0;
	return (unsigned)strtoul((const char *)source.at, NULL, 10);
}

/* --- alone ------------------------------------------------------------------------------------ */

START_TEST(one_thread)
{
	struct sink_name common = name_of("x.common.example");
	struct sink_judge *judge = NULL, *again;
	struct sink_current *current;

	ck_assert_int_eq(sink_current_new(2, &current), SINK_OK);
	ck_assert_uint_eq(sink_current_serial(current), 0);
	ck_assert_int_eq(sink_current_enter(current, 0, &judge), SINK_ENOENT);
	ck_assert_int_eq(sink_current_enter(current, 2, &judge), SINK_EINVAL);
	ck_assert_int_eq(sink_current_enter(current, UINT_MAX, &judge), SINK_EINVAL);
	ck_assert_ptr_null(judge);
	sink_current_leave(current, 0); /* not entered: nothing happens */
	sink_current_leave(current, 99);
	ck_assert_int_eq(sink_current_switch(current, make_numbered(5), 5), SINK_OK);
	ck_assert_uint_eq(sink_current_serial(current), 5);
	ck_assert_int_eq(sink_current_enter(current, 0, &judge), SINK_OK);
	ck_assert_uint_eq(number_of(judge, &common), 5);
	ck_assert_int_eq(sink_current_enter(current, 0, &again), SINK_EINVAL); /* twice */
	ck_assert_int_eq(sink_current_enter(current, 1, &again), SINK_OK);
	ck_assert_ptr_ne(judge, again);
	sink_current_leave(current, 1);
	sink_current_leave(current, 0);
	ck_assert_int_eq(sink_current_enter(current, 0, &again), SINK_OK);
	ck_assert_ptr_eq(judge, again); /* begun once a generation */
	sink_current_leave(current, 0);
	ck_assert_int_eq(sink_current_switch(current, make_numbered(6), 6), SINK_OK);
	ck_assert_int_eq(sink_current_enter(current, 0, &judge), SINK_OK);
	ck_assert_uint_eq(number_of(judge, &common), 6);
	sink_current_leave(current, 0);
	ck_assert_int_eq(sink_current_switch(current, NULL, 7), SINK_OK); /* stop filtering */
	ck_assert_uint_eq(sink_current_serial(current), 7);
	ck_assert_int_eq(sink_current_enter(current, 0, &judge), SINK_ENOENT);
	ck_assert_int_eq(sink_current_switch(current, NULL, 8), SINK_OK);
	ck_assert_int_eq(sink_current_switch(current, make_numbered(9), 9), SINK_OK);
	ck_assert_int_eq(sink_current_enter(current, 1, &judge), SINK_OK);
	sink_current_leave(current, 1);
	sink_current_free(current);
	sink_current_free(NULL);
}
END_TEST

/* What is judged anew has a new epoch, whatever its serial. */
START_TEST(epochs)
{
	struct sink_name common = name_of("x.common.example");
	struct sink_generation *second = make_numbered(2);
	struct sink_current *current;
	struct sink_judge *judge;

	ck_assert_int_eq(sink_current_new(1, &current), SINK_OK);
	ck_assert_uint_eq(sink_current_epoch(current), 0);
	ck_assert_ptr_null(sink_current_generation(current));
	ck_assert_int_eq(sink_current_switch(current, make_numbered(1), 7), SINK_OK);
	ck_assert_uint_eq(sink_current_epoch(current), 1);
	ck_assert_int_eq(sink_current_switch(current, second, 7),
		SINK_OK); /* the serial of the first */
	ck_assert_ptr_eq(sink_current_generation(current), second);
	ck_assert_uint_eq(sink_current_epoch(current), 2);
	ck_assert_uint_eq(sink_current_serial(current), 7);
	ck_assert_int_eq(sink_current_enter(current, 0, &judge), SINK_OK);
	ck_assert_uint_eq(number_of(judge, &common), 2);
	ck_assert_uint_eq(sink_current_entered(current, 0), 7);
	sink_current_turn(current);
	ck_assert_uint_eq(sink_current_epoch(current), 3);
	ck_assert_uint_eq(number_of(judge, &common), 2);
	sink_current_leave(current, 0);
	ck_assert_ptr_eq(sink_current_generation(current), second);
	ck_assert_int_eq(sink_current_switch(current, NULL, 8), SINK_OK);
	ck_assert_uint_eq(sink_current_epoch(current), 4);
	ck_assert_ptr_null(sink_current_generation(current));
	sink_current_free(current);
}
END_TEST

/* --- a reader that stays ---------------------------------------------------------------------- */

struct switching {
	struct sink_current *current;
	struct sink_generation *generation;
	atomic_bool done;
};

static void *switch_once(void *arg)
{
	struct switching *switching = arg;

	ck_assert_int_eq(sink_current_switch(switching->current, switching->generation, 2),
		SINK_OK);
	atomic_store(&switching->done, true);
	return NULL;
}

static void nap(long nanoseconds)
{
	const struct timespec pause = { .tv_nsec = nanoseconds };

	nanosleep(&pause, NULL);
}

START_TEST(switch_waits_for_a_reader)
{
	struct sink_name common = name_of("common.example");
	struct switching switching = { .generation = NULL };
	struct sink_judge *old, *new;
	pthread_t thread;

	ck_assert_int_eq(sink_current_new(2, &switching.current), SINK_OK);
	ck_assert_int_eq(sink_current_switch(switching.current, make_numbered(1), 1), SINK_OK);
	switching.generation = make_numbered(2);
	ck_assert_int_eq(sink_current_enter(switching.current, 0, &old), SINK_OK);
	ck_assert_int_eq(pthread_create(&thread, NULL, switch_once, &switching), 0);
	while (sink_current_serial(switching.current) != 2)
		nap(100000);
	/* The others have the new one at once, and the old one is still good for who entered it. */
	ck_assert_int_eq(sink_current_enter(switching.current, 1, &new), SINK_OK);
	ck_assert_uint_eq(number_of(new, &common), 2);
	sink_current_leave(switching.current, 1);
	nap(20000000);
	ck_assert(!atomic_load(&switching.done));
	ck_assert_uint_eq(number_of(old, &common), 1);
	sink_current_leave(switching.current, 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert(atomic_load(&switching.done));
	ck_assert_int_eq(sink_current_enter(switching.current, 0, &new), SINK_OK);
	ck_assert_uint_eq(number_of(new, &common), 2);
	sink_current_leave(switching.current, 0);
	sink_current_free(switching.current);
}
END_TEST

/* --- a crowd ---------------------------------------------------------------------------------- */

#define READERS 4
#define SWITCHES 2000
#define KINDS 8 /* different databases; each is opened anew for each switch */
#define PAUSE_EVERY 10 /* one switch in so many stops filtering */

static struct {
	struct sink_current *current;
	atomic_bool stop;
	atomic_uint entered[READERS], empty[READERS], wrong;
} crowd;

static struct {
	char path[PATH_ROOM];
	struct sink_db_options options;
} kinds[KINDS];

/* The database of generation `serial` has this number. */
static unsigned kind_of(uint64_t serial)
{
	return (unsigned)(serial % KINDS) + 1;
}

static void make_kinds(void)
{
	for (unsigned i = 0; i < KINDS; i++) {
		write_numbered(kind_of(i), kinds[i].path);
		kinds[i].options = promise(kinds[i].path, SINK_MAP_SEALED);
	}
}

static struct sink_generation *open_kind(uint64_t serial)
{
	struct sink_db *db;
	size_t i = serial % KINDS;

	ck_assert_int_eq(sink_db_open(kinds[i].path, &kinds[i].options, NULL, &db), SINK_OK);
	return generation_of(db, &sink_policy_default);
}

/* Could `number` be that of a generation that was in use between two looks at the serial? The
 * switcher says the serial after it switched, so the next one may be here already. */
static bool fits(unsigned number, uint64_t first, uint64_t last)
{
	for (uint64_t serial = first; serial <= last + 1; serial++)
		if (serial % PAUSE_EVERY && kind_of(serial) == number)
			return true;
	return false;
}

/* A reader's life. */
static void *live(void *arg)
{
	unsigned slot = (unsigned)(uintptr_t)arg;
	struct sink_name common = name_of("a.b.common.example");

	while (!atomic_load(&crowd.stop)) {
		uint64_t first = sink_current_serial(crowd.current);
		struct sink_judge *judge;
		int err = sink_current_enter(crowd.current, slot, &judge);

		if (err == SINK_ENOENT) {
			atomic_fetch_add(&crowd.empty[slot], 1);
			continue;
		}
		if (err ||
			!fits(number_of(judge, &common), first, sink_current_serial(crowd.current)))
			atomic_fetch_add(&crowd.wrong, 1);
		if (!err)
			sink_current_leave(crowd.current, slot);
		atomic_fetch_add(&crowd.entered[slot], 1);
	}
	return NULL;
}

START_TEST(crowd_sees_one_generation)
{
	pthread_t threads[READERS];
	unsigned before;

	make_kinds();
	before = open_files();
	ck_assert_int_eq(sink_current_new(READERS, &crowd.current), SINK_OK);
	for (uintptr_t i = 0; i < READERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, live, (void *)i), 0);
	for (unsigned i = 1; i <= SWITCHES; i++) {
		struct sink_generation *generation = i % PAUSE_EVERY ? open_kind(i) : NULL;

		ck_assert_int_eq(sink_current_switch(crowd.current, generation, i), SINK_OK);
		ck_assert_uint_eq(sink_current_serial(crowd.current), i);
	}
	atomic_store(&crowd.stop, true);
	for (unsigned i = 0; i < READERS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_uint_gt(atomic_load(&crowd.entered[i]), 0);
	}
	ck_assert_uint_eq(atomic_load(&crowd.wrong), 0);
	sink_current_free(crowd.current);
	ck_assert_uint_eq(open_files(), before); /* every generation was closed */
}
END_TEST

/* Entering is not reading for long: a database that takes its time to open delays nobody, since
 * opening is done before the switch. Here only that a switch among idle readers ends. */
START_TEST(idle_slots_do_not_matter)
{
	struct sink_current *current;
	struct sink_judge *judge;

	ck_assert_int_eq(sink_current_new(1000, &current), SINK_OK);
	ck_assert_int_eq(sink_current_switch(current, make_numbered(1), 1), SINK_OK);
	ck_assert_int_eq(sink_current_enter(current, 999, &judge), SINK_OK);
	sink_current_leave(current, 999);
	ck_assert_int_eq(sink_current_switch(current, make_numbered(2), 2), SINK_OK);
	ck_assert_int_eq(sink_current_enter(current, 0, &judge), SINK_OK);
	sink_current_leave(current, 0);
	sink_current_free(current);
	ck_assert_int_eq(sink_current_new(0, &current), SINK_OK);
	ck_assert_int_eq(sink_current_enter(current, 0, &judge), SINK_EINVAL);
	sink_current_free(current);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("current");
	TCase *alone = tcase_create("alone");
	TCase *together = tcase_create("together");

	tcase_add_checked_fixture(alone, enter_room, leave_room);
	tcase_add_test(alone, one_thread);
	tcase_add_test(alone, epochs);
	tcase_add_test(alone, switch_waits_for_a_reader);
	tcase_add_test(alone, idle_slots_do_not_matter);
	tcase_set_timeout(alone, 60);
	suite_add_tcase(suite, alone);
	tcase_add_checked_fixture(together, enter_room, leave_room);
	tcase_add_test(together, crowd_sees_one_generation);
	tcase_set_timeout(together, 300);
	suite_add_tcase(suite, together);
	return run_suite(suite);
}
