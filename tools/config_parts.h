/* config_parts.h - what the files config*.c share: who reads which part. */
#ifndef TOOLS_CONFIG_PARTS_H
#define TOOLS_CONFIG_PARTS_H

#include "config_rows.h"
#include "schedule.h"
#include "sinkhole/geo.h"
#include "sinkhole/prefix.h"
#include "sinkhole/record.h"

/* config_source.c: sources. Room for all that the file may name is made before the first is read.
 *
 * returns  SINK_OK; SINK_ENOMEM */
int sources_prepare(struct reading *reading, const struct node *list);
void sources_item(struct reading *reading, const struct key_row *row, const struct node *map);

/* Make a path relative to the file's directory. Takes and returns memory; NULL: no memory, and the path is freed. */
char *path_join(const struct reading *reading, char *path);

/* Look for a file that the configuration names at `node`. */
enum file_kind { FILE_FEED, FILE_LIST, FILE_SECRET, FILE_GEO };
void file_check(struct reading *reading, const struct node *node, const char *path,
	enum file_kind kind);

/* --- policy ------------------------------------------------------------------------------------------ */

/* Have memory that is about to be written from one end to the other, in one call instead of by a fault for each page:
 * faults were the larger part of what a change of policy with 100,000 clients took. Where the system cannot, nothing
 * is lost.
 *
 * from, to   bytes from `at`
 */
void touch(void *at, size_t from, size_t to);

/* A list that grows, of whatever has `each` bytes.
 *
 * returns  SINK_OK; SINK_ENOMEM */
struct growing {
	void *at;
	size_t count, room;
};
int growing_add(struct growing *list, const void *item, size_t each);

#define FILES_MAX 1000 /* of prefixes, of all groups together */

/* A prefix of clients, and where it stands. */
struct client_prefix {
	struct sink_prefix prefix;
	uint16_t group; /* number among reading->groups */
	uint16_t file; /* 0: the configuration; else one more than the number of the file */
	uint32_t line, column;
};

/* A file of prefixes. */
struct client_file {
	char *path;
	const struct node *node; /* that names it */
};

/* A schedule that a rule has, by its text; rules may share one. */
struct week_text {
	struct schedule_week week;
	char zone[64];
	bool is_given;
};

/* One rule as it is being read. What is in lists becomes part of the policy when all is known. */
struct rule_reading {
	struct reading *reading;
	const struct node *map;
	struct sink_rule rule;
	struct growing texts[SINK_FIELD_COUNT]; /* struct sink_span */
	struct growing client_countries, answer_countries; /* uint16_t */
	struct growing answer_asns; /* uint32_t */
	struct growing types; /* uint16_t */
	bool are_types_excluded;
	struct growing data; /* struct record_reading */
	struct week_text schedule;
	char *justification;
	int sub_error; /* STRUCTURED_NONE */
	bool is_never; /* enforce: 0% */
	bool is_clean; /* nothing was wrong with it when it was read */
};

/* All of groups and policy, until it is built. */
struct policy_reading {
	struct growing clients; /* struct client_prefix */
	struct growing files; /* struct client_file */
	bool is_partial; /* files have not been looked at */
	size_t group; /* the one being read */
	struct growing rules; /* struct rule_reading */
	struct growing weeks; /* struct sink_schedule */
	int64_t now; /* seconds since 1970-01-01 UTC */
};

/* config_groups.c */
extern const struct key_row group_keys[];
void groups_item(struct reading *reading, const struct key_row *row, const struct node *map);
/* What they say together; and their part of the policy.
 *
 * returns  SINK_OK; SINK_ENOMEM */
int groups_finish(struct reading *reading);

/* config_match.c: which entries, and which answers. */
extern const struct key_row match_keys[];

/* config_rule.c: a rule as a whole. */
extern const struct key_row rule_keys[];
void rules_item(struct reading *reading, const struct key_row *row, const struct node *map);
/* Make what was read into rule->rule.
 *
 * returns  SINK_OK, perhaps with problems added; SINK_ENOMEM */
int rule_finish(struct rule_reading *rule);
void rule_end(struct rule_reading *rule);

/* For rows of match and of a rule: a country into the list of uint16_t that is `at` bytes in. */
int rule_set_country(void *into, const struct key_value *value, struct sink_why *why);

/* config_schedule.c */
extern const struct key_row schedule_keys[];
void schedule_check(struct rule_reading *rule);
/* Its number in the policy.
 *
 * returns  SINK_OK; SINK_ENOMEM */
int schedule_finish(struct rule_reading *rule);

/* config_form.c: what a blocked client gets. */
int form_set_action(void *into, const struct key_value *value, struct sink_why *why);
int form_set_a(void *into, const struct key_value *value, struct sink_why *why);
int form_set_aaaa(void *into, const struct key_value *value, struct sink_why *why);
int form_set_cname(void *into, const struct key_value *value, struct sink_why *why);
int form_set_data(void *into, const struct key_value *value, struct sink_why *why);
int form_set_ttl(void *into, const struct key_value *value, struct sink_why *why);
int form_set_ede(void *into, const struct key_value *value, struct sink_why *why);
int form_set_ede_text(void *into, const struct key_value *value, struct sink_why *why);
int form_set_sub_error(void *into, const struct key_value *value, struct sink_why *why);
int form_set_justification(void *into, const struct key_value *value, struct sink_why *why);
int form_set_soa(void *into, const struct key_value *value, struct sink_why *why);
void form_check(struct rule_reading *rule);
int form_finish(struct rule_reading *rule);

/* config_policy.c: the whole. */
extern const struct key_row geoip_keys[];
void policy_reading_begin(struct policy_reading *policy);
int policy_finish(struct reading *reading, const struct node *root);
void policy_reading_end(struct policy_reading *policy);

/* config_warn.c: rules that surprise. Only of a policy without errors. */
void policy_warn(struct reading *reading, const struct node *root);

/* config_geoip.c: open the file that a node names. */
void geoip_look(struct reading *reading, const struct node *node, enum sink_geo_kind kind,
	const char *path);

/* The names of a list's members, at most ITEMS_MAX; complains about those that are there twice. */
size_t names_collect(struct reading *reading, const struct node *list, const char *key,
	const struct node *out[ITEMS_MAX]);

#endif
