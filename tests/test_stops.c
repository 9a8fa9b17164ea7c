/* test_stops.c - owner names in canonical order, and where the wildcards of a zone end: random zones against RFC 4592
 * read naively. */
#include "stops.h"

#include "base.h"
#include "owners.h"

#define MANY 200000

static void add(struct owners *owners, uint8_t tree, const struct sink_name *name, uint8_t is)
{
	struct owner owner = { .tree = tree, .is = is, .key = sink_name_key(name) };

	ck_assert(owners_add(owners, &owner) == SINK_OK);
}

/* --- owners ----------------------------------------------------------------------------------------- */

/* The n-th of many names, in an order that has nothing to do with theirs. */
static struct sink_name shuffled(uint32_t n)
{
	char text[64];

	snprintf(text, sizeof text, "n%u.z%u.example", n * UINT32_C(2654435761) % MANY, n % 7);
	return name_of(text);
}

/* with room for all, for some thousand, and for hardly any */
static const size_t memories[] = { OWNERS_MEMORY, 400000, 30000 };

START_TEST(names_come_in_canonical_order)
{
	struct owners *owners;
	struct owner owner;
	uint8_t last[1 + SINK_KEY_MAX];
	size_t last_len = 0, seen = 0;
	unsigned repeated = 0;

	ck_assert(owners_begin(memories[_i], &owners) == SINK_OK);
	for (uint32_t n = 0; n < MANY; n++) {
		struct sink_name name = shuffled(n);

		add(owners, (uint8_t)(n % 2), &name, OWNER_EXISTS);
		if (n % 1000 == 0) { /* again, and so far from there that it is in another run */
			name = shuffled(n / 2);
			add(owners, (uint8_t)(n / 2 % 2), &name, OWNER_IS_LISTED);
			repeated++;
		}
	}
	ck_assert_uint_eq(owners_count(owners, OWNER_EXISTS), MANY);
	ck_assert_uint_eq(owners_count(owners, OWNER_IS_LISTED), repeated);
	ck_assert_uint_eq(owners_count(owners, OWNER_HAS_WILDCARD), 0);
	ck_assert(owners_finish(owners) == SINK_OK);
	while (owners_next(owners, &owner) == SINK_OK) {
		uint8_t now[1 + SINK_KEY_MAX];
		size_t len = 1 + owner.key.len, shorter = len < last_len ? len : last_len;
		int order;

		now[0] = owner.tree;
		memcpy(now + 1, owner.key.at, owner.key.len);
		order = memcmp(last, now, shorter);
		ck_assert(order < 0 || (order == 0 && last_len < len));
		ck_assert(owner.is & OWNER_EXISTS);
		repeated -= owner.is >> 1 & 1;
		memcpy(last, now, len);
		last_len = len;
		seen++;
	}
	ck_assert_uint_eq(seen, MANY);
	ck_assert_uint_eq(repeated, 0);
	ck_assert_int_eq(owners_next(owners, &owner), SINK_ENOENT);
	owners_end(owners);
}
END_TEST

START_TEST(of_nothing)
{
	struct owners *owners;
	struct owner owner;

	owners_end(NULL);
	ck_assert(owners_begin(0, &owners) == SINK_OK);
	ck_assert(owners_finish(owners) == SINK_OK);
	ck_assert_int_eq(owners_next(owners, &owner), SINK_ENOENT);
	owners_end(owners);
}
END_TEST

/* The longest names there are, in no memory at all: a run for each. */
START_TEST(longest_names)
{
	struct owners *owners;
	struct owner owner;
	char text[SINK_TEXT_MAX];
	size_t seen = 0;

	ck_assert(owners_begin(0, &owners) == SINK_OK);
	for (int n = 9; n >= 0; n--) {
		struct sink_name name;
		size_t len = 0;

		for (int label = 0; label < 4; label++) {
			for (int i = 0; i < (label == 3 ? 60 : 63); i++)
				len += (size_t)sprintf(text + len, "\\000");
			len += (size_t)sprintf(text + len, label == 3 ? "%d" : ".", n);
		}
		name = name_of(text);
		ck_assert_uint_ge(name.len, SINK_KEY_MAX - 1);
		add(owners, 0, &name, OWNER_EXISTS);
	}
	ck_assert(owners_finish(owners) == SINK_OK);
	while (owners_next(owners, &owner) == SINK_OK)
		seen++;
	ck_assert_uint_eq(seen, 10);
	owners_end(owners);
}
END_TEST

