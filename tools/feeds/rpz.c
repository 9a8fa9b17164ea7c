/* rpz.c - response policy zones: every trigger and every action that BIND, Knot Resolver, PowerDNS and
 * Unbound take. No directive makes us read another file. Authority: doc/FEEDS.md. */
#include <errno.h>
#include <stdlib.h>

#include "feed.h"
#include "localdata.h"
#include "owners.h"
#include "rpz_name.h"
#include "rr.h"
#include "stops.h"
#include "text.h"
#include "zone.h"

#define TTL_DEFAULT 3600 /* seconds, where the zone says nothing at all */

/* Where relative names belong while nobody has said what the zone is called. No zone is called so: a name
 * that ends with it was relative, and cannot be told. */
#define UNNAMED "\\000\\001unnamed"
#define UNNAMED_WIRE "\x09\x00\x01unnamed"

struct origin {
	struct sink_name name;
	char text[SINK_TEXT_MAX]; /* without the final dot */
	size_t len;
	bool is_named; /* a $ORIGIN or the SOA's owner says what it is */
	bool is_lost; /* the last $ORIGIN cannot be read: nobody knows where names belong */
};

struct rpz {
	const struct feed_out *out;
	struct owners *owners; /* of all names, to find out where wildcards end */
	int err_owners; /* what that failed with */
	struct origin origin;
	struct sink_name apex;
	bool has_apex;
	bool apex_is_known; /* something said so: what is outside is not ours */
	struct sink_name owner; /* of the last record, for those that begin with white space */
	bool has_owner;
	uint32_t ttl; /* of the record before, or $TTL */
	bool has_ttl_directive;
	struct attributes says; /* all but hint is empty */
	struct localdata data;
	struct rr_rdata rdata;
	uint8_t rr[RR_DATA_MAX];
};

/* --- names ------------------------------------------------------------------------------------------ */

/* Does it end with a dot that no backslash escapes? */
static bool is_absolute(struct sink_span text)
{
	size_t slashes = 0;

	if (text.len == 0 || text.at[text.len - 1] != '.')
		return false;
	while (slashes + 1 < text.len && text.at[text.len - 2 - slashes] == '\\')
		slashes++;
	return slashes % 2 == 0;
}

static enum feed_reason name_from_text(struct sink_span text, struct sink_name *out)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] >= 0x80)
			return FEED_IDNA; /* octets, to a server: not what was meant */
	if (text_find(text, '"') < text.len)
		return FEED_QUOTE;
	switch (sink_name_from_text(text, out)) {
	case SINK_OK:
		return FEED_TAKEN;
	case SINK_ETOOLONG:
		return FEED_NAME_LENGTH;
	default:
		return FEED_NOT_NAME;
	}
}

/* A name as zone files write it: absolute, relative to the origin, or "@". */
static enum feed_reason read_name(const struct origin *origin, struct sink_span text,
	struct sink_name *out)
{
	char whole[2 * SINK_TEXT_MAX];

	if (text_is(text, "@")) {
		*out = origin->name;
		return FEED_TAKEN;
	}
	if (is_absolute(text) || (origin->is_named && origin->name.labels == 0))
		return name_from_text(text, out);
	if (text.len >= SINK_TEXT_MAX)
		return FEED_NAME_LENGTH;
	memcpy(whole, text.at, text.len);
	whole[text.len] = '.';
	memcpy(whole + text.len + 1, origin->text, origin->len);
	return name_from_text(sink_span(whole, text.len + 1 + origin->len), out);
}

static void set_origin(struct origin *origin, const struct sink_name *name)
{
	origin->name = *name;
	sink_name_to_text(name, origin->text);
	origin->len = strlen(origin->text);
}

static bool is_same(const struct sink_name *a, const struct sink_name *b)
{
	return sink_span_equal(sink_name_key(a), sink_name_key(b));
}

static bool is_within(const struct sink_name *name, const struct sink_name *zone)
{
	return name->len >= zone->len && memcmp(name->key, zone->key, zone->len) == 0;
}

/* --- directives ------------------------------------------------------------------------------------- */

static enum feed_reason take_origin(struct rpz *z, struct sink_span value)
{
	struct sink_name name;
	enum feed_reason reason = read_name(&z->origin, value, &name);

