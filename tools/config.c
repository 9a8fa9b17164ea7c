/* config.c - the file as a whole. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_parts.h"
#include "quantity.h"
#include "say.h"
#include "sinkhole/grow.h"
#include "sourcekeys.h"
#include "structured.h"
#include "text.h"

/* --- paths -------------------------------------------------------------------------------------------- */

/* The same for a path that begins at `at` of the text. */
static char *join_at(const struct reading *reading, char *text, size_t at)
{
	size_t dir = strlen(reading->dir), len = strlen(text) + 1;
	char *out;

	if (text[at] == '/' || dir == 0)
		return text;
	out = malloc(dir + len);
	if (out) {
		memcpy(out, text, at);
		memcpy(out + at, reading->dir, dir);
		memcpy(out + at + dir, text + at, len - at);
	}
	free(text);
	return out;
}

char *path_join(const struct reading *reading, char *path)
{
	return join_at(reading, path, 0);
}

/* A list of popular names is "[FORMAT:]PATH[,key=value...]", as compile --popular takes it. */
static char *list_join(const struct reading *reading, char *text)
{
	return join_at(reading, text, (size_t)((const char *)source_path_part(text).at - text));
}

/* The file that it names. */
static char *list_path(const char *text)
{
	struct sink_span part = source_path_part(text);
	char *path = malloc(part.len + 1), *to = path;

	for (size_t i = 0; path && i < part.len; i++)
		if (part.at[i] != '\\' || i + 1 == part.len || part.at[i + 1] != ',')
			*to++ = (char)part.at[i];
	if (path)
		*to = 0;
	return path;
}

static void judge_file(struct reading *reading, const struct node *node, const struct stat *st,
	enum file_kind kind)
{
	if (kind != FILE_FEED && S_ISDIR(st->st_mode))
		node_wrong(reading, node, "'%s': a directory, a file is wanted",
			shown(node_text(node)).text);
	else if (kind == FILE_SECRET && (st->st_mode & S_IROTH))
		node_warn(reading, node, "'%s': every user of this machine can read it",
			shown(node_text(node)).text);
}

void file_check(struct reading *reading, const struct node *node, const char *path,
	enum file_kind kind)
{
	static const char *const without[] = {
		[FILE_FEED] = " yet",
		[FILE_LIST] = ", and nothing can be compiled without it",
		[FILE_SECRET] = ", and nothing can be compiled without it",
		[FILE_GEO] = ": rules that ask where an address is do not apply without it",
	};
	struct stat st;

	if (!reading->looks || (reading->is_for_policy && kind != FILE_GEO))
		return;
	if (stat(path, &st) == 0 && access(path, R_OK) == 0)
		judge_file(reading, node, &st, kind);
	else if (errno == ENOENT || errno == ENOTDIR)
		node_warn(reading, node, "'%s': not there%s", shown(node_text(node)).text,
			without[kind]);
	else
		node_wrong(reading, node, "'%s': %s", shown(node_text(node)).text, strerror(errno));
}

static int set_paths(void *into, const struct key_value *value, struct sink_why *why)
{
	struct path_list *list = (struct path_list *)(void *)((uint8_t *)into + value->row->at);
	char **grown;
	int err = key_check_text(value, why);

	if (err)
		return err;
	grown = sink_grow(list->at, list->count, &list->room, sizeof *list->at);
	if (!grown)
		return SINK_ENOMEM;
	list->at = grown;
	list->at[list->count] = strdup(value->text);
	if (!list->at[list->count])
		return SINK_ENOMEM;
	list->count++;
	return SINK_OK;
}

/* The path that a node names, relative to the file's directory.
 *
 * part     takes it out of the node's text: strdup() if it is nothing but a path
 * returns  the caller frees it; NULL: the node names none, or no memory (noted in the reading's problems) */
static char *path_named(struct reading *reading, const struct node *node,
	char *(*part)(const char *text))
{
	char *path;

	if (node->type != NODE_TEXT || node->len == 0 || node->is_refused)
		return NULL;
	path = part(node->text);
	if (path)
		path = path_join(reading, path);
	if (!path)
		reading->problems.no_memory = true;
	return path;
}

static void look_for_list(struct reading *reading, const struct node *node, bool is_source)
{
	char *path = path_named(reading, node, is_source ? list_path : strdup);

	if (path)
		file_check(reading, node, path, FILE_LIST);
	free(path);
}

