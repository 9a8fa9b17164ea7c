/* generation.c - opening what a manifest names, and sharing with the generation before what is the same. */
#include "generation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* A geo file as it was looked at before it was opened, to see that it is another one now, and what was said
 * of it. */
struct geo_stamp {
	char *path; /* NULL: no rule asks for such a file */
	int error; /* errno of stat(), or TRANSIENT; what follows is zero then */
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec modified, changed;
	struct sink_why why; /* why rules are neutral; empty: they are not */
};

#define TRANSIENT (-1) /* no errno: for want of memory, say; looks stale until it could be opened */

static const char *const asked_for[] = {
	[SINK_GEO_COUNTRY] = "countries",
	[SINK_GEO_ASN] = "autonomous systems",
};
_Static_assert(LENGTH(asked_for) == SINK_GEO_KINDS, "a kind of geo file has no word");

/* --- stamps --- */

static void take_stamp(const char *path, struct geo_stamp *out)
{
	struct stat st;

	if (stat(path, &st)) {
		out->error = errno;
		return;
	}
	out->dev = st.st_dev;
	out->ino = st.st_ino;
	out->size = st.st_size;
	out->modified = st.st_mtim;
	out->changed = st.st_ctim;
}

static bool is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_same_file(const struct geo_stamp *a, const struct geo_stamp *b)
{
	return a->error == b->error && a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
		is_same_time(a->modified, b->modified) && is_same_time(a->changed, b->changed);
}

/* Is it still what was opened? */
static bool is_fresh(const struct geo_stamp *stamp)
{
	struct geo_stamp now = { 0 };

	if (!stamp->path)
		return true;
	take_stamp(stamp->path, &now);
	return is_same_file(stamp, &now);
}

bool sink_generation_is_stale(const struct sink_generation *generation)
{
	if (!generation->stamps)
		return false;
	for (size_t kind = 0; kind < SINK_GEO_KINDS; kind++)
		if (!is_fresh(&generation->stamps[kind]))
			return true;
	return false;
}

static void free_stamps(struct geo_stamp *stamps)
{
	if (!stamps)
		return;
	for (size_t kind = 0; kind < SINK_GEO_KINDS; kind++)
		free(stamps[kind].path);
	free(stamps);
}

/* --- geo files --- */

/* What is being put together. */
struct opening {
	const struct sink_generation_options *options;
	struct sink_db *db;
	struct sink_policy *policy;
	struct sink_geo *geo[SINK_GEO_KINDS];
	struct geo_stamp *stamps;
};

/* Does a rule ask for this kind of file? */
static bool is_asked_for(const struct sink_policy *policy, enum sink_geo_kind kind)
{
	for (size_t i = 0; i < policy->rules_count; i++) {
		const struct sink_rule *rule = &policy->rules[i];

		if (kind == SINK_GEO_ASN && rule->answer_asns.count > 0)
			return true;
		if (kind == SINK_GEO_COUNTRY &&
			(rule->answer_countries.count > 0 || rule->client_countries.count > 0))
			return true;
	}
	return false;
}

static struct sink_span path_of(const struct sink_policy *policy, enum sink_geo_kind kind)
{
	return kind == SINK_GEO_COUNTRY ? policy->geo_country : policy->geo_asn;
}

/* The file as the generation before has opened it, or failed to, if it is the same. */
static const struct geo_stamp *opened_before(const struct opening *o, enum sink_geo_kind kind)
{
	const struct sink_generation *previous = o->options->previous;
	const struct geo_stamp *stamp = &o->stamps[kind], *before;

	if (!previous || !previous->stamps)
		return NULL;
	before = &previous->stamps[kind];
	return before->path && strcmp(before->path, stamp->path) == 0 && is_same_file(before, stamp)
		? before
		: NULL;
}

static void is_neutral(struct geo_stamp *stamp, enum sink_geo_kind kind, int err,
	const struct sink_why *why)
{
	sink_why(&stamp->why, err, "%s: rules that ask for %s are neutral", why->text,
		asked_for[kind]);
	if (err == SINK_ENOMEM || err == SINK_EIO)
		stamp->error = TRANSIENT;
}

static int open_file(struct opening *o, enum sink_geo_kind kind)
{
	struct geo_stamp *stamp = &o->stamps[kind];
	struct sink_why why;
	int err = sink_geo_open(stamp->path, kind, o->options->cancel, &why, &o->geo[kind]);

	if (err == SINK_ECANCELED)
		return err;
	if (err)
		is_neutral(stamp, kind, err, &why);
	else if (!sink_geo_has_ipv6(o->geo[kind]))
		sink_why(&stamp->why, SINK_OK,
			"%s: knows no IPv6 addresses: rules that ask for %s are neutral about "
			"those",
			stamp->path, asked_for[kind]);
	return SINK_OK;
}

