/* test_trust.c - which manifests may be taken: by keys that come, change and go, and by serials that outlive the process. */
#include "trust.h"

#include <stdio.h>

#include "base.h"
#include "ratchet.h"

#define SAID_MAX 8

static char room[PATH_ROOM], keys_path[PATH_ROOM], run[PATH_ROOM], serials[PATH_ROOM];
static struct sink_signer *one, *two;
static char id_one[SINK_KEY_TEXT], id_two[SINK_KEY_TEXT];
static struct mail *mail;
static struct trust *trust;

static struct {
	unsigned count, alarms;
	char text[SAID_MAX][MAIL_TEXT_MAX];
} said;

/* --- helpers --- */

static void hear(void *arg, bool alarm, const char *text)
{
	(void)arg;
	ck_assert_uint_lt(said.count, SAID_MAX);
	snprintf(said.text[said.count++], MAIL_TEXT_MAX, "%s", text);
	said.alarms += alarm;
}

static void listen_again(void)
{
	memset(&said, 0, sizeof said);
	mail_take(mail, hear, NULL);
}

/* Since the last time: this one line, or (NULL) none. */
static void heard(const char *part, bool alarm)
{
	listen_again();
	if (!part) {
		ck_assert_msg(said.count == 0, "said \"%s\"", said.text[0]);
		return;
	}
	ck_assert_uint_eq(said.count, 1);
	ck_assert_msg(strstr(said.text[0], part), "\"%s\" is not in \"%s\"", part, said.text[0]);
	ck_assert_uint_eq(said.alarms, alarm);
}

/* As after a restart. */
static void restart(bool named)
{
	trust_free(trust);
	ck_assert_int_eq(trust_new(keys_path, named, run, mail, &trust), SINK_OK);
	listen_again();
}

static void begin(void)
{
	make_room(room);
	inside(room, "keys", keys_path);
	inside(room, "run", run);
	inside(room, "run/serials", serials);
	ck_assert_int_eq(sink_signer_new(&one), SINK_OK);
	ck_assert_int_eq(sink_signer_new(&two), SINK_OK);
	sink_key_text(sink_signer_id(one), id_one);
	sink_key_text(sink_signer_id(two), id_two);
	ck_assert_int_eq(mail_new(&mail), SINK_OK);
	restart(false);
}

static void end(void)
{
	trust_free(trust);
	trust = NULL;
	mail_free(mail);
	sink_signer_free(one);
	sink_signer_free(two);
	clear_room(room);
}

/* The file of keys. */
static void believe(const struct sink_signer *first, const struct sink_signer *second)
{
	char text[2 * SINK_KEY_LINE];

	sink_signer_public(first, text);
	if (second)
		sink_signer_public(second, text + strlen(text));
	write_whole(keys_path, text, strlen(text));
}

static struct sink_manifest manifest_of(uint64_t serial, struct sink_signer *first,
	struct sink_signer *second)
{
	struct sink_manifest m = {
		.serial = serial, .base = "b", .policy = "p", .origin = "test", .tool = "test"
	};
	struct sink_signer *signers[] = { first, second };

	ck_assert_int_eq(sink_manifest_sign(&m, signers,
				 second		 ? 2
					 : first ? 1
						 : 0,
				 NULL),
		SINK_OK);
	return m;
}

static int check(uint64_t serial, struct sink_signer *first, struct sink_signer *second)
{
	struct sink_manifest m = manifest_of(serial, first, second);
	struct sink_why why = { "" };
	int err = trust_check(trust, &m, &why);

	ck_assert_int_eq(err == SINK_OK, why.text[0] == 0);
	return err;
}

/* It is taken, and remembered. */
static void take(uint64_t serial, struct sink_signer *first, struct sink_signer *second)
{
	struct sink_manifest m = manifest_of(serial, first, second);

	ck_assert_int_eq(trust_check(trust, &m, NULL), SINK_OK);
	trust_keep(trust, &m);
}

/* What the file says. */
static uint64_t kept(const char *id)
{
	struct ratchet ratchet;

	ck_assert_int_eq(ratchet_read(serials, NULL, &ratchet), SINK_OK);
	return ratchet_of(&ratchet, id);
}

/* --- keys --- */