static void look_for_lists(struct reading *reading, const struct node *node, bool is_source)
{
	if (!node || !reading->looks)
		return;
	if (node->type == NODE_TEXT)
		look_for_list(reading, node, is_source);
	for (node = node->first; node; node = node->next)
		look_for_list(reading, node, is_source);
}

static void join_list(struct reading *reading, struct path_list *list,
	char *(*join)(const struct reading *reading, char *path))
{
	for (size_t i = 0; i < list->count; i++) {
		list->at[i] = join(reading, list->at[i]);
		reading->problems.no_memory |= !list->at[i];
	}
}

/* --- rows ---------------------------------------------------------------------------------------------- */

static bool has_scheme(const char *text, const char *scheme)
{
	size_t len = strlen(scheme);

	return strncmp(text, scheme, len) == 0 && text[len];
}

static int set_contact(void *into, const struct key_value *value, struct sink_why *why)
{
	struct operator_info *operator= into;

	if (key_check_text(value, why))
		return SINK_ESYNTAX;
	if (strchr(value->text, ' ') || !structured_is_text(sink_span_text(value->text)) ||
		(!has_scheme(value->text, "mailto:") && !has_scheme(value->text, "tel:") &&
			!has_scheme(value->text, "sips:") && !has_scheme(value->text, "https:")))
		return key_refuse(value, why);
	if (operator->contacts == CONFIG_CONTACTS_MAX)
		return sink_why(why, SINK_ESYNTAX, "contact: more than %d", CONFIG_CONTACTS_MAX);
	operator->contact[operator->contacts] = strdup(value->text);
	if (!operator->contact[operator->contacts])
		return SINK_ENOMEM;
	operator->contacts++;
	return SINK_OK;
}

/* The form of RFC 5646: subtags of one to eight letters and digits, the first of two to eight letters. */
static bool is_language(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t first = strspn(text, letters), len = 0;

	if (first < 2 || first > 8 || strlen(text) > 35)
		return false;
	for (text += first; *text; text += len) {
		if (*text++ != '-')
			return false;
		for (len = 0; text_is_digit((uint8_t)text[len]) ||
			(text[len] && strchr(letters, text[len]));
			len++)
			;
		if (len < 1 || len > 8)
			return false;
	}
	return true;
}

static int set_language(void *into, const struct key_value *value, struct sink_why *why)
{
	return is_language(value->text) ? key_set_string(into, value, why) : key_refuse(value, why);
}

