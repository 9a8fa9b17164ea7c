/* config_source.c - one member of sources: its keys are sourcekeys.c's; here is what they mean together. */
#include "config_parts.h"

#include <stdlib.h>

#include "sourcekeys.h"
#include "text.h"

/* --- room -------------------------------------------------------------------------------------------- */

/* How many struct source a member becomes: one a path. */
static size_t count_paths(const struct node *map)
{
	const struct node *path = node_find(map, "path");
	size_t count = 0;

	if (!path || path->type != NODE_LIST)
		return 1;
	for (const struct node *item = path->first; item; item = item->next)
		count++;
	return count > 0 ? count : 1;
}

int sources_prepare(struct reading *reading, const struct node *list)
{
	size_t count = 0;

	if (!list || list->type != NODE_LIST)
		return SINK_OK;
	for (const struct node *item = list->first; item; item = item->next) {
		size_t more = count_paths(item);

		if (count + more > ITEMS_MAX) {
			node_wrong(reading, item, "sources: more than %d of them and their paths",
				ITEMS_MAX);
			break;
		}
		count += more;
	}
	reading->room = count;
	reading->config->sources = calloc(count ? count : 1, sizeof *reading->config->sources);
	return reading->config->sources ? SINK_OK : SINK_ENOMEM;
}

/* --- where it comes from ------------------------------------------------------------------------------- */

static const char *const origins[] = { "path", "url", "command" };

static void check_origin(struct reading *reading, const struct node *map)
{
	const struct node *first = NULL;

	for (size_t i = 0; i < sizeof origins / sizeof origins[0]; i++) {
		const struct node *node = node_find(map, origins[i]);

		if (!node)
			continue;
		if (first)
			node_wrong(reading, node->key,
				"%s beside %s: a source has one of path, url and command",
				node->key->text, first->key->text);
		first = first ? first : node;
	}
	if (!first && !map->is_cut)
		node_wrong(reading, map,
			"where does it come from? one of path, url and command is missing");
}

/* Keys that say how something is fetched, without anything to fetch. */
static void check_fetch(struct reading *reading, const struct node *map,
	const struct source *source)
{
	const struct node *fetch = node_find(map, "fetch"), *url = node_find(map, "url");
	const struct node *token = node_find(map, "token-file");
	const struct node *refresh = node_find(map, "refresh");

	if (map->is_cut)
		return;
	if (fetch && !url)
		node_wrong(reading, fetch->key, "fetch is for a source with a url");
	if (token && !url)
		node_wrong(reading, token->key, "token-file is for a source with a url");
	if (refresh && node_find(map, "path"))
		node_warn(reading, refresh->key,
			"refresh has no effect: a path is read each time that compile is run");
	if (fetch && source->url && source->fetch != FETCH_URL &&
		text_starts(sink_span_text(source->url), "file:"))
		node_wrong(reading, url, "url: fetch: %s asks a server, https:// is wanted",
			fetch->text);
}

/* --- what it says ---------------------------------------------------------------------------------------- */

static bool is_pass(const struct node *action)
{
	return action->type == NODE_TEXT && text_is(node_text(action), "pass");
}

static bool is_true(const struct node *allow)
{
	return allow->type == NODE_TEXT &&
		(text_is(node_text(allow), "true") || text_is(node_text(allow), "yes"));
}

static void check_together(struct reading *reading, const struct node *map,
	const struct source *source)
{
	const struct node *allow = node_find(map, "allow"), *action = node_find(map, "action");
	const struct node *node;
	const char *blamed;
	struct sink_why why;

	if (allow && action && is_true(allow) != is_pass(action))
		node_wrong(reading, action, "action and allow contradict each other");
	if (source_check(source, &why, &blamed) == SINK_OK)
		return;
	node = node_find(map, blamed);
	node_wrong(reading, node ? node->key : map, "%s", why.text);
}

/* --- its paths ---------------------------------------------------------------------------------------------- */

static void join(struct reading *reading, char **path)
{
	if (!*path)
		return;
	*path = path_join(reading, *path);
	if (!*path)
		reading->problems.no_memory = true;
}

/* The same source, of another path. */
static void add_path(struct reading *reading, const struct source *source, const struct node *node)
{
	struct source *copy = &reading->config->sources[reading->config->count++];

	*copy = *source;
	attributes_over(&source->attributes, NULL, &copy->attributes);
	copy->url = copy->command = copy->token_file = NULL;
	copy->licence = source->licence ? strdup(source->licence) : NULL;
	copy->path = strdup(node->text);
	if (!copy->path || (source->licence && !copy->licence))
		reading->problems.no_memory = true;
	join(reading, &copy->path);
	if (copy->path)
		file_check(reading, node, copy->path, FILE_FEED);
}

static bool is_path(const struct node *node)
{
	return node->type == NODE_TEXT && node->len > 0 && !node_is_nothing(node);
}

static void read_paths(struct reading *reading, const struct node *map, struct source *source)
{
	const struct node *path = node_find(map, "path"), *item;
	const struct node *token = node_find(map, "token-file");

	join(reading, &source->path);
	join(reading, &source->token_file);
	if (source->token_file)
		file_check(reading, token, source->token_file, FILE_SECRET);
	if (!source->path)
		return;
	if (path->type != NODE_LIST) {
		file_check(reading, path, source->path, FILE_FEED);
		return;
	}
	for (item = path->first; !is_path(item);)
		item = item->next; /* there is one: source->path */
	file_check(reading, item, source->path, FILE_FEED);
	for (item = item->next; item; item = item->next)
		if (is_path(item) && reading->config->count < reading->room)
			add_path(reading, source, item);
}

void sources_item(struct reading *reading, const struct key_row *row, const struct node *map)
{
	struct config *config = reading->config;
	struct source *source;

	if (config->count + count_paths(map) > reading->room)
		return; /* told by sources_prepare() */
	source = &config->sources[config->count++];
	source_init(source);
	source->config_line = map->line;
	rows_read(reading, map, row->keys, source);
	check_origin(reading, map);
	check_fetch(reading, map, source);
	check_together(reading, map, source);
	read_paths(reading, map, source);
}