START_TEST(without_a_key)
{
	struct stat st;

	take(5, NULL, NULL);
	take(3, one, NULL);
	ck_assert_uint_eq(trust_highest(trust), 0);
	ck_assert(stat(run, &st) != 0); /* nothing is kept, not even a directory */
	heard(NULL, false);
}
END_TEST

START_TEST(named_and_not_there)
{
	restart(true);
	ck_assert_int_eq(check(1, NULL, NULL), SINK_EIO);
	ck_assert_int_eq(check(1, one, NULL), SINK_EIO);
	believe(one, NULL);
	ck_assert_int_eq(check(1, one, NULL), SINK_OK);
	heard("only generations signed by key", false);
}
END_TEST

START_TEST(key_comes_and_goes)
{
	ck_assert(trust_changed(trust)); /* the first look looks */
	ck_assert(!trust_changed(trust));
	ck_assert_int_eq(check(1, NULL, NULL), SINK_OK);
	believe(one, NULL);
	ck_assert(trust_changed(trust));
	ck_assert(!trust_changed(trust));
	ck_assert_int_eq(check(1, NULL, NULL), SINK_EUNSIGNED);
	heard(id_one, false);
	ck_assert_int_eq(check(1, one, NULL), SINK_OK);
	ck_assert_int_eq(check(1, two, NULL), SINK_EUNSIGNED);
	heard(NULL, false);
	ck_assert_int_eq(unlink(keys_path), 0);
	ck_assert(trust_changed(trust));
	ck_assert_int_eq(check(1, NULL, NULL), SINK_EIO); /* gone is not the same as never there */
	ck_assert_int_eq(check(1, one, NULL), SINK_EIO);
	restart(false);
	ck_assert_int_eq(check(1, NULL, NULL), SINK_OK);
}
END_TEST

/* A file that is no file of keys is none that is not there. */
START_TEST(bad_key_files)
{
	static const char *const texts[] = { "", "# none\n", "x\n", "sinkhole-ed25519 " };

	for (size_t i = 0; i < LENGTH(texts); i++) {
		write_whole(keys_path, texts[i], strlen(texts[i]));
		restart(false);
		ck_assert_int_eq(check(1, NULL, NULL), SINK_ECORRUPT);
		ck_assert_int_eq(check(1, one, NULL), SINK_ECORRUPT);
		ck_assert_uint_eq(trust_highest(trust), 0);
	}
	ck_assert_int_eq(unlink(keys_path), 0);
	ck_assert_int_eq(mkdir(keys_path, 0755), 0);
	ck_assert_int_eq(check(1, one, NULL), SINK_ECORRUPT);
	ck_assert_int_eq(rmdir(keys_path), 0);
	believe(one, NULL);
	ck_assert_int_eq(check(1, one, NULL), SINK_OK);
	if (geteuid() != 0) { /* root may */
		ck_assert_int_eq(chmod(keys_path, 0), 0);
		ck_assert(trust_changed(trust));
		ck_assert_int_eq(check(1, one, NULL), SINK_EIO);
	}
}
END_TEST

START_TEST(rotation)
{
	believe(one, NULL);
	take(1, one, NULL);
	take(2, one, two); /* by both: whichever a resolver knows */
	believe(two, NULL);
	take(3, one, two);
	take(4, two, NULL);
	ck_assert_int_eq(check(5, one, NULL), SINK_EUNSIGNED);
	believe(one, two);
	listen_again();
	take(5, one, NULL);
	heard(" or ", false);
	take(6, two, NULL);
	ck_assert_uint_eq(kept(id_one), 5);
	ck_assert_uint_eq(kept(id_two), 6);
}
END_TEST

/* --- serials --- */

START_TEST(serials_outlive_a_restart)
{
	believe(one, NULL);
	take(7, one, NULL);
	restart(false);
	ck_assert_int_eq(check(6, one, NULL), SINK_EOLD);
	ck_assert_int_eq(check(7, one, NULL), SINK_OK);
	ck_assert_uint_eq(trust_highest(trust), 7);
	take(9, one, NULL);
	take(8 + 1, one, NULL);
	restart(true);
	ck_assert_int_eq(check(8, one, NULL), SINK_EOLD);
	take(INT64_MAX, one, NULL);
	restart(false);
	ck_assert_int_eq(check(INT64_MAX - 1, one, NULL), SINK_EOLD);
	ck_assert_int_eq(check(INT64_MAX, one, NULL), SINK_OK);
}
END_TEST

