/* test_sign.c - whose signature counts: keys and files of them, and every way in which what is signed could be something
 * else. */
#include "sinkhole/sign.h"

#include "base.h"

#define DIGEST \
	{ \
		0x9f, 0x86, 0xd0, 0x81, 0x88, 0x4c, 0x7d, 0x65, 0x9a, 0x2f, 0xea, 0xa0, 0xc5, \
			0x5a, 0xd0, 0x15, 0xa3, 0xbf, 0x4f, 0x1b, 0x2b, 0x0b, 0x82, 0x2c, 0xd1, \
			0x5d, 0x6c, 0x15, 0xb0, 0xf0, 0x0a, 0x08 \
	}

/* That of doc/DATABASE.md. */
static const struct sink_manifest example = {
	.serial = 42,
	.time = 1795262400,
	.base = "base-42-9f86d081884c7d65.mdb",
	.base_size = 140513280,
	.base_digest = DIGEST,
	.names = 10000000,
	.listings = 10000321,
	.policy = "policy-42-9f86d081884c7d65.bin",
	.policy_size = 9,
	.policy_digest = DIGEST,
	.origin = "compile",
	.tool = "sinkhole 0.1.0",
	.expires = 1797854400,
};

/* The secret keys of the first two tests of RFC 8032, 7.1, as OpenSSL writes them. */
#define PEM(base64) "-----BEGIN PRIVATE KEY-----\n" base64 "\n-----END PRIVATE KEY-----\n"
#define SECRET1 PEM("MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g")
#define SECRET2 PEM("MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7")
#define PUBLIC1 \
	"sinkhole-ed25519 21fe31dfa154a261 " \
	"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\n"
#define PUBLIC2 \
	"sinkhole-ed25519 39f713d0a644253f " \
	"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c\n"

#define TAIL \
	"expires 2026-12-21T12:00:00Z\n" \
	"end 2acdd862c7bcf13e9977638842390a3cd3a002280fde9ca9dffe3e11c3560ec7\n"
#define SIGNATURE1 \
	"signature 21fe31dfa154a261 " \
	"b16780e71a3a66a82d49867e979cd9777492e14bee5f85ed82d0acc77512a6e5" \
	"8cede4e22aacb3f4991d4eb301da10f2808276c3688e4da3614238983bf2f30e\n"

static char room[PATH_ROOM];
static struct sink_signer *one, *two; /* with those keys */

static struct sink_signer *read_signer(const char *pem)
{
	char path[PATH_ROOM];
	struct sink_signer *signer;
	struct sink_why why;

	write_whole(inside(room, "secret", path), pem, strlen(pem));
	ck_assert_msg(!sink_signer_read(path, &why, &signer), "%s", why.text);
	return signer;
}

static void begin(void)
{
	make_room(room);
	one = read_signer(SECRET1);
	two = read_signer(SECRET2);
}

static void end(void)
{
	sink_signer_free(one);
	sink_signer_free(two);
	clear_room(room);
}

static struct sink_keys *keys_of(const char *text)
{
	struct sink_keys *keys;
	struct sink_why why;

	ck_assert_msg(!sink_keys_parse(sink_span_text(text), &why, &keys), "%s", why.text);
	return keys;
}

static void sign(struct sink_manifest *m, struct sink_signer *first, struct sink_signer *second)
{
	struct sink_signer *signers[] = { first, second };

	ck_assert_int_eq(sink_manifest_sign(m, signers, second ? 2 : 1, NULL), SINK_OK);
}

/* What a reader makes of a text: parsed, and checked. */
static int judge(const struct sink_keys *keys, const char *text, size_t len)
{
	struct sink_manifest m;
	int err = sink_manifest_parse(sink_span(text, len), NULL, &m);

	return err ? err : sink_keys_check(keys, &m, NULL);
}

static int check_with(const char *keys_text, const struct sink_manifest *m)
{
	struct sink_keys *keys = keys_of(keys_text);
	struct sink_why why = { "" };
	int err = sink_keys_check(keys, m, &why);

	ck_assert_int_eq(err == SINK_OK, why.text[0] == 0);
	sink_keys_free(keys);
	return err;
}

