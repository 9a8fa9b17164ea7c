/* words.c - the words that users type for stored numbers. */
#include "sinkhole/policy.h"
#include "sinkhole/record.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static const char *const scopes[] = {
	[SINK_SCOPE_EXACT] = "exact",
	[SINK_SCOPE_SUBTREE] = "subtree",
	[SINK_SCOPE_BELOW] = "below",
};
_Static_assert(LENGTH(scopes) == SINK_SCOPE_COUNT, "a scope has no word");

static const char *const kinds[] = {
	[SINK_KIND_BLOCK] = "block",
	[SINK_KIND_ALLOW] = "allow",
	[SINK_KIND_IMPORTANT] = "important",
};
_Static_assert(LENGTH(kinds) == SINK_KIND_COUNT, "a kind has no word");

static const char *const severities[] = {
	[SINK_SEVERITY_NONE] = "none",
	[SINK_SEVERITY_LOW] = "low",
	[SINK_SEVERITY_MEDIUM] = "medium",
	[SINK_SEVERITY_HIGH] = "high",
	[SINK_SEVERITY_CRITICAL] = "critical",
};
_Static_assert(LENGTH(severities) == SINK_SEVERITY_COUNT, "a severity has no word");

static const char *const tlps[] = {
	[SINK_TLP_NONE] = "none",
	[SINK_TLP_CLEAR] = "clear",
	[SINK_TLP_GREEN] = "green",
	[SINK_TLP_AMBER] = "amber",
	[SINK_TLP_AMBER_STRICT] = "amber+strict",
	[SINK_TLP_RED] = "red",
};
_Static_assert(LENGTH(tlps) == SINK_TLP_COUNT, "a traffic light has no word");

static const char *const fields[] = {
	[SINK_FIELD_SOURCE] = "source",
	[SINK_FIELD_CATEGORY] = "category",
	[SINK_FIELD_ACTOR] = "actor",
	[SINK_FIELD_CAMPAIGN] = "campaign",
	[SINK_FIELD_LEGAL_BASIS] = "legal-basis",
	[SINK_FIELD_REFERENCE] = "reference",
	[SINK_FIELD_JURISDICTION] = "jurisdiction",
	[SINK_FIELD_TAG] = "tag",
};
_Static_assert(LENGTH(fields) == SINK_FIELD_COUNT, "a field has no word");

static const char *const triggers[] = {
	[SINK_TRIGGER_QNAME] = "qname",
	[SINK_TRIGGER_ANSWER] = "answer",
	[SINK_TRIGGER_CLIENT] = "client",
	[SINK_TRIGGER_NSNAME] = "ns-name",
	[SINK_TRIGGER_NSADDRESS] = "ns-address",
};
_Static_assert(LENGTH(triggers) == SINK_TRIGGER_COUNT, "a trigger has no word");

static const char *const hints[] = {
	[SINK_HINT_NONE] = "none",
	[SINK_HINT_NXDOMAIN] = "nxdomain",
	[SINK_HINT_NODATA] = "nodata",
	[SINK_HINT_REFUSED] = "refused",
	[SINK_HINT_DROP] = "drop",
	[SINK_HINT_TRUNCATE] = "truncate",
	[SINK_HINT_DATA] = "data",
	[SINK_HINT_STOP] = "stop",
};
_Static_assert(LENGTH(hints) == SINK_HINT_COUNT, "a hint has no word");

static const char *const actions[] = {
	[SINK_ACTION_NONE] = "none",
	[SINK_ACTION_PASS] = "pass",
	[SINK_ACTION_NXDOMAIN] = "nxdomain",
	[SINK_ACTION_NODATA] = "nodata",
	[SINK_ACTION_SINKHOLE] = "sinkhole",
	[SINK_ACTION_REFUSED] = "refused",
	[SINK_ACTION_DROP] = "drop",
	[SINK_ACTION_TRUNCATE] = "truncate",
	[SINK_ACTION_CNAME] = "cname",
	[SINK_ACTION_DATA] = "data",
	[SINK_ACTION_LISTED] = "listed",
	[SINK_ACTION_MONITOR] = "monitor",
};
_Static_assert(LENGTH(actions) == SINK_ACTION_COUNT, "an action has no word");

static const char *word(const char *const *words, size_t count, unsigned number)
{
	return number < count ? words[number] : "?";
}

const char *sink_scope_word(enum sink_scope scope)
{
	return word(scopes, LENGTH(scopes), (unsigned)scope);
}

const char *sink_kind_word(enum sink_kind kind)
{
	return word(kinds, LENGTH(kinds), (unsigned)kind);
}

const char *sink_severity_word(enum sink_severity severity)
{
	return word(severities, LENGTH(severities), (unsigned)severity);
}

const char *sink_tlp_word(enum sink_tlp tlp)
{
	return word(tlps, LENGTH(tlps), (unsigned)tlp);
}

const char *sink_field_word(enum sink_field field)
{
	return word(fields, LENGTH(fields), (unsigned)field);
}

const char *sink_trigger_word(enum sink_trigger trigger)
{
	return word(triggers, LENGTH(triggers), (unsigned)trigger);
}

const char *sink_hint_word(enum sink_hint hint)
{
	return word(hints, LENGTH(hints), (unsigned)hint);
}

const char *sink_action_word(enum sink_action action)
{
	return word(actions, LENGTH(actions), (unsigned)action);
}