	z->origin.is_lost = reason != FEED_TAKEN;
	if (reason)
		return reason;
	set_origin(&z->origin, &name);
	z->origin.is_named = z->origin.is_named || is_absolute(value);
	return FEED_TAKEN;
}

static enum feed_reason take_ttl(struct rpz *z, struct sink_span value)
{
	enum feed_reason reason = rr_ttl(value, &z->ttl);

	z->has_ttl_directive = z->has_ttl_directive || !reason;
	return reason;
}

static void take_directive(struct rpz *z, struct sink_span line)
{
	struct sink_span rest = line;
	struct sink_span word = rr_token(&rest), value = rr_token(&rest);
	struct sink_span after = rr_token(&rest);
	enum feed_reason reason;

	if (text_is_anycase(word, "$origin"))
		reason = after.len > 0 ? FEED_SYNTAX : take_origin(z, value);
	else if (text_is_anycase(word, "$ttl"))
		reason = after.len > 0 ? FEED_SYNTAX : take_ttl(z, value);
	else if (text_is_anycase(word, "$include") || text_is_anycase(word, "$generate"))
		reason = FEED_DIRECTIVE;
	else
		reason = FEED_SYNTAX;
	if (reason == FEED_DIRECTIVE) {
		z->has_owner = false; /* of which record, theirs or the one before? */
		feed_skip_detail(z->out, reason, text_after(word, 1), line);
	} else if (reason) {
		feed_skip(z->out, reason, line);
	}
}

/* --- records ---------------------------------------------------------------------------------------- */

/* Find the record's owner and remember it. */
static enum feed_reason take_owner(struct rpz *z, struct sink_span text)
{
	enum feed_reason reason;

	if (z->origin.is_lost)
		return FEED_OUT_OF_ZONE;
	if (text.len == 0)
		return z->has_owner ? FEED_TAKEN : FEED_SYNTAX;
	reason = read_name(&z->origin, text, &z->owner);
	z->has_owner = !reason;
	return reason;
}

/* The SOA says which zone this is; without one, the origin does; without either, all names are taken as if
 * they were relative to it. A server begins a zone file with the zone's name for an origin. */
static void find_apex(struct rpz *z, uint16_t type)
{
	bool is_soa = type == RR_TYPE_SOA;

	if (z->has_apex)
		return;
	z->has_apex = true;
	z->apex = is_soa ? z->owner : z->origin.name;
	z->apex_is_known = is_soa || z->origin.is_named;
	if (is_soa && !z->origin.is_named && !is_within(&z->owner, &z->origin.name)) {
		set_origin(&z->origin, &z->owner);
		z->origin.is_named = true;
	}
}

/* The owner without the apex.
 *
 * returns  FEED_TAKEN; FEED_OUT_OF_ZONE */
static enum feed_reason cut_apex(const struct rpz *z, struct sink_name *out)
{
	size_t apex = z->apex.len;

	if (!is_within(&z->owner, &z->apex)) {
		if (z->apex_is_known)
			return FEED_OUT_OF_ZONE;
		apex = 0; /* "example.com. CNAME ." in a zone that nobody names */
	}
	sink_name_from_key(sink_span(z->owner.key + apex, z->owner.len - apex), out);
	return FEED_TAKEN;
}

static void skip_type(const struct rpz *z, struct sink_span word, struct sink_span line)
{
	feed_skip_detail(z->out, FEED_RECORD_TYPE, word, line);
}

/* Remember a name; prefixes have no wildcards. */
static int note(struct rpz *z, const struct feed_entry *entry, uint8_t is)
{
	struct owner owner = { .tree = (uint8_t)entry->trigger, .is = is };

	if (sink_trigger_is_prefix(entry->trigger))
		return SINK_OK;
	owner.key = sink_name_key(&entry->name);
	z->err_owners = owners_add(z->owners, &owner);
	return z->err_owners;
}

static int tell(void *arg, const struct feed_entry *entry)
{
	struct rpz *z = arg;
	int err = note(z, entry,
		entry->scope == SINK_SCOPE_BELOW ? OWNER_HAS_WILDCARD : OWNER_IS_LISTED);

	return err ? err : z->out->entry(z->out->arg, entry);
}