/* --- signatures --- */

START_TEST(example_is_as_documented)
{
	struct sink_manifest m = example, again;
	char text[SINK_MANIFEST_MAX];
	size_t len, tail = strlen(TAIL SIGNATURE1);

	sign(&m, one, NULL);
	len = sink_manifest_format(&m, text);
	ck_assert_uint_gt(len, tail);
	ck_assert_str_eq(text + len - tail, TAIL SIGNATURE1);
	ck_assert_int_eq(strncmp(text, "sinkhole-generation 4\n", 22), 0);
	ck_assert_int_eq(sink_manifest_parse(sink_span(text, len), NULL, &again), SINK_OK);
	ck_assert_uint_eq(again.signatures_count, 1);
	ck_assert_int_eq(again.expires, example.expires);
	ck_assert(!sink_is_expired(&again, example.expires - 1));
	ck_assert(sink_is_expired(&again, example.expires));
}
END_TEST

/* Who has signed, whom a reader believes, and what comes of it. */
START_TEST(who_counts)
{
	static const struct {
		int one, two; /* signs */
		const char *keys;
		int err;
	} rows[] = {
		{ 0, 0, PUBLIC1, SINK_EUNSIGNED },
		{ 1, 0, PUBLIC1, SINK_OK },
		{ 1, 0, PUBLIC2, SINK_EUNSIGNED },
		{ 0, 1, PUBLIC1, SINK_EUNSIGNED },
		{ 1, 0, PUBLIC1 PUBLIC2, SINK_OK },
		{ 0, 1, PUBLIC1 PUBLIC2, SINK_OK },
		{ 1, 1, PUBLIC1, SINK_OK },
		{ 1, 1, PUBLIC2, SINK_OK },
		{ 1, 1, PUBLIC2 PUBLIC1, SINK_OK },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct sink_manifest m = example;

		if (rows[i].one && rows[i].two)
			sign(&m, two, one); /* the order makes no difference */
		else if (rows[i].one || rows[i].two)
			sign(&m, rows[i].one ? one : two, NULL);
		ck_assert_msg(check_with(rows[i].keys, &m) == rows[i].err, "row %zu", i);
	}
}
END_TEST

/* Of two keys that are believed neither may be wrong; that of a stranger may. */
START_TEST(one_wrong_is_wrong)
{
	for (unsigned wrong = 0; wrong < 2; wrong++) {
		struct sink_manifest m = example;
		const char *other = wrong ? PUBLIC1 : PUBLIC2;

		sign(&m, one, two);
		ck_assert_mem_eq(m.signatures[0].key, sink_signer_id(one), SINK_KEY_ID_LEN);
		m.signatures[wrong].bytes[7] ^= 1;
		ck_assert_int_eq(check_with(PUBLIC1 PUBLIC2, &m), SINK_ECORRUPT);
		ck_assert_int_eq(check_with(other, &m), SINK_OK);
	}
}
END_TEST

START_TEST(any_changed_bit_is_refused)
{
	struct sink_keys *keys = keys_of(PUBLIC1);
	struct sink_manifest m = example;
	char text[SINK_MANIFEST_MAX];
	size_t len;

	sign(&m, one, NULL);
	len = sink_manifest_format(&m, text);
	ck_assert_int_eq(judge(keys, text, len), SINK_OK);
	for (size_t bit = 0; bit < 8 * len; bit++) {
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
		if (judge(keys, text, len) == SINK_OK)
			ck_abort_msg("bit %zu", bit);
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
	}
	for (size_t cut = 0; cut < len; cut++)
		if (judge(keys, text, cut) == SINK_OK)
			ck_abort_msg("cut to %zu", cut);
	sink_keys_free(keys);
}
END_TEST

