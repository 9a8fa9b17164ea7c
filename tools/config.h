/* config.h - sinkhole.yaml: what it says, checked. The only place that knows libyaml is config*.c. */
#ifndef TOOLS_CONFIG_H
#define TOOLS_CONFIG_H

#include "source.h"

#define CONFIG_CONTACTS_MAX 8

struct operator_info {
	char *organization, *language; /* NULL: not said */
	char *contact[CONFIG_CONTACTS_MAX];
	size_t contacts;
};

/* Lists of files, ended by count. */
struct path_list {
	char **at;
	size_t count;
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
	struct source *sources;
	size_t count;
	struct guard_config guards;
	char *cache; /* directory of what was fetched; NULL: default */
	char *fetch_user; /* whom the fetcher becomes if it begins as root; NULL: default */
};

/* Told of each thing that is wrong, in the order of lines; goes on to find them all.
 *
 * line, column  from 1
 * text     a sentence with what was meant, such as "unknown key 'catgory' (is 'category' meant?)" */
typedef void config_problem_fn(void *arg, const char *path, unsigned long line,
	unsigned long column, bool is_error, const char *text);

/* Read and check a configuration. Paths in it are made relative to its directory.
 *
 * out      written when SINK_OK is returned; the caller ends it with config_end()
 * returns  SINK_OK (perhaps with warnings told); SINK_ESYNTAX (at least one error was told); SINK_ENOENT,
 *          SINK_EIO (errno; told, too); SINK_ENOMEM
 */
int config_read(const char *path, config_problem_fn *problem, void *arg, struct config *out);

/* All zero is fine. */
void config_end(struct config *config);

#endif