static int open_geo(struct opening *o, enum sink_geo_kind kind)
{
	struct sink_span path = path_of(o->policy, kind);
	struct geo_stamp *stamp = &o->stamps[kind];
	const struct geo_stamp *before;
	int err = SINK_OK;

	if (path.len == 0 || !is_asked_for(o->policy, kind))
		return SINK_OK;
	stamp->path = strndup((const char *)path.at, path.len);
	if (!stamp->path)
		return SINK_ENOMEM;
	take_stamp(stamp->path, stamp);
	before = opened_before(o, kind);
	if (before) {
		stamp->why = before->why;
		if (o->options->previous->geo[kind])
			o->geo[kind] = sink_geo_share(o->options->previous->geo[kind]);
	} else {
		err = open_file(o, kind);
	}
	if (!err && stamp->why.text[0] && o->options->neutral)
		o->options->neutral(o->options->arg, stamp->why.text);
	return err;
}

static int open_geos(struct opening *o, struct sink_why *why)
{
	int err = SINK_OK;

	o->stamps = calloc(SINK_GEO_KINDS, sizeof *o->stamps);
	if (!o->stamps)
		err = SINK_ENOMEM;
	for (size_t kind = 0; !err && kind < SINK_GEO_KINDS; kind++)
		err = open_geo(o, (enum sink_geo_kind)kind);
	return err ? sink_why(why, err, "geo files: %s", sink_strerror(err)) : SINK_OK;
}

/* --- all of it --- */

/* An exemption is a rule in front of those of the policy's file. */
static bool has_policy_of(const struct sink_generation *a, const struct sink_generation *b)
{
	return a->manifest.policy_size > 0 && sink_is_same_policy(&a->manifest, &b->manifest) &&
		a->policy->rules_count == b->policy->rules_count;
}

bool sink_generation_has_geo_of(const struct sink_generation *a, const struct sink_generation *b)
{
	for (size_t kind = 0; kind < SINK_GEO_KINDS; kind++)
		if (a->geo[kind] != b->geo[kind])
			return false;
	return true;
}

bool sink_generation_has_rules_of(const struct sink_generation *a, const struct sink_generation *b)
{
	return has_policy_of(a, b) && sink_generation_has_geo_of(a, b) &&
		sink_is_same_pause(&a->manifest, &b->manifest);
}

static int open_db(struct opening *o, struct sink_why *why)
{
	const struct sink_generation_options *options = o->options;
	const struct sink_generation *previous = options->previous;
	const struct sink_manifest *manifest = options->manifest;
	struct sink_db *base;
	int err;

	/* One made of parts has a manifest of zeros, whose size is nobody's. */
	if (!previous || !sink_is_same_base(&previous->manifest, manifest))
		return sink_store_open(options->dir, manifest, options->map, options->cancel, why,
			&o->db);
	if (sink_is_same_delta(&previous->manifest, manifest)) {
		o->db = sink_db_share(previous->db);
		return SINK_OK;
	}
	base = sink_db_share(sink_db_lowest(previous->db));
	err = sink_store_open_delta(options->dir, manifest, base, options->map, options->cancel,
		why, &o->db);
	sink_db_close(base);
	return err;
}

static void drop(struct opening *o)
{
	for (size_t kind = 0; kind < SINK_GEO_KINDS; kind++)
		sink_geo_close(o->geo[kind]);
	sink_policy_free(o->policy);
	sink_db_close(o->db);
}

/* The policy first: it is small, and without it the rest is of no use. */
int sink_generation_open(const struct sink_generation_options *options, struct sink_why *why,
	struct sink_generation **out)
{
	struct opening o = { .options = options };
	struct sink_generation *generation;
	int err = sink_store_policy(options->dir, options->manifest, why, &o.policy);

	if (!err)
		err = open_db(&o, why);
	if (!err)
		err = open_geos(&o, why);
	if (err) {
		drop(&o);
	} else {
		err = generation_of(o.db, o.policy, o.geo, options->cancel,
			&generation); /* takes them all */
		if (err)
			sink_why(why, err, "generation %llu: %s",
				(unsigned long long)options->manifest->serial, sink_strerror(err));
	}
	if (err) {
		free_stamps(o.stamps);
		return err;
	}
	generation->manifest = *options->manifest;
	generation->stamps = o.stamps;
	*out = generation;
	return SINK_OK;
}

void sink_generation_close(struct sink_generation *generation)
{
	if (!generation)
		return;
	bound_free(generation->bound);
	for (size_t kind = 0; kind < SINK_GEO_KINDS; kind++)
		sink_geo_close(generation->geo[kind]);
	sink_policy_free(generation->policy);
	sink_db_close(generation->db);
	free_stamps(generation->stamps);
	free(generation);
}
