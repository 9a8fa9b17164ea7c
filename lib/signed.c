/* signed.c - public keys: whom to believe, and whether a manifest is what they signed. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "digest.h"
#include "ed25519.h"
#include "file.h"
#include "hex.h"
#include "manifest.h"

#define WORD "sinkhole-ed25519 "
#define ID_DIGITS ((size_t)2 * SINK_KEY_ID_LEN)

struct sink_keys {
	unsigned count;
	struct ed25519_key key[SINK_KEYS_MAX];
};

void sink_key_text(const uint8_t id[SINK_KEY_ID_LEN], char out[SINK_KEY_TEXT])
{
	hex_write(sink_span(id, SINK_KEY_ID_LEN), out);
}

int ed25519_name(struct ed25519_key *key)
{
	uint8_t digest[SINK_DIGEST_LEN];
	int err = digest_of(sink_span(key->bytes, sizeof key->bytes), digest);

	if (!err)
		memcpy(key->id, digest, sizeof key->id);
	return err;
}

void ed25519_line(const struct ed25519_key *key, char out[SINK_KEY_LINE])
{
	char id[SINK_KEY_TEXT], bytes[2 * ED25519_KEY_LEN + 1];

	sink_key_text(key->id, id);
	hex_write(sink_span(key->bytes, sizeof key->bytes), bytes);
	snprintf(out, SINK_KEY_LINE, WORD "%s %s\n", id, bytes);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Take a line from the front; the last one may lack its line feed. */
static struct sink_span next_line(struct sink_span *rest)
{
	const uint8_t *end = memchr(rest->at, '\n', rest->len);
	struct sink_span line = sink_span(rest->at, end ? (size_t)(end - rest->at) : rest->len);

	*rest = sink_span(rest->at + line.len + (end != NULL),
		rest->len - line.len - (end != NULL));
	return line;
}

/* returns  SINK_OK; SINK_ECORRUPT; SINK_ENOMEM */
static int parse_line(struct sink_span line, struct sink_why *why, struct ed25519_key *out)
{
	const size_t word = strlen(WORD), len = word + ID_DIGITS + 1 + (size_t)2 * ED25519_KEY_LEN;
	uint8_t id[SINK_KEY_ID_LEN];
	int err;

	if (line.len != len || memcmp(line.at, WORD, word) != 0 ||
		!hex_read(sink_span(line.at + word, ID_DIGITS), id, sizeof id) ||
		line.at[word + ID_DIGITS] != ' ' ||
		!hex_read(sink_span(line.at + word + ID_DIGITS + 1, (size_t)2 * ED25519_KEY_LEN),
			out->bytes, sizeof out->bytes))
		return sink_why(why, SINK_ECORRUPT, "no public key");
	err = ed25519_name(out);
	if (err)
		return sink_why(why, err, "%s", sink_strerror(err));
	if (memcmp(id, out->id, sizeof id) != 0)
		return sink_why(why, SINK_ECORRUPT, "a public key that is not the one of its id");
	return SINK_OK;
}

static int add_line(struct sink_keys *keys, struct sink_span line, struct sink_why *why)
{
	struct ed25519_key key;
	int err;

	if (line.len == 0 || line.at[0] == '#')
		return SINK_OK;
	err = parse_line(line, why, &key);
	if (err)
		return err;
	if (sink_keys_know(keys, key.id))
		return sink_why(why, SINK_ECORRUPT, "the same public key again");
	if (keys->count == SINK_KEYS_MAX)
		return sink_why(why, SINK_ECORRUPT, "more than %d public keys", SINK_KEYS_MAX);
	keys->key[keys->count++] = key;
	return SINK_OK;
}

static int add_lines(struct sink_keys *keys, struct sink_span text, struct sink_why *why)
{
	struct sink_why reason;

	for (unsigned line = 1; text.len > 0; line++) {
		int err = add_line(keys, next_line(&text), &reason);

		if (err)
			return sink_why(why, err, "line %u: %s", line, reason.text);
	}
	return keys->count > 0 ? SINK_OK : sink_why(why, SINK_ECORRUPT, "holds no public key");
}

int sink_keys_parse(struct sink_span text, struct sink_why *why, struct sink_keys **out)
{
	struct sink_keys *keys = calloc(1, sizeof *keys);
	int err;

	if (!keys)
		return sink_why(why, SINK_ENOMEM, "%s", sink_strerror(SINK_ENOMEM));
	err = add_lines(keys, text, why);
	if (err)
		sink_keys_free(keys);
	else
		*out = keys;
	return err;
}