static int set_user(void *into, const struct key_value *value, struct sink_why *why)
{
	static const char bytes[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t len = strspn(value->text, bytes);

	if (value->text[len] || len > 32 || value->text[0] == '-')
		return key_refuse(value, why);
	return key_set_string(into, value, why);
}

static int set_organization(void *into, const struct key_value *value, struct sink_why *why)
{
	if (!structured_is_text(sink_span_text(value->text)))
		return sink_why(why, SINK_ESYNTAX, "organization: a character that is none");
	return key_set_string(into, value, why);
}

static int set_error_option(void *into, const struct key_value *value, struct sink_why *why)
{
	struct operator_info *operator= into;
	uint64_t n;

	if (!quantity_count(value->text, &n) || n > UINT16_MAX)
		return key_refuse(value, why);
	operator->error_option =(uint16_t) n;
	return SINK_OK;
}

static int set_compact_at(void *into, const struct key_value *value, struct sink_why *why)
{
	struct config *config = into;

	return quantity_threshold(value->text, &config->compact_at) ? SINK_OK
								    : key_refuse(value, why);
}

static const struct key_row operator_keys[] = {
	{ "organization", KEY_WANTS_TEXT, "who runs the resolver", KEY_TEXT,
		.set = set_organization, .at = offsetof(struct operator_info, organization) },
	{ "contact", "a list of URIs, each mailto:, tel:, sips: or https:",
		"where those who were blocked can complain", KEY_TEXTS, .set = set_contact },
	{ "language", "a language tag such as en", "of texts for clients", KEY_TEXT,
		.set = set_language, .at = offsetof(struct operator_info, language) },
	{ "error-option", "0 to 65535", "EDNS option code of structured DNS errors; 0: send none",
		KEY_TEXT, .set = set_error_option },
	{ "canary-key", KEY_WANTS_TEXT, "chooses the clients of 'enforce'", KEY_TEXT,
		.set = key_set_string, .at = offsetof(struct operator_info, canary_key) },
	{ 0 },
};

static const struct key_row guard_keys[] = {
	{ "protected", "a list of files", "names and addresses that are never listed", KEY_TEXTS,
		.set = set_paths, .at = offsetof(struct guard_config, protected) },
	{ "popular", "a list of files", "names that hold back the source that lists them",
		KEY_TEXTS, .set = set_paths, .at = offsetof(struct guard_config, popular) },
	{ "max-change", KEY_WANTS_SHARE, "how much a source may grow or shrink", KEY_TEXT,
		.set = key_set_percent, .at = offsetof(struct guard_config, max_change) },
	{ "max-errors", KEY_WANTS_SHARE, "how many of a source's lines may be bad", KEY_TEXT,
		.set = key_set_percent, .at = offsetof(struct guard_config, max_errors) },
	{ 0 },
};

const struct key_row config_keys[] = {
	{ "operator", "a mapping such as {organization: Example ISP}", "who you are", KEY_MAP,
		.at = offsetof(struct config, operator), .keys = operator_keys },
	{ "sources", "a list of sources", "what is compiled", KEY_MAPS, .keys = source_keys,
		.item = sources_item },
	{ "guards", "a mapping of protected, popular, max-change and max-errors",
		"what may not happen", KEY_MAP, .at = offsetof(struct config, guards),
		.keys = guard_keys },
	{ "cache", "a directory", "what was fetched", KEY_TEXT, .set = key_set_string,
		.at = offsetof(struct config, cache) },
	{ "fetch-user", "the name of a user", "whom the fetcher becomes if root begins it",
		KEY_TEXT, .set = set_user, .at = offsetof(struct config, fetch_user) },
	{ "compact-at", "a number, or never", "changes over the base that are folded into it",
		KEY_TEXT, .set = set_compact_at },
	{ "groups", "a list of groups", "of clients", KEY_MAPS, .keys = group_keys,
		.item = groups_item },
	{ "geoip", "a mapping of country and asn", "where addresses are", KEY_MAP,
		.at = offsetof(struct config, geoip), .keys = geoip_keys },
	{ "policy", "a list of rules", "who gets what; the first rule that fits decides", KEY_MAPS,
		.keys = rule_keys, .item = rules_item },
	{ 0 },
};

/* --- the whole ------------------------------------------------------------------------------------------ */

size_t names_collect(struct reading *reading, const struct node *list, const char *key,
	const struct node *out[ITEMS_MAX])
{
	size_t count = 0, i;

	if (!list || list->type != NODE_LIST)
		return 0;
	for (const struct node *item = list->first; item && count < ITEMS_MAX; item = item->next) {
		const struct node *name = node_find(item, key);

		if (!name || name->type != NODE_TEXT || name->len == 0)
			continue;
		for (i = 0; i < count; i++)
			if (sink_span_equal(node_text(out[i]), node_text(name)))
				break;
		if (i < count)
			node_wrong(reading, name, "the %s '%s' is here twice, first in line %lu",
				key, shown(node_text(name)).text, out[i]->line);
		else
			out[count++] = name;
	}
	return count;
}

static int read_root(struct reading *reading)
{
	const struct node *root = reading->tree.root, *names[ITEMS_MAX];
	struct config *config = reading->config;
	int err;

	if (root->type != NODE_MAP) {
		node_wrong(reading, root,
			"a configuration is a mapping: 'sources:' in a line of its own begins it");
		return SINK_OK;
	}
	err = sources_prepare(reading, node_find(root, "sources"));
	if (err)
		return err;
	names_collect(reading, node_find(root, "sources"), "name", names);
	names_collect(reading, node_find(root, "policy"), "rule", names);
	reading->groups_count =
		names_collect(reading, node_find(root, "groups"), "name", reading->groups);
	rows_read(reading, root, config_keys, config);
	look_for_lists(reading, node_find(node_find(root, "guards"), "protected"), false);
	look_for_lists(reading, node_find(node_find(root, "guards"), "popular"), true);
	join_list(reading, &config->guards.protected, path_join);
	join_list(reading, &config->guards.popular, list_join);
	if (config->cache)
		config->cache = path_join(reading, config->cache);
	return policy_finish(reading, root);
}

static int read_tree(struct reading *reading, struct sink_span bytes)
{
	int err = tree_read(bytes, &reading->problems, &reading->tree);

	if (err)
		return err;
	if (reading->tree.root && !node_is_nothing(reading->tree.root))
		return read_root(reading);
	if (reading->problems.errors == 0)
		problems_add(&reading->problems, 1, 1, true, "there is nothing in it");
	return SINK_OK;
}

static int begin(struct reading *reading, const char *path, struct config *config)
{
	const char *slash = strrchr(path, '/');

	*config = (struct config){ .guards = { .max_change = -1, .max_errors = -1 },
		.compact_at = COMPACT_AT_DEFAULT };
	config->operator.error_option = SINK_ERROR_OPTION;
	policy_begin(&config->policy);
	reading->config = config;
	config->path = strdup(path);
	reading->dir = strndup(path, slash ? (size_t)(slash - path) + 1 : 0);
	return config->path && reading->dir ? SINK_OK : SINK_ENOMEM;
}

/* What of the files that it names is looked at. */
enum look { LOOK_NOWHERE, LOOK_POLICY, LOOK_EVERYWHERE };

static int read_bytes(struct sink_span bytes, const char *path, enum look look,
	config_problem_fn *problem, void *arg, struct config *out)
{
	struct reading reading = { .looks = look != LOOK_NOWHERE,
		.is_for_policy = look == LOOK_POLICY };
	struct policy_reading policy;
	struct config config;
	int err = begin(&reading, path, &config);

	policy_reading_begin(&policy);
	reading.policy = &policy;
	if (!err)
		err = read_tree(&reading, bytes);
	if (!err && reading.problems.no_memory)
		err = SINK_ENOMEM;
	if (!err && reading.problems.errors > 0)
		err = SINK_ESYNTAX;
	if (err != SINK_ENOMEM)
		problems_tell(&reading.problems, path, problem, arg);
	problems_end(&reading.problems);
	policy_reading_end(&policy);
	tree_end(&reading.tree);
	free(reading.dir);
	if (err)
		config_end(&config);
	else
		*out = config;
	return err;
}

int config_read_bytes(struct sink_span bytes, const char *path, config_problem_fn *problem,
	void *arg, struct config *out)
{
	return read_bytes(bytes, path, LOOK_NOWHERE, problem, arg, out);
}

/* Read a file, but not much more than may be in one. */
static int load(const char *path, uint8_t *at, size_t room, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int saved;
	ssize_t got = 1;

	if (fd < 0)
		return errno == ENOENT ? SINK_ENOENT : SINK_EIO;
	*len = 0;
	while (*len < room && got > 0) {
		got = read(fd, at + *len, room - *len);
		if (got > 0)
			*len += (size_t)got;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return got < 0 ? SINK_EIO : SINK_OK;
}

static int read_path(const char *path, enum look look, config_problem_fn *problem, void *arg,
	struct config *out)
{
	uint8_t *at = malloc(TREE_BYTES_MAX + 1);
	size_t len;
	int err;

	if (!at)
		return SINK_ENOMEM;
	err = load(path, at, TREE_BYTES_MAX + 1, &len);
	if (err) {
		int saved = errno;

		problem(arg, path, 0, 0, true, strerror(saved));
		errno = saved;
	} else {
		err = read_bytes(sink_span(at, len), path, look, problem, arg, out);
	}
	free(at);
	return err;
}

int config_read(const char *path, config_problem_fn *problem, void *arg, struct config *out)
{
	return read_path(path, LOOK_EVERYWHERE, problem, arg, out);
}

int config_read_policy(const char *path, config_problem_fn *problem, void *arg, struct config *out)
{
	return read_path(path, LOOK_POLICY, problem, arg, out);
}

static void end_list(struct path_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->at[i]);
	free(list->at);
}

void config_end(struct config *config)
{
	for (size_t i = 0; i < config->count; i++)
		source_end(&config->sources[i]);
	free(config->sources);
	for (size_t i = 0; i < config->operator.contacts; i++)
		free(config->operator.contact[i]);
	free(config->operator.organization);
	free(config->operator.language);
	free(config->operator.canary_key);
	free(config->geoip.country);
	free(config->geoip.asn);
	policy_end(&config->policy);
	end_list(&config->guards.protected);
	end_list(&config->guards.popular);
	free(config->cache);
	free(config->fetch_user);
	free(config->path);
	*config = (struct config){ 0 };
}

void config_say(void *arg, const char *path, unsigned long line, unsigned long column,
	bool is_error, const char *text)
{
	(void)arg;
	put_text(stderr, sink_span_text(path), strlen(path));
	if (line > 0)
		fprintf(stderr, ":%lu:%lu", line, column);
	fputs(is_error ? ": error: " : ": warning: ", stderr);
	put_text(stderr, sink_span_text(text), SINK_WHY_MAX);
	fputc('\n', stderr);
}