/* Whoever can write the file can make its digest right, but not the signature: one field after the other. */
START_TEST(any_other_field_is_refused)
{
	struct sink_manifest m = example, changed[12];
	size_t n = 0;

	sign(&m, one, NULL);
	for (size_t i = 0; i < LENGTH(changed); i++)
		changed[i] = m;
	changed[n++].serial++;
	changed[n++].time++;
	changed[n++].base[5] = '5';
	changed[n++].base_digest[31] ^= 1;
	changed[n++].base_size++;
	changed[n++].names--;
	changed[n++].policy_digest[0] ^= 0x80;
	changed[n++].expires++;
	changed[n++].expires = 0;
	changed[n].paused_since = 1;
	changed[n++].paused_until = SINK_PAUSED_OPEN;
	changed[n++].reason[0] = 'x';
	changed[n++].tool[0] = 'S';
	ck_assert_uint_eq(n, LENGTH(changed));
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(check_with(PUBLIC1, &changed[i]) == SINK_ECORRUPT, "change %zu", i);
	ck_assert_int_eq(check_with(PUBLIC1, &m), SINK_OK);
}
END_TEST

START_TEST(signature_of_another_manifest)
{
	struct sink_manifest m = example, other = example;

	other.serial++;
	sign(&m, one, NULL);
	sign(&other, one, NULL);
	m.signatures[0] = other.signatures[0];
	ck_assert_int_eq(check_with(PUBLIC1, &m), SINK_ECORRUPT);
	/* nor can one key's pass for another's */
	sign(&m, two, NULL);
	memcpy(m.signatures[0].key, sink_signer_id(one), SINK_KEY_ID_LEN);
	ck_assert_int_eq(check_with(PUBLIC1 PUBLIC2, &m), SINK_ECORRUPT);
}
END_TEST

/* Lines after the end: in one form, in one order, two at most. */
START_TEST(other_lines_are_refused)
{
#define KEY(digit) "signature 000000000000000" digit " "
#define HALF "b16780e71a3a66a82d49867e979cd9777492e14bee5f85ed82d0acc77512a6e5"
	static const struct {
		const char *tail;
		int err;
	} rows[] = {
		{ KEY("1") HALF HALF "\n", SINK_OK },
		{ KEY("1") HALF HALF "\n" KEY("2") HALF HALF "\n", SINK_OK },
		{ KEY("2") HALF HALF "\n" KEY("1") HALF HALF "\n", SINK_ECORRUPT },
		{ KEY("1") HALF HALF "\n" KEY("1") HALF HALF "\n", SINK_ECORRUPT },
		{ KEY("1") HALF HALF "\n" KEY("2") HALF HALF "\n" KEY("3") HALF HALF "\n",
			SINK_ECORRUPT },
		{ KEY("1") HALF HALF, SINK_ECORRUPT },
		{ KEY("1") HALF HALF " \n", SINK_ECORRUPT },
		{ KEY("1") HALF HALF "0\n", SINK_ECORRUPT },
		{ KEY("1") HALF "\n", SINK_ECORRUPT },
		{ KEY("1") "\n", SINK_ECORRUPT },
		{ KEY("g") HALF HALF "\n", SINK_ECORRUPT },
		{ KEY("A") HALF HALF "\n", SINK_ECORRUPT },
		{ "signature 01 " HALF HALF "\n", SINK_ECORRUPT },
		{ "signature\n", SINK_ECORRUPT },
		{ "\n", SINK_ECORRUPT },
		{ "expires 2026-12-21T12:00:00Z\n", SINK_ECORRUPT },
		{ TAIL, SINK_ECORRUPT },
	};
	struct sink_manifest bare = example, m;
	char text[3 * SINK_MANIFEST_MAX];

	bare.signatures_count = 0;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		size_t len = sink_manifest_format(&bare, text);

		memcpy(text + len, rows[i].tail, strlen(rows[i].tail) + 1);
		ck_assert_msg(sink_manifest_parse(sink_span_text(text), NULL, &m) == rows[i].err,
			"row %zu", i);
	}
	/* a manifest that says nothing of version 4 but its signature is one of version 4 */
	bare.expires = 0;
	sign(&bare, one, NULL);
	text[sink_manifest_format(&bare, text)] = 0;
	ck_assert_int_eq(sink_manifest_parse(sink_span_text(text), NULL, &m), SINK_OK);
	text[strlen("sinkhole-generation ")] = '2';
	ck_assert_int_eq(sink_manifest_parse(sink_span_text(text), NULL, &m), SINK_ECORRUPT);
}
END_TEST

