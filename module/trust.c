/* trust.c - keys from one file, serials in another. Both are read when a manifest is to be judged, which is seldom. */
#include "trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ratchet.h"
#include "stamp.h"

struct trust {
	char *keys_path, *run, *serials_path;
	bool must; /* the file of keys must be there: somebody named it, or it was there */
	struct mail *mail;
	struct stamp stamp; /* of the file of keys */
	struct sink_keys *keys; /* that count; NULL: none, so that everything may be taken */
	char said_keys[SINK_KEYS_MAX * (SINK_KEY_TEXT + 4)]; /* which ones, as was said last */
	bool told_unread, told_unkept; /* that serials cannot be */
};

int trust_new(const char *keys, bool named, const char *run, struct mail *mail, struct trust **out)
{
	struct trust *trust = calloc(1, sizeof *trust);

	if (!trust)
		return SINK_ENOMEM;
	trust->must = named;
	trust->mail = mail;
	trust->stamp.error = -1;
	trust->keys_path = strdup(keys);
	trust->run = strdup(run);
	if (asprintf(&trust->serials_path, "%s/serials", run) < 0)
		trust->serials_path = NULL;
	if (!trust->keys_path || !trust->run || !trust->serials_path) {
		trust_free(trust);
		return SINK_ENOMEM;
	}
	*out = trust;
	return SINK_OK;
}

void trust_free(struct trust *trust)
{
	if (!trust)
		return;
	sink_keys_free(trust->keys);
	free(trust->keys_path);
	free(trust->run);
	free(trust->serials_path);
	free(trust);
}

bool trust_changed(struct trust *trust)
{
	struct stamp stamp = stamp_of(trust->keys_path, stat);

	if (stamp_same(&stamp, &trust->stamp))
		return false;
	trust->stamp = stamp;
	return true;
}

/* --- keys --- */

static void say_keys(struct trust *trust)
{
	char text[sizeof trust->said_keys] = "", id[SINK_KEY_TEXT];
	size_t len = 0;

	for (unsigned i = 0; i < sink_keys_count(trust->keys); i++) {
		sink_key_text(sink_keys_id(trust->keys, i), id);
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i ? " or " : "", id);
	}
	if (strcmp(text, trust->said_keys) == 0)
		return;
	memcpy(trust->said_keys, text, sizeof text);
	mail_put(trust->mail, false, "only generations signed by key %s are taken", text);
}

/* A file that is gone is no leave to take everything: a key is taken away by somebody who restarts or reloads. */
static int read_keys(struct trust *trust, struct sink_why *why)
{
	struct sink_why reason;
	struct sink_keys *keys;
	int err = sink_keys_read(trust->keys_path, &reason, &keys);

	if (err == SINK_ENOENT && !trust->must)
		return SINK_OK;
	if (err)
		return sink_why(why, err == SINK_ENOENT ? SINK_EIO : err, "%s", reason.text);
	sink_keys_free(trust->keys);
	trust->keys = keys;
	trust->must = true;
	say_keys(trust);
	return SINK_OK;
}

/* --- serials --- */

/* Of a file that tells nothing we do without, and write it anew: no filtering at all would be worse. */
static void read_serials(struct trust *trust, struct ratchet *out)
{
	struct sink_why why;
	int err = ratchet_read(trust->serials_path, &why, out);

	if (err && !trust->told_unread)
		mail_put(trust->mail, true, "%s: which serials were taken before is not known",
			why.text);
	trust->told_unread = err != SINK_OK;
}

/* By the highest of every key that counts, whichever has signed: while one key takes over from another, what the older one
 * has signed before is older all the same. */
static int check_serial(struct trust *trust, const struct sink_manifest *m, struct sink_why *why)
{
	struct ratchet ratchet;

	read_serials(trust, &ratchet);
	for (unsigned i = 0; i < sink_keys_count(trust->keys); i++) {
		char id[SINK_KEY_TEXT];
		uint64_t highest;

		sink_key_text(sink_keys_id(trust->keys, i), id);
		highest = ratchet_of(&ratchet, id);
		if (m->serial < highest)
			return sink_why(why, SINK_EOLD,
				"generation %llu is published, which is older than %llu, the "
				"highest of key %s in %s",
				(unsigned long long)m->serial, (unsigned long long)highest, id,
				trust->serials_path);
	}
	return SINK_OK;
}

int trust_check(struct trust *trust, const struct sink_manifest *manifest, struct sink_why *why)
{
	int err = read_keys(trust, why);

	if (err || !trust->keys)
		return err;
	err = sink_keys_check(trust->keys, manifest, why);
	return err ? err : check_serial(trust, manifest, why);
}

void trust_keep(struct trust *trust, const struct sink_manifest *m)
{
	struct ratchet ratchet;
	struct sink_why why;
	bool is_new = false;
	int err;

	if (!trust->keys)
		return;
	read_serials(trust, &ratchet);
	for (unsigned i = 0; i < m->signatures_count; i++) {
		char id[SINK_KEY_TEXT];

		sink_key_text(m->signatures[i].key, id);
		if (sink_keys_know(trust->keys, m->signatures[i].key))
			is_new |= ratchet_raise(&ratchet, id, m->serial);
	}
	if (!is_new)
		return;
	(void)mkdir(trust->run, 0755); /* most often it is there */
	err = ratchet_write(&ratchet, trust->serials_path, &why);
	if (err && !trust->told_unkept)
		mail_put(trust->mail, true,
			"%s: a reload or restart forgets which serials were taken", why.text);
	trust->told_unkept = err != SINK_OK;
}

uint64_t trust_highest(struct trust *trust)
{
	struct ratchet ratchet;
	uint64_t highest = 0;

	if (read_keys(trust, NULL) || !trust->keys)
		return 0;
	read_serials(trust, &ratchet);
	for (unsigned i = 0; i < sink_keys_count(trust->keys); i++) {
		char id[SINK_KEY_TEXT];
		uint64_t serial;

		sink_key_text(sink_keys_id(trust->keys, i), id);
		serial = ratchet_of(&ratchet, id);
		if (serial > highest)
			highest = serial;
	}
	return highest;
}