static int emit(struct rpz *z, struct feed_entry *entry, enum sink_hint hint)
{
	z->says.record.hint = hint;
	entry->says = hint ? &z->says : NULL;
	return tell(z, entry);
}

static void pass_skip(void *arg, enum feed_reason reason, struct sink_span detail,
	struct sink_span what)
{
	const struct rpz *z = arg;

	z->out->skip(z->out->arg, reason, detail, what);
}

static void pass_item(void *arg, uint64_t number)
{
	const struct rpz *z = arg;

	z->out->item(z->out->arg, number);
}

static int tell_data(struct rpz *z, bool last)
{
	const struct feed_out out = {
		.entry = tell, .skip = pass_skip, .item = pass_item, .arg = z
	};

	return localdata_tell(&z->data, last, &out);
}

static int gather(struct rpz *z, const struct feed_entry *subject, uint64_t number, uint16_t type,
	struct sink_span rdata, struct sink_span line)
{
	size_t len = rr_data(type, z->ttl, rdata, z->rr);
	int err;

	if (len > SINK_BYTES_MAX) {
		z->out->item(z->out->arg, number);
		feed_skip(z->out, FEED_VALUE, line);
		return SINK_OK;
	}
	err = localdata_add(&z->data, subject, number, sink_span(z->rr, len), line);
	if (!err && localdata_is_full(&z->data))
		err = tell_data(z, false);
	return err;
}

static bool has_unnamed(struct sink_span wire)
{
	return wire.len > 0 &&
		memmem(wire.at, wire.len, UNNAMED_WIRE, sizeof UNNAMED_WIRE - 1) != NULL;
}

static void skip_action(const struct rpz *z, const struct sink_name *target, struct sink_span line)
{
	char text[SINK_TEXT_MAX];

	feed_skip_detail(z->out, FEED_ACTION, sink_span_text(sink_name_to_text(target, text)),
		line);
}

/* One record that is policy, and what it needs to be told. */
struct policy {
	const struct rr_head *head;
	const struct sink_name *owner; /* relative to the apex */
	struct feed_entry *entry;
	uint64_t number;
	struct sink_span line;
};

static void begin_item(const struct rpz *z, const struct policy *p)
{
	z->out->item(z->out->arg, p->number);
}

static enum feed_reason read_target(const struct rpz *z, struct sink_span rdata,
	struct sink_name *out)
{
	struct sink_span token = rr_token(&rdata);

	if (token.len == 0 || text_trim(rdata).len > 0)
		return FEED_SYNTAX;
	return read_name(&z->origin, token, out);
}

static int take_alias(struct rpz *z, const struct policy *p)
{
	static const enum sink_hint hints[] = {
		[RPZ_NXDOMAIN] = SINK_HINT_NXDOMAIN,
		[RPZ_NODATA] = SINK_HINT_NODATA,
		[RPZ_PASSTHRU] = SINK_HINT_NONE,
		[RPZ_DROP] = SINK_HINT_DROP,
		[RPZ_TCP_ONLY] = SINK_HINT_TRUNCATE,
	};
	uint8_t wire[SINK_WIRE_MAX];
	struct sink_name target;
	enum feed_reason reason = read_target(z, p->head->rdata, &target);
	enum rpz_action action = reason ? RPZ_UNKNOWN : rpz_action(&target, p->owner);
	size_t len = reason ? 0 : sink_name_to_wire(&target, wire);

	if (has_unnamed(sink_span(wire, len)) ||
		(!reason && rpz_is_undotted(&target, &z->origin.name)) ||
		(action == RPZ_DATA && is_same(&target, &z->owner)))
		action = RPZ_UNKNOWN;
	if (action == RPZ_DATA)
		return gather(z, p->entry, p->number, RR_TYPE_CNAME, sink_span(wire, len), p->line);
	begin_item(z, p);
	if (reason)
		feed_skip(z->out, reason, p->line);
	else if (action == RPZ_UNKNOWN)
		skip_action(z, &target, p->line);
	if (action == RPZ_UNKNOWN)
		return SINK_OK;
	if (action == RPZ_PASSTHRU)
		p->entry->kind = SINK_KIND_ALLOW;
	return emit(z, p->entry, hints[action]);
}