START_TEST(who_cannot_sign)
{
	struct sink_signer *same[] = { one, one, two };
	struct sink_manifest m = example;
	struct sink_why why;

	sign(&m, one, NULL);
	ck_assert_int_eq(sink_manifest_sign(&m, same, 2, &why), SINK_EINVAL);
	ck_assert_uint_eq(m.signatures_count, 0);
	ck_assert_int_eq(sink_manifest_sign(&m, same, 3, &why), SINK_EINVAL);
	ck_assert_int_eq(sink_manifest_sign(&m, NULL, 0, NULL), SINK_OK);
	ck_assert_uint_eq(m.signatures_count, 0);
}
END_TEST

/* What OpenSSL itself has signed: the fuzzer's seeds. */
START_TEST(signed_by_others)
{
	static const char *const names[] = { "signed", "signed-only", "signed-twice" };
	struct sink_keys *keys = keys_of(PUBLIC1), *both = keys_of(PUBLIC2 PUBLIC1);
	char path[PATH_ROOM];

	for (size_t i = 0; i < LENGTH(names); i++) {
		struct bytes text;

		snprintf(path, sizeof path, TEST_SRCDIR "/tests/data/manifest/%s", names[i]);
		text = read_whole(path);
		ck_assert_int_eq(judge(keys, (const char *)text.at, text.len), SINK_OK);
		ck_assert_int_eq(judge(both, (const char *)text.at, text.len),
			i < 2 ? SINK_OK : SINK_ECORRUPT); /* zeros for the second key's */
		free(text.at);
	}
	sink_keys_free(keys);
	sink_keys_free(both);
}
END_TEST

/* --- secret keys --- */

START_TEST(secret_key_is_kept)
{
	char path[PATH_ROOM], id[SINK_KEY_TEXT], line[SINK_KEY_LINE], again[SINK_KEY_LINE];
	struct sink_signer *made, *read;
	struct sink_why why;
	struct stat st;

	sink_key_text(sink_signer_id(one), id);
	ck_assert_str_eq(id, "21fe31dfa154a261");
	sink_signer_public(one, line);
	ck_assert_str_eq(line, PUBLIC1);
	ck_assert_int_eq(sink_signer_new(&made), SINK_OK);
	inside(room, "new", path);
	ck_assert_int_eq(sink_signer_write(made, path, &why), SINK_OK);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(sink_signer_write(one, path, &why), SINK_EINVAL); /* not over another */
	ck_assert_int_eq(sink_signer_read(path, &why, &read), SINK_OK);
	sink_signer_public(made, line);
	sink_signer_public(read, again);
	ck_assert_str_eq(line, again);
	ck_assert_str_ne(line, PUBLIC1);
	sink_signer_free(made);
	sink_signer_free(read);
	ck_assert_int_eq(sink_signer_write(one, inside(room, "no/such", path), &why), SINK_EIO);
	sink_signer_free(NULL);
}
END_TEST