/* A thief of the first key has signed the highest serial there is: the second one begins anew. */
START_TEST(stolen_key_locks_nobody_out)
{
	believe(one, two);
	take(INT64_MAX, one, NULL);
	ck_assert_int_eq(check(8, one, two), SINK_EOLD); /* as long as it is believed */
	ck_assert_int_eq(check(8, two, NULL), SINK_EOLD);
	believe(two, NULL);
	restart(false);
	take(8, two, NULL);
	ck_assert_uint_eq(trust_highest(trust), 8);
	take(9, one, two);
	ck_assert_int_eq(check(8, two, NULL), SINK_EOLD);
}
END_TEST

/* While one key takes over from another, what the older one has signed before does not come back. */
START_TEST(rotation_goes_forward)
{
	believe(one, two);
	take(7, one, NULL);
	take(10, two, NULL);
	restart(false);
	ck_assert_int_eq(check(7, one, NULL), SINK_EOLD);
	ck_assert_int_eq(check(9, one, NULL), SINK_EOLD);
	take(11, one, NULL);
	ck_assert_int_eq(check(10, two, NULL), SINK_EOLD);
}
END_TEST

START_TEST(damaged_serials)
{
	believe(one, NULL);
	take(7, one, NULL);
	write_whole(serials, "sinkhole-serials 1\nx", 20);
	restart(false);
	ck_assert_int_eq(check(6, one, NULL),
		SINK_OK); /* what is not known cannot be held against it */
	listen_again();
	ck_assert_uint_eq(said.count, 2);
	ck_assert_msg(strstr(said.text[1], "which serials were taken before is not known"), "%s",
		said.text[1]);
	ck_assert_uint_eq(said.alarms, 1);
	ck_assert_int_eq(check(6, one, NULL), SINK_OK);
	heard(NULL, false);
	take(6, one, NULL);
	heard(NULL, false);
	ck_assert_uint_eq(kept(id_one), 6);
}
END_TEST

/* A link is not followed, nor written through. */
START_TEST(linked_serials)
{
	char target[PATH_ROOM];
	struct bytes bytes;

	inside(room, "target", target);
	write_whole(target, "mine\n", 5);
	believe(one, NULL);
	ck_assert_int_eq(mkdir(run, 0755), 0);
	ck_assert_int_eq(symlink(target, serials), 0);
	take(7, one, NULL);
	ck_assert_uint_eq(kept(id_one), 7);
	bytes = read_whole(target);
	ck_assert_uint_eq(bytes.len, 5);
	free(bytes.at);
}
END_TEST

START_TEST(serials_cannot_be_kept)
{
	write_whole(run, "no directory\n", 13);
	believe(one, NULL);
	ck_assert_int_eq(check(7, one, NULL), SINK_OK);
	listen_again();
	take(7, one, NULL);
	heard("a reload or restart forgets which serials were taken", true);
	take(8, one, NULL);
	heard(NULL, false); /* once */
	ck_assert_int_eq(unlink(run), 0);
	take(9, one, NULL);
	ck_assert_uint_eq(kept(id_one), 9);
	heard(NULL, false);
}
END_TEST

/* --- the file --- */

#define KEY "0123456789abcdef"

