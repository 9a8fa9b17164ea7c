/* rollback.c - publish an earlier generation again, under a new serial. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "data.h"
#include "paused.h"
#include "rollback.h"
#include "say.h"
#include "serial.h"
#include "signing.h"
#include "sinkhole/grow.h"
#include "when.h"

struct request {
	const struct command *self;
	const char *dir, *reason;
	uint64_t serial; /* 0: the one before */
	struct signing signing;
};

/* What is kept, as far as going back needs it. */
struct kept {
	uint64_t serial, original;
	struct content {
		uint8_t base[SINK_DIGEST_LEN], policy[SINK_DIGEST_LEN], changes[SINK_DIGEST_LEN];
	} content;
};

struct history {
	struct kept *at; /* oldest first */
	size_t count, room;
	int err; /* a manifest could not be read now, which is no reason to go back further */
	struct sink_why why;
};

/* The serial under which a generation's content was compiled. An origin that cannot be is none. */
static uint64_t original(const struct sink_manifest *m)
{
	uint64_t serial;

	if (strncmp(m->origin, ROLLBACK_ORIGIN, strlen(ROLLBACK_ORIGIN)) == 0 &&
		serial_parse(m->origin + strlen(ROLLBACK_ORIGIN), &serial) && serial < m->serial)
		return serial;
	return m->serial;
}

static struct content content_of(const struct sink_manifest *m)
{
	struct content out;

	memcpy(out.base, m->base_digest, sizeof out.base);
	memcpy(out.policy, m->policy_digest, sizeof out.policy);
	memcpy(out.changes, m->changes_digest, sizeof out.changes); /* zeros: none */
	return out;
}

static int add(void *arg, const struct sink_manifest *m)
{
	struct history *h = arg;
	struct kept *at = sink_grow(h->at, h->count, &h->room, sizeof *at);

	if (!at)
		return SINK_ENOMEM;
	h->at = at;
	h->at[h->count].serial = m->serial;
	h->at[h->count].original = original(m);
	h->at[h->count++].content = content_of(m);
	return SINK_OK;
}

/* What is damaged, or of another version, is passed over. */
static void note_unread(void *arg, int err, const char *text)
{
	struct history *h = arg;

	if (!h->err && status_of(err) == STATUS_SYSTEM)
		h->err = sink_why(&h->why, err, "%s", text);
}

/* The newest before `limit` with another content. A rollback on the way leads to where it went back to:
 * what lies between is what somebody fled from.
 *
 * returns  its serial; 0: none
 */
static uint64_t before(const struct history *h, uint64_t limit, const struct content *content)
{
	for (size_t i = h->count; i-- > 0;) {
		const struct kept *k = &h->at[i];

		if (k->serial >= limit)
			continue;
		if (memcmp(&k->content, content, sizeof *content) != 0)
			return k->serial;
		limit = k->original;
	}
	return 0;
}

static int find(struct request *r, const struct sink_manifest *published, struct sink_why *why)
{
	struct history history = { 0 };
	struct content content = content_of(published);
	int err = sink_store_each(r->dir, add, note_unread, &history, why);

	if (!err && history.err)
		err = sink_why(why, history.err, "%s", history.why.text);
	if (!err) {
		r->serial = before(&history, original(published), &content);
		if (r->serial == 0)
			err = sink_why(why, SINK_ENOENT,
				"no generation before %llu, with another content, is kept",
				(unsigned long long)original(published));
	}
	free(history.at);
	return err;
}

static enum status failed(int err, const struct sink_why *why)
{
	say("%s; nothing published", why->text[0] ? why->text : sink_strerror(err));
	return status_of(err);
}

/* Nothing is published that does not verify: a rollback is done in a hurry. */
static int check(const struct request *r, struct sink_why *why, struct sink_manifest *out)
{
	struct sink_db *db;
	int err = data_open(r->dir, r->serial, why, out, &db);

	if (err)
		return err;
	sink_db_close(db);
	return data_check_policy(r->dir, out, why);
}

/* Find what to publish again.
 *
 * published    all zero if `current` is damaged or missing: no reason to refuse the serial asked for
 */
static int choose(struct request *r, struct sink_why *why, struct sink_manifest *published,
	struct sink_manifest *chosen)
{
	int err = sink_store_manifest(r->dir, 0, why, published);

	if (r->serial == 0)
		err = err ? err : find(r, published, why);
	else if (err == SINK_ECORRUPT || err == SINK_ENOENT)
		err = SINK_OK;
	return err ? err : check(r, why, chosen);
}

static void tell(const struct sink_manifest *published, const struct sink_manifest *after)
{
	char was[64] = "";

	if (published->serial != 0)
		snprintf(was, sizeof was, " (%llu was published before)",
			(unsigned long long)published->serial);
	say("generation %llu published: that of %llu again, %s names%s",
		(unsigned long long)after->serial, (unsigned long long)original(after),
		number(after->names).text, was);
	paused_say(after);
}

static enum status rollback(struct request *r)
{
	/* It prunes nothing: how many stay is what `compile --keep` said, and a way back is wanted. */
	struct sink_publish what = {
		.tool = "sinkhole " SINK_VERSION, .keep = UINT_MAX, .wait = true
	};
	struct sink_manifest published = { 0 }, chosen, after = { 0 };
	struct sink_why why = { .text = "" };
	char origin[64];
	int err = choose(r, &why, &published, &chosen);

	if (err)
		return failed(err, &why);
	if (!when_reproducible(&what.time))
		return usage_error(r->self, "SOURCE_DATE_EPOCH is no number of seconds");
	/* the original, so that nobody must follow a chain that may have been pruned */
	snprintf(origin, sizeof origin, ROLLBACK_ORIGIN "%llu",
		(unsigned long long)original(&chosen));
	signing_fill(&r->signing, &what);
	what.again = r->serial;
	what.origin = origin;
	what.reason = r->reason;
	err = sink_store_publish(r->dir, &what, &why, &after);
	if (err && after.serial == 0)
		return failed(err, &why);
	if (err) { /* published, but a power cut may undo it */
		say("%s", why.text);
		return status_of(err);
	}
	tell(&published, &after);
	return STATUS_DONE;
}

static enum status take_option(void *arg, int key, const char *value)
{
	struct request *r = arg;

	if (signing_is(key))
		return signing_take(&r->signing, r->self, key, value);
	if (key == 'd') {
		r->dir = value;
		return STATUS_DONE;
	}
	return take_reason(r->self, value, &r->reason);
}

static enum status rollback_run(const struct command *self, int argc, char **argv)
{
	struct request r = { .self = self };
	enum status status;
	int first;

	if (!options_read(self, argc, argv, take_option, &r, &first, &status))
		return status;
	if (argc - first > 1)
		return usage_error(self, "one SERIAL at most");
	if (first < argc && !serial_parse(argv[first], &r.serial))
		return usage_error(self, "'%s' is no serial", argv[first]);
	r.dir = data_directory(r.dir);
	status = signing_begin(&r.signing, self, r.dir);
	if (!status)
		status = rollback(&r);
	signing_end(&r.signing);
	return status;
}

const struct command cmd_rollback = {
	.word = "rollback",
	.operands = "[SERIAL]",
	.summary = "publish an earlier generation again, under a new serial",
	.details = "Without SERIAL the one before what is published; once more goes one further "
		   "back.\n"
		   "Nothing is pruned.\n",
	.options =
		(const struct option_row[]){
			{ 'd', "dir", "DIR", "the data directory" },
			{ 256, "reason", "TEXT", "why, for the history" },
			SIGNING_OPTIONS,
			{ 0 },
		},
	.run = rollback_run,
};