/* Every byte of a key's file cut off or changed: another key, perhaps, but nothing worse. */
START_TEST(damaged_secret_keys)
{
	static const struct {
		const char *text;
		int err;
	} rows[] = {
		{ "", SINK_ECORRUPT },
		{ "hello\n", SINK_ECORRUPT },
		{ PUBLIC1, SINK_ECORRUPT },
		{ "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", SINK_ECORRUPT },
		/* X25519 */
		{ PEM("MC4CAQAwBQYDK2VuBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"),
			SINK_ECORRUPT },
		{ "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
		  "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAi3Ql7v2dgWGAICCAAw\n"
		  "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEENkxCQByJd/J6gP9dLqh1JQEQKFz\n"
		  "tEXGMvHiGGoBWF34toTt/j+kIOEPflBawm1YTTncVuc0ZH029o4fd8ySQnR7njuo\n"
		  "9KBymCqpqDipqUIuGcs=\n"
		  "-----END ENCRYPTED PRIVATE KEY-----\n",
			SINK_ECORRUPT },
		{ SECRET1, SINK_OK },
		{ "a note\n" SECRET1, SINK_OK },
	};
	struct sink_signer *signer;
	struct sink_why why;
	char path[PATH_ROOM];

	inside(room, "damaged", path);
	ck_assert_int_eq(sink_signer_read(path, &why, &signer), SINK_ENOENT);
	ck_assert_int_eq(sink_signer_read(room, &why, &signer), SINK_ECORRUPT);
	for (size_t i = 0; i < LENGTH(rows); i++) {
		write_whole(path, rows[i].text, strlen(rows[i].text));
		ck_assert_msg(sink_signer_read(path, &why, &signer) == rows[i].err, "row %zu", i);
		if (!rows[i].err)
			sink_signer_free(signer);
	}
	for (size_t cut = 0; cut < strlen(SECRET1) - strlen("-----\n"); cut++) {
		write_whole(path, SECRET1, cut);
		ck_assert_int_eq(sink_signer_read(path, &why, &signer), SINK_ECORRUPT);
	}
}
END_TEST

/* --- public keys --- */

START_TEST(files_of_public_keys)
{
#define HEX_ "0000000000000000000000000000000000000000000000000000000000000000"
	static const struct {
		const char *text;
		unsigned count; /* 0: refused */
	} rows[] = {
		{ PUBLIC1, 1 }, { PUBLIC1 PUBLIC2, 2 },
		{ "# the old one\n" PUBLIC2 "\n# the new one, since May\n" PUBLIC1 "\n", 2 },
		{ "", 0 }, /* an empty file believes nobody: it does not mean that there is none */
		{ "\n", 0 }, { "# " PUBLIC1, 0 }, { PUBLIC1 PUBLIC1, 0 }, { PUBLIC1 "x\n", 0 },
		{ " " PUBLIC1, 0 }, { PUBLIC1 " \n", 0 }, { SECRET1, 0 },
		{ "sinkhole-ed25519 21fe31dfa154a261\n", 0 },
		{ "sinkhole-ed25519 66687aadf862bd77 " HEX_ "\n", 1 },
		{ "sinkhole-ed25519 66687aadf862bd76 " HEX_ "\n", 0 }, /* another key's id */
		{ "sinkhole-ed25519 66687aadf862bd7 " HEX_ "0\n", 0 },
		{ "sinkhole-ed25519 66687aadf862bd77 " HEX_ "\r\n", 0 },
		{ "sinkhole-ed25519 66687AADF862BD77 " HEX_ "\n", 0 },
		{ "sinkhole-rsa2048 66687aadf862bd77 " HEX_ "\n", 0 },
		{ "sinkhole-ed25519 66687aadf862bd77 " HEX_,
			1 }, /* the last line feed is of no weight */
	};
	struct sink_keys *keys;

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct sink_why why = { "" };
		int err = sink_keys_parse(sink_span_text(rows[i].text), &why, &keys);

		ck_assert_msg(err == (rows[i].count ? SINK_OK : SINK_ECORRUPT), "row %zu: %s", i,
			why.text);
		if (err) {
			ck_assert(why.text[0]);
			continue;
		}
		ck_assert_uint_eq(sink_keys_count(keys), rows[i].count);
		ck_assert(sink_keys_know(keys, sink_keys_id(keys, rows[i].count - 1)));
		sink_keys_free(keys);
	}
	sink_keys_free(NULL);
}
END_TEST