START_TEST(texts_of_serials)
{
	static const struct {
		const char *text;
		int err;
	} rows[] = {
		{ "sinkhole-serials 1\n", SINK_OK },
		{ "sinkhole-serials 1\n" KEY " 1\n", SINK_OK },
		{ "sinkhole-serials 1\n" KEY " 9223372036854775807\n", SINK_OK },
		{ "", SINK_ECORRUPT },
		{ "sinkhole-serials 1", SINK_ECORRUPT },
		{ "sinkhole-serials 2\n", SINK_ECORRUPT },
		{ "sinkhole-serials 1\n\n", SINK_ECORRUPT },
		{ "sinkhole-serials 1\n" KEY "\n", SINK_ECORRUPT },
		{ "sinkhole-serials 1\n" KEY " \n", SINK_ECORRUPT },
		{ "sinkhole-serials 1\n" KEY " 0\n", SINK_ECORRUPT },
		{ "sinkhole-serials 1\n" KEY " 01\n", SINK_ECORRUPT },
		{ "sinkhole-serials 1\n" KEY " 1", SINK_ECORRUPT },
		{ "sinkhole-serials 1\n" KEY " 1 \n", SINK_ECORRUPT },
		{ "sinkhole-serials 1\n" KEY " -1\n", SINK_ECORRUPT },
		{ "sinkhole-serials 1\n" KEY " 18446744073709551616\n", SINK_ECORRUPT },
		{ "sinkhole-serials 1\n" KEY "0 1\n", SINK_ECORRUPT },
		{ "sinkhole-serials 1\n0123456789abcde 1\n", SINK_ECORRUPT },
		{ "sinkhole-serials 1\n0123456789ABCDEF 1\n", SINK_ECORRUPT },
		{ "sinkhole-serials 1\n" KEY " 1\n" KEY " 1\n", SINK_ECORRUPT },
	};
	struct ratchet ratchet;
	char path[PATH_ROOM];

	inside(room, "serials", path);
	ck_assert_int_eq(ratchet_read(path, NULL, &ratchet), SINK_OK);
	ck_assert_uint_eq(ratchet.count, 0);
	for (size_t i = 0; i < LENGTH(rows); i++) {
		write_whole(path, rows[i].text, strlen(rows[i].text));
		ck_assert_msg(ratchet_read(path, NULL, &ratchet) == rows[i].err, "row %zu", i);
		ck_assert(!rows[i].err || ratchet.count == 0);
	}
	write_whole(path, "sinkhole-serials 1\n\0", 20);
	ck_assert_int_eq(ratchet_read(path, NULL, &ratchet), SINK_ECORRUPT);
	ck_assert_int_eq(ratchet_read(room, NULL, &ratchet), SINK_EIO);
}
END_TEST

/* More keys than there is room for, over the years: the oldest make room. */
START_TEST(full_file)
{
	struct ratchet ratchet = { .count = 0 }, again;
	char path[PATH_ROOM], key[SINK_KEY_TEXT];

	inside(room, "serials", path);
	for (unsigned i = 0; i < RATCHET_MAX + 2; i++) {
		snprintf(key, sizeof key, "%016x", i);
		ck_assert(ratchet_raise(&ratchet, key, INT64_MAX - i));
		ck_assert(!ratchet_raise(&ratchet, key, INT64_MAX - i));
	}
	ck_assert_int_eq(ratchet_write(&ratchet, path, NULL), SINK_OK);
	ck_assert_int_eq(ratchet_read(path, NULL, &again), SINK_OK);
	ck_assert_uint_eq(again.count, RATCHET_MAX);
	ck_assert_uint_eq(ratchet_of(&again, key), INT64_MAX - RATCHET_MAX - 1);
	ck_assert_uint_eq(ratchet_of(&again, "0000000000000001"), 0);
	ck_assert_uint_eq(ratchet_of(&again, "0000000000000002"), INT64_MAX - 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trust");
	TCase *keys = tcase_create("keys"), *file = tcase_create("file");

	tcase_add_checked_fixture(keys, begin, end);
	tcase_add_test(keys, without_a_key);
	tcase_add_test(keys, named_and_not_there);
	tcase_add_test(keys, key_comes_and_goes);
	tcase_add_test(keys, bad_key_files);
	tcase_add_test(keys, rotation);
	tcase_add_test(keys, serials_outlive_a_restart);
	tcase_add_test(keys, stolen_key_locks_nobody_out);
	tcase_add_test(keys, rotation_goes_forward);
	tcase_add_test(keys, damaged_serials);
	tcase_add_test(keys, linked_serials);
	tcase_add_test(keys, serials_cannot_be_kept);
	suite_add_tcase(suite, keys);
	tcase_add_checked_fixture(file, begin, end);
	tcase_add_test(file, texts_of_serials);
	tcase_add_test(file, full_file);
	suite_add_tcase(suite, file);
	return run_suite(suite);
}
