/* policy_json.h - a policy as programs print it: with the keys of sinkhole.yaml. */
#ifndef TOOLS_POLICY_JSON_H
#define TOOLS_POLICY_JSON_H

#include "json.h"

/* {"rules": [...], "groups": [...], "schedules": [...], "geoip": {...}, "error-option": N}. Rules have the keys of
 * sinkhole.yaml that narrow them or say something; prefixes of clients are counted. */
json_t *json_policy(const struct sink_policy *policy);

/* One rule of it. */
json_t *json_rule(const struct sink_policy *policy, const struct sink_rule *rule);

/* What a blocked client gets, with the keys of a rule: "addresses", "cname", "data", "ttl", "ede", "ede-text", "error",
 * "soa". Nothing of it for actions without an answer. */
void json_add_form(json_t *out, enum sink_action action, const struct sink_form *form);

/* In words, in a line without its end: "ttl 10, ede 15". */
void put_form(FILE *to, enum sink_action action, const struct sink_form *form);

/* A rule in words, in one line without its end: "nxdomain, match category malware, group school". */
void put_rule(FILE *to, const struct sink_policy *policy, const struct sink_rule *rule);

#endif