START_TEST(nowhere_to_spill)
{
	const char *before = getenv("TMPDIR");
	char *kept = before ? strdup(before) : NULL;
	struct owners *owners;
	int err = SINK_OK;

	setenv("TMPDIR", "/nonexistent", 1);
	ck_assert(owners_begin(30000, &owners) == SINK_OK);
	for (uint32_t n = 0; n < MANY && !err; n++) {
		struct sink_name name = shuffled(n);
		struct owner owner = { .is = OWNER_EXISTS, .key = sink_name_key(&name) };

		err = owners_add(owners, &owner);
	}
	if (kept)
		setenv("TMPDIR", kept, 1);
	else
		unsetenv("TMPDIR");
	free(kept);
	ck_assert_int_eq(err, SINK_EIO);
	owners_end(owners);
}
END_TEST

/* --- stops ------------------------------------------------------------------------------------------ */

/* A universe of names: up to DEPTH labels of LETTERS letters, as numbers in that base, digits from 1; 0 is the root. */
#define LETTERS 3
#define DEPTH 5
#define UNIVERSE 1024 /* (LETTERS + 1)^DEPTH */

/* The parent: labels are digits, the top one the lowest. */
static unsigned parent(unsigned n)
{
	unsigned place = 1;

	while (place * (LETTERS + 1) <= n)
		place *= LETTERS + 1;
	return n % place;
}

static bool is_name(unsigned n)
{
	for (; n > 0; n /= LETTERS + 1)
		if (n % (LETTERS + 1) == 0)
			return false;
	return true;
}

static struct sink_name universal(unsigned n)
{
	char text[2 * DEPTH + 2] = ".";
	unsigned digits[DEPTH];
	size_t count = 0, len = 0;

	for (; n > 0; n /= LETTERS + 1)
		digits[count++] = n % (LETTERS + 1);
	while (count > 0) {
		text[len++] = (char)('a' + digits[--count]);
		text[len++] = '.';
		text[len] = 0;
	}
	return name_of(text);
}

static unsigned number_of(struct sink_span key)
{
	unsigned n = 0, place = 1;

	for (size_t i = 0; i < key.len; i += 2, place *= LETTERS + 1)
		n += place * (unsigned)(key.at[i] - 'a');
	return n;
}

struct zone {
	uint8_t is[UNIVERSE]; /* what was added */
	bool exists[UNIVERSE]; /* those, and all above them */
	enum sink_scope stop[UNIVERSE]; /* SINK_SCOPE_COUNT: none */
	size_t stops;
};

static int take_stop(void *arg, uint8_t tree, struct sink_span key, enum sink_scope scope)
{
	struct zone *zone = arg;
	unsigned n = number_of(key);

	ck_assert(tree == 1);
	ck_assert(zone->stop[n] == SINK_SCOPE_COUNT);
	zone->stop[n] = scope;
	zone->stops++;
	return SINK_OK;
}

static void roll_zone(struct dice *dice, struct zone *zone)
{
	struct owners *owners;
	uint64_t names = 1 + roll(dice, 24);

	memset(zone, 0, sizeof *zone);
	for (unsigned n = 0; n < UNIVERSE; n++)
		zone->stop[n] = SINK_SCOPE_COUNT;
	zone->exists[0] = true;
	ck_assert(owners_begin(roll(dice, 2) ? OWNERS_MEMORY : 64, &owners) == SINK_OK);
	for (uint64_t i = 0; i < names; i++) {
		unsigned n = (unsigned)roll(dice, UNIVERSE);
		uint8_t is = (uint8_t)(OWNER_EXISTS | roll(dice, 4) << 1);
		struct sink_name name;

		for (uint64_t cut = roll(dice, DEPTH); cut > 0; cut--)
			n = parent(n);
		if (!is_name(n))
			continue;
		if (n == 0)
			is &= (uint8_t)~OWNER_IS_LISTED; /* the apex is no trigger */
		name = universal(n);
		zone->is[n] |= is;
		add(owners, 1, &name, is);
		for (; n > 0; n = parent(n))
			zone->exists[n] = true;
	}
	ck_assert(owners_finish(owners) == SINK_OK);
	ck_assert(stops_tell(owners, take_stop, zone) == SINK_OK);
	owners_end(owners);
}

