/* config_policy.c - the policy as a whole: what its rules, groups and files are together. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "config_parts.h"
#include "sinkhole/sha256.h"
#include "text.h"
#include "when.h"

const struct key_row geoip_keys[] = {
	{ "country", "a path", "a database of countries", KEY_TEXT, .set = key_set_string,
		.at = offsetof(struct geoip_config, country) },
	{ "asn", "a path", "a database of autonomous systems", KEY_TEXT, .set = key_set_string,
		.at = offsetof(struct geoip_config, asn) },
	{ 0 },
};

void policy_reading_begin(struct policy_reading *policy)
{
	*policy = (struct policy_reading){ 0 };
	if (!when_reproducible(&policy->now)) /* compile refuses that as wrong usage */
		policy->now = (int64_t)time(NULL);
}

void policy_reading_end(struct policy_reading *policy)
{
	struct client_file *files = policy->files.at;
	struct rule_reading *rules = policy->rules.at;

	for (size_t i = 0; i < policy->files.count; i++)
		free(files[i].path);
	for (size_t i = 0; i < policy->rules.count; i++)
		rule_end(&rules[i]);
	free(policy->clients.at);
	free(files);
	free(rules);
	free(policy->weeks.at);
}

/* --- geo files ------------------------------------------------------------------------------------------ */

/* The resolver has another working directory. */
static int make_absolute(const char *path, char out[PATH_MAX], struct sink_why *why)
{
	char dir[PATH_MAX] = "";

	if (path[0] != '/' && !getcwd(dir, sizeof dir))
		return sink_why(why, SINK_ESYNTAX,
			"the path of the working directory is not known");
	if (snprintf(out, PATH_MAX, "%s%s%s", dir, dir[0] ? "/" : "", path) >= PATH_MAX)
		return sink_why(why, SINK_ESYNTAX, "'%.60s...': the path is too long", path);
	return SINK_OK;
}

static int set_geo(struct reading *reading, const struct node *node, enum sink_geo_kind kind,
	char **said, struct sink_span *out)
{
	struct policy *policy = &reading->config->policy;
	struct sink_why why = { .text = "" };
	char path[PATH_MAX];

	if (!*said || !node)
		return SINK_OK;
	*said = path_join(reading, *said);
	if (!*said)
		return SINK_ENOMEM;
	if (make_absolute(*said, path, &why)) {
		node_wrong(reading, node, "%s", why.text);
		return SINK_OK;
	}
	if (reading->looks && !reading->is_for_policy) /* a change of policy is to be quick */
		geoip_look(reading, node, kind, path);
	file_check(reading, node, path, FILE_GEO);
	*out = sink_span_text(path);
	return policy_keep_span(policy, out);
}

/* --- what holds for all rules ------------------------------------------------------------------------------ */

static int set_key(struct policy *policy, const char *text)
{
	char digest[SINK_SHA256_TEXT], digits[3] = "";
	int err;

	if (!text)
		return SINK_OK;
	err = sink_sha256(sink_span_text(text), digest);
	for (size_t i = 0; i < sizeof policy->made.key && !err; i++) {
		memcpy(digits, digest + 2 * i, 2);
		policy->made.key[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return err;
}

static int set_head(struct reading *reading, const struct node *root)
{
	struct config *config = reading->config;
	const struct node *geoip = node_find(root, "geoip");
	int err = set_key(&config->policy, config->operator.canary_key);

	config->policy.made.error_option = config->operator.error_option;
	if (!err)
		err = set_geo(reading, node_find(geoip, "country"), SINK_GEO_COUNTRY,
			&config->geoip.country, &config->policy.made.geo_country);
	if (!err)
		err = set_geo(reading, node_find(geoip, "asn"), SINK_GEO_ASN, &config->geoip.asn,
			&config->policy.made.geo_asn);
	return err;
}

/* --- rules --------------------------------------------------------------------------------------------------- */

/* Keys that narrow a rule, besides match. */
static const char *const conditions[] = { "group", "client-country", "types", "schedule",
	"enforce" };

/* What the last rule lacks to be for all the rest; NULL: nothing. */
static const char *not_default(const struct node *rule)
{
	const struct node *match = node_find(rule, "match");

	if (!match || match->type != NODE_MAP)
		return NULL; /* it has been complained about */
	if (match->first)
		return "match";
	for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++)
		if (node_find(rule, conditions[i]))
			return conditions[i];
	return NULL;
}

static void check_default(struct reading *reading, const struct node *list)
{
	const struct node *last = list->first;
	const char *word;

	if (!last && !list->is_cut) {
		node_wrong(reading, list,
			"policy: no rule: the least is one for all, such as {rule: rest, match: "
			"{}, "
			"action: nxdomain}");
		return;
	}
	while (last && last->next)
		last = last->next;
	if (!last || list->is_cut || last->is_cut || last->type != NODE_MAP)
		return;
	word = not_default(last);
	if (word)
		node_wrong(reading, last,
			"the last rule must be for all that the others leave, such as {rule: rest, "
			"match: {}, action: nxdomain}, and this one has '%s'",
			word);
}

static int finish_rules(struct reading *reading)
{
	struct rule_reading *rules = reading->policy->rules.at;
	int err = SINK_OK;

	for (size_t i = 0; i < reading->policy->rules.count && !err; i++)
		if (rules[i].is_clean)
			err = rule_finish(&rules[i]);
	return err;
}

/* What is said never to apply is left out. */
static int build(struct reading *reading)
{
	struct policy *policy = &reading->config->policy;
	const struct rule_reading *rules = reading->policy->rules.at;
	const struct growing *weeks = &reading->policy->weeks;
	size_t count = reading->policy->rules.count;
	struct sink_rule *made = policy_keep(policy, NULL, count * sizeof *made);

	policy->made.schedules =
		policy_keep(policy, weeks->at, weeks->count * sizeof(struct sink_schedule));
	if (!made || !policy->made.schedules)
		return SINK_ENOMEM;
	policy->made.rules = made;
	policy->made.schedules_count = weeks->count;
	for (size_t i = 0; i < count; i++)
		if (!rules[i].is_never)
			made[policy->made.rules_count++] = rules[i].rule;
	policy->has_rules = true;
	return SINK_OK;
}

/* What only the whole shows. Who publishes nothing else than the policy is about to hear the same from the library. */
static int check_whole(struct reading *reading, const struct node *list)
{
	struct sink_why why = { .text = "" };
	uint8_t *bytes;
	size_t len;
	int err = sink_policy_encode(&reading->config->policy.made, &why, &bytes, &len);

	if (!err)
		free(bytes);
	else if (err != SINK_ENOMEM)
		node_wrong(reading, list, "policy: %s",
			why.text[0] ? why.text : sink_strerror(err));
	return err == SINK_ENOMEM ? err : SINK_OK;
}

int policy_finish(struct reading *reading, const struct node *root)
{
	const struct node *list = node_find(root, "policy");
	int err = set_head(reading, root);

	if (!err)
		err = groups_finish(reading);
	if (!err && list && list->type == NODE_LIST)
		check_default(reading, list);
	if (!err)
		err = finish_rules(reading);
	if (err || reading->problems.errors > 0 || reading->problems.no_memory)
		return err;
	policy_warn(reading, root);
	if (!list)
		return SINK_OK;
	err = build(reading);
	return err || reading->is_for_policy ? err : check_whole(reading, list);
}