/* Cut anywhere, and changed anywhere: the id tells. */
START_TEST(damaged_public_keys)
{
	char text[] = PUBLIC1;
	size_t len = strlen(text);
	struct sink_keys *keys;

	for (size_t cut = 0; cut < len - 1; cut++)
		ck_assert_int_eq(sink_keys_parse(sink_span(text, cut), NULL, &keys), SINK_ECORRUPT);
	for (size_t bit = 0; bit < 8 * (len - 1); bit++) {
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
		ck_assert_int_eq(sink_keys_parse(sink_span(text, len), NULL, &keys), SINK_ECORRUPT);
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
	}
}
END_TEST

START_TEST(key_files)
{
	struct sink_keys *keys;
	struct sink_why why;
	char path[PATH_ROOM], *large;
	size_t len = SINK_KEYS_FILE_MAX + 1;

	inside(room, "keys", path);
	ck_assert_int_eq(sink_keys_read(path, &why, &keys), SINK_ENOENT);
	ck_assert_int_eq(sink_keys_read(room, &why, &keys), SINK_ECORRUPT); /* a directory */
	write_whole(path, PUBLIC1, strlen(PUBLIC1));
	ck_assert_int_eq(sink_keys_read(path, &why, &keys), SINK_OK);
	sink_keys_free(keys);
	large = malloc(len);
	ck_assert_ptr_nonnull(large);
	memset(large, '\n', len);
	memcpy(large, PUBLIC1, strlen(PUBLIC1));
	write_whole(path, large, len);
	ck_assert_int_eq(sink_keys_read(path, &why, &keys), SINK_ECORRUPT);
	write_whole(path, large, len - 1);
	ck_assert_int_eq(sink_keys_read(path, &why, &keys), SINK_OK);
	sink_keys_free(keys);
	free(large);
}
END_TEST

/* More than a file may hold. */
START_TEST(too_many_keys)
{
	char text[(SINK_KEYS_MAX + 1) * SINK_KEY_LINE];
	struct sink_keys *keys;
	size_t len = 0;

	for (int i = 0; i <= SINK_KEYS_MAX; i++) {
		struct sink_signer *signer;

		ck_assert_int_eq(sink_signer_new(&signer), SINK_OK);
		sink_signer_public(signer, text + len);
		len += strlen(text + len);
		sink_signer_free(signer);
		ck_assert_int_eq(sink_keys_parse(sink_span(text, len), NULL, &keys),
			i < SINK_KEYS_MAX ? SINK_OK : SINK_ECORRUPT);
		if (i < SINK_KEYS_MAX)
			sink_keys_free(keys);
	}
}
END_TEST

/* --- publishing --- */

static struct sink_manifest published;

static int publish(struct sink_publish what)
{
	static const struct base_row row = { "evil.example", SINK_SCOPE_SUBTREE, SINK_KIND_BLOCK,
		"s" };
	char dir[PATH_ROOM], temp[PATH_ROOM];
	struct sink_why why;
	int err;

	inside(room, "data", dir);
	what.origin = "compile";
	what.tool = "test";
	what.time = 1795262400;
	if (what.again == 0) {
		ck_assert_int_eq(sink_store_temp(dir, NULL, temp, sizeof temp), SINK_OK);
		what.summary = make_base(temp, &row, 1);
		what.temp = temp;
	}
	err = sink_store_publish(dir, &what, &why, &published);
	if (err && what.temp)
		unlink(temp);
	return err;
}