#define ITSELF (UNIVERSE + 1)
#define NOTHING (UNIVERSE + 2)

/* RFC 4592: the name itself, or the wildcard of its closest encloser, if they are listed. */
static unsigned by_rfc(const struct zone *zone, unsigned n)
{
	unsigned encloser = n;

	if (zone->is[n] & OWNER_IS_LISTED)
		return ITSELF;
	if (zone->exists[n])
		return NOTHING;
	while (!zone->exists[encloser])
		encloser = parent(encloser);
	return zone->is[encloser] & OWNER_HAS_WILDCARD ? encloser : NOTHING;
}

/* As the database is searched: the nearest of what covers the name. */
static unsigned by_database(const struct zone *zone, unsigned n)
{
	if (zone->is[n] & OWNER_IS_LISTED)
		return ITSELF;
	if (zone->stop[n] == SINK_SCOPE_EXACT || zone->stop[n] == SINK_SCOPE_SUBTREE)
		return NOTHING;
	while (n > 0) {
		n = parent(n);
		if (zone->is[n] & OWNER_HAS_WILDCARD)
			return n;
		if (zone->stop[n] == SINK_SCOPE_BELOW || zone->stop[n] == SINK_SCOPE_SUBTREE)
			return NOTHING;
	}
	return NOTHING;
}

static bool is_right(const struct zone *zone)
{
	for (unsigned n = 1; n < UNIVERSE; n++)
		if (is_name(n) && by_rfc(zone, n) != by_database(zone, n))
			return false;
	return true;
}

START_TEST(random_zones)
{
	struct dice dice = { 20261126 + (uint64_t)_i };
	struct zone zone;
	size_t stops = 0;

	for (int round = 0; round < 500; round++) {
		roll_zone(&dice, &zone);
		ck_assert(is_right(&zone));
		stops += zone.stops;
		for (unsigned n = 0; n < UNIVERSE && round % 10 == 0; n++) {
			enum sink_scope scope = zone.stop[n];

			if (scope == SINK_SCOPE_COUNT)
				continue;
			zone.stop[n] = SINK_SCOPE_COUNT;
			/* a name of the last label may have nothing below it to tell by */
			ck_assert(n * (LETTERS + 1) >= UNIVERSE || !is_right(&zone));
			zone.stop[n] = scope;
		}
	}
	ck_assert_uint_gt(stops, 1000);
}
END_TEST

static int refuse_stop(void *arg, uint8_t tree, struct sink_span key, enum sink_scope scope)
{
	(void)arg;
	(void)tree;
	(void)key;
	(void)scope;
	return SINK_ETOOLONG;
}

START_TEST(what_fn_returns)
{
	struct owners *owners;
	struct sink_name name = name_of("example");

	ck_assert(owners_begin(OWNERS_MEMORY, &owners) == SINK_OK);
	add(owners, 0, &name, OWNER_HAS_WILDCARD);
	name = name_of("a.example");
	add(owners, 0, &name, OWNER_IS_LISTED);
	ck_assert(owners_finish(owners) == SINK_OK);
	ck_assert_int_eq(stops_tell(owners, refuse_stop, NULL), SINK_ETOOLONG);
	owners_end(owners);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stops");
	TCase *tcase = tcase_create("owners");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, names_come_in_canonical_order, 0, LENGTH(memories));
	tcase_add_test(tcase, of_nothing);
	tcase_add_test(tcase, longest_names);
	tcase_add_test(tcase, nowhere_to_spill);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("stops");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, random_zones, 0, 4);
	tcase_add_test(tcase, what_fn_returns);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
