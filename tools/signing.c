/* signing.c - options of those who publish about signatures and expiry. */
#include "signing.h"

#include <string.h>
#include <sys/stat.h>

#include "quantity.h"
#include "say.h"
#include "signedby.h"

bool signing_is(int key)
{
	return key == OPT_SIGN || key == OPT_UNSIGNED || key == OPT_EXPIRES;
}

enum status signing_take(struct signing *s, const struct command *self, int key, const char *value)
{
	switch (key) {
	case OPT_SIGN:
		if (s->count == SINK_SIGNATURES_MAX)
			return usage_error(self, "--sign is given more than %d times",
				SINK_SIGNATURES_MAX);
		s->paths[s->count++] = value;
		break;
	case OPT_UNSIGNED:
		s->is_unsigned = true;
		break;
	case OPT_EXPIRES:
		if (!quantity_seconds(value, &s->lasts) || s->lasts == 0)
			return usage_error(self,
				"--expires is a time from 1s on, such as 12h or 30d, not '%s'",
				value);
		break;
	}
	return STATUS_DONE;
}

static enum status read_key(const char *path, struct sink_signer **out)
{
	struct sink_why why;
	struct stat st;
	int err = sink_signer_read(path, &why, out);

	if (err) {
		say("%s; nothing published", why.text);
		return err == SINK_ENOENT ? STATUS_SYSTEM : status_of(err);
	}
	if (stat(path, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)))
		say("'%s': others than its owner may use this secret key", path);
	return STATUS_DONE;
}

/* An oversight is told before a feed is read. Whoever publishes meanwhile is caught by the library. */
static enum status check_published(const char *dir)
{
	struct sink_manifest m;

	if (sink_store_manifest(dir, 0, NULL, &m) || m.signatures_count == 0)
		return STATUS_DONE;
	say("'%s': generation %llu, which is published, is %s; nothing published (--sign=KEY "
	    "signs; "
	    "--unsigned is for resolvers without a key)",
		dir, (unsigned long long)m.serial, signedby_text(&m).text);
	return STATUS_NO;
}

enum status signing_begin(struct signing *s, const struct command *self, const char *dir)
{
	enum status status = STATUS_DONE;

	if (s->count > 0 && s->is_unsigned)
		return usage_error(self, "--sign and --unsigned exclude each other");
	for (unsigned i = 0; i < s->count && !status; i++)
		status = read_key(s->paths[i], &s->signers[i]);
	if (status)
		return status;
	if (s->count == 2 &&
		memcmp(sink_signer_id(s->signers[0]), sink_signer_id(s->signers[1]),
			SINK_KEY_ID_LEN) == 0)
		return usage_error(self, "--sign is given the same key twice");
	return dir && s->count == 0 && !s->is_unsigned ? check_published(dir) : STATUS_DONE;
}

void signing_end(struct signing *s)
{
	for (unsigned i = 0; i < s->count; i++)
		sink_signer_free(s->signers[i]);
}

void signing_fill(const struct signing *s, struct sink_publish *what)
{
	what->signers = s->signers;
	what->signers_count = s->count;
	what->may_unsign = s->is_unsigned;
	if (s->lasts > 0)
		what->expires = what->time + s->lasts;
}