START_TEST(published_with_signatures)
{
	struct sink_signer *const both[] = { one, two }, *const same[] = { one, one };
	struct sink_manifest m;
	char dir[PATH_ROOM];

	inside(room, "data", dir);
	ck_assert_int_eq(publish((struct sink_publish){ 0 }), SINK_OK);
	ck_assert_int_eq(publish((struct sink_publish){
				 .signers = both, .signers_count = 2, .expires = 1797854400 }),
		SINK_OK);
	ck_assert_int_eq(sink_store_manifest(dir, 0, NULL, &m), SINK_OK);
	ck_assert_uint_eq(m.serial, 2);
	ck_assert_int_eq(check_with(PUBLIC2, &m), SINK_OK);
	ck_assert_int_eq(check_with(PUBLIC1, &m), SINK_OK);
	/* not without one, by oversight */
	ck_assert_int_eq(publish((struct sink_publish){ 0 }), SINK_EUNSIGNED);
	ck_assert_int_eq(publish((struct sink_publish){ .again = 1 }), SINK_EUNSIGNED);
	ck_assert_int_eq(publish((struct sink_publish){ .signers = same, .signers_count = 2 }),
		SINK_EINVAL);
	ck_assert_int_eq(sink_store_manifest(dir, 0, NULL, &m), SINK_OK);
	ck_assert_uint_eq(m.serial, 2);
	/* what is published again expires when it did, unless told otherwise */
	ck_assert_int_eq(publish((struct sink_publish){
				 .again = 2, .signers = both, .signers_count = 1 }),
		SINK_OK);
	ck_assert_uint_eq(published.signatures_count, 1);
	ck_assert_int_eq(published.expires, 1797854400);
	ck_assert_int_eq(check_with(PUBLIC1, &published), SINK_OK);
	ck_assert_int_eq(publish((struct sink_publish){
				 .again = 2, .may_unsign = true, .expires = 1900000000 }),
		SINK_OK);
	ck_assert_uint_eq(published.signatures_count, 0);
	ck_assert_int_eq(published.expires, 1900000000);
	/* and once nothing is signed, nothing need be */
	ck_assert_int_eq(publish((struct sink_publish){ 0 }), SINK_OK);
	ck_assert_int_eq(published.expires, 0);
}
END_TEST

/* A damaged `current` is no way around it. */
START_TEST(damaged_and_signed)
{
	struct sink_signer *const by[] = { one };
	char path[PATH_ROOM];

	ck_assert_int_eq(publish((struct sink_publish){ .signers = by, .signers_count = 1 }),
		SINK_OK);
	write_whole(inside(room, "data/current", path), "x\n", 2);
	ck_assert_int_eq(publish((struct sink_publish){ 0 }), SINK_EUNSIGNED);
	ck_assert_int_eq(publish((struct sink_publish){ .signers = by, .signers_count = 1 }),
		SINK_OK);
	ck_assert_uint_eq(published.serial, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sign");
	TCase *signatures = tcase_create("signatures");
	TCase *secret = tcase_create("secret");
	TCase *public = tcase_create("public");
	TCase *publishing = tcase_create("publishing");

	tcase_add_checked_fixture(signatures, begin, end);
	tcase_add_test(signatures, example_is_as_documented);
	tcase_add_test(signatures, who_counts);
	tcase_add_test(signatures, one_wrong_is_wrong);
	tcase_add_test(signatures, any_changed_bit_is_refused);
	tcase_add_test(signatures, any_other_field_is_refused);
	tcase_add_test(signatures, signature_of_another_manifest);
	tcase_add_test(signatures, other_lines_are_refused);
	tcase_add_test(signatures, who_cannot_sign);
	tcase_add_test(signatures, signed_by_others);
	tcase_set_timeout(signatures, 60);
	suite_add_tcase(suite, signatures);
	tcase_add_checked_fixture(secret, begin, end);
	tcase_add_test(secret, secret_key_is_kept);
	tcase_add_test(secret, damaged_secret_keys);
	suite_add_tcase(suite, secret);
	tcase_add_checked_fixture(public, begin, end);
	tcase_add_test(public, files_of_public_keys);
	tcase_add_test(public, damaged_public_keys);
	tcase_add_test(public, key_files);
	tcase_add_test(public, too_many_keys);
	suite_add_tcase(suite, public);
	tcase_add_checked_fixture(publishing, begin, end);
	tcase_add_test(publishing, published_with_signatures);
	tcase_add_test(publishing, damaged_and_signed);
	suite_add_tcase(suite, publishing);
	return run_suite(suite);
}