static int take_data(struct rpz *z, const struct policy *p)
{
	enum feed_reason reason =
		rr_rdata(p->head->type, p->head->rdata, &z->origin.name, &z->rdata);
	struct sink_span rdata = sink_span(z->rdata.bytes, z->rdata.len);

	if (!reason && has_unnamed(rdata))
		reason = FEED_VALUE;
	if (!reason)
		return gather(z, p->entry, p->number, p->head->type, rdata, p->line);
	begin_item(z, p);
	feed_skip(z->out, reason, p->line);
	return SINK_OK;
}

static void remember_ttl(struct rpz *z, uint32_t ttl)
{
	/* RFC 1035, 5.1: the last one stated; RFC 2308, 4: but for $TTL. The record's own goes first. */
	if (ttl != RR_TTL_NONE && !z->has_ttl_directive)
		z->ttl = ttl;
}

static int take_policy(struct rpz *z, const struct policy *p)
{
	uint32_t ttl = z->ttl;
	int err;

	if (p->head->ttl != RR_TTL_NONE)
		z->ttl = p->head->ttl;
	err = p->head->type == RR_TYPE_CNAME ? take_alias(z, p) : take_data(z, p);
	z->ttl = ttl;
	return err;
}

/* A record whose head and owner were read. */
static int take_record(struct rpz *z, const struct rr_head *head, uint64_t number,
	struct sink_span line)
{
	struct sink_name owner;
	struct feed_entry entry;
	struct policy policy = {
		.head = head, .owner = &owner, .entry = &entry, .number = number, .line = line
	};
	enum feed_reason reason, trigger = FEED_TRIGGER;
	bool is_soa = head->type == RR_TYPE_SOA, is_policy;
	int err;

	find_apex(z, head->type);
	remember_ttl(z, head->ttl);
	feed_entry_init(&entry);
	reason = cut_apex(z, &owner);
	is_policy = !reason && !rr_type_is_none_of_policy(head->type) && owner.labels > 0;
	if (!reason && owner.labels > 0)
		trigger = rpz_trigger(&owner, &entry);
	if (!trigger) { /* also if nothing comes of it: to a server the name exists */
		err = note(z, &entry, OWNER_EXISTS);
		if (err)
			return err;
	}
	if (is_policy && !trigger)
		return take_policy(z, &policy);
	if (is_policy)
		reason = trigger;
	begin_item(z, &policy);
	if (reason)
		feed_skip(z->out, reason, line);
	else if (owner.labels > 0 || (!is_soa && head->type != RR_TYPE_NS))
		skip_type(z, head->type_word, line);
	return SINK_OK;
}

static int take_line(struct rpz *z, uint64_t number, struct sink_span line)
{
	struct rr_head head;
	enum feed_reason reason = rr_head(line, &head);
	enum feed_reason owner = take_owner(z, head.owner);

	if (owner)
		reason = owner;
	if (!reason && head.class == RR_CLASS_IN)
		return take_record(z, &head, number, line);
	z->out->item(z->out->arg, number);
	if (reason == FEED_RECORD_TYPE)
		skip_type(z, head.type_word, line);
	else if (reason)
		feed_skip(z->out, reason, line);
	else
		skip_type(z, head.class_word, line);
	return SINK_OK;
}

static int take(struct rpz *z, const struct zone_record *record)
{
	struct sink_span line = record->text;

	if (!record->reason && line.at[0] != '$')
		return take_line(z, record->number, line);
	z->out->item(z->out->arg, record->number);
	if (!record->reason) {
		take_directive(z, line);
		return SINK_OK;
	}
	if (line.len > 0 && !text_is_space(line.at[0]))
		z->has_owner = false; /* what follows without an owner is not the earlier one's */
	feed_skip(z->out, record->reason, text_trim(line));
	return SINK_OK;
}

static int read_zone(struct rpz *z, struct zone *zone)
{
	struct zone_record record;
	int err;

	do {
		err = zone_next(zone, &record);
		if (!err)
			err = take(z, &record);
	} while (!err);
	return err == SINK_ENOENT ? tell_data(z, true) : err;
}

static int tell_stop(void *arg, uint8_t tree, struct sink_span key, enum sink_scope scope)
{
	struct rpz *z = arg;
	struct feed_entry entry;

	feed_entry_init(&entry);
	entry.trigger = (enum sink_trigger)tree;
	entry.scope = scope;
	sink_name_from_key(key, &entry.name);
	z->says.record.hint = SINK_HINT_STOP;
	entry.says = &z->says;
	return z->out->entry(z->out->arg, &entry);
}