/* The same of what lies in an open file. */
static int read_keys(int fd, const char *path, struct sink_why *why, struct sink_keys **out)
{
	const size_t room = SINK_KEYS_FILE_MAX + 1;
	struct sink_why reason = { .text = "" };
	uint8_t *text = malloc(room);
	ssize_t len = text ? file_read(fd, text, room) : 0;
	int err;

	if (!text)
		err = sink_why(why, SINK_ENOMEM, "%s: %s", path, sink_strerror(SINK_ENOMEM));
	else if (len < 0)
		err = sink_why(why, SINK_EIO, "%s: %m", path);
	else if (len > SINK_KEYS_FILE_MAX)
		err = sink_why(why, SINK_ECORRUPT, "%s: too large for public keys", path);
	else if ((err = sink_keys_parse(sink_span(text, (size_t)len), &reason, out)))
		sink_why(why, err, "%s: %s", path, reason.text);
	free(text);
	return err;
}

int sink_keys_read(const char *path, struct sink_why *why, struct sink_keys **out)
{
	uint64_t size;
	int fd, err = file_open_path(path, why, &fd, &size);

	if (err)
		return err;
	err = read_keys(fd, path, why, out);
	close(fd);
	return err;
}

void sink_keys_free(struct sink_keys *keys)
{
	free(keys);
}

unsigned sink_keys_count(const struct sink_keys *keys)
{
	return keys->count;
}

const uint8_t *sink_keys_id(const struct sink_keys *keys, unsigned index)
{
	return keys->key[index].id;
}

static const struct ed25519_key *find(const struct sink_keys *keys, const uint8_t *id)
{
	for (unsigned i = 0; i < keys->count; i++)
		if (memcmp(keys->key[i].id, id, SINK_KEY_ID_LEN) == 0)
			return &keys->key[i];
	return NULL;
}

bool sink_keys_know(const struct sink_keys *keys, const uint8_t id[SINK_KEY_ID_LEN])
{
	return find(keys, id) != NULL;
}

/* --- checking --------------------------------------------------------------------------------- */

/* returns  SINK_OK; SINK_ECORRUPT (it is of something else); SINK_ENOMEM */
static int verify(const struct ed25519_key *key, struct sink_span what,
	const struct sink_signature *signature)
{
	EVP_PKEY *pkey =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->bytes, sizeof key->bytes);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int rc = -1;

	if (pkey && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1)
		rc = EVP_DigestVerify(ctx, signature->bytes, sizeof signature->bytes, what.at,
			what.len);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return rc == 1 ? SINK_OK : rc == 0 ? SINK_ECORRUPT : SINK_ENOMEM;
}

/* Of those that are by a key of ours; the text of a manifest is that of its fields, to the byte.
 *
 * known    how many that are
 */
static int verify_all(const struct sink_keys *keys, const struct sink_manifest *m, unsigned *known,
	char id[SINK_KEY_TEXT])
{
	char text[SINK_MANIFEST_MAX];
	struct sink_span what = sink_span(text, manifest_format_signed(m, text));
	int err = SINK_OK;

	*known = 0;
	for (unsigned i = 0; i < m->signatures_count && !err; i++) {
		const struct ed25519_key *key = find(keys, m->signatures[i].key);

		sink_key_text(m->signatures[i].key, id);
		if (key)
			err = verify(key, what, &m->signatures[i]);
		*known += key != NULL;
	}
	return err;
}

int sink_keys_check(const struct sink_keys *keys, const struct sink_manifest *m,
	struct sink_why *why)
{
	unsigned long long serial = m->serial;
	char id[SINK_KEY_TEXT];
	unsigned known;
	int err;

	if (m->signatures_count == 0)
		return sink_why(why, SINK_EUNSIGNED, "generation %llu is not signed", serial);
	ERR_set_mark(); /* what goes wrong here is nobody else's business in this thread */
	err = verify_all(keys, m, &known, id);
	ERR_pop_to_mark();
	if (err == SINK_ECORRUPT)
		return sink_why(why, err,
			"generation %llu: the signature by key %s is not one of this manifest",
			serial, id);
	if (err)
		return sink_why(why, err, "generation %llu: signature: %s", serial,
			sink_strerror(err));
	if (known == 0)
		return sink_why(why, SINK_EUNSIGNED,
			"generation %llu is signed by another key (%s)", serial, id);
	return SINK_OK;
}
