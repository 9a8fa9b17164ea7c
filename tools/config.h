/* config.h - sinkhole.yaml: what it says, checked. The only place that knows libyaml is config_tree.c. */
#ifndef TOOLS_CONFIG_H
#define TOOLS_CONFIG_H

#include "keys.h"
#include "policy.h"
#include "source.h"

#define CONFIG_CONTACTS_MAX 8
#define COMPACT_AT_DEFAULT 10000

struct operator_info {
	char *organization, *language; /* NULL: not said */
	char *contact[CONFIG_CONTACTS_MAX];
	size_t contacts;
	char *canary_key; /* of the hash that chooses clients for `enforce` */
	uint16_t error_option; /* EDNS option code of structured errors; 0: never */
};

struct geoip_config {
	char *country, *asn; /* paths; NULL: none */
};

/* A list of files, ended by count. */
struct path_list {
	char **at;
	size_t count, room;
};

struct guard_config {
	struct path_list protected; /* domains lists, besides the shipped one */
	struct path_list
		popular; /* any list that compile reads: domains, hosts, csv of rank and name */
	double max_change; /* per cent of a source's entries; negative: not judged */
	double max_errors; /* per cent of a source's lines that may be skipped as bad; negative: default */
};

struct config {
	char *path;
	struct operator_info operator;
	/* In the order of the file. Each has a name, and exactly one of path, url and command; no other two have
	 * the same name but those of one `path` with several, which stand beside each other with one
	 * config_line: to the guards they are one source. They must not be moved (source_init()). */
	struct source *sources;
	size_t count;
	struct guard_config guards;
	struct geoip_config geoip;
	struct policy policy; /* without rules where the configuration has none */
	char *cache; /* directory of what was fetched; NULL: default */
	char *fetch_user; /* whom the fetcher becomes if it begins as root; NULL: default */
	uint64_t compact_at; /* subjects changed over the base at which it is folded; 0: never */
};

/* Told of each thing that is wrong, in the order of lines; goes on to find them all.
 *
 * line, column  from 1; 0: it is about the file as a whole, which cannot be read
 * text     a sentence with what was meant, such as "unknown key 'catgory' (is 'category' meant?)";
 *          may hold anything that the file holds: print it with put_text() */
typedef void config_problem_fn(void *arg, const char *path, unsigned long line,
	unsigned long column, bool is_error, const char *text);

/* One: prints "PATH:LINE:COLUMN: error: TEXT" on stderr. */
config_problem_fn config_say;

/* Read and check a configuration. Paths in it are made relative to its directory, and looked for: one that is
 * not there is warned about, since a configuration may be checked on another machine, and feeds may come later; one that
 * is there and cannot be read, or not as what it is meant for, is an error.
 *
 * out      written when SINK_OK is returned; the caller ends it with config_end()
 * returns  SINK_OK (perhaps with warnings told); SINK_ESYNTAX (at least one error was told); SINK_ENOENT,
 *          SINK_EIO (errno; told, too); SINK_ENOMEM
 */
int config_read(const char *path, config_problem_fn *problem, void *arg, struct config *out);

/* The same for who wants its policy only: files of sources and guards are not looked for. */
int config_read_policy(const char *path, config_problem_fn *problem, void *arg, struct config *out);

/* The same of bytes in memory; nothing is looked for.
 *
 * path     where they would stand; for messages, and what paths are relative to
 * returns  as config_read()
 */
int config_read_bytes(struct sink_span bytes, const char *path, config_problem_fn *problem,
	void *arg, struct config *out);

/* Make a rule the only one of config->policy, with the structured errors that the operator's contacts allow.
 *
 * rule     copied; its texts are not
 * returns  SINK_OK; SINK_ENOMEM
 */
int config_set_rule(struct config *config, const struct sink_rule *rule);

/* All zero is fine. */
void config_end(struct config *config);

/* The rows of all keys, for tests of the manual. */
extern const struct key_row config_keys[];

#endif