static int tell_stops(struct rpz *z)
{
	if (owners_count(z->owners, OWNER_HAS_WILDCARD) == 0)
		return SINK_OK;
	z->err_owners = owners_finish(z->owners);
	if (z->err_owners)
		return z->err_owners;
	return stops_tell(z->owners, tell_stop, z);
}

static int rpz_document(const struct feed_document *document, const struct feed_out *out)
{
	struct rpz *z = calloc(1, sizeof *z);
	struct zone zone;
	struct sink_name unnamed;
	int err;

	if (!z)
		return SINK_ENOMEM;
	z->out = out;
	z->ttl = TTL_DEFAULT;
	attributes_init(&z->says);
	sink_name_from_text(sink_span_text(UNNAMED), &unnamed);
	set_origin(&z->origin, &unnamed);
	err = zone_begin(&zone, document->lines);
	if (!err)
		err = owners_begin(OWNERS_MEMORY, &z->owners);
	if (!err)
		err = read_zone(z, &zone);
	if (!err)
		err = tell_stops(z);
	if (z->err_owners == SINK_EIO)
		sink_why(document->why, SINK_EIO, "its names cannot be kept in $TMPDIR: %s",
			strerror(errno));
	zone_end(&zone);
	localdata_end(&z->data);
	owners_end(z->owners);
	free(z);
	return err;
}

/* --- recognition -------------------------------------------------------------------------------------- */

/* The last field of a line, without a comment. */
static struct sink_span last_field(struct sink_span line)
{
	struct sink_span field, last;

	line.len = text_find(line, ';');
	last = sink_span(line.at, 0);
	for (field = text_field(&line); field.len > 0; field = text_field(&line))
		last = field;
	return last;
}

/* An alias that is an action, or an owner below rpz-ip and its like. */
static bool is_policy_line(struct sink_span line)
{
	struct sink_span last = last_field(line), rest = line;
	struct sink_span owner = text_field(&rest), field;
	bool is_alias = false;

	for (field = text_field(&rest); field.len > 0; field = text_field(&rest))
		is_alias = is_alias || text_is_anycase(field, "cname");
	if (is_alias && (text_is(last, ".") || text_is(last, "*.") || text_starts(last, "rpz-")))
		return true;
	return text_has(owner, ".rpz-ip") || text_has(owner, ".rpz-client-ip") ||
		text_has(owner, ".rpz-ns");
}

/* "$TTL", "$ORIGIN", or a SOA record: what zone files begin with. */
static bool is_zone_header(struct sink_span line)
{
	struct sink_span rest = line, field;

	field = text_field(&rest);
	if (text_is_anycase(field, "$ttl") || text_is_anycase(field, "$origin"))
		return true;
	for (int i = 0; i < 3; i++) {
		field = text_field(&rest);
		if (text_is_anycase(field, "soa"))
			return text_field(&rest).len > 0;
	}
	return false;
}

/* The next line, without its comment. */
static struct sink_span cut_line(struct sink_span *sample, bool *is_cut_off)
{
	*is_cut_off = text_find(*sample, '\n') == sample->len;
	struct sink_span line = text_cut(sample, '\n');
	line.len = text_find(line, ';');
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* Either a zone's beginning and a line of policy in it, or nothing but lines of policy. */
static bool rpz_begins(struct sink_span sample)
{
	size_t content = 0, policy = 0;
	bool is_zone = false, is_cut_off;

	while (sample.len > 0) {
		struct sink_span line = cut_line(&sample, &is_cut_off);

		if (text_trim(line).len == 0 || (is_cut_off && content > 0))
			continue;
		if (content++ == 0)
			is_zone = is_zone_header(line);
		policy += is_policy_line(line);
		if (policy > 0 && is_zone)
			return true;
	}
	return policy > 0 && policy == content;
}

const struct feed_format feed_rpz = {
	.word = "rpz",
	.summary = "a response policy zone: all triggers and actions; no $INCLUDE, no $GENERATE",
	.scope = "exact (*.NAME: below)",
	.document = rpz_document,
	.begins = rpz_begins,
};
